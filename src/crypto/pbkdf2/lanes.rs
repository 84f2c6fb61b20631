//! SHA-512 for chains: one chain with its message schedule in vectors, and several chains in lanes.
//!
//! In a chain, the second half of each block is padding and known. Of one chain, two words of the schedule are computed at once in
//! 128 bits, beside the rounds, which stay in scalar registers. Of several chains, each lane holds the same word of another.
//!
//! There is one body for all registers. Inside functions that are compiled for these instructions, the intrinsics are safe, and the
//! compiler makes one rotation of two shifts where there is one.
//!
//! # Security
//!
//! No branch and no address depends on anything but the number of chains and of rounds. What outlives a function is wiped; what the
//! compiler keeps on the stack meanwhile is not.

use super::chain::Chain;

/// A step of SHA-512 on words or vectors of words: `$scheduled` is the word of the schedule plus the constant.
macro_rules! step {
    ($scheduled:expr, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let chosen = xor(and(xor($f, $g), $e), $g);
        let mixed = xor(xor(ror($e, 14), ror($e, 18)), ror($e, 41));
        $h = add(add($h, $scheduled), add(chosen, mixed));
        $d = add($d, $h);
        let majority = xor(and($a, $b), and(xor($a, $b), $c));
        let mixed = xor(xor(ror($a, 28), ror($a, 34)), ror($a, 39));
        $h = add($h, add(majority, mixed));
    };
}

/// Calls a macro with the numbers of all steps, eight by eight.
macro_rules! all_steps {
    ($eight:ident) => {
        $eight!(0 1 2 3 4 5 6 7);
        $eight!(8 9 10 11 12 13 14 15);
        $eight!(16 17 18 19 20 21 22 23);
        $eight!(24 25 26 27 28 29 30 31);
        $eight!(32 33 34 35 36 37 38 39);
        $eight!(40 41 42 43 44 45 46 47);
        $eight!(48 49 50 51 52 53 54 55);
        $eight!(56 57 58 59 60 61 62 63);
        $eight!(64 65 66 67 68 69 70 71);
        $eight!(72 73 74 75 76 77 78 79);
    };
}

/// The vector operations by their intrinsics, and what is made of them.
macro_rules! operations {
    ($features:literal: $($name:ident($($argument:ident: $type:ty),*) -> $result:ty: $body:expr;)+) => {
        $(#[inline]
        #[target_feature(enable = $features)]
        fn $name($($argument: $type),*) -> $result {
            $body
        })+

        #[inline]
        #[target_feature(enable = $features)]
        fn ror(a: V, count: u32) -> V {
            or(shr(a, count), shl(a, 64 - count))
        }

        /// What a word of the schedule takes from the words 15 and 2 before it.
        #[inline]
        #[target_feature(enable = $features)]
        fn sigmas(x: V, y: V) -> V {
            let x = xor(xor(ror(x, 1), ror(x, 8)), shr(x, 7));
            add(x, xor(xor(ror(y, 19), ror(y, 61)), shr(y, 6)))
        }
    };
}

