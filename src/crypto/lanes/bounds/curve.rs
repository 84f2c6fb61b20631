//! What holds for the curve in either radix.

/// Makes the tests out of a field, its curve, and of what it calls any element and any product.
macro_rules! bounds_of_curve {
    () => {
        fn are_any(elements: &[FieldElement]) -> bool {
            elements
                .iter()
                .all(|element| element.0.iter().zip(any().0).all(|(limb, any)| limb.is_within(any)))
        }

        fn is_any_product(product: &Product) -> bool {
            product.0.iter().zip(any_product().0).all(|(column, any)| column.is_within(any))
        }

        /// Whatever number of bits a scalar has, each finds what the one before left.
        #[test]
        fn a_step_of_the_ladder_leads_from_elements_to_elements() {
            let point = MontgomeryPoint { x_plus_z: any(), x_minus_z: any() };
            let first = Rung::first(&any());
            let later = Rung { doubled: point, added: point }.step(&any(), Mask::Either);
            for Rung { doubled, added } in [first, later] {
                for MontgomeryPoint { x_plus_z, x_minus_z } in [doubled, added] {
                    assert!(are_any(&[x_plus_z, x_minus_z]));
                }
            }
            let Fraction { numerator, denominator } = point.u();
            assert!(are_any(&[numerator, denominator]));
        }

        #[test]
        fn an_inversion_leads_from_elements_to_elements() {
            assert!(are_any(&[any().product(&any()), any().squared_times(1), any().invert()]));
        }

        #[test]
        fn the_test_of_a_point_may_be_given_any_element() {
            assert_eq!(any().is_y_of_no_point(), Mask::Either);
            // 2 is the y of no point; 1 and -1 are those of one each, with x = 0.
            let y = |number| FieldElement::small(number);
            assert_eq!(y(2).is_y_of_no_point(), Mask::Set);
            for y in [y(0), y(1), y(0).minus(&y(1)), y(3)] {
                assert_eq!(y.is_y_of_no_point(), Mask::Clear);
            }
            let encodings = [0, 1, 2, 3].map(|low| Number::small(low).encoding());
            assert_eq!(are_points(&encodings), [true, true, false, true]);
        }

        /// Whatever number of digits a scalar has, each finds what the one before left.
        #[test]
        fn additions_and_doublings_lead_from_points_to_points() {
            let sum = Accumulator { y_plus_x: any(), y_minus_x: any(), z: any_product(), t: any() };
            let point = EdwardsPoint { x: any(), y: any(), z: any(), t: any() };
            for EdwardsPoint { x, y, z, t } in [point.double(), point.plus(&point), sum.to_point()]
            {
                assert!(are_any(&[x, y, z, t]));
            }
            let [y_plus_x, y_minus_x, xy2d] = [FieldElement(any().canonical()); 3];
            let entry = AffineNielsPoint { y_plus_x, y_minus_x, xy2d };
            for Accumulator { y_plus_x, y_minus_x, z, t } in [
                sum.plus(&entry, Mask::Either),
                Accumulator::from_point(&point),
                Accumulator::identity(),
            ] {
                assert!(are_any(&[y_plus_x, y_minus_x, t]) && is_any_product(&z));
            }
            let Fraction { numerator, denominator } = sum.u();
            assert!(are_any(&[numerator, denominator]));
        }

        #[test]
        fn a_sum_and_a_difference_of_points_are_right() {
            let base = EdwardsPoint::with_u(&BASE_POINT).expect("the base point is on the curve");
            let twice = EdwardsPoint::to_affine(&[base.double()])[0];
            let AffineNielsPoint { y_plus_x, y_minus_x, xy2d } = twice;
            let exchanged = AffineNielsPoint { y_plus_x: y_minus_x, y_minus_x: y_plus_x, xy2d };
            let base = Accumulator::from_point(&base);
            let u_of = |sum: &Accumulator| {
                let Fraction { numerator, denominator } = sum.u();
                numerator.product(&denominator.invert()).number()
            };
            let thrice = montgomery::MontgomeryPoint::mul_base(&Scalar::from(3_u8)).0;
            let thrice = FieldElement::constant(&thrice).number();
            assert_eq!(u_of(&base), Number::small(9));
            assert_eq!(u_of(&base.plus(&twice, Mask::Clear)), thrice);
            assert_eq!(u_of(&base.plus(&exchanged, Mask::Set)), Number::small(9));
        }

        #[test]
        fn one_lane_of_single_values_multiplies_as_x25519_does() {
            let (secret, point) = ([0x77; 32], BASE_POINT);
            let expected = montgomery::MontgomeryPoint(point).mul_clamped(secret).0;
            let one_secret = Factors::OneSecret { secret: &secret, points: &[point; 2] };
            assert_eq!(*by_ladder(one_secret), [expected; 2]);
            let one_point = Factors::OnePoint { secrets: &[secret; 2], point: &point };
            assert_eq!(*by_ladder(one_point), [expected; 2]);
        }

        #[test]
        fn an_inverse_is_one_and_the_inverse_of_zero_is_zero() {
            let element = FieldElement::constant(&[0x5b; 32]);
            assert_eq!(element.product(&element.invert()).number(), Number::small(1));
            assert_eq!(FieldElement::small(0).invert().number(), Number::ZERO);
        }
    };
}

pub(super) use bounds_of_curve;
