//! Memory does not grow with a file: what is allocated is counted while 20,000 sessions are written and read.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::Cursor,
};

use strongroom::key_export::NewKeyFile;

use super::kit::*;

struct Counter;

#[global_allocator]
static COUNTER: Counter = Counter;

thread_local! {
    /// How many bytes are allocated now, and the most that ever were.
    static BYTES: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
}

fn count(more: usize, less: usize) {
    let _ = BYTES.try_with(|bytes| {
        let [now, most] = bytes.get();
        let now = (now + more).saturating_sub(less);
        bytes.set([now, most.max(now)]);
    });
}

// SAFETY: all memory is the system allocator's, and is given back to it with its own layout.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The most that is held at a time.
fn held(work: impl FnOnce()) -> usize {
    let [before, _] = BYTES.get();
    BYTES.set([before, before]);
    work();
    BYTES.get()[1] - before
}

/// A file, written into a buffer that is there already.
fn write(count: u32) -> (Vec<u8>, usize) {
    let mut file = vec![0; count as usize * 1_200 + 1_000];
    let mut length = 0;
    let held = held(|| {
        let new = NewKeyFile::new(PASSPHRASE, NewKeyFile::MIN_ROUNDS).unwrap();
        let mut output = Cursor::new(file.as_mut_slice());
        let written = new.write(&mut output, (0..count).map(session)).unwrap();
        assert_eq!(written.sessions, u64::from(count));
        length = output.position() as usize;
    });
    file.truncate(length);
    (file, held)
}

fn reading(file: &[u8], count: u32) -> usize {
    held(|| {
        let mut sessions = open(Cursor::new(file), PASSPHRASE).unwrap();
        let (mut next, mut right) = (0, 0);
        for verdict in sessions.verdicts() {
            right += u32::from(exported(&[verdict]) == [session(next)]);
            next += 1;
        }
        assert_eq!((next, right), (count, count));
        assert!(sessions.finish().unwrap().is_everything());
    })
}

#[test]
fn twenty_thousand_sessions_take_no_more_memory_than_two_hundred() {
    let ((few, writing_few), (many, writing_many)) = (write(200), write(20_000));
    assert!(many.len() > 15_000_000 && few.len() < many.len() / 50);
    assert!(writing_many <= writing_few + 1_000, "{writing_few}, then {writing_many}");
    assert!(writing_many < 200_000, "{writing_many}");

    let (reading_few, reading_many) = (reading(&few, 200), reading(&many, 20_000));
    assert!(reading_many <= reading_few + 10_000, "{reading_few}, then {reading_many}");
    assert!(reading_many < 500_000, "{reading_many}");

    // The same of a list that is not encrypted.
    let plain = json(&sessions(20_000));
    let reading_plain = reading(plain.as_bytes(), 20_000);
    assert!(reading_plain < 500_000, "{reading_plain}");
}
