//! Foreign input costs time and memory in proportion to its length, and no more: for everything that takes some, what it
//! allocates is counted for a number of things and for ten times as many, and on Linux how often it compares texts.
//!
//! `STRONGROOM_WORK=100000 cargo test --release --test work -- --nocapture` prints the table for 1,000, 10,000 and 100,000
//! things, and with the time that each took, which is not asserted.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "it counts what is allocated, and may fail by a panic"
)]

#[path = "../support/asserted.rs"]
mod asserted;
#[cfg(target_os = "linux")]
mod comparisons;
mod entries;
mod key_export;
#[path = "../support/primitives.rs"]
mod primitives;
mod sharing;
mod signatures;
mod texts;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    env,
    iter::successors,
    time::Instant,
};

struct Counter;

#[global_allocator]
static COUNTER: Counter = Counter;

thread_local! {
    /// All bytes that were allocated, those that are allocated now, and the most that ever were.
    static BYTES: Cell<[usize; 3]> = const { Cell::new([0; 3]) };
}

// SAFETY: all memory is the system allocator's, and is given back to it with its own layout.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = BYTES.try_with(|bytes| {
            let [all, now, most] = bytes.get();
            let now = now + layout.size();
            bytes.set([all + layout.size(), now, most.max(now)]);
        });
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = BYTES.try_with(|bytes| {
            let [all, now, most] = bytes.get();
            let now = now.saturating_sub(layout.size()) + size;
            bytes.set([all + size.saturating_sub(layout.size()), now, most.max(now)]);
        });
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _ = BYTES.try_with(|bytes| {
            let [all, now, most] = bytes.get();
            bytes.set([all, now.saturating_sub(layout.size()), most]);
        });
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// What a piece of work allocates in all, and at most at a time.
fn measure(work: impl FnOnce()) -> (usize, usize) {
    let [_, before, _] = BYTES.get();
    BYTES.set([0, before, before]);
    work();
    let [all, _, most] = BYTES.get();
    (all, most - before)
}

/// The length of an input in bytes, and the work that it asks for.
type Work = (usize, Box<dyn FnOnce()>);

/// Something that takes foreign input.
struct Entry {
    name: &'static str,
    /// Makes input of so many things.
    of: fn(usize) -> Work,
    /// How many times its length it may take in memory at most; nothing where the input stays as it is.
    times: usize,
}

#[test]
fn foreign_input_costs_no_more_than_its_length() {
    let most = env::var("STRONGROOM_WORK").ok().map(|most| most.parse().unwrap());
    let (least, most) = most.map_or((300, 3_000), |most| (1_000, most));
    let counts: Vec<usize> = successors(Some(least), |count| Some(count * 10))
        .take_while(|count| *count <= most)
        .collect();
    assert!(counts.len() > 1, "nothing is compared up to {most} things");
    println!(
        "| entry | n | input | allocated in all | at a time | compared | ms |\n|---|---|---|---|---|---|---|"
    );
    let mut wrong = Vec::new();
    for entry in entries::ALL.iter().chain(texts::ALL).chain(key_export::ALL) {
        let measured = counts.iter().map(|count| {
            let (length, work) = (entry.of)(*count);
            let (start, before) = (Instant::now(), comparisons::count());
            let (all, most) = measure(work);
            let (ms, compared) = (start.elapsed().as_millis(), comparisons::count() - before);
            println!(
                "| {} | {count} | {length} | {all} | {most} | {compared} | {ms} |",
                entry.name
            );
            (length, all, most, compared)
        });
        let measured: Vec<_> = measured.collect();
        for pair in measured.windows(2) {
            let [(_, before, _, compared_before), (length, all, most, compared)] = pair else {
                continue;
            };
            // A search in a tree compares as often as the tree is high.
            if *compared > 16 * compared_before.max(&10_000) {
                wrong.push(format!(
                    "{}: {compared_before} comparisons became {compared}",
                    entry.name
                ));
            }
            if *all > 12 * before.max(&10_000) {
                wrong.push(format!("{}: {before} bytes became {all}", entry.name));
            }
            if *most > entry.times * length.max(&100_000) {
                wrong.push(format!("{}: {most} bytes for {length}", entry.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
