//! The keys that a passphrase gives: each derived once, in slices, and no more than is allowed.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
};

use super::UnlockOutcome;
use crate::{
    crypto::key_material::KeyLength,
    passphrase::{
        DerivedKey, PassphraseAttempts, PassphraseForm, PassphraseParameters, PassphraseProgress,
        PassphraseStep,
    },
    secret::SecretString,
    secret_storage::key_description::{KeyAlgorithm, KeyDescription},
};

/// What is being derived, what is to be, and how many rounds all of it takes.
pub(super) struct Derivations {
    queue: VecDeque<Planned>,
    /// Where in the queue each derivation stands.
    planned: HashMap<(String, u32, KeyLength), usize>,
    /// The rounds of what left the queue, and all rounds.
    progress: PassphraseProgress,
    allowed: u64,
}

struct Planned {
    attempts: PassphraseAttempts,
    /// Which descriptions have these parameters.
    keys: Vec<usize>,
}

impl Derivations {
    /// For at most so many rounds in all: a server can describe any number of keys, each just within the limit for one.
    pub(super) fn new(allowed: u64) -> Self {
        let progress = PassphraseProgress { done: 0, at_most: 0 };
        Self { queue: VecDeque::new(), planned: HashMap::new(), progress, allowed }
    }

    /// Plans to derive a key from each form of the passphrase; `false` if that would be too many rounds, or too many keys.
    /// What has the same parameters is derived once. Nothing may have been run yet.
    pub(super) fn queue(
        &mut self,
        key: usize,
        parameters: &PassphraseParameters,
        candidates: &Arc<[(PassphraseForm, SecretString)]>,
    ) -> bool {
        let gives = (parameters.salt().to_owned(), parameters.rounds(), parameters.key_length());
        let same = self.planned.get(&gives).and_then(|at| self.queue.get_mut(*at));
        if let Some(planned) = same {
            planned.keys.push(key);
            return true;
        }
        let attempts = PassphraseAttempts::new(parameters, Arc::clone(candidates));
        let at_most = self.progress.at_most.saturating_add(attempts.progress().at_most);
        if at_most > self.allowed || self.queue.len() == MAX_DERIVATIONS {
            return false;
        }
        self.progress.at_most = at_most;
        self.planned.insert(gives, self.queue.len());
        self.queue.push_back(Planned { attempts, keys: vec![key] });
        true
    }

    /// Runs rounds until there are none left to run or a key is derived, which comes with the
    /// descriptions that it may fit. What no open key needs is not derived.
    pub(super) fn advance(
        &mut self,
        left: &mut u32,
        is_open: impl Fn(usize) -> bool,
    ) -> Option<(DerivedKey, Vec<usize>)> {
        loop {
            let Planned { attempts, keys } = self.queue.front_mut()?;
            if keys.iter().any(|key| is_open(*key)) {
                let before = attempts.progress().done;
                let step = attempts.advance(*left);
                let run = attempts.progress().done.saturating_sub(before);
                *left = left.saturating_sub(run.try_into().unwrap_or(u32::MAX));
                match step {
                    PassphraseStep::Working => return None,
                    PassphraseStep::Derived(derived) => return Some((derived, keys.clone())),
                    PassphraseStep::Exhausted => {}
                }
            }
            let PassphraseProgress { done, at_most } = attempts.progress();
            self.progress.done = self.progress.done.saturating_add(done);
            self.progress.at_most = self.progress.at_most.saturating_sub(at_most - done);
            self.queue.pop_front();
        }
    }

    pub(super) fn progress(&self) -> PassphraseProgress {
        let PassphraseProgress { done, at_most } = self.progress;
        let running = self.queue.front().map_or(0, |planned| planned.attempts.progress().done);
        PassphraseProgress { done: done.saturating_add(running), at_most }
    }

    /// Whether nothing is left to derive.
    pub(super) fn is_finished(&self) -> bool {
        self.queue.is_empty()
    }
}

/// The parameters of the key's passphrase, if the key can be derived from one.
pub(super) fn passphrase_of(
    description: &KeyDescription,
) -> Result<&PassphraseParameters, UnlockOutcome> {
    if let KeyAlgorithm::Unsupported(name) = description.known_algorithm() {
        return Err(UnlockOutcome::Unsupported(name.clone()));
    }
    let passphrase = description.passphrase().map_err(Clone::clone)?;
    let parameters = &passphrase.ok_or(UnlockOutcome::NoPassphrase)?.value;
    let length = parameters.key_length();
    if description.known_algorithm() == &KeyAlgorithm::Curve25519AesSha2 && length.bytes() != 32 {
        return Err(UnlockOutcome::Length(length.bytes()));
    }
    Ok(parameters)
}

/// Each hashes the whole text before its first round, however few rounds it asks for. This is no part of the rounds,
/// since other work is planned from what is left of them.
const MAX_DERIVATIONS: usize = 1_000;

impl fmt::Debug for Derivations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queue: _, planned: _, progress: _, allowed } = self;
        f.debug_struct("Derivations")
            .field("progress", &self.progress())
            .field("allowed", allowed)
            .finish_non_exhaustive()
    }
}
