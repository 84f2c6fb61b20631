//! Deriving a key from each form of a passphrase in turn, in slices.

use std::{collections::VecDeque, fmt, sync::Arc};

use super::{PassphraseForm, PassphraseParameters};
use crate::{
    crypto::{key_material::KeyMaterial, pbkdf2::Derivation},
    secret::SecretString,
};

/// The keys that a typed passphrase may stand for: one for each of its [`candidates`](super::candidates), in their order.
///
/// Nothing is checked here: whoever takes a key compares it with what it has to fit, and stops at the
/// first that does. There are up to three, each with all rounds, and none for an empty text. As an iterator it runs all rounds of
/// the next key at once. Dropping it gives up and wipes everything.
///
/// The first form, which is nearly always right, runs alone: nobody waits longer for it because of the others. If it does not fit,
/// the others run at once where the processor has lanes for them. What was run ahead counts in its turn, slice by slice as if it
/// were run then.
pub(crate) struct PassphraseAttempts {
    parameters: PassphraseParameters,
    candidates: Arc<[(PassphraseForm, SecretString)]>,
    /// How many of them were started.
    started: usize,
    running: Option<(PassphraseForm, Derivation)>,
    /// Those after it that run in the lanes beside it.
    ahead: VecDeque<(PassphraseForm, Derivation)>,
    progress: PassphraseProgress,
}

/// What came of a slice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PassphraseStep {
    /// A key is still being derived.
    Working,
    /// A key is there. If it does not fit, go on.
    Derived(DerivedKey),
    /// All keys were there.
    Exhausted,
}

/// A key, and the form of the passphrase that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DerivedKey {
    /// How the passphrase was made from what was typed.
    pub(crate) form: PassphraseForm,
    /// The key.
    pub(crate) key: KeyMaterial,
}

/// How far the attempts have come, over all forms of the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseProgress {
    /// The rounds that were run.
    pub done: u64,
    /// The rounds that there are if no form but the last one fits.
    pub at_most: u64,
}

impl PassphraseAttempts {
    /// From candidates that several attempts share, so that many of them need no more memory than one.
    pub(crate) fn new(
        parameters: &PassphraseParameters,
        candidates: Arc<[(PassphraseForm, SecretString)]>,
    ) -> Self {
        let forms = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
        let at_most = forms.saturating_mul(parameters.rounds().into());
        let progress = PassphraseProgress { done: 0, at_most };
        let parameters = parameters.clone();
        Self { parameters, candidates, started: 0, running: None, ahead: VecDeque::new(), progress }
    }

    /// Runs so many rounds more of the key at hand, or those that are left of it.
    pub(crate) fn advance(&mut self, rounds: u32) -> PassphraseStep {
        let Some((form, mut derivation)) = self.running.take().or_else(|| self.next_in_turn())
        else {
            return PassphraseStep::Exhausted;
        };
        let before = derivation.done();
        let others = self.ahead.iter_mut().map(|(_, derivation)| derivation).collect();
        let is_finished = derivation.advance_with(rounds, others);
        self.progress.done += u64::from(derivation.done() - before);
        if is_finished {
            return PassphraseStep::Derived(DerivedKey { form, key: derivation.finish() });
        }
        self.running = Some((form, derivation));
        PassphraseStep::Working
    }

    /// How far they have come.
    #[must_use]
    pub(crate) fn progress(&self) -> PassphraseProgress {
        self.progress
    }

    /// The next form, and after the first one, as many more as there are lanes for.
    fn next_in_turn(&mut self) -> Option<(PassphraseForm, Derivation)> {
        let is_first = self.started == 0;
        let next = self.ahead.pop_front().or_else(|| self.start_next())?;
        self.progress.done += u64::from(next.1.done());
        while !is_first && self.ahead.len() < Derivation::beside() {
            let Some(started) = self.start_next() else { break };
            self.ahead.push_back(started);
        }
        Some(next)
    }

    /// Starts with the next form, which runs its first round.
    fn start_next(&mut self) -> Option<(PassphraseForm, Derivation)> {
        let (form, text) = self.candidates.get(self.started)?;
        self.started += 1;
        Some((*form, self.parameters.start(text.expose_str())))
    }
}

impl Iterator for PassphraseAttempts {
    type Item = DerivedKey;

    fn next(&mut self) -> Option<DerivedKey> {
        match self.advance(u32::MAX) {
            PassphraseStep::Derived(derived) => Some(derived),
            PassphraseStep::Working | PassphraseStep::Exhausted => None,
        }
    }
}

impl fmt::Debug for PassphraseAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parameters, candidates: _, started: _, running: _, ahead: _, progress } = self;
        f.debug_struct("PassphraseAttempts")
            .field("parameters", parameters)
            .field("progress", progress)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, passphrase::candidates};

    fn parameters(rounds: i64) -> PassphraseParameters {
        let limits = Limits::default();
        PassphraseParameters::from_parts(rounds, "salt", None, &limits).unwrap().value
    }

    #[test]
    fn each_form_gives_its_key_in_turn() {
        let (parameters, typed) = (parameters(7), "e\u{301}\u{e9}");
        let expected: Vec<_> = candidates(typed)
            .into_iter()
            .map(|(form, text)| DerivedKey { form, key: parameters.derive(text.expose_str()) })
            .collect();
        assert_eq!(expected.len(), 3);
        assert_eq!(parameters.attempts(typed).collect::<Vec<_>>(), expected);
        for slice in 1..9 {
            let mut attempts = parameters.attempts(typed);
            let mut derived = Vec::new();
            loop {
                match attempts.advance(slice) {
                    PassphraseStep::Working => {}
                    PassphraseStep::Derived(key) => derived.push(key),
                    PassphraseStep::Exhausted => break,
                }
            }
            assert_eq!(derived, expected, "in slices of {slice}");
            assert_eq!(attempts.advance(slice), PassphraseStep::Exhausted);
            assert_eq!(attempts.progress(), PassphraseProgress { done: 21, at_most: 21 });
        }
    }

    #[test]
    fn progress_counts_each_round_once() {
        let mut attempts = parameters(5).attempts("\u{e9}");
        let mut done = vec![attempts.progress().done];
        while attempts.advance(2) != PassphraseStep::Exhausted {
            done.push(attempts.progress().done);
        }
        assert_eq!(done, [0, 3, 5, 8, 10]);
        assert_eq!(attempts.progress().at_most, 10);
    }

    #[test]
    fn what_runs_ahead_counts_in_its_turn() {
        let mut attempts = parameters(5).attempts("e\u{301}\u{e9}");
        let mut done = vec![attempts.progress().done];
        while attempts.advance(2) != PassphraseStep::Exhausted {
            done.push(attempts.progress().done);
        }
        assert_eq!(done, [0, 3, 5, 8, 10, 13, 15]);
    }

    #[test]
    fn a_slice_of_no_rounds_ends_nothing_but_a_single_round() {
        let mut attempts = parameters(2).attempts("a");
        assert_eq!(attempts.advance(0), PassphraseStep::Working);
        assert_eq!(attempts.advance(0), PassphraseStep::Working);
        let mut attempts = parameters(1).attempts("a");
        assert!(matches!(attempts.advance(0), PassphraseStep::Derived(_)));
    }

    #[test]
    fn nothing_is_tried_of_an_empty_text() {
        assert_eq!(parameters(7).attempts(" \n").advance(9), PassphraseStep::Exhausted);
    }
}
