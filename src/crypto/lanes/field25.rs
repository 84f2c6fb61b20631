//! The field of 2^255 - 19 in radix 2^25.5, for the 32-bit multiplication of AVX2.
//!
//! The ten limbs have 26 and 25 bits in turn, so that products of them, and ten such products, fit into 64 bits. A
//! multiplication ends in one pass of carries. A sum or difference of two products is multiplied as it is; `bounds.rs` proves that no column
//! overflows, and that no operand has more than the 32 bits that the instruction reads.
//!
//! Multiplications are functions of their own: the compiler then cannot know that the high halves of limbs are clear, drop the mask, and
//! multiply 64 bits by 64 where it has forgotten why.

/// The sum of products, from left to right.
macro_rules! sum_of_products {
    ($a:ident * $b:ident $(+ $c:ident * $d:ident)*) => {{
        let sum = multiply($a, $b);
        $(let sum = add(sum, multiply($c, $d));)*
        sum
    }};
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
                let (a, b) = (&a.0, &b.0);
                Self([
                    select(mask, a[0], b[0]),
                    select(mask, a[1], b[1]),
                    select(mask, a[2], b[2]),
                    select(mask, a[3], b[3]),
                    select(mask, a[4], b[4]),
                    select(mask, a[5], b[5]),
                    select(mask, a[6], b[6]),
                    select(mask, a[7], b[7]),
                    select(mask, a[8], b[8]),
                    select(mask, a[9], b[9]),
                ])
            }

            #[inline]
            #[$compiled]
            fn as_product(&self) -> Product {
                Product(carry(self.0).0)
            }

            #[inline(never)]
            #[$compiled]
            fn times(&self, other: &Self) -> Product {
                align_stack();
                let [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9] = self.0;
                let [g0, g1, g2, g3, g4, g5, g6, g7, g8, g9] = other.0;
                // Two odd limbs are half a bit too high each; what passes 2^255 counts nineteen times.
                let double = |limb| add(limb, limb);
                let [d1, d3, d5, d7, d9] =
                    [double(f1), double(f3), double(f5), double(f7), double(f9)];
                let nineteen = splat(19);
                let by_19 = |limb| multiply_low(limb, nineteen);
                let [n1, n2, n3, n4, n5, n6, n7, n8, n9] = [
                    by_19(g1),
                    by_19(g2),
                    by_19(g3),
                    by_19(g4),
                    by_19(g5),
                    by_19(g6),
                    by_19(g7),
                    by_19(g8),
                    by_19(g9),
                ];
                carry([
                    sum_of_products!(
                        f0 * g0
                            + d1 * n9
                            + f2 * n8
                            + d3 * n7
                            + f4 * n6
                            + d5 * n5
                            + f6 * n4
                            + d7 * n3
                            + f8 * n2
                            + d9 * n1
                    ),
                    sum_of_products!(
                        f0 * g1
                            + f1 * g0
                            + f2 * n9
                            + f3 * n8
                            + f4 * n7
                            + f5 * n6
                            + f6 * n5
                            + f7 * n4
                            + f8 * n3
                            + f9 * n2
                    ),
                    sum_of_products!(
                        f0 * g2
                            + d1 * g1
                            + f2 * g0
                            + d3 * n9
                            + f4 * n8
                            + d5 * n7
                            + f6 * n6
                            + d7 * n5
                            + f8 * n4
                            + d9 * n3
                    ),
                    sum_of_products!(
                        f0 * g3
                            + f1 * g2
                            + f2 * g1
                            + f3 * g0
                            + f4 * n9
                            + f5 * n8
                            + f6 * n7
                            + f7 * n6
                            + f8 * n5
                            + f9 * n4
                    ),
                    sum_of_products!(
                        f0 * g4
                            + d1 * g3
                            + f2 * g2
                            + d3 * g1
                            + f4 * g0
                            + d5 * n9
                            + f6 * n8
                            + d7 * n7
                            + f8 * n6
                            + d9 * n5
                    ),
                    sum_of_products!(
                        f0 * g5
                            + f1 * g4
                            + f2 * g3
                            + f3 * g2
                            + f4 * g1
                            + f5 * g0
                            + f6 * n9
                            + f7 * n8
                            + f8 * n7
                            + f9 * n6
                    ),
                    sum_of_products!(
                        f0 * g6
                            + d1 * g5
                            + f2 * g4
                            + d3 * g3
                            + f4 * g2
                            + d5 * g1
                            + f6 * g0
                            + d7 * n9
                            + f8 * n8
                            + d9 * n7
                    ),
                    sum_of_products!(
                        f0 * g7
                            + f1 * g6
                            + f2 * g5
                            + f3 * g4
                            + f4 * g3
                            + f5 * g2
                            + f6 * g1
                            + f7 * g0
                            + f8 * n9
                            + f9 * n8
                    ),
                    sum_of_products!(
                        f0 * g8
                            + d1 * g7
                            + f2 * g6
                            + d3 * g5
                            + f4 * g4
                            + d5 * g3
                            + f6 * g2
                            + d7 * g1
                            + f8 * g0
                            + d9 * n9
                    ),
                    sum_of_products!(
                        f0 * g9
                            + f1 * g8
                            + f2 * g7
                            + f3 * g6
                            + f4 * g5
                            + f5 * g4
                            + f6 * g3
                            + f7 * g2
                            + f8 * g1
                            + f9 * g0
                    ),
                ])
            }

            #[inline(never)]
            #[$compiled]
            fn squared(&self) -> Product {
                align_stack();
                let [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9] = self.0;
                let double = |limb| add(limb, limb);
                let [d0, d1, d2, d3, d4, d5, d6, d7, d8] = [
                    double(f0),
                    double(f1),
                    double(f2),
                    double(f3),
                    double(f4),
                    double(f5),
                    double(f6),
                    double(f7),
                    double(f8),
                ];
                let nineteen = splat(19);
                let by_19 = |limb| multiply_low(limb, nineteen);
                let [n5, n6, n7, n8, n9] = [by_19(f5), by_19(f6), by_19(f7), by_19(f8), by_19(f9)];
                let [m5, m7, m9] = [double(n5), double(n7), double(n9)];
                carry([
                    sum_of_products!(f0 * f0 + d1 * m9 + d2 * n8 + d3 * m7 + d4 * n6 + f5 * m5),
                    sum_of_products!(d0 * f1 + d2 * n9 + d3 * n8 + d4 * n7 + d5 * n6),
                    sum_of_products!(d0 * f2 + d1 * f1 + d3 * m9 + d4 * n8 + d5 * m7 + f6 * n6),
                    sum_of_products!(d0 * f3 + d1 * f2 + d4 * n9 + d5 * n8 + d6 * n7),
                    sum_of_products!(d0 * f4 + d1 * d3 + f2 * f2 + d5 * m9 + d6 * n8 + f7 * m7),
                    sum_of_products!(d0 * f5 + d1 * f4 + d2 * f3 + d6 * n9 + d7 * n8),
                    sum_of_products!(d0 * f6 + d1 * d5 + d2 * f4 + d3 * f3 + d7 * m9 + f8 * n8),
                    sum_of_products!(d0 * f7 + d1 * f6 + d2 * f5 + d3 * f4 + d8 * n9),
                    sum_of_products!(d0 * f8 + d1 * d7 + d2 * f6 + d3 * d5 + f4 * f4 + f9 * m9),
                    sum_of_products!(d0 * f9 + d1 * f8 + d2 * f7 + d3 * f6 + d4 * f5),
                ])
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
                let (a, b) = (&self.0, &other.0);
                Self([
                    add(a[0], b[0]),
                    add(a[1], b[1]),
                    add(a[2], b[2]),
                    add(a[3], b[3]),
                    add(a[4], b[4]),
                    add(a[5], b[5]),
                    add(a[6], b[6]),
                    add(a[7], b[7]),
                    add(a[8], b[8]),
                    add(a[9], b[9]),
                ])
            }

            /// The difference from one product, plus twice 2^255 - 19, which keeps every limb positive.
            #[inline]
            #[$compiled]
            fn minus(&self, other: &Self) -> Self {
                let (a, b) = (&self.0, &other.0);
                let [first, even, odd] =
                    [splat((LOW_26 - 18) << 1), splat(LOW_26 << 1), splat(LOW_25 << 1)];
                Self([
                    sub(add(a[0], first), b[0]),
                    sub(add(a[1], odd), b[1]),
                    sub(add(a[2], even), b[2]),
                    sub(add(a[3], odd), b[3]),
                    sub(add(a[4], even), b[4]),
                    sub(add(a[5], odd), b[5]),
                    sub(add(a[6], even), b[6]),
                    sub(add(a[7], odd), b[7]),
                    sub(add(a[8], even), b[8]),
                    sub(add(a[9], odd), b[9]),
                ])
            }

            /// Adds a small multiple of an element.
            #[inline]
            #[$compiled]
            fn plus_multiple(&self, factor: u32, element: &FieldElement) -> Self {
                let (c, e, factor) = (&self.0, &element.0, splat(factor.into()));
                carry([
                    add(c[0], multiply(e[0], factor)),
                    add(c[1], multiply(e[1], factor)),
                    add(c[2], multiply(e[2], factor)),
                    add(c[3], multiply(e[3], factor)),
                    add(c[4], multiply(e[4], factor)),
                    add(c[5], multiply(e[5], factor)),
                    add(c[6], multiply(e[6], factor)),
                    add(c[7], multiply(e[7], factor)),
                    add(c[8], multiply(e[8], factor)),
                    add(c[9], multiply(e[9], factor)),
                ])
            }
        }

        /// One pass of carries, by two chains side by side: 2^255 is 19.
        #[inline]
        #[$compiled]
        fn carry(columns: [V; LIMBS]) -> Product {
            let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = columns;
            let (even, odd) = (splat(LOW_26), splat(LOW_25));
            let (c1, c0) = (add(c1, shr(c0, 26)), and(c0, even));
            let (c5, c4) = (add(c5, shr(c4, 26)), and(c4, even));
            let (c2, c1) = (add(c2, shr(c1, 25)), and(c1, odd));
            let (c6, c5) = (add(c6, shr(c5, 25)), and(c5, odd));
            let (c3, c2) = (add(c3, shr(c2, 26)), and(c2, even));
            let (c7, c6) = (add(c7, shr(c6, 26)), and(c6, even));
            let (c4, c3) = (add(c4, shr(c3, 25)), and(c3, odd));
            let (c8, c7) = (add(c8, shr(c7, 25)), and(c7, odd));
            let (c5, c4) = (add(c5, shr(c4, 26)), and(c4, even));
            let (c9, c8) = (add(c9, shr(c8, 26)), and(c8, even));
            let (top, c9) = (shr(c9, 25), and(c9, odd));
            // The top carry may have more than 32 bits, so it is multiplied by 16 + 2 + 1.
            let c0 = add(c0, add(shl(top, 4), add(shl(top, 1), top)));
            let (c1, c0) = (add(c1, shr(c0, 26)), and(c0, even));
            Product([c0, c1, c2, c3, c4, c5, c6, c7, c8, c9])
        }

        const LIMBS: usize = 10;
        const BITS: [u32; LIMBS] = [26, 25, 26, 25, 26, 25, 26, 25, 26, 25];
        const LOW_26: u64 = (1 << 26) - 1;
        const LOW_25: u64 = (1 << 25) - 1;
    };
}

pub(super) use {field25, sum_of_products};
