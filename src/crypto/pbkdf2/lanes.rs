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

use super::{
    chain::Chain,
    sha512::{K, LENGTH, ONE_BIT, scalar},
};

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
