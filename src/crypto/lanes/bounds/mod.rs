//! The arithmetic of the lanes over intervals: what holds for all values of its limbs, and what holds for one.
//!
//! An operation that could overflow, borrow or lose bits for some value of its operands stops the test. An interval of one
//! value is that value, so the same type computes what one lane computes.

mod curve;
mod number;
mod radix25;
mod radix52;

use zeroize::DefaultIsZeroes;

/// All numbers of 64 bits from one to another, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Interval {
    low: u64,
    high: u64,
}

impl DefaultIsZeroes for Interval {}

/// What a comparison says of the numbers of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    Clear,
    Set,
    Either,
}

impl Interval {
    fn up_to(high: u64) -> Self {
        Self { low: 0, high }
    }

    fn is_within(self, other: Self) -> bool {
        other.low <= self.low && self.high <= other.high
    }

    fn is_single(self) -> bool {
        self.low == self.high
    }

    /// What an instruction reads that reads the low bits alone.
    fn truncated(self, bits: u32) -> Self {
        let mask = u64::MAX >> (64 - bits);
        if self.low >> bits == self.high >> bits {
            Self { low: self.low & mask, high: self.high & mask }
        } else {
            Self::up_to(mask)
        }
    }

    fn single(self) -> u64 {
        assert!(self.is_single(), "{self:?} has more than one value");
        self.low
    }
}

const LANES: usize = 1;

fn splat(number: u64) -> Interval {
    Interval { low: number, high: number }
}

fn add(a: Interval, b: Interval) -> Interval {
    let high = a.high.checked_add(b.high).expect("a sum overflows");
    Interval { low: a.low + b.low, high }
}

fn sub(a: Interval, b: Interval) -> Interval {
    let low = a.low.checked_sub(b.high).expect("a difference is negative");
    Interval { low, high: a.high - b.low }
}

fn and(a: Interval, b: Interval) -> Interval {
    if a.is_single() && b.is_single() {
        return splat(a.low & b.low);
    }
    let mask = b.single();
    assert!(mask & mask.wrapping_add(1) == 0, "{mask:x} is no mask of low bits");
    a.truncated(mask.trailing_ones())
}

fn or(a: Interval, b: Interval) -> Interval {
    if a.is_single() && b.is_single() {
        return splat(a.low | b.low);
    }
    Interval { low: a.low.max(b.low), high: all_ones(a.high | b.high) }
}

fn xor(a: Interval, b: Interval) -> Interval {
    if a.is_single() && b.is_single() {
        return splat(a.low ^ b.low);
    }
    Interval::up_to(all_ones(a.high | b.high))
}

fn all_ones(number: u64) -> u64 {
    u64::MAX.checked_shr(number.leading_zeros()).unwrap_or(0)
}

fn shr(a: Interval, count: u32) -> Interval {
    Interval { low: a.low >> count, high: a.high >> count }
}

/// Bits that leave at the top are meant to where numbers are loaded and stored, of one value each.
fn shl(a: Interval, count: u32) -> Interval {
    assert!(a.is_single() || a.high.leading_zeros() >= count, "{a:?} loses bits");
    Interval { low: a.low << count, high: a.high << count }
}

fn select(mask: Mask, a: Interval, b: Interval) -> Interval {
    match mask {
        Mask::Clear => a,
        Mask::Set => b,
        Mask::Either => Interval { low: a.low.min(b.low), high: a.high.max(b.high) },
    }
}

fn is_zero(a: Interval) -> Mask {
    match (a.low, a.high) {
        (0, 0) => Mask::Set,
        (0, _) => Mask::Either,
        _ => Mask::Clear,
    }
}

fn is_negative(a: Interval) -> Mask {
    match (a.low >> 63, a.high >> 63) {
        (0, 0) => Mask::Clear,
        (1, _) => Mask::Set,
        _ => Mask::Either,
    }
}

fn is_set(mask: Mask) -> bool {
    assert_ne!(mask, Mask::Either, "a branch on what is not known");
    mask == Mask::Set
}

fn from_lanes(lanes: &[u64; LANES]) -> Interval {
    splat(lanes[0])
}

fn to_lanes(a: Interval) -> [u64; LANES] {
    [a.single()]
}

/// The low 52 bits of the product of the low 52 bits, added.
fn lo(c: Interval, a: Interval, b: Interval) -> Interval {
    let (low, high) = product(a.truncated(52), b.truncated(52));
    let mask = (1 << 52) - 1;
    let halves = if low >> 52 == high >> 52 { (low & mask, high & mask) } else { (0, mask) };
    add(c, narrow(halves))
}

/// As [`lo`], which loses nothing here.
fn lo_exact(c: Interval, a: Interval, b: Interval) -> Interval {
    let (low, high) = product(a, b);
    assert!(a.high >> 52 == 0 && b.high >> 52 == 0, "{a:?} or {b:?} loses bits");
    assert!(high >> 52 == 0, "the product of {a:?} and {b:?} loses bits");
    add(c, narrow((low, high)))
}

/// The high 52 bits of the product of the low 52 bits, added.
fn hi(c: Interval, a: Interval, b: Interval) -> Interval {
    let (low, high) = product(a.truncated(52), b.truncated(52));
    add(c, narrow((low >> 52, high >> 52)))
}

/// Nothing to do where there are no registers.
fn align_stack() {}

/// The product of the low 32 bits, which are all that there are.
fn multiply(a: Interval, b: Interval) -> Interval {
    assert!(a.high >> 32 == 0 && b.high >> 32 == 0, "{a:?} or {b:?} loses bits");
    narrow(product(a, b))
}

/// The low 32 bits of that product, which are all that there are.
fn multiply_low(a: Interval, b: Interval) -> Interval {
    let product = multiply(a, b);
    assert!(product.high >> 32 == 0, "the product of {a:?} and {b:?} loses bits");
    product
}

fn product(a: Interval, b: Interval) -> (u128, u128) {
    (u128::from(a.low) * u128::from(b.low), u128::from(a.high) * u128::from(b.high))
}

fn narrow((low, high): (u128, u128)) -> Interval {
    let narrow = |number| u64::try_from(number).expect("a product overflows");
    Interval { low: narrow(low), high: narrow(high) }
}

#[test]
#[should_panic(expected = "a sum overflows")]
fn a_sum_that_could_overflow_is_found() {
    add(Interval::up_to(u64::MAX), splat(1));
}

#[test]
#[should_panic(expected = "a difference is negative")]
fn a_difference_that_could_be_negative_is_found() {
    sub(Interval::up_to(3), splat(1));
}

#[test]
#[should_panic(expected = "loses bits")]
fn a_product_that_could_lose_bits_is_found() {
    lo_exact(splat(0), Interval::up_to(1 << 48), splat(608));
}

#[test]
fn an_interval_holds_what_each_of_its_numbers_gives() {
    let a = Interval { low: (1 << 52) - 2, high: (1 << 52) + 2 };
    let b = Interval { low: 600, high: 608 };
    for x in a.low..=a.high {
        for y in b.low..=b.high {
            let (x, y) = (splat(x), splat(y));
            for operation in [add, sub, or, xor, |a, b| lo(splat(1), a, b), |a, b| hi(b, a, b)] {
                assert!(operation(x, y).is_within(operation(a, b)), "{x:?} {y:?}");
            }
            for operation in [|a| shr(a, 52), |a| and(a, splat(0xff)), |a| shl(a, 3)] {
                assert!(operation(x).is_within(operation(a)), "{x:?}");
            }
        }
    }
}
