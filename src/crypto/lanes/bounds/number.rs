//! Numbers modulo 2^255 - 19, slow and plain: what the lanes are compared with.

/// A number below 2^255 - 19, in four words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number([u64; 4]);

impl Number {
    pub(super) const ZERO: Self = Self([0; 4]);

    pub(super) fn small(number: u64) -> Self {
        Self([number, 0, 0, 0])
    }

    /// The number that limbs mean, each with the exponent of two that it counts.
    pub(super) fn of_limbs(limbs: impl IntoIterator<Item = (u64, u32)>) -> Self {
        limbs.into_iter().fold(Self::ZERO, |sum, (limb, exponent)| {
            let mut term = Self::small(limb);
            (0..exponent).for_each(|_| term = term.plus(term));
            sum.plus(term)
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "the rest is the carry")]
    pub(super) fn plus(self, other: Self) -> Self {
        let (mut sum, mut carry) = ([0; 4], 0);
        for (k, word) in sum.iter_mut().enumerate() {
            let total = u128::from(self.0[k]) + u128::from(other.0[k]) + carry;
            (*word, carry) = (total as u64, total >> 64);
        }
        // Both were below 2^255, so there is no carry.
        Self(sum).less_modulus().unwrap_or(Self(sum))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        self.plus(other.times(Self([MODULUS[0] - 1, MODULUS[1], MODULUS[2], MODULUS[3]])))
    }

    pub(super) fn times(self, other: Self) -> Self {
        let bits = (0..256).rev().map(|bit| other.0[bit / 64] >> (bit % 64) & 1);
        bits.fold(Self::ZERO, |product, bit| {
            let twice = product.plus(product);
            if bit == 1 { twice.plus(self) } else { twice }
        })
    }

    /// Little-endian.
    pub(super) fn encoding(self) -> [u8; 32] {
        let mut encoding = [0; 32];
        let parts = encoding.as_chunks_mut().0;
        parts.iter_mut().zip(self.0).for_each(|(part, word)| *part = word.to_le_bytes());
        encoding
    }

    pub(super) fn words(self) -> [u64; 4] {
        self.0
    }

    fn less_modulus(self) -> Option<Self> {
        let (mut rest, mut borrow) = ([0; 4], false);
        for (k, word) in rest.iter_mut().enumerate() {
            let (difference, first) = self.0[k].overflowing_sub(MODULUS[k]);
            let (difference, second) = difference.overflowing_sub(borrow.into());
            (*word, borrow) = (difference, first || second);
        }
        (!borrow).then_some(Self(rest))
    }
}

const MODULUS: [u64; 4] = [u64::MAX - 18, u64::MAX, u64::MAX, u64::MAX >> 1];

#[test]
fn numbers_are_added_and_multiplied_modulo_the_prime() {
    let minus_one = Number::ZERO.minus(Number::small(1));
    assert_eq!(minus_one.plus(Number::small(1)), Number::ZERO);
    assert_eq!(minus_one.times(minus_one), Number::small(1));
    assert_eq!(Number::of_limbs([(1, 255)]), Number::small(19));
    assert_eq!(Number::small(7).times(Number::small(6)), Number::small(42));
}
