//! Which encodings are points of the Edwards form: a test of public keys, and of nothing secret.
//!
//! The verdict is that of `curve25519-dalek`: [RFC 8032](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.3) but for two leniencies, since y
//! need not be reduced, and x = 0 may have either sign. So the top bit decides nothing, and neither x nor a root is computed.

/// Makes the test out of a field and its Edwards form. `$compiled` is the attribute of every function.
macro_rules! points {
    ($compiled:meta) => {
        impl FieldElement {
            /// In which lanes no point has this y.
            ///
            /// x^2 = (y^2 - 1) / (d y^2 + 1), where the divisor is never zero; the quotient is a square if the product is one. By Euler's
            /// criterion, the power (p - 1) / 2 of what is not a square is -1, of a square 1, of zero zero.
            #[$compiled]
            fn is_y_of_no_point(&self) -> Mask {
                let (yy, one) = (self.product(self), FieldElement::small(1));
                let divisor = FieldElement::constant(&D).product(&yy).plus(&one);
                let product = yy.minus(&one).product(&divisor);
                // (p - 1) / 2 = 2^4 (2^250 - 1) + 6.
                let sixth = product.squared_times(1).product(&product).squared_times(1);
                let power = product.pow22501().0.squared_times(4).product(&sixth);
                power.plus(&one).is_zero()
            }
        }

        /// Of each of the encodings, whether it is one of a point.
        #[$compiled]
        pub(in crate::crypto::lanes) fn are_points(encodings: &[[u8; 32]]) -> Vec<bool> {
            let mut verdicts = Vec::with_capacity(encodings.len());
            for encodings in encodings.chunks(LANES) {
                let none = FieldElement::from_words(&load(encodings)).is_y_of_no_point();
                let are_points = to_lanes(select(none, splat(1), splat(0)));
                verdicts.extend(are_points.iter().take(encodings.len()).map(|lane| *lane == 1));
            }
            verdicts
        }
    };
}

pub(super) use points;

#[cfg(test)]
pub(super) mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;

    use super::super::tests::{edges, numbers, paths};

    /// What `ed25519-dalek` takes for a public key.
    pub(in crate::crypto::lanes) fn is_public_key(encoding: &[u8; 32]) -> bool {
        ed25519_dalek::VerifyingKey::from_bytes(encoding).is_ok()
    }

    /// The edges, and the points of small order with either sign of x.
    fn encodings() -> Vec<[u8; 32]> {
        let torsion = EIGHT_TORSION.map(|point| point.compress().0);
        let other_signs = torsion.map(|mut encoding| {
            encoding[31] ^= 0x80;
            encoding
        });
        let count = if cfg!(debug_assertions) { 40 } else { 4096 };
        [edges(), torsion.into(), other_signs.into(), numbers(count)].concat()
    }

    #[test]
    fn every_path_takes_for_a_point_what_verification_takes_for_a_key() {
        let encodings = encodings();
        let expected: Vec<_> = encodings.iter().map(is_public_key).collect();
        let points = expected.iter().filter(|is_point| **is_point).count();
        assert!(points > 40 && expected.len() - points > 40, "{points} of {}", expected.len());
        for path in paths() {
            let found = path.are_points(&encodings);
            let differs = |index: &usize| found[*index] != expected[*index];
            assert_eq!((0..expected.len()).find(differs), None, "{path:?}");
            assert_eq!(found.len(), expected.len(), "{path:?}");
            // Without optimisation, those that fill up to two registers, and the last one.
            let is_tried = |size: &usize| cfg!(not(debug_assertions)) || *size < 18 || *size == 67;
            for size in (0..=67).filter(is_tried) {
                assert_eq!(path.are_points(&encodings[..size]), expected[..size], "{path:?}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_point_cost_only_themselves_wherever_they_stand() {
        let (mut none, mut good) = ([0; 32], encodings());
        none[0] = 2;
        good.retain(is_public_key);
        for path in paths() {
            for position in 0..17 {
                let mut encodings = good[good.len() - 17..].to_vec();
                encodings[position] = none;
                let mut expected = [true; 17];
                expected[position] = false;
                assert_eq!(path.are_points(&encodings), expected, "{path:?} {position}");
            }
        }
    }
}
