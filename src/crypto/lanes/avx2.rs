//! AVX2: four lanes.
//!
//! Inside functions that are compiled for these instructions, the intrinsics are safe.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_blendv_epi8, _mm256_cmpeq_epi64, _mm256_cmpgt_epi64, _mm256_extract_epi64,
    _mm256_movemask_epi8, _mm256_mul_epu32, _mm256_mullo_epi32, _mm256_or_si256,
    _mm256_permutevar8x32_epi32, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_sll_epi64, _mm256_srl_epi64, _mm256_sub_epi64, _mm256_xor_si256,
};

use zeroize::{Zeroize as _, Zeroizing};

use super::{
    Factors, Products,
    comb::comb,
    edwards::edwards,
    field25::{each_limb, field25},
    fractions::fractions,
    ladder::ladder,
    multiply25::{multiply25, sum_of_products},
    points::points,
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
    multiply_low(a: V, b: V) -> V: _mm256_mullo_epi32(a, b);
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
multiply25!(target_feature(enable = "avx2"));
fractions!(target_feature(enable = "avx2"));
ladder!(target_feature(enable = "avx2"));
edwards!(target_feature(enable = "avx2"));
comb!(target_feature(enable = "avx2"));
points!(target_feature(enable = "avx2"));

/// Whether the mask is set in any lane. Of public values alone.
#[target_feature(enable = "avx2")]
fn is_set(mask: Mask) -> bool {
    _mm256_movemask_epi8(mask) != 0
}

/// Sixteen entries of a table, which have 26 bits at most: two a lane.
#[target_feature(enable = "avx2")]
fn pack(entries: &[u64; 16]) -> [V; 2] {
    let pair = |at: usize| match entries.get(at..at + 2) {
        Some([low, high]) => low | high << 32,
        _ => 0,
    };
    [
        from_lanes(&[pair(0), pair(2), pair(4), pair(6)]),
        from_lanes(&[pair(8), pair(10), pair(12), pair(14)]),
    ]
}

/// The entry of this index; zero where the mask is set.
#[inline]
#[target_feature(enable = "avx2")]
fn look_up([low, high]: &[V; 2], index: V, is_none: Mask) -> V {
    let low = _mm256_permutevar8x32_epi32(*low, index);
    let high = _mm256_permutevar8x32_epi32(*high, index);
    // Bit 3 says which half. The high 32 bits of a lane found the first entry, and are cleared.
    let is_high = is_negative(shl(index, 60));
    and(_mm256_andnot_si256(is_none, select(is_high, low, high)), splat(u32::MAX.into()))
}

/// Makes the compiler align the stack of the function, which it cannot do later, when it finds that registers are spilled there: every
/// second one would then lie across two cache lines.
#[inline]
#[target_feature(enable = "avx2")]
fn align_stack() {
    std::hint::black_box(&mut splat(0));
}
