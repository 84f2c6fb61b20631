//! One chain, whose rounds wait for each other: two words of the message schedule at once, and scalar rounds beside them.

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
