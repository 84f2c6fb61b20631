//! AVX-512 IFMA: eight lanes in 512 bits, and four in 256 for what is too little for eight.
//!
//! Inside functions that are compiled for these instructions, the intrinsics are safe.

use super::{Factors, Products};

/// The vector operations by their intrinsics, and the arithmetic out of them.
macro_rules! lanes_of_ifma {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?: $body:expr;)+) => {
        $(#[inline]
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl")]
        fn $name($($argument: $type),*) $(-> $result)? {
            $body
        })+

        /// As [`lo`], where the product has no more than 52 bits.
        #[inline]
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl")]
        fn lo_exact(c: V, a: V, b: V) -> V {
            lo(c, a, b)
        }

        field52!(target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl"));
        fractions!(target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl"));
        ladder!(target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl"));
    };
}

/// The multiples of points, in eight lanes, or in four if there are no more.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl")]
pub(super) fn by_ladder(factors: Factors<'_>) -> Products {
    if factors.len() > four::LANES { eight::by_ladder(factors) } else { four::by_ladder(factors) }
}

pub(super) mod eight {
    use std::arch::x86_64::{
        __m512i, __mmask8, _mm_cvtsi32_si128, _mm256_extract_epi64, _mm512_add_epi64,
        _mm512_and_si512, _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_madd52hi_epu64,
        _mm512_madd52lo_epu64, _mm512_mask_blend_epi64, _mm512_maskz_permutex2var_epi64,
        _mm512_movepi64_mask, _mm512_or_si512, _mm512_set_epi64, _mm512_set1_epi64,
        _mm512_sll_epi64, _mm512_srl_epi64, _mm512_sub_epi64, _mm512_testn_epi64_mask,
        _mm512_xor_si512,
    };

    use zeroize::{Zeroize as _, Zeroizing};

    use super::super::{
        Factors, Products,
        comb::comb,
        edwards::edwards,
        field52::{field52, multiply_pairs, multiply_row},
        fractions::fractions,
        ladder::ladder,
        points::points,
    };

    const LANES: usize = 8;

    type V = __m512i;
    type Mask = __mmask8;

    lanes_of_ifma! {
        splat(number: u64) -> V: _mm512_set1_epi64(number.cast_signed());
        add(a: V, b: V) -> V: _mm512_add_epi64(a, b);
        sub(a: V, b: V) -> V: _mm512_sub_epi64(a, b);
        and(a: V, b: V) -> V: _mm512_and_si512(a, b);
        or(a: V, b: V) -> V: _mm512_or_si512(a, b);
        xor(a: V, b: V) -> V: _mm512_xor_si512(a, b);
        shr(a: V, count: u32) -> V: _mm512_srl_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        shl(a: V, count: u32) -> V: _mm512_sll_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        lo(c: V, a: V, b: V) -> V: _mm512_madd52lo_epu64(c, a, b);
        hi(c: V, a: V, b: V) -> V: _mm512_madd52hi_epu64(c, a, b);
        select(mask: Mask, a: V, b: V) -> V: _mm512_mask_blend_epi64(mask, a, b);
        is_zero(a: V) -> Mask: _mm512_testn_epi64_mask(a, a);
        is_negative(a: V) -> Mask: _mm512_movepi64_mask(a);
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

    edwards!(target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl"));
    comb!(target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl"));
    points!(target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl"));

    /// Whether the mask is set in any lane. Of public values alone.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl")]
    fn is_set(mask: Mask) -> bool {
        mask != 0
    }

    /// Sixteen entries of a table.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl")]
    fn pack(entries: &[u64; 16]) -> [V; 2] {
        let (parts, _) = entries.as_chunks();
        let mut packed = [splat(0); 2];
        for (to, part) in packed.iter_mut().zip(parts) {
            *to = from_lanes(part);
        }
        packed
    }

    /// The entry of this index; zero where the mask is set.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vl")]
    fn look_up([low, high]: &[V; 2], index: V, is_none: Mask) -> V {
        _mm512_maskz_permutex2var_epi64(!is_none, *low, index, *high)
    }
}

mod four {
    use std::arch::x86_64::{
        __m256i, __mmask8, _mm_cvtsi32_si128, _mm256_add_epi64, _mm256_and_si256,
        _mm256_extract_epi64, _mm256_madd52hi_epu64, _mm256_madd52lo_epu64,
        _mm256_mask_blend_epi64, _mm256_movepi64_mask, _mm256_or_si256, _mm256_set_epi64x,
        _mm256_set1_epi64x, _mm256_sll_epi64, _mm256_srl_epi64, _mm256_sub_epi64,
        _mm256_testn_epi64_mask, _mm256_xor_si256,
    };

    use zeroize::{Zeroize as _, Zeroizing};

    use super::super::{
        Factors, Products,
        field52::{field52, multiply_pairs, multiply_row},
        fractions::fractions,
        ladder::ladder,
    };

    pub(super) const LANES: usize = 4;

    type V = __m256i;
    type Mask = __mmask8;

    lanes_of_ifma! {
        splat(number: u64) -> V: _mm256_set1_epi64x(number.cast_signed());
        add(a: V, b: V) -> V: _mm256_add_epi64(a, b);
        sub(a: V, b: V) -> V: _mm256_sub_epi64(a, b);
        and(a: V, b: V) -> V: _mm256_and_si256(a, b);
        or(a: V, b: V) -> V: _mm256_or_si256(a, b);
        xor(a: V, b: V) -> V: _mm256_xor_si256(a, b);
        shr(a: V, count: u32) -> V: _mm256_srl_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        shl(a: V, count: u32) -> V: _mm256_sll_epi64(a, _mm_cvtsi32_si128(count.cast_signed()));
        lo(c: V, a: V, b: V) -> V: _mm256_madd52lo_epu64(c, a, b);
        hi(c: V, a: V, b: V) -> V: _mm256_madd52hi_epu64(c, a, b);
        select(mask: Mask, a: V, b: V) -> V: _mm256_mask_blend_epi64(mask, a, b);
        is_zero(a: V) -> Mask: _mm256_testn_epi64_mask(a, a);
        is_negative(a: V) -> Mask: _mm256_movepi64_mask(a);
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
}
