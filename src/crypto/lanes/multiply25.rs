//! Multiplication in radix 2^25.5: column by column, as of old.
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

/// Makes the multiplication of `field25.rs`. `$compiled` is the attribute of every function.
macro_rules! multiply25 {
    ($compiled:meta) => {
        impl FieldElement {
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
    };
}

pub(super) use {multiply25, sum_of_products};
