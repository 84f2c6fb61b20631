//! The keys that a passphrase gives: each derived once, in slices, and no more than is allowed.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use crate::{
    crypto::{
        key_material::{KeyLength, KeyMaterial},
        pbkdf2::Derivation,
    },
    passphrase::{PassphraseCandidate, PassphraseForm, PassphraseParameters},
};

/// How far the passphrases have been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnlockProgress {
    /// The rounds that were run.
    pub done: u64,
    /// The rounds that there are. There are fewer once a key is found that others need not be tried
    /// for.
    pub rounds: u64,
}

impl UnlockProgress {
    /// Whether no round is left.
    #[must_use]
    pub fn is_finished(self) -> bool {
        self.done >= self.rounds
    }
}

/// What is derived, what is to be, and how many rounds all of it takes.
pub(super) struct Derivations {
    candidates: Vec<PassphraseCandidate>,
    queue: VecDeque<Planned>,
    /// Where in the queue each derivation of the passphrase as typed stands.
    as_typed: HashMap<(String, u32, KeyLength), usize>,
    running: Option<(Planned, Derivation)>,
    progress: UnlockProgress,
    allowed: u64,
}

/// A key to derive.
struct Planned {
    parameters: PassphraseParameters,
    candidate: PassphraseCandidate,
    /// Which descriptions have these parameters.
    keys: Vec<usize>,
}

/// A key that was derived.
pub(super) struct Derived {
    pub(super) material: KeyMaterial,
    pub(super) form: PassphraseForm,
    pub(super) keys: Vec<usize>,
}

impl Derivations {
    /// For the forms of one passphrase, and at most so many rounds in all.
    pub(super) fn new(candidates: Vec<PassphraseCandidate>, allowed: u64) -> Self {
        let progress = UnlockProgress { done: 0, rounds: 0 };
        Self {
            candidates,
            queue: VecDeque::new(),
            as_typed: HashMap::new(),
            running: None,
            progress,
            allowed,
        }
    }

    /// Plans to derive a key from the passphrase as typed; `false` if that would be too many rounds.
    pub(super) fn queue(&mut self, key: usize, parameters: &PassphraseParameters) -> bool {
        let gives = (parameters.salt().to_owned(), parameters.rounds(), parameters.key_length());
        let same = self.as_typed.get(&gives).and_then(|index| self.queue.get_mut(*index));
        if let Some(planned) = same {
            planned.keys.push(key);
            return true;
        }
        let Some(candidate) = self.candidates.first().cloned() else { return false };
        let at = self.queue.len();
        let planned = Planned { parameters: parameters.clone(), candidate, keys: vec![key] };
        let is_planned = self.plan(planned);
        if is_planned {
            self.as_typed.insert(gives, at);
        }
        is_planned
    }

    /// Plans the other forms of the passphrase, after all that were planned, as far as is allowed.
    pub(super) fn queue_other_forms(&mut self) {
        let as_typed: Vec<_> = self
            .queue
            .iter()
            .map(|planned| (planned.parameters.clone(), planned.keys.clone()))
            .collect();
        for candidate in self.candidates.clone().into_iter().skip(1) {
            for (parameters, keys) in &as_typed {
                let (parameters, keys) = (parameters.clone(), keys.clone());
                self.plan(Planned { parameters, candidate: candidate.clone(), keys });
            }
        }
    }

    /// Runs rounds until there are none left to run, or a key is derived. Keys that are not open any
    /// more are not derived.
    pub(super) fn advance(
        &mut self,
        left: &mut u32,
        is_open: impl Fn(usize) -> bool,
    ) -> Option<Derived> {
        let (planned, mut derivation) = match self.running.take() {
            Some(running) => running,
            None => self.start_next(left, is_open)?,
        };
        let before = derivation.progress().done;
        let progress = derivation.advance(*left);
        let run = progress.done.saturating_sub(before);
        *left = left.saturating_sub(run);
        self.progress.done = self.progress.done.saturating_add(run.into());
        if !progress.is_finished() {
            self.running = Some((planned, derivation));
            return None;
        }
        let Planned { candidate, keys, .. } = planned;
        Some(Derived { material: derivation.finish(), form: candidate.form, keys })
    }

    pub(super) fn progress(&self) -> UnlockProgress {
        self.progress
    }

    fn plan(&mut self, planned: Planned) -> bool {
        let rounds = self.progress.rounds.saturating_add(planned.parameters.rounds().into());
        if rounds > self.allowed {
            return false;
        }
        self.progress.rounds = rounds;
        self.queue.push_back(planned);
        true
    }

    /// The next derivation, its first round run.
    fn start_next(
        &mut self,
        left: &mut u32,
        is_open: impl Fn(usize) -> bool,
    ) -> Option<(Planned, Derivation)> {
        loop {
            let planned = self.queue.pop_front()?;
            if planned.keys.iter().any(|key| is_open(*key)) {
                let derivation = planned.parameters.start(planned.candidate.text.expose_str());
                *left = left.saturating_sub(1);
                self.progress.done = self.progress.done.saturating_add(1);
                return Some((planned, derivation));
            }
            let rounds = u64::from(planned.parameters.rounds());
            self.progress.rounds = self.progress.rounds.saturating_sub(rounds);
        }
    }
}

impl fmt::Debug for Derivations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { candidates: _, queue: _, as_typed: _, running: _, progress, allowed } = self;
        f.debug_struct("Derivations")
            .field("progress", progress)
            .field("allowed", allowed)
            .finish_non_exhaustive()
    }
}