/// Several chains at once.
macro_rules! chains_in_lanes {
    ($features:literal) => {
        #[allow(unused_assignments, reason = "the last steps have no schedule to go on with")]
        #[inline]
        #[target_feature(enable = $features)]
        fn compress(state: &[V; 8], message: &[V; 8]) -> [V; 8] {
            let zero = splat(0);
            let [m0, m1, m2, m3, m4, m5, m6, m7] = *message;
            let (one, length) = (splat(ONE_BIT), splat(LENGTH));
            let mut w = [
                m0, m1, m2, m3, m4, m5, m6, m7, one, zero, zero, zero, zero, zero, zero, length,
            ];
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            macro_rules! one {
                ($t:literal, $p:ident $q:ident $r:ident $s:ident $u:ident $v:ident $x:ident $y:ident) => {
                    let scheduled = add(w[$t % 16], splat(K[$t]));
                    if $t < 64 {
                        let sum = add(w[$t % 16], w[($t + 9) % 16]);
                        w[$t % 16] = add(sum, sigmas(w[($t + 1) % 16], w[($t + 14) % 16]));
                    }
                    step!(scheduled, $p $q $r $s $u $v $x $y);
                };
            }
            macro_rules! eight {
                ($t0:literal $t1:literal $t2:literal $t3:literal $t4:literal $t5:literal $t6:literal $t7:literal) => {
                    one!($t0, a b c d e f g h);
                    one!($t1, h a b c d e f g);
                    one!($t2, g h a b c d e f);
                    one!($t3, f g h a b c d e);
                    one!($t4, e f g h a b c d);
                    one!($t5, d e f g h a b c);
                    one!($t6, c d e f g h a b);
                    one!($t7, b c d e f g h a);
                };
            }
            all_steps!(eight);
            let [s0, s1, s2, s3, s4, s5, s6, s7] = *state;
            [
                add(s0, a), add(s1, b), add(s2, c), add(s3, d), add(s4, e), add(s5, f),
                add(s6, g), add(s7, h),
            ]
        }

        /// The same eight words of each chain, word by word.
        #[target_feature(enable = $features)]
        fn gather(chains: &[&mut Chain], part: fn(&Chain) -> &[u64; 8]) -> [V; 8] {
            let mut words = Zeroizing::new([[0; LANES]; 8]);
            for (lane, chain) in chains.iter().enumerate() {
                for (word, from) in words.iter_mut().zip(part(chain)) {
                    word.iter_mut().skip(lane).take(1).for_each(|to| *to = *from);
                }
            }
            let [a, b, c, d, e, f, g, h] = &*words;
            [
                from_lanes(a), from_lanes(b), from_lanes(c), from_lanes(d), from_lanes(e),
                from_lanes(f), from_lanes(g), from_lanes(h),
            ]
        }

        #[target_feature(enable = $features)]
        fn scatter(words: &[V; 8], chains: &mut [&mut Chain], part: fn(&mut Chain) -> &mut [u64; 8]) {
            for (at, word) in words.iter().enumerate() {
                let lanes = Zeroizing::new(to_lanes(*word));
                for (chain, from) in chains.iter_mut().zip(lanes.iter()) {
                    part(chain).iter_mut().skip(at).take(1).for_each(|to| *to = *from);
                }
            }
        }

        /// Runs so many rounds of up to as many chains as there are lanes.
        #[target_feature(enable = $features)]
        pub(in crate::crypto::pbkdf2) fn run(chains: &mut [&mut Chain], rounds: u32) {
            if let [chain] = chains {
                return one::run(chain, rounds);
            }
            let inner = Zeroizing::new(gather(chains, |chain| &chain.inner));
            let outer = Zeroizing::new(gather(chains, |chain| &chain.outer));
            let mut last = Zeroizing::new(gather(chains, |chain| &chain.last));
            let mut sum = Zeroizing::new(gather(chains, |chain| &chain.sum));
            for _ in 0..rounds {
                *last = compress(&inner, &last);
                *last = compress(&outer, &last);
                sum.iter_mut().zip(last.iter()).for_each(|(sum, word)| *sum = xor(*sum, *word));
            }
            scatter(&last, chains, |chain| &mut chain.last);
            scatter(&sum, chains, |chain| &mut chain.sum);
        }
    };
}

