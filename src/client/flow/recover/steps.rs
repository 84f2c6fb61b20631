//! The steps of a recovery, one function for each stage.

use rand_core::CryptoRng;

use super::{Recover, Recovered, Stage};
use crate::{
    backup::BackupDecryptionKey,
    client::{
        backup::{KeyFit, Next, Scope},
        flow::{SavedFlow, Step},
    },
    secret::SecretVec,
};

impl Recover {
    pub(super) fn give_key(&mut self, key: BackupDecryptionKey, now_ms: u64) {
        let Some(backup) = &mut self.backup else { return };
        let fit = backup.give_key(key);
        self.fit = Some(fit);
        self.stage = Stage::Finished;
        if fit == KeyFit::Fits {
            backup.fetch(Scope::Everything, now_ms);
            self.stage = Stage::Fetching;
        }
    }

    /// Looks at what there is.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recovered>> {
        if self.storage.is_none() {
            return Some(Step::ReadAccountData);
        }
        if !self.backup.as_ref()?.has_looked() {
            return self.work(now, rng);
        }
        let backup = self.backup.as_mut()?;
        // A key that was entered before a restart is there already.
        self.stage = if backup.has_key() {
            backup.fetch(Scope::Everything, now);
            self.fit = Some(KeyFit::Fits);
            Stage::Fetching
        } else {
            Stage::Entering
        };
        None
    }

    /// Lets the machine work.
    pub(super) fn work(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recovered>> {
        let backup = self.backup.as_mut()?;
        match backup.next(now, rng) {
            Next::Save(saved) => {
                self.saves = true;
                let (public, secret) = (Vec::new(), SecretVec::default());
                Some(Step::Save(Box::new(SavedFlow { public, secret, backup: *saved })))
            }
            Next::Send(operation) => Some(Step::Send(operation)),
            Next::Import(id, version, sessions) => Some(Step::Import(id, version, sessions)),
            Next::Fetched(Scope::Everything, outcome) => {
                self.fetched = Some(*outcome);
                None
            }
            Next::Want(_) => {
                backup.offer(&[], rng);
                None
            }
            Next::Wait(until) => {
                let has_looked = self.stage == Stage::Looking && backup.has_looked();
                // With the key, whether the backup is trusted was asked again.
                if self.fetched.is_some() && !backup.awaits_answers() {
                    self.stage = Stage::Finished;
                    return None;
                }
                (!has_looked).then_some(Step::Wait(until))
            }
            // Questions stay open, for the host to ask when the flow has ended.
            _ => None,
        }
    }

    pub(super) fn finish(&mut self) -> Option<Step<Recovered>> {
        let backup = self.backup.take()?;
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Recovered {
            backup,
            storage_keys: std::mem::take(&mut self.storage_keys),
            secrets: std::mem::take(&mut self.secrets),
            key: self.fit,
            fetched: self.fetched.take(),
        })))
    }
}
