//! What has to be done in the end, though somebody presses Ctrl-C.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Something that has to be done in the end: when this is dropped, or else when the program is interrupted.
#[must_use]
pub(crate) struct AtEnd(u64);

type Work = Box<dyn FnOnce() + Send>;

/// What is to be done yet, in the order in which it was registered.
static WAITING: Mutex<(u64, BTreeMap<u64, Work>)> = Mutex::new((0, BTreeMap::new()));

impl AtEnd {
    pub(crate) fn new(work: impl FnOnce() + Send + 'static) -> Self {
        let mut waiting = waiting();
        waiting.0 += 1;
        let number = waiting.0;
        waiting.1.insert(number, Box::new(work));
        Self(number)
    }

    /// It need not be done any more.
    pub(crate) fn forget(self) {
        waiting().1.remove(&self.0);
    }
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        // The lock is free again before the work begins.
        let work = waiting().1.remove(&self.0);
        if let Some(work) = work {
            work();
        }
    }
}

/// Does all of it: the program is being interrupted.
pub(crate) fn do_all() {
    let work = mem::take(&mut waiting().1);
    work.into_values().rev().for_each(|work| work());
}

fn waiting() -> MutexGuard<'static, (u64, BTreeMap<u64, Work>)> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}
