//! The Montgomery ladder of [RFC 7748](https://www.rfc-editor.org/rfc/rfc7748#section-5), in every lane at once.
//!
//! A point with u = x / z is held as x + z and x - z, which is all that the formulas read. Doubling and differential addition are those of
//! the RFC. The addition is symmetric in its two points up to a sign that is squared away, so nothing is swapped: it is selected which
//! of the two points is doubled.

/// Makes the ladder out of a field. `$compiled` is the attribute of every function.
macro_rules! ladder {
    ($compiled:meta) => {
        /// A point of the Montgomery curve or its twist.
        #[derive(Clone, Copy)]
        struct MontgomeryPoint {
            x_plus_z: FieldElement,
            x_minus_z: FieldElement,
        }

        /// Two points whose difference is the point that is multiplied.
        #[derive(Clone, Copy)]
        struct Rung {
            doubled: MontgomeryPoint,
            added: MontgomeryPoint,
        }

        impl MontgomeryPoint {
            #[inline]
            #[$compiled]
            fn new(x: &Product, z: &Product) -> Self {
                Self { x_plus_z: x.plus(z).factor(), x_minus_z: x.minus(z).factor() }
            }

            #[inline]
            #[$compiled]
            fn select(mask: Mask, a: &Self, b: &Self) -> Self {
                Self {
                    x_plus_z: FieldElement::select(mask, &a.x_plus_z, &b.x_plus_z),
                    x_minus_z: FieldElement::select(mask, &a.x_minus_z, &b.x_minus_z),
                }
            }

            #[inline]
            #[$compiled]
            fn double(&self) -> Self {
                let aa = self.x_plus_z.squared();
                let bb = self.x_minus_z.squared();
                let e = aa.minus(&bb).factor();
                let x = aa.factor().times(&bb.factor());
                let z = e.times(&aa.plus_multiple(A24, &e).factor());
                Self::new(&x, &z)
            }

            /// u, as 2x / 2z.
            #[$compiled]
            fn u(&self) -> Fraction {
                let (plus, minus) = (self.x_plus_z.as_product(), self.x_minus_z.as_product());
                Fraction {
                    numerator: plus.plus(&minus).reduce(),
                    denominator: plus.minus(&minus).reduce(),
                }
            }
        }

        impl Rung {
            /// Infinity and the point itself.
            #[$compiled]
            fn first(u: &FieldElement) -> Self {
                let (zero, one) =
                    (FieldElement::small(0).as_product(), FieldElement::small(1).as_product());
                Self {
                    doubled: MontgomeryPoint::new(&one, &zero),
                    added: MontgomeryPoint::new(&u.as_product(), &one),
                }
            }

            /// One bit further. `other` is set where the bit differs from the one before.
            #[inline]
            #[$compiled]
            fn step(&self, u: &FieldElement, other: Mask) -> Self {
                let Self { doubled, added } = self;
                let chosen = MontgomeryPoint::select(other, doubled, added);
                let da = added.x_minus_z.times(&doubled.x_plus_z);
                let cb = added.x_plus_z.times(&doubled.x_minus_z);
                let x = da.plus(&cb).factor().squared();
                let z = u.times(&da.minus(&cb).factor().squared().factor());
                Self { doubled: chosen.double(), added: MontgomeryPoint::new(&x, &z) }
            }
        }

        /// The multiples of points by clamped scalars, four little-endian words a lane.
        #[inline(never)]
        #[$compiled]
        fn climb(scalars: &[V; 4], u: &FieldElement) -> Fraction {
            let mut rung = Rung::first(u);
            let mut before = splat(0);
            for bit in (0..255_u32).rev() {
                #[allow(
                    clippy::indexing_slicing,
                    reason = "a bit below 256 is in one of four words"
                )]
                let word = shl(scalars[(bit / 64) as usize], 63 - bit % 64);
                rung = rung.step(u, is_negative(xor(word, before)));
                before = word;
            }
            // The last bit of a clamped scalar is clear.
            rung.doubled.u()
        }

        /// The multiples of points, one group of lanes after the other.
        #[$compiled]
        pub(in crate::crypto::lanes) fn by_ladder(factors: Factors<'_>) -> Products {
            let mut products = Zeroizing::new(vec![[0; 32]; factors.len()]);
            let mut workspace = Workspace::new(factors.len().div_ceil(LANES));
            match factors {
                Factors::OneSecret { secret, points } => {
                    workspace.take_scalars(Zeroizing::new([*secret; LANES]).as_slice());
                    for points in points.chunks(LANES) {
                        let u = FieldElement::from_words(&load(points));
                        workspace.fractions.push(climb(&workspace.scalars, &u));
                    }
                }
                Factors::OnePoint { secrets, point } => {
                    let u = FieldElement::from_words(&load(&[*point; LANES]));
                    for secrets in secrets.chunks(LANES) {
                        workspace.take_scalars(secrets);
                        workspace.fractions.push(climb(&workspace.scalars, &u));
                    }
                }
            }
            workspace.divide(&mut products);
            products
        }

        /// (A - 2) / 4 for the coefficient A of the curve.
        const A24: u32 = 121_665;
    };
}

pub(super) use ladder;
