//! Radix 2^25.5: no column overflows, and what comes out is right.

use curve25519_dalek::{Scalar, montgomery};
use proptest::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    super::{
        BASE_POINT, Factors, Products,
        edwards::edwards,
        field25::{each_limb, field25},
        fractions::fractions,
        ladder::ladder,
        multiply25::{multiply25, sum_of_products},
        points::points,
    },
    Interval as V, LANES, Mask, add, align_stack, and,
    curve::bounds_of_curve,
    from_lanes, is_negative, is_set, is_zero, multiply, multiply_low,
    number::Number,
    or, select, shl, shr, splat, sub, to_lanes, xor,
};

field25!(cfg(test));
multiply25!(cfg(test));
fractions!(cfg(test));
ladder!(cfg(test));
edwards!(cfg(test));
points!(cfg(test));
bounds_of_curve!();

/// What an odd limb of a product is over 2^25 at most.
const OVER: u64 = 1 << 14;

/// Every product.
fn any_product() -> Product {
    let (even, odd) = (V::up_to(LOW_26), V::up_to(LOW_25 + OVER));
    Product([even, odd, even, odd, even, odd, even, odd, even, odd])
}

/// Every element that an operation may be given: three products added.
fn any() -> FieldElement {
    FieldElement(any_product().plus(&any_product()).plus(&any_product()).0)
}

#[test]
fn every_operation_gives_an_element_and_overflows_nowhere() {
    let any = any();
    let found =
        [any.times(&any), any.squared(), any.as_product(), any_product().plus_multiple(A24, &any)];
    assert!(found.iter().all(is_any_product));
    for sum in
        [any_product(), any_product().plus(&any_product()), any_product().minus(&any_product())]
    {
        assert!(are_any(&[sum.factor()]));
        assert!(are_any(&[sum.reduce()]));
    }
    assert!(are_any(&[FieldElement::select(Mask::Either, &any, &any)]));
    assert!(are_any(&[FieldElement::small(1)]));
    assert!(are_any(&[FieldElement::from_words(&[V::up_to(u64::MAX >> 13); 4])]));
    for limb in any.canonical() {
        assert!(limb.is_within(V::up_to(LOW_26)));
    }
}

impl FieldElement {
    fn number(self) -> Number {
        Product(self.0).number()
    }
}

impl Product {
    fn number(self) -> Number {
        let limbs = self.0.into_iter().zip(EXPONENTS);
        Number::of_limbs(limbs.map(|(limb, exponent)| (limb.single(), exponent)))
    }
}

const EXPONENTS: [u32; LIMBS] = [0, 26, 51, 77, 102, 128, 153, 179, 204, 230];

/// Limbs that are likely at their bounds.
fn limbs() -> impl Strategy<Value = [u64; LIMBS]> {
    let limb = |most: u64| prop_oneof![Just(0), Just(most), Just(most - 1), 0..=most];
    [(); LIMBS / 2].map(|()| (limb(3 * LOW_26), limb(3 * (LOW_25 + OVER)))).prop_map(|limbs| {
        let mut limbs = limbs.into_iter().flat_map(|(even, odd)| [even, odd]);
        [(); LIMBS].map(|()| limbs.next().expect("five pairs"))
    })
}

proptest! {
    #[test]
    fn every_operation_gives_the_right_value(a in limbs(), b in limbs()) {
        let (a, b) = (FieldElement(a.map(splat)), FieldElement(b.map(splat)));
        let (x, y) = (a.number(), b.number());
        let (xy, yy) = (x.times(y), y.times(y));
        let (ab, bb) = (a.times(&b), b.squared());
        prop_assert_eq!(ab.number(), xy);
        prop_assert_eq!(bb.number(), yy);
        prop_assert_eq!(ab.reduce().number(), xy);
        prop_assert_eq!(ab.plus(&bb).factor().number(), xy.plus(yy));
        prop_assert_eq!(ab.minus(&bb).factor().number(), xy.minus(yy));
        prop_assert_eq!(
            ab.plus_multiple(A24, &a).reduce().number(),
            xy.plus(x.times(Number::small(A24.into())))
        );
        prop_assert_eq!(a.to_words().map(V::single), x.words());
        prop_assert_eq!(FieldElement::from_words(&a.to_words()).number(), x);
        prop_assert_eq!(a.is_zero() == Mask::Set, x == Number::ZERO);
    }
}

#[test]
fn every_encoding_of_small_numbers_is_reduced() {
    for above in 0..39 {
        // 2^255 - 19 - 20 + above, by its limbs.
        let mut limbs = BITS.map(|bits| (1 << bits) - 1);
        limbs[0] = LOW_26 - 38 + above;
        let element = FieldElement(limbs.map(splat));
        let expected = Number::small(above).minus(Number::small(20));
        assert_eq!(element.to_words().map(V::single), expected.words());
        assert_eq!(element.is_zero() == Mask::Set, above == 20);
    }
}
