//! How often texts are compared: a search through a list allocates nothing, and this shows it.

use std::{cell::Cell, ffi::c_int, hint::black_box, slice};

thread_local! {
    static COMPARED: Cell<usize> = const { Cell::new(0) };
}

/// How often this thread has compared bytes so far.
pub(crate) fn count() -> usize {
    COMPARED.get()
}

/// What Rust compares bytes of the same length with, in the place of the C library's.
///
/// # Safety
///
/// As of the C library's: `count` bytes can be read at both.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    let _ = COMPARED.try_with(|compared| compared.set(compared.get() + 1));
    if count == 0 {
        return 0;
    }
    // SAFETY: the caller says so.
    let (left, right) =
        unsafe { (slice::from_raw_parts(left, count), slice::from_raw_parts(right, count)) };
    for (left, right) in left.iter().zip(right) {
        // Nothing that a compiler could turn into a call of this function.
        if black_box(*left) != black_box(*right) {
            return c_int::from(*left) - c_int::from(*right);
        }
    }
    0
}

/// # Safety
///
/// As of [`memcmp`].
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    // SAFETY: the contract is the same.
    unsafe { memcmp(left, right, count) }
}

#[test]
fn a_search_through_a_list_is_counted() {
    let texts: Vec<_> = (1_000..1_900).map(|n| n.to_string()).collect();
    let before = count();
    assert!(!black_box(&texts).contains(black_box(&"none".to_owned())));
    assert_eq!(count() - before, 900);
}
