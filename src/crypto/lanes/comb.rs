//! The comb: many secrets times one point that has a table.
//!
//! A secret is a multiple of eight, so an eighth of it times eight times the point is taken. The eighth is written in 51 digits of 5 bits
//! from -16 to 15, and the table has, for every second digit, the multiples 1 to 16 of the point times the digit's weight. The odd digits are
//! added first; then the sum is multiplied by 32, and the even digits are added.
//!
//! That eight times the point is taken makes the result that of the ladder for every point, whatever part of small order it has.

/// Makes the comb out of a field and the points. `$compiled` is the attribute of every function.
macro_rules! comb {
    ($compiled:meta) => {
        /// The multiples of a point, 50 KB: each word of the sixteen that belong to a digit fits into two registers.
        #[derive(Clone)]
        pub(in crate::crypto::lanes) struct Table(Vec<[[V; 2]; 3 * LIMBS]>);

        /// The digits of secrets, the lowest first; wiped when they are dropped.
        struct Digits([V; DIGITS]);

        impl Table {
            /// `None` for a point on the twist.
            #[$compiled]
            pub(in crate::crypto::lanes) fn of(point: &[u8; 32]) -> Option<Self> {
                let mut base = EdwardsPoint::with_u(point)?.double().double().double();
                let mut bases = Vec::with_capacity(DIGITS.div_ceil(TEETH));
                for _ in 0..DIGITS.div_ceil(TEETH) {
                    bases.push(base);
                    for _ in 0..5 * TEETH {
                        base = base.double();
                    }
                }
                let mut rows = Vec::with_capacity(bases.len());
                for bases in bases.chunks(LANES) {
                    let words = Self::words(&EdwardsPoint::side_by_side(bases));
                    for lane in 0..bases.len() {
                        rows.push(Self::row(&words, lane));
                    }
                }
                Some(Self(rows))
            }

            /// The words of the multiples 1 to 16 of a point in each lane.
            #[$compiled]
            fn words(point: &EdwardsPoint) -> Vec<[[u64; LANES]; 3 * LIMBS]> {
                let mut multiples = vec![*point];
                let mut multiple = point.double();
                for _ in 1..16 {
                    multiples.push(multiple);
                    multiple = multiple.plus(point);
                }
                let mut all = Vec::with_capacity(multiples.len());
                for AffineNielsPoint { y_plus_x, y_minus_x, xy2d } in
                    EdwardsPoint::to_affine(&multiples)
                {
                    let mut words = [[0; LANES]; 3 * LIMBS];
                    let limbs = [y_plus_x.canonical(), y_minus_x.canonical(), xy2d.canonical()];
                    for (word, limb) in words.iter_mut().zip(limbs.as_flattened()) {
                        *word = to_lanes(*limb);
                    }
                    all.push(words);
                }
                all
            }

            #[$compiled]
            fn row(words: &[[[u64; LANES]; 3 * LIMBS]], lane: usize) -> [[V; 2]; 3 * LIMBS] {
                let mut row = [[splat(0); 2]; 3 * LIMBS];
                for (index, to) in row.iter_mut().enumerate() {
                    let mut entries = [0; 16];
                    for (entry, words) in entries.iter_mut().zip(words) {
                        let word = words.get(index).and_then(|word| word.get(lane));
                        *entry = word.copied().unwrap_or_default();
                    }
                    *to = pack(&entries);
                }
                row
            }

            /// The point that a digit means, but for its sign.
            #[inline]
            #[$compiled]
            fn look_up(row: &[[V; 2]; 3 * LIMBS], digit: V, is_negative: Mask) -> AffineNielsPoint {
                let size = select(is_negative, digit, sub(splat(0), digit));
                let (index, is_none) = (sub(size, splat(1)), is_zero(digit));
                let mut words = [splat(0); 3 * LIMBS];
                for (word, entries) in words.iter_mut().zip(row) {
                    *word = look_up(entries, index, is_none);
                }
                let (mut plus, mut minus, mut xy2d) =
                    ([splat(0); LIMBS], [splat(0); LIMBS], [splat(0); LIMBS]);
                plus.copy_from_slice(&words[..LIMBS]);
                minus.copy_from_slice(&words[LIMBS..2 * LIMBS]);
                xy2d.copy_from_slice(&words[2 * LIMBS..]);
                // Nothing times the point is the identity.
                let one_if_none = select(is_none, splat(0), splat(1));
                plus[0] = or(plus[0], one_if_none);
                minus[0] = or(minus[0], one_if_none);
                let (plus, minus) = (FieldElement(plus), FieldElement(minus));
                AffineNielsPoint {
                    y_plus_x: FieldElement::select(is_negative, &plus, &minus),
                    y_minus_x: FieldElement::select(is_negative, &minus, &plus),
                    xy2d: FieldElement(xy2d),
                }
            }

            #[inline(never)]
            #[$compiled]
            fn times(&self, digits: &Digits) -> Fraction {
                let mut sum = Accumulator::identity();
                for tooth in (0..TEETH).rev() {
                    if tooth + 1 < TEETH {
                        sum = Accumulator::from_point(
                            &sum.to_point().double().double().double().double().double(),
                        );
                    }
                    for (row, digit) in
                        self.0.iter().zip(digits.0.iter().skip(tooth).step_by(TEETH))
                    {
                        let is_negative = is_negative(*digit);
                        sum = sum.plus(&Self::look_up(row, *digit, is_negative), is_negative);
                    }
                }
                sum.u()
            }

            /// The multiples of the point, one group of lanes after the other.
            #[$compiled]
            pub(in crate::crypto::lanes) fn multiply(&self, secrets: &[[u8; 32]]) -> Products {
                let mut products = Zeroizing::new(vec![[0; 32]; secrets.len()]);
                let mut workspace = Workspace::new(secrets.len().div_ceil(LANES));
                for secrets in secrets.chunks(LANES) {
                    workspace.take_scalars(secrets);
                    let digits = Digits::of_eighth(&workspace.scalars);
                    workspace.fractions.push(self.times(&digits));
                }
                workspace.divide(&mut products);
                products
            }
        }

        impl EdwardsPoint {
            /// One point a lane, each out of the first lane of one.
            #[$compiled]
            fn side_by_side(points: &[Self]) -> Self {
                let mut words = [[[0; LANES]; 4]; 4];
                for (lane, point) in points.iter().enumerate() {
                    let coordinates = [point.x, point.y, point.z, point.t];
                    for (words, coordinate) in words.iter_mut().zip(coordinates) {
                        for (word, from) in words.iter_mut().zip(coordinate.to_words()) {
                            let [first, ..] = to_lanes(from);
                            if let Some(to) = word.get_mut(lane) {
                                *to = first;
                            }
                        }
                    }
                }
                let element = |[a, b, c, d]: &[[u64; LANES]; 4]| {
                    let words = [from_lanes(a), from_lanes(b), from_lanes(c), from_lanes(d)];
                    FieldElement::from_words(&words)
                };
                let [x, y, z, t] = &words;
                Self { x: element(x), y: element(y), z: element(z), t: element(t) }
            }
        }

        impl Digits {
            /// The digits of an eighth of clamped scalars.
            #[$compiled]
            fn of_eighth(scalars: &[V; 4]) -> Self {
                let (mut digits, mut carry) = (Self([splat(0); DIGITS]), splat(0));
                for (digit, bit) in digits.0.iter_mut().zip((3..).step_by(5)) {
                    let window = add(and(Self::bits_from(scalars, bit), splat(31)), carry);
                    carry = shr(add(window, splat(16)), 5);
                    *digit = sub(window, shl(carry, 5));
                }
                digits
            }

            #[$compiled]
            fn bits_from(scalars: &[V; 4], bit: u32) -> V {
                let word = |index: u32| scalars.get(index as usize).copied().unwrap_or(splat(0));
                let (index, shift) = (bit / 64, bit % 64);
                let low = shr(word(index), shift);
                if shift == 0 { low } else { or(low, shl(word(index + 1), 64 - shift)) }
            }
        }

        impl Drop for Digits {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        /// 252 bits, and what is carried out of the last five.
        const DIGITS: usize = 51;
        /// How many digits share the multiples of one.
        const TEETH: usize = 2;
    };
}

pub(super) use comb;
