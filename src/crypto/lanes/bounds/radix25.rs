//! Radix 2^25.5: no column overflows, and what comes out is right.

use curve25519_dalek::montgomery;
use proptest::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    super::{
        Factors, Products,
        field25::{field25, sum_of_products},
        fractions::fractions,
        ladder::ladder,
    },
    Interval as V, LANES, Mask, add, align_stack, and, from_lanes, is_negative, is_zero, multiply,
    multiply_low,
    number::Number,
    or, select, shl, shr, splat, sub, to_lanes, xor,
};

field25!(cfg(test));
fractions!(cfg(test));
ladder!(cfg(test));

/// What an odd limb of a product is over 2^25 at most.
const OVER: u64 = 1 << 14;

/// Every product.
fn product() -> Product {
    let (even, odd) = (V::up_to(LOW_26), V::up_to(LOW_25 + OVER));
    Product([even, odd, even, odd, even, odd, even, odd, even, odd])
}

/// Every element that an operation may be given: three products added.
fn any() -> FieldElement {
    FieldElement(product().plus(&product()).plus(&product()).0)
}

fn is_product(found: &Product) -> bool {
    found.0.iter().zip(product().0).all(|(limb, any)| limb.is_within(any))
}

fn is_any(element: &FieldElement) -> bool {
    element.0.iter().zip(any().0).all(|(limb, any)| limb.is_within(any))
}

#[test]
fn every_operation_gives_an_element_and_overflows_nowhere() {
    let any = any();
    let found =
        [any.times(&any), any.squared(), any.as_product(), product().plus_multiple(A24, &any)];
    assert!(found.iter().all(is_product));
    for sum in [product(), product().plus(&product()), product().minus(&product())] {
        assert!(is_any(&sum.factor()));
        assert!(is_any(&sum.reduce()));
    }
    assert!(is_any(&FieldElement::select(Mask::Either, &any, &any)));
    assert!(is_any(&FieldElement::small(1)));
    assert!(is_any(&FieldElement::from_words(&[V::up_to(u64::MAX >> 13); 4])));
    for limb in any.canonical() {
        assert!(limb.is_within(V::up_to(LOW_26)));
    }
}

/// Whatever number of bits a scalar has, each finds what the one before left.
#[test]
fn a_step_of_the_ladder_leads_from_elements_to_elements() {
    let point = MontgomeryPoint { x_plus_z: any(), x_minus_z: any() };
    let first = Rung::first(&any());
    let later = Rung { doubled: point, added: point }.step(&any(), Mask::Either);
    for Rung { doubled, added } in [first, later] {
        for MontgomeryPoint { x_plus_z, x_minus_z } in [doubled, added] {
            assert!(is_any(&x_plus_z) && is_any(&x_minus_z));
        }
    }
    let Fraction { numerator, denominator } = point.u();
    assert!(is_any(&numerator) && is_any(&denominator));
}

#[test]
fn an_inversion_leads_from_elements_to_elements() {
    assert!(is_any(&any().product(&any())));
    assert!(is_any(&any().squared_times(1)));
    assert!(is_any(&any().invert()));
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

#[test]
fn an_inverse_is_one_and_the_inverse_of_zero_is_zero() {
    let element = FieldElement([3, LOW_25, 5, 0, LOW_26, 7, 0, 1, LOW_26, 9].map(splat));
    assert_eq!(element.product(&element.invert()).number(), Number::small(1));
    assert_eq!(FieldElement::small(0).invert().number(), Number::ZERO);
}

#[test]
fn one_lane_of_single_values_multiplies_as_x25519_does() {
    let (secret, point) = ([0x77; 32], [9; 32]);
    let expected = montgomery::MontgomeryPoint(point).mul_clamped(secret).0;
    let one_secret = Factors::OneSecret { secret: &secret, points: &[point; 2] };
    assert_eq!(*by_ladder(one_secret), [expected; 2]);
    let one_point = Factors::OnePoint { secrets: &[secret; 2], point: &point };
    assert_eq!(*by_ladder(one_point), [expected; 2]);
}
