//! The field of 2^255 - 19 in radix 2^52, for the multiply-add of AVX-512 IFMA.
//!
//! The instructions multiply the low 52 bits of two 64-bit lanes and add the low (`lo`) or the high (`hi`) 52 bits of the product to
//! an accumulator of 64 bits. So a limb needs no mask after it has given its carry away: what is left above bit 52 is never read.
//! Products stay unreduced ([`Product`]) until their sums and differences are taken; `bounds.rs` proves that no column overflows.

/// One row of a schoolbook multiplication: `$a[$i]` times each limb of `$b`.
macro_rules! multiply_row {
    ($c:ident, $a:ident[$i:literal], $b:ident) => {
        $c[$i] = lo($c[$i], $a[$i], $b[0]);
        $c[$i + 1] = lo($c[$i + 1], $a[$i], $b[1]);
        $c[$i + 2] = lo($c[$i + 2], $a[$i], $b[2]);
        $c[$i + 3] = lo($c[$i + 3], $a[$i], $b[3]);
        $c[$i + 4] = lo($c[$i + 4], $a[$i], $b[4]);
        $c[$i + 1] = hi($c[$i + 1], $a[$i], $b[0]);
        $c[$i + 2] = hi($c[$i + 2], $a[$i], $b[1]);
        $c[$i + 3] = hi($c[$i + 3], $a[$i], $b[2]);
        $c[$i + 4] = hi($c[$i + 4], $a[$i], $b[3]);
        $c[$i + 5] = hi($c[$i + 5], $a[$i], $b[4]);
    };
}

/// Products of limbs `$i` and `$j`, each pair as low and high half.
macro_rules! multiply_pairs {
    ($c:ident, $(($a:expr, $i:literal) * ($b:expr, $j:literal)),+) => {
        $($c[$i + $j] = lo($c[$i + $j], $a, $b);
        $c[$i + $j + 1] = hi($c[$i + $j + 1], $a, $b);)+
    };
}

