//! Division: what the ladder and the comb leave is a fraction a lane, and a batch shares one inversion.

/// Makes inversion and division out of a field. `$compiled` is the attribute of every function.
macro_rules! fractions {
    ($compiled:meta) => {
        /// A coordinate as one number over another.
        #[derive(Clone, Copy)]
        struct Fraction {
            numerator: FieldElement,
            denominator: FieldElement,
        }

        /// All that is secret of a batch and outlives a function: wiped when it is dropped.
        struct Workspace {
            /// Clamped, four little-endian words a lane.
            scalars: [V; 4],
            fractions: Vec<Fraction>,
            /// For each fraction the product of all denominators before it.
            products: Vec<FieldElement>,
        }

        impl FieldElement {
            /// A product out of line: where there are hundreds of them, code is dearer than a call.
            #[inline(never)]
            #[$compiled]
            fn product(&self, other: &Self) -> Self {
                self.times(other).reduce()
            }

            /// The element squared so many times.
            #[inline(never)]
            #[$compiled]
            fn squared_times(&self, count: u32) -> Self {
                let mut power = *self;
                for _ in 0..count {
                    power = power.squared().reduce();
                }
                power
            }

            /// The powers 2^250 - 1 and 11, on the way of `curve25519-dalek`.
            #[$compiled]
            fn pow22501(&self) -> (Self, Self) {
                let p2 = self.squared_times(1);
                let p9 = self.product(&p2.squared_times(2));
                let p11 = p2.product(&p9);
                let ones_5 = p9.product(&p11.squared_times(1));
                let ones_10 = ones_5.squared_times(5).product(&ones_5);
                let ones_20 = ones_10.squared_times(10).product(&ones_10);
                let ones_40 = ones_20.squared_times(20).product(&ones_20);
                let ones_50 = ones_40.squared_times(10).product(&ones_10);
                let ones_100 = ones_50.squared_times(50).product(&ones_50);
                let ones_200 = ones_100.squared_times(100).product(&ones_100);
                (ones_200.squared_times(50).product(&ones_50), p11)
            }

            /// The inverse; of zero, zero.
            #[$compiled]
            fn invert(&self) -> Self {
                let (ones_250, p11) = self.pow22501();
                ones_250.squared_times(5).product(&p11)
            }
        }

        impl Workspace {
            /// Has room for so many groups of lanes and never grows, since that would leave copies behind.
            #[$compiled]
            fn new(groups: usize) -> Self {
                Self {
                    scalars: [splat(0); 4],
                    fractions: Vec::with_capacity(groups),
                    products: Vec::with_capacity(groups),
                }
            }

            /// Takes the scalars of the next group, and clamps them as X25519 does it.
            #[$compiled]
            fn take_scalars(&mut self, secrets: &[[u8; 32]]) {
                let [w0, w1, w2, w3] = load(secrets);
                let w3 = or(and(w3, splat((1 << 63) - 1)), splat(1 << 62));
                self.scalars = [and(w0, splat(!7)), w1, w2, w3];
            }

            /// Divides each, and writes one quotient after the other; zero where the denominator is zero.
            #[$compiled]
            fn divide(&mut self, quotients: &mut [[u8; 32]]) {
                let (zero, one) = (FieldElement::small(0), FieldElement::small(1));
                let mut product = one;
                for Fraction { numerator, denominator } in &mut self.fractions {
                    let infinite = denominator.is_zero();
                    *numerator = FieldElement::select(infinite, numerator, &zero);
                    *denominator = FieldElement::select(infinite, denominator, &one);
                    self.products.push(product);
                    product = product.product(denominator);
                }
                let mut inverse = product.invert();
                let groups = self.fractions.iter().zip(&self.products);
                for ((fraction, before), quotients) in groups.zip(quotients.chunks_mut(LANES)).rev()
                {
                    let quotient = fraction.numerator.product(&inverse.product(before));
                    inverse = inverse.product(&fraction.denominator);
                    store(&quotient.to_words(), quotients);
                }
            }
        }

        impl Drop for Workspace {
            fn drop(&mut self) {
                self.scalars.zeroize();
                for Fraction { numerator, denominator } in &mut self.fractions {
                    numerator.0.zeroize();
                    denominator.0.zeroize();
                }
                for product in &mut self.products {
                    product.0.zeroize();
                }
            }
        }

        /// Loads little-endian numbers, one a lane; zeros where there are fewer.
        #[$compiled]
        fn load(numbers: &[[u8; 32]]) -> [V; 4] {
            let mut words = Zeroizing::new([[0; LANES]; 4]);
            for (lane, number) in numbers.iter().enumerate() {
                let (parts, _) = number.as_chunks();
                for (word, part) in words.iter_mut().zip(parts) {
                    if let Some(to) = word.get_mut(lane) {
                        *to = u64::from_le_bytes(*part);
                    }
                }
            }
            let [w0, w1, w2, w3] = &*words;
            [from_lanes(w0), from_lanes(w1), from_lanes(w2), from_lanes(w3)]
        }

        /// Writes as many numbers as there is room for.
        #[$compiled]
        fn store(words: &[V; 4], numbers: &mut [[u8; 32]]) {
            let [w0, w1, w2, w3] = words;
            let words =
                Zeroizing::new([to_lanes(*w0), to_lanes(*w1), to_lanes(*w2), to_lanes(*w3)]);
            for (lane, number) in numbers.iter_mut().enumerate() {
                let (parts, _) = number.as_chunks_mut();
                for (word, part) in words.iter().zip(parts) {
                    if let Some(from) = word.get(lane) {
                        *part = from.to_le_bytes();
                    }
                }
            }
        }
    };
}

pub(super) use fractions;