/// One chain: two words of the schedule at once, and scalar rounds.
macro_rules! one_chain {
    ($features:literal) => {
        mod one {
            use std::arch::x86_64::{
                __m128i, _mm_add_epi64, _mm_alignr_epi8, _mm_cvtsi32_si128, _mm_cvtsi128_si64,
                _mm_extract_epi64, _mm_or_si128, _mm_set_epi64x, _mm_sll_epi64, _mm_srl_epi64,
                _mm_xor_si128,
            };

            use super::super::{Chain, K, LENGTH, ONE_BIT, scalar};

            type V = __m128i;

            operations! {
                $features:
                add(a: V, b: V) -> V: _mm_add_epi64(a, b);
                or(a: V, b: V) -> V: _mm_or_si128(a, b);
                xor(a: V, b: V) -> V: _mm_xor_si128(a, b);
                shr(a: V, count: u32) -> V: _mm_srl_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
                shl(a: V, count: u32) -> V: _mm_sll_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
                pair(low: u64, high: u64) -> V: _mm_set_epi64x(high.cast_signed(), low.cast_signed());
            }

            #[allow(unused_assignments, reason = "the last steps have no schedule to go on with")]
            #[inline]
            #[target_feature(enable = $features)]
            fn compress(state: &[u64; 8], message: &[u64; 8]) -> [u64; 8] {
                let [m0, m1, m2, m3, m4, m5, m6, m7] = *message;
                let zero = pair(0, 0);
                let mut w = [
                    pair(m0, m1), pair(m2, m3), pair(m4, m5), pair(m6, m7), pair(ONE_BIT, 0), zero,
                    zero, pair(0, LENGTH),
                ];
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
                macro_rules! scalar_step {
                    ($word:expr, $p:ident $q:ident $r:ident $s:ident $u:ident $v:ident $x:ident $y:ident) => {{
                        use scalar::{add, and, ror, xor};
                        let word: u64 = $word;
                        step!(word, $p $q $r $s $u $v $x $y);
                    }};
                }
                macro_rules! two {
                    ($t:literal $t1:literal, $p:ident $q:ident $r:ident $s:ident $u:ident $v:ident $x:ident $y:ident) => {
                        let scheduled = add(w[$t / 2 % 8], pair(K[$t], K[$t1]));
                        if $t < 64 {
                            let next = _mm_alignr_epi8::<8>(w[($t / 2 + 1) % 8], w[$t / 2 % 8]);
                            let ninth = _mm_alignr_epi8::<8>(w[($t / 2 + 5) % 8], w[($t / 2 + 4) % 8]);
                            let sum = add(w[$t / 2 % 8], ninth);
                            w[$t / 2 % 8] = add(sum, sigmas(next, w[($t / 2 + 7) % 8]));
                        }
                        scalar_step!(_mm_cvtsi128_si64(scheduled).cast_unsigned(), $p $q $r $s $u $v $x $y);
                        scalar_step!(_mm_extract_epi64::<1>(scheduled).cast_unsigned(), $y $p $q $r $s $u $v $x);
                    };
                }
                macro_rules! eight {
                    ($t0:literal $t1:literal $t2:literal $t3:literal $t4:literal $t5:literal $t6:literal $t7:literal) => {
                        two!($t0 $t1, a b c d e f g h);
                        two!($t2 $t3, g h a b c d e f);
                        two!($t4 $t5, e f g h a b c d);
                        two!($t6 $t7, c d e f g h a b);
                    };
                }
                all_steps!(eight);
                let [s0, s1, s2, s3, s4, s5, s6, s7] = *state;
                use scalar::add as plus;
                [
                    plus(s0, a), plus(s1, b), plus(s2, c), plus(s3, d), plus(s4, e), plus(s5, f),
                    plus(s6, g), plus(s7, h),
                ]
            }

            #[target_feature(enable = $features)]
            pub(super) fn run(chain: &mut Chain, rounds: u32) {
                for _ in 0..rounds {
                    chain.last = compress(&chain.inner, &chain.last);
                    chain.last = compress(&chain.outer, &chain.last);
                    let Chain { last, sum, .. } = chain;
                    sum.iter_mut().zip(last).for_each(|(sum, word)| *sum ^= *word);
                }
            }
        }
    };
}

/// The operations on one word.
mod scalar {
    #[inline(always)]
    pub(super) fn add(a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }

    #[inline(always)]
    pub(super) fn and(a: u64, b: u64) -> u64 {
        a & b
    }

    #[inline(always)]
    pub(super) fn xor(a: u64, b: u64) -> u64 {
        a ^ b
    }

    #[inline(always)]
    pub(super) fn ror(a: u64, count: u32) -> u64 {
        a.rotate_right(count)
    }
}

