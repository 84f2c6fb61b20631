//! AVX2: four lanes.
//!
//! Inside functions that are compiled for these instructions, the intrinsics are safe.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_blendv_epi8,
    _mm256_cmpeq_epi64, _mm256_cmpgt_epi64, _mm256_extract_epi64, _mm256_mul_epu32,
    _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_sll_epi64,
    _mm256_srl_epi64, _mm256_sub_epi64, _mm256_xor_si256,
};

use zeroize::{Zeroize as _, Zeroizing};

use super::{
    Factors, Products,
    field25::{field25, sum_of_products},
    fractions::fractions,
    ladder::ladder,
};

const LANES: usize = 4;

type V = __m256i;
type Mask = __m256i;

/// The vector operations by their intrinsics.
macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty: $body:expr;)+) => {
        $(#[inline]
        #[target_feature(enable = "avx2")]
        fn $name($($argument: $type),*) -> $result {
            $body
        })+
    };
}

operations! {
    splat(number: u64) -> V: _mm256_set1_epi64x(number.cast_signed());
    add(a: V, b: V) -> V: _mm256_add_epi64(a, b);
    sub(a: V, b: V) -> V: _mm256_sub_epi64(a, b);
    and(a: V, b: V) -> V: _mm256_and_si256(a, b);
    or(a: V, b: V) -> V: _mm256_or_si256(a, b);
    xor(a: V, b: V) -> V: _mm256_xor_si256(a, b);
    shr(a: V, count: u32) -> V: _mm256_srl_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
    shl(a: V, count: u32) -> V: _mm256_sll_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
    multiply(a: V, b: V) -> V: _mm256_mul_epu32(a, b);
    select(mask: Mask, a: V, b: V) -> V: _mm256_blendv_epi8(a, b, mask);
    is_zero(a: V) -> Mask: _mm256_cmpeq_epi64(a, _mm256_setzero_si256());
    is_negative(a: V) -> Mask: _mm256_cmpgt_epi64(_mm256_setzero_si256(), a);
    from_lanes(lanes: &[u64; LANES]) -> V: {
        let [a, b, c, d] = lanes.map(u64::cast_signed);
        _mm256_set_epi64x(d, c, b, a)
    };
    to_lanes(a: V) -> [u64; LANES]: {
        [
            _mm256_extract_epi64::<0>(a),
            _mm256_extract_epi64::<1>(a),
            _mm256_extract_epi64::<2>(a),
            _mm256_extract_epi64::<3>(a),
        ]
        .map(i64::cast_unsigned)
    };
}

field25!(target_feature(enable = "avx2"));
fractions!(target_feature(enable = "avx2"));
ladder!(target_feature(enable = "avx2"));
