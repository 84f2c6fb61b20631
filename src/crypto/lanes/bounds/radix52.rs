//! Radix 2^52: no column overflows, and what comes out is right.

use curve25519_dalek::{Scalar, montgomery};
use proptest::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    super::{
        BASE_POINT, Factors, Products,
        edwards::edwards,
        field52::{field52, multiply_pairs, multiply_row},
        fractions::fractions,
        ladder::ladder,
        points::points,
    },
    Interval as V, LANES, Mask, add, and,
    curve::bounds_of_curve,
    from_lanes, hi, is_negative, is_set, is_zero, lo, lo_exact,
    number::Number,
    or, select, shl, shr, splat, sub, to_lanes, xor,
};

field52!(cfg(test));
fractions!(cfg(test));
ladder!(cfg(test));
edwards!(cfg(test));
points!(cfg(test));
bounds_of_curve!();

/// The largest that the last limb becomes, a little over 2^47.
const TOP: u64 = (1 << 47) + (1 << 13);

/// Every element that an operation may be given: above bit 52 there may be anything.
fn any() -> FieldElement {
    let limb = V::up_to(u64::MAX);
    FieldElement([limb, limb, limb, limb, V::up_to(TOP)])
}

/// Every product.
fn any_product() -> Product {
    any().times(&any())
}

#[test]
fn every_operation_gives_an_element_and_overflows_nowhere() {
    let any = any();
    let [product, square] = [any.times(&any), any.squared()];
    for columns in [product, square, any.as_product()] {
        assert!(are_any(&[columns.reduce()]));
        for other in [product, square, any.as_product()] {
            assert!(are_any(&[columns.plus(&other).reduce()]));
            assert!(are_any(&[columns.minus(&other).reduce()]));
        }
        assert!(are_any(&[columns.plus_multiple(A24, &any).reduce()]));
    }
    assert!(are_any(&[FieldElement::select(Mask::Either, &any, &any)]));
    assert!(are_any(&[FieldElement::small(1)]));
    assert!(are_any(&[FieldElement::from_words(&[V::up_to(u64::MAX >> 40); 4])]));
    for limb in any.canonical() {
        assert!(limb.is_within(V::up_to(LOW_52)));
    }
}

impl FieldElement {
    fn number(self) -> Number {
        let limbs = self.as_product().0.into_iter().zip([0, 52, 104, 156, 208]);
        Number::of_limbs(limbs.map(|(limb, exponent)| (limb.single(), exponent)))
    }
}

impl Product {
    fn number(self) -> Number {
        let columns = self.0.into_iter().zip([0, 52, 104, 156, 208]);
        Number::of_limbs(columns.map(|(column, exponent)| (column.single(), exponent)))
    }
}

/// Limbs that are likely at their bounds, with anything above them.
fn limbs() -> impl Strategy<Value = [u64; 5]> {
    let limb = |most: u64| prop_oneof![Just(0), Just(most), Just(most - 1), 0..=most];
    let dirty = prop_oneof![Just(0), Just(0xfff), 0..=0xfff_u64];
    let low = (limb(LOW_52), dirty).prop_map(|(limb, above)| limb | above << 52);
    ([low.clone(), low.clone(), low.clone(), low], limb(TOP))
        .prop_map(|([l0, l1, l2, l3], l4)| [l0, l1, l2, l3, l4])
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
        prop_assert_eq!(ab.plus(&bb).reduce().number(), xy.plus(yy));
        prop_assert_eq!(ab.minus(&bb).reduce().number(), xy.minus(yy));
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
        let limbs = [LOW_52 - 38 + above, LOW_52, LOW_52, LOW_52, LOW_47];
        let element = FieldElement(limbs.map(splat));
        let expected = Number::small(above).minus(Number::small(20));
        assert_eq!(element.to_words().map(V::single), expected.words());
        assert_eq!(element.is_zero() == Mask::Set, above == 20);
    }
}
