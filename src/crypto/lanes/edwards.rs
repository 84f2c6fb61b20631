//! The Edwards form of the curve: where a point that many secrets meet has its multiples in a table.
//!
//! The formulas are those of `curve25519-dalek`, under the same names; they hold for any two points of the curve. The points of a table are
//! public, and so are the branches that are taken on them.

/// Makes the points out of a field. `$compiled` is the attribute of every function.
macro_rules! edwards {
    ($compiled:meta) => {
        /// x / z and y / z, with t = x y / z.
        #[derive(Clone, Copy)]
        struct EdwardsPoint {
            x: FieldElement,
            y: FieldElement,
            z: FieldElement,
            t: FieldElement,
        }

        /// A point of a table: z is one.
        #[derive(Clone, Copy)]
        struct AffineNielsPoint {
            y_plus_x: FieldElement,
            y_minus_x: FieldElement,
            xy2d: FieldElement,
        }

        /// A point that points of a table are added to.
        #[derive(Clone, Copy)]
        struct Accumulator {
            y_plus_x: FieldElement,
            y_minus_x: FieldElement,
            z: Product,
            t: FieldElement,
        }

        impl FieldElement {
            /// The same number in every lane.
            #[$compiled]
            fn constant(number: &[u8; 32]) -> Self {
                Self::from_words(&load(&[*number; LANES]))
            }

            #[$compiled]
            fn plus(&self, other: &Self) -> Self {
                self.as_product().plus(&other.as_product()).reduce()
            }

            #[$compiled]
            fn minus(&self, other: &Self) -> Self {
                self.as_product().minus(&other.as_product()).reduce()
            }
        }

        impl EdwardsPoint {
            /// A point with this u-coordinate in every lane, with either sign; `None` if there is none.
            #[$compiled]
            fn with_u(u: &[u8; 32]) -> Option<Self> {
                let (u, one) = (Self::u_of(u), FieldElement::small(1));
                let u_plus_1 = u.plus(&one);
                if is_set(u_plus_1.is_zero()) {
                    return None;
                }
                let y = u.minus(&one).product(&u_plus_1.invert());
                // x^2 = (y^2 - 1) / (d y^2 + 1)
                let yy = y.product(&y);
                let square = yy.minus(&one);
                let divisor = FieldElement::constant(&D).product(&yy).plus(&one);
                let x = FieldElement::sqrt_ratio(&square, &divisor)?;
                Some(Self { x, y, z: one, t: x.product(&y) })
            }

            #[$compiled]
            fn u_of(u: &[u8; 32]) -> FieldElement {
                FieldElement::constant(u)
            }

            #[$compiled]
            fn double(&self) -> Self {
                let (a, b, zz) = (self.x.squared(), self.y.squared(), self.z.squared());
                let e_plus_h = self.x.plus(&self.y).squared();
                let h = a.plus(&b);
                let e = h.minus(&e_plus_h).reduce();
                let g = a.minus(&b);
                let f = zz.plus(&zz).plus(&g).reduce();
                let (g, h) = (g.reduce(), h.reduce());
                Self { x: e.product(&f), y: g.product(&h), z: f.product(&g), t: e.product(&h) }
            }

            #[$compiled]
            fn plus(&self, other: &Self) -> Self {
                let d = FieldElement::constant(&D);
                let a = self.y.minus(&self.x).times(&other.y.minus(&other.x));
                let b = self.y.plus(&self.x).times(&other.y.plus(&other.x));
                let c = self.t.product(&other.t).times(&d);
                let c = c.plus(&c);
                let zz = self.z.times(&other.z);
                let zz = zz.plus(&zz).reduce().as_product();
                let c = c.reduce().as_product();
                let (e, h) = (b.minus(&a).reduce(), b.plus(&a).reduce());
                let (f, g) = (zz.minus(&c).reduce(), zz.plus(&c).reduce());
                Self { x: e.product(&f), y: g.product(&h), z: f.product(&g), t: e.product(&h) }
            }

            /// The points with z = 1, by one inversion.
            #[$compiled]
            fn to_affine(points: &[Self]) -> Vec<AffineNielsPoint> {
                let d = FieldElement::constant(&D);
                let mut product = FieldElement::small(1);
                let mut before = Vec::with_capacity(points.len());
                for point in points {
                    before.push(product);
                    product = product.product(&point.z);
                }
                let mut inverse = product.invert();
                let mut affine = Vec::with_capacity(points.len());
                for (point, before) in points.iter().zip(&before).rev() {
                    let z_inverse = inverse.product(before);
                    inverse = inverse.product(&point.z);
                    let (x, y) = (point.x.product(&z_inverse), point.y.product(&z_inverse));
                    let xyd = x.product(&y).product(&d);
                    affine.push(AffineNielsPoint {
                        y_plus_x: y.plus(&x),
                        y_minus_x: y.minus(&x),
                        xy2d: xyd.plus(&xyd),
                    });
                }
                affine.reverse();
                affine
            }
        }

        impl FieldElement {
            /// The square root of a / b, if the quotient is a square. All lanes are alike.
            #[$compiled]
            fn sqrt_ratio(a: &Self, b: &Self) -> Option<Self> {
                let b3 = b.product(b).product(b);
                let b7 = b3.product(&b3).product(b);
                let ab7 = a.product(&b7);
                // The power (p - 5) / 8.
                let power = ab7.pow22501().0.squared_times(2).product(&ab7);
                let root = a.product(&b3).product(&power);
                let check = b.product(&root.product(&root));
                if is_set(check.minus(a).is_zero()) {
                    Some(root)
                } else if is_set(check.plus(a).is_zero()) {
                    Some(root.product(&Self::constant(&SQRT_M1)))
                } else {
                    None
                }
            }
        }

        impl Accumulator {
            #[$compiled]
            fn identity() -> Self {
                Self::from_point(&EdwardsPoint {
                    x: FieldElement::small(0),
                    y: FieldElement::small(1),
                    z: FieldElement::small(1),
                    t: FieldElement::small(0),
                })
            }

            #[$compiled]
            fn from_point(point: &EdwardsPoint) -> Self {
                Self {
                    y_plus_x: point.y.plus(&point.x),
                    y_minus_x: point.y.minus(&point.x),
                    z: point.z.as_product(),
                    t: point.t,
                }
            }

            /// The same point: with everything doubled, and multiplied by z for the sake of t.
            #[$compiled]
            fn to_point(self) -> EdwardsPoint {
                let x = self.y_plus_x.minus(&self.y_minus_x);
                let y = self.y_plus_x.plus(&self.y_minus_x);
                let z = self.z.plus(&self.z).reduce();
                EdwardsPoint {
                    x: x.product(&z),
                    y: y.product(&z),
                    z: z.product(&z),
                    t: x.product(&y),
                }
            }

            /// Adds a point, or where the mask is set its negative, of which `y_plus_x` and `y_minus_x` are exchanged already.
            #[inline]
            #[$compiled]
            fn plus(&self, point: &AffineNielsPoint, is_negative: Mask) -> Self {
                let a = self.y_minus_x.times(&point.y_minus_x);
                let b = self.y_plus_x.times(&point.y_plus_x);
                let c = self.t.times(&point.xy2d);
                let d = self.z.plus(&self.z);
                let (e, h) = (b.minus(&a).factor(), b.plus(&a).factor());
                let (less, more) = (d.minus(&c).factor(), d.plus(&c).factor());
                let f = FieldElement::select(is_negative, &less, &more);
                let g = FieldElement::select(is_negative, &more, &less);
                let (x, y) = (f.times(&e), g.times(&h));
                Self {
                    y_plus_x: y.plus(&x).factor(),
                    y_minus_x: y.minus(&x).factor(),
                    z: less.times(&more),
                    t: e.times(&h).factor(),
                }
            }

            /// u = (z + y) / (z - y), both doubled.
            #[$compiled]
            fn u(&self) -> Fraction {
                let y = self.y_plus_x.as_product().plus(&self.y_minus_x.as_product());
                let y = y.reduce().as_product();
                let z = self.z.plus(&self.z).reduce().as_product();
                Fraction { numerator: z.plus(&y).reduce(), denominator: z.minus(&y).reduce() }
            }
        }

        /// The coefficient of the Edwards form, -121665 / 121666.
        const D: [u8; 32] = [
            0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a,
            0x70, 0x00, 0x98, 0xe8, 0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b,
            0xee, 0x6c, 0x03, 0x52,
        ];

        /// A square root of -1.
        const SQRT_M1: [u8; 32] = [
            0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18,
            0x43, 0x2f, 0xa7, 0xd7, 0xfb, 0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f,
            0x80, 0x24, 0x83, 0x2b,
        ];
    };
}

pub(super) use edwards;
