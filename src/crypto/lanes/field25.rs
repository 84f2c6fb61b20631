//! The field of 2^255 - 19 in radix 2^25.5, for the 32-bit multiplication of AVX2.
//!
//! The ten limbs have 26 and 25 bits in turn, so that products of them, and ten such products, fit into 64 bits. A
//! multiplication ends in one pass of carries. A sum or difference of two products is multiplied as it is; `bounds.rs` proves that no column
//! overflows, and that no operand has more than the 32 bits that the instruction reads.

/// An array of what the expression gives for each index. Compilers unroll loops only where they do not optimise for size.
macro_rules! each_limb {
    ($index:ident => $limb:expr) => {
        each_limb!($index => $limb, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    };
    ($index:ident => $limb:expr, $($number:literal),+) => {
        [$({
            const $index: usize = $number;
            $limb
        }),+]
    };
}

/// Makes the field out of the vector operations that are in scope. `$compiled` is the attribute of every function.
macro_rules! field25 {
    ($compiled:meta) => {
        /// One field element in every lane: limbs of 26 and 25 bits in turn, or the sum of up to three such.
        #[derive(Clone, Copy)]
        struct FieldElement([V; LIMBS]);

        /// A product, or a sum or difference of some: limbs of 26 and 25 bits in turn, the odd ones a little more, for each of them.
        #[derive(Clone, Copy)]
        struct Product([V; LIMBS]);

        impl FieldElement {
            /// The same small number in every lane.
            #[inline]
            #[$compiled]
            fn small(number: u32) -> Self {
                let mut limbs = [splat(0); LIMBS];
                limbs[0] = splat(number.into());
                Self(limbs)
            }

            /// Little-endian numbers, one a lane, without their top bit.
            #[$compiled]
            fn from_words(words: &[V; 4]) -> Self {
                let [w0, w1, w2, w3] = *words;
                let (even, odd) = (splat(LOW_26), splat(LOW_25));
                Self([
                    and(w0, even),
                    and(shr(w0, 26), odd),
                    and(or(shr(w0, 51), shl(w1, 13)), even),
                    and(shr(w1, 13), odd),
                    shr(w1, 38),
                    and(w2, odd),
                    and(shr(w2, 25), even),
                    and(or(shr(w2, 51), shl(w3, 13)), odd),
                    and(shr(w3, 12), even),
                    and(shr(w3, 38), odd),
                ])
            }

            /// The one number below 2^255 - 19 that is meant, as four little-endian words a lane.
            #[$compiled]
            fn to_words(self) -> [V; 4] {
                let [l0, l1, l2, l3, l4, l5, l6, l7, l8, l9] = self.canonical();
                [
                    or(or(l0, shl(l1, 26)), shl(l2, 51)),
                    or(or(shr(l2, 13), shl(l3, 13)), shl(l4, 38)),
                    or(or(l5, shl(l6, 25)), shl(l7, 51)),
                    or(or(shr(l7, 13), shl(l8, 12)), shl(l9, 38)),
                ]
            }

            /// The limbs of the one number below 2^255 - 19 that is meant.
            #[$compiled]
            fn canonical(self) -> [V; LIMBS] {
                // Little more than 2^255 after this, so that at most one 2^255 - 19 is to be subtracted.
                let Product(mut limbs) = self.as_product();
                let mut carry = splat(19);
                for (limb, bits) in limbs.iter().zip(BITS) {
                    carry = shr(add(*limb, carry), bits);
                }
                carry = multiply(carry, splat(19));
                for (limb, bits) in limbs.iter_mut().zip(BITS) {
                    let sum = add(*limb, carry);
                    *limb = and(sum, splat((1 << bits) - 1));
                    carry = shr(sum, bits);
                }
                limbs
            }

            /// In which lanes the element is zero.
            #[$compiled]
            fn is_zero(self) -> Mask {
                is_zero(self.canonical().into_iter().fold(splat(0), |all, limb| or(all, limb)))
            }

            /// `b` where the mask is set, else `a`.
            #[inline]
            #[$compiled]
            fn select(mask: Mask, a: &Self, b: &Self) -> Self {
                Self(each_limb!(K => select(mask, a.0[K], b.0[K])))
            }

            #[inline]
            #[$compiled]
            fn as_product(&self) -> Product {
                Product(carry(self.0).0)
            }
        }

        impl Product {
            /// What a multiplication may be given: at most two products, added or subtracted.
            #[inline]
            #[$compiled]
            fn factor(&self) -> FieldElement {
                FieldElement(self.0)
            }

            /// What any operation may be given.
            #[inline]
            #[$compiled]
            fn reduce(&self) -> FieldElement {
                FieldElement(carry(self.0).0)
            }

            #[inline]
            #[$compiled]
            fn plus(&self, other: &Self) -> Self {
                Self(each_limb!(K => add(self.0[K], other.0[K])))
            }

            /// The difference from one product, plus twice 2^255 - 19, which keeps every limb positive.
            #[inline]
            #[$compiled]
            fn minus(&self, other: &Self) -> Self {
                Self(each_limb!(K => sub(add(self.0[K], splat(TWICE_P[K])), other.0[K])))
            }

            /// Adds a small multiple of an element.
            #[inline]
            #[$compiled]
            fn plus_multiple(&self, factor: u32, element: &FieldElement) -> Self {
                let factor = splat(factor.into());
                carry(each_limb!(K => add(self.0[K], multiply(element.0[K], factor))))
            }
        }

        const LIMBS: usize = 10;
        const BITS: [u32; LIMBS] = [26, 25, 26, 25, 26, 25, 26, 25, 26, 25];
        const TWICE_P: [u64; LIMBS] = {
            let (even, odd) = (LOW_26 << 1, LOW_25 << 1);
            [even - 36, odd, even, odd, even, odd, even, odd, even, odd]
        };
        const LOW_26: u64 = (1 << 26) - 1;
        const LOW_25: u64 = (1 << 25) - 1;
    };
}

pub(super) use {each_limb, field25};
