//! How often what happened: a model in which nothing happens proves nothing.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(BTreeMap<&'static str, usize>);

impl Counts {
    pub(crate) fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add_if(&mut self, what: &'static str, happened: bool) {
        if happened {
            self.add(what);
        }
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        for (what, count) in &others.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(crate) fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or_default()
    }
}