/// AVX-512: eight lanes.
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm_cvtsi32_si128, _mm256_extract_epi64, _mm512_add_epi64, _mm512_and_si512,
        _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_or_si512, _mm512_set_epi64,
        _mm512_set1_epi64, _mm512_sll_epi64, _mm512_srl_epi64, _mm512_xor_si512,
    };

    use zeroize::Zeroizing;

    use super::{Chain, K, LENGTH, ONE_BIT};

    pub(in crate::crypto::pbkdf2) const LANES: usize = 8;

    type V = __m512i;

    operations! {
        "avx512f,avx512dq,avx512vl,bmi1,bmi2":
        splat(number: u64) -> V: _mm512_set1_epi64(number.cast_signed());
        add(a: V, b: V) -> V: _mm512_add_epi64(a, b);
        and(a: V, b: V) -> V: _mm512_and_si512(a, b);
        or(a: V, b: V) -> V: _mm512_or_si512(a, b);
        xor(a: V, b: V) -> V: _mm512_xor_si512(a, b);
        shr(a: V, count: u32) -> V: _mm512_srl_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        shl(a: V, count: u32) -> V: _mm512_sll_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        from_lanes(lanes: &[u64; LANES]) -> V: {
            let [a, b, c, d, e, f, g, h] = lanes.map(u64::cast_signed);
            _mm512_set_epi64(h, g, f, e, d, c, b, a)
        };
        to_lanes(a: V) -> [u64; LANES]: {
            let (low, high) = (_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64::<1>(a));
            [
                _mm256_extract_epi64::<0>(low),
                _mm256_extract_epi64::<1>(low),
                _mm256_extract_epi64::<2>(low),
                _mm256_extract_epi64::<3>(low),
                _mm256_extract_epi64::<0>(high),
                _mm256_extract_epi64::<1>(high),
                _mm256_extract_epi64::<2>(high),
                _mm256_extract_epi64::<3>(high),
            ]
            .map(i64::cast_unsigned)
        };
    }
    chains_in_lanes!("avx512f,avx512dq,avx512vl,bmi1,bmi2");
    one_chain!("avx512f,avx512dq,avx512vl,bmi1,bmi2");
}

/// AVX2: four lanes.
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_cvtsi32_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_extract_epi64,
        _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_sll_epi64, _mm256_srl_epi64,
        _mm256_xor_si256,
    };

    use zeroize::Zeroizing;

    use super::{Chain, K, LENGTH, ONE_BIT};

    pub(in crate::crypto::pbkdf2) const LANES: usize = 4;

    type V = __m256i;

    operations! {
        "avx2,bmi1,bmi2":
        splat(number: u64) -> V: _mm256_set1_epi64x(number.cast_signed());
        add(a: V, b: V) -> V: _mm256_add_epi64(a, b);
        and(a: V, b: V) -> V: _mm256_and_si256(a, b);
        or(a: V, b: V) -> V: _mm256_or_si256(a, b);
        xor(a: V, b: V) -> V: _mm256_xor_si256(a, b);
        shr(a: V, count: u32) -> V: _mm256_srl_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        shl(a: V, count: u32) -> V: _mm256_sll_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        from_lanes(lanes: &[u64; LANES]) -> V: {
            let [a, b, c, d] = lanes.map(u64::cast_signed);
            _mm256_set_epi64x(d, c, b, a)
        };
        to_lanes(a: V) -> [u64; LANES]: [
            _mm256_extract_epi64::<0>(a),
            _mm256_extract_epi64::<1>(a),
            _mm256_extract_epi64::<2>(a),
            _mm256_extract_epi64::<3>(a),
        ]
        .map(i64::cast_unsigned);
    }
    chains_in_lanes!("avx2,bmi1,bmi2");
    one_chain!("avx2,bmi1,bmi2");
}

/// The padding of a message of 192 bytes, the block of the key included: a bit, and the length in bits.
const ONE_BIT: u64 = 1 << 63;
const LENGTH: u64 = 1536;

/// The constants of SHA-512 ([FIPS 180-4](https://doi.org/10.6028/NIST.FIPS.180-4), section 4.2.3).
static K: [u64; 80] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];