/// Makes the field out of the vector operations that are in scope. `$compiled` is the attribute of every function.
macro_rules! field52 {
    ($compiled:meta) => {
        /// One field element in every lane: five limbs, of each of which the low 52 bits count; the last one stays under 2^48.
        #[derive(Clone, Copy)]
        struct FieldElement([V; LIMBS]);

        /// A product, or a sum or difference of some, not reduced: the value is the sum of the columns times 2^(52 k).
        #[derive(Clone, Copy)]
        struct Product([V; LIMBS]);

        impl FieldElement {
            /// The same small number in every lane.
            #[inline]
            #[$compiled]
            fn small(number: u32) -> Self {
                let none = splat(0);
                Self([splat(number.into()), none, none, none, none])
            }

            /// Little-endian numbers, one a lane, without their top bit.
            #[$compiled]
            fn from_words(words: &[V; 4]) -> Self {
                let [w0, w1, w2, w3] = *words;
                let mask = splat(LOW_52);
                Self([
                    and(w0, mask),
                    and(or(shr(w0, 52), shl(w1, 12)), mask),
                    and(or(shr(w1, 40), shl(w2, 24)), mask),
                    and(or(shr(w2, 28), shl(w3, 36)), mask),
                    and(shr(w3, 16), splat(LOW_47)),
                ])
            }

            /// The one number below 2^255 - 19 that is meant, as four little-endian words a lane.
            #[$compiled]
            fn to_words(self) -> [V; 4] {
                let [l0, l1, l2, l3, l4] = self.canonical();
                [
                    or(l0, shl(l1, 52)),
                    or(shr(l1, 12), shl(l2, 40)),
                    or(shr(l2, 24), shl(l3, 28)),
                    or(shr(l3, 36), shl(l4, 16)),
                ]
            }

            /// The limbs of the one number below 2^255 - 19 that is meant.
            #[$compiled]
            fn canonical(self) -> [V; LIMBS] {
                // Under 2^255 + 2^52 after this, so that at most one 2^255 - 19 is to be subtracted.
                let Product([l0, l1, l2, l3, l4]) = self.as_product().reduce().as_product();
                let mask = splat(LOW_52);
                let mut excess = shr(add(l0, splat(19)), 52);
                excess = shr(add(l1, excess), 52);
                excess = shr(add(l2, excess), 52);
                excess = shr(add(l3, excess), 52);
                excess = shr(add(l4, excess), 47);
                let l0 = lo_exact(l0, excess, splat(19));
                let l1 = add(l1, shr(l0, 52));
                let l2 = add(l2, shr(l1, 52));
                let l3 = add(l3, shr(l2, 52));
                let l4 = add(l4, shr(l3, 52));
                [and(l0, mask), and(l1, mask), and(l2, mask), and(l3, mask), and(l4, splat(LOW_47))]
            }

            /// In which lanes the element is zero.
            #[$compiled]
            fn is_zero(self) -> Mask {
                let [l0, l1, l2, l3, l4] = self.canonical();
                is_zero(or(or(or(l0, l1), or(l2, l3)), l4))
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
                ])
            }

            /// The limbs without what does not count in them.
            #[inline]
            #[$compiled]
            fn as_product(&self) -> Product {
                let [l0, l1, l2, l3, l4] = self.0;
                let mask = splat(LOW_52);
                Product([and(l0, mask), and(l1, mask), and(l2, mask), and(l3, mask), l4])
            }

            #[inline]
            #[$compiled]
            fn times(&self, other: &Self) -> Product {
                let (a, b, mut c) = (&self.0, &other.0, [splat(0); 10]);
                multiply_row!(c, a[0], b);
                multiply_row!(c, a[1], b);
                multiply_row!(c, a[2], b);
                multiply_row!(c, a[3], b);
                multiply_row!(c, a[4], b);
                Product::fold(&c)
            }

            #[inline]
            #[$compiled]
            fn squared(&self) -> Product {
                let [a0, a1, a2, a3, a4] = self.0;
                let mut c = [splat(0); 10];
                multiply_pairs!(c, (a0, 0) * (a1, 1), (a0, 0) * (a2, 2), (a0, 0) * (a3, 3));
                multiply_pairs!(c, (a1, 1) * (a2, 2), (a1, 1) * (a3, 3), (a2, 2) * (a3, 3));
                // What was added so far occurs twice. The last limb has room for a factor of two.
                let doubled = |column| add(column, column);
                let [_, c1, c2, c3, c4, c5, c6, ..] = c;
                let none = splat(0);
                c = [
                    none,
                    doubled(c1),
                    doubled(c2),
                    doubled(c3),
                    doubled(c4),
                    doubled(c5),
                    doubled(c6),
                    none,
                    none,
                    none,
                ];
                let a4_twice = add(a4, a4);
                multiply_pairs!(c, (a0, 0) * (a4_twice, 4), (a1, 1) * (a4_twice, 4));
                multiply_pairs!(c, (a2, 2) * (a4_twice, 4), (a3, 3) * (a4_twice, 4));
                multiply_pairs!(c, (a0, 0) * (a0, 0), (a1, 1) * (a1, 1), (a2, 2) * (a2, 2));
                multiply_pairs!(c, (a3, 3) * (a3, 3), (a4, 4) * (a4, 4));
                Product::fold(&c)
            }
        }

        impl Product {
            /// Ten columns to five: 2^260 is 608.
            #[inline]
            #[$compiled]
            fn fold(columns: &[V; 10]) -> Self {
                let [mut c0, mut c1, mut c2, mut c3, mut c4, c5, c6, c7, c8, c9] = *columns;
                let c6 = add(c6, shr(c5, 52));
                let c7 = add(c7, shr(c6, 52));
                let c8 = add(c8, shr(c7, 52));
                let c9 = add(c9, shr(c8, 52));
                let factor = splat(608);
                c0 = lo(c0, c5, factor);
                c1 = lo(hi(c1, c5, factor), c6, factor);
                c2 = lo(hi(c2, c6, factor), c7, factor);
                c3 = lo(hi(c3, c7, factor), c8, factor);
                c4 = lo_exact(hi(c4, c8, factor), c9, factor);
                Self([c0, c1, c2, c3, c4])
            }

            /// What a multiplication may be given: here the same as [`Product::reduce`].
            #[inline]
            #[$compiled]
            fn factor(&self) -> FieldElement {
                self.reduce()
            }

            /// One pass of carries: 2^255 is 19.
            #[inline]
            #[$compiled]
            fn reduce(&self) -> FieldElement {
                let [c0, c1, c2, c3, c4] = self.0;
                let c0 = lo_exact(c0, shr(c4, 47), splat(19));
                let c1 = add(c1, shr(c0, 52));
                let c2 = add(c2, shr(c1, 52));
                let c3 = add(c3, shr(c2, 52));
                let c4 = add(and(c4, splat(LOW_47)), shr(c3, 52));
                FieldElement([c0, c1, c2, c3, c4])
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
                ])
            }

            /// The difference, plus a multiple of 2^255 - 19 that keeps every column positive.
            #[inline]
            #[$compiled]
            fn minus(&self, other: &Self) -> Self {
                let (a, b) = (&self.0, &other.0);
                let [first, middle, last] =
                    [splat((LOW_52 - 18) << 9), splat(LOW_52 << 9), splat(LOW_47 << 9)];
                Self([
                    sub(add(a[0], first), b[0]),
                    sub(add(a[1], middle), b[1]),
                    sub(add(a[2], middle), b[2]),
                    sub(add(a[3], middle), b[3]),
                    sub(add(a[4], last), b[4]),
                ])
            }

            /// Adds a small multiple of an element.
            #[inline]
            #[$compiled]
            fn plus_multiple(&self, factor: u32, element: &FieldElement) -> Self {
                let ([c0, c1, c2, c3, c4], [e0, e1, e2, e3, e4]) = (self.0, element.0);
                let factor = splat(factor.into());
                let c0 = lo(c0, e0, factor);
                let c1 = lo(hi(c1, e0, factor), e1, factor);
                let c2 = lo(hi(c2, e1, factor), e2, factor);
                let c3 = lo(hi(c3, e2, factor), e3, factor);
                let c4 = lo(hi(c4, e3, factor), e4, factor);
                Self([lo_exact(c0, hi(splat(0), e4, factor), splat(608)), c1, c2, c3, c4])
            }
        }

        const LIMBS: usize = 5;
        const LOW_52: u64 = (1 << 52) - 1;
        const LOW_47: u64 = (1 << 47) - 1;
    };
}

pub(super) use {field52, multiply_pairs, multiply_row};
