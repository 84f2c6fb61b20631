//! What became of an upload.

use super::{
    HostToken, NotStored, RequestKind,
    office::{Effect, Office},
    upload::{InUse, Pending, Supply},
};
use crate::{api::StoredRoomKeys, client::failure::Failure};

impl InUse {
    /// The server has answered an upload to this version, unless it was sent before the version came into use again.
    pub(super) fn uploaded(
        &mut self,
        office: &mut Office,
        stored: Result<StoredRoomKeys, Failure>,
        tokens: &[HostToken],
    ) {
        let batch = std::mem::take(&mut self.sending);
        match stored {
            Ok(stored) => {
                office.courier.succeeded(RequestKind::Upload);
                office.hopeless.is_taken();
                self.upload_taken(office);
                for pending in &batch {
                    self.seen.add(pending.seen(), office.options.seen_sessions);
                }
                self.stored(office, tokens.to_vec());
                office.then(Effect::Etag(stored.etag));
            }
            Err(Failure::OtherVersion | Failure::NotFound) => return self.gone(office, &batch),
            Err(failure) => self.upload_failed(office, batch, failure),
        }
        self.settle_refusals(office);
    }

    fn upload_failed(&mut self, office: &mut Office, batch: Vec<Pending>, failure: Failure) {
        let losses = office.courier.failures(RequestKind::Upload);
        match failure {
            Failure::Refused(error) => self.upload_refused(office, batch, error),
            // One session may be what the server fails on.
            Failure::Later { .. } if losses >= FAILURES && batch.len() > 1 => {
                office.failed(RequestKind::Upload, &failure);
                self.split(batch);
            }
            Failure::Later { .. } if batch.len() == 1 => {
                office.failed(RequestKind::Upload, &failure);
                self.alone_failed(office, batch);
            }
            failure => {
                let is_to_blame = office.failed(RequestKind::Upload, &failure);
                let is_lost = matches!(failure, Failure::NoAnswer);
                match batch.len() {
                    0 => {}
                    // Something on the way may drop what is too large for it, without a word.
                    2.. if is_lost && losses > 0 && losses.is_multiple_of(LOSSES) => {
                        self.split(batch);
                    }
                    1 if is_to_blame => self.are_failing(office, &batch),
                    _ if is_to_blame => self.split(batch),
                    _ => self.batches.push_back(batch),
                }
            }
        }
    }

    /// Others go first, and after some times the host is told. If nothing can be looked at, it is told of all of them.
    pub(super) fn look_failed(
        &mut self,
        office: &mut Office,
        mut pending: Pending,
        failure: &Failure,
    ) {
        let is_to_blame = office.failed(RequestKind::CompareSession, failure);
        pending.failures += u32::from(matches!(failure, Failure::Later { .. }));
        let is_failing = pending.failures >= FAILURES;
        let mut failing = vec![pending];
        if is_to_blame {
            failing.extend(self.to_look.drain(..));
            self.are_failing(office, &failing);
        } else if is_failing {
            self.are_failing(office, &failing);
        } else {
            self.to_look.extend(failing);
        }
    }

    /// Others go first, and after some times the host is told: one bad session would hold up all others, in silence.
    fn alone_failed(&mut self, office: &mut Office, mut batch: Vec<Pending>) {
        batch.iter_mut().for_each(|pending| pending.failures += 1);
        if batch.iter().any(|pending| pending.failures >= FAILURES) {
            self.are_failing(office, &batch);
        } else {
            self.batches.push_back(batch);
        }
    }

    fn are_failing(&mut self, office: &mut Office, batch: &[Pending]) {
        let failing = |pending: &Pending| (pending.token, NotStored::Failing);
        self.not_stored(office, batch.iter().map(failing).collect());
    }

    pub(super) fn split(&mut self, mut batch: Vec<Pending>) {
        let second = batch.split_off(batch.len() / 2);
        self.batches.push_front(second);
        self.batches.push_front(batch);
    }

    /// The version is gone or was replaced, by the word of the server. If it shows it as the current one all the same, and
    /// has done so too often, that is about these sessions.
    pub(super) fn gone(&mut self, office: &mut Office, batch: &[Pending]) {
        if office.hopeless.is_denied() {
            self.are_failing(office, batch);
        }
        office.courier.failed(RequestKind::Upload, 0);
        office.then(Effect::Gone);
    }

    /// Tells the host what the version has.
    pub(super) fn stored(&mut self, office: &mut Office, tokens: Vec<HostToken>) {
        self.progress.stored += tokens.len() as u64;
        office.deliver_stored(self.backup.version(), tokens);
    }

    /// Tells the host what cannot be stored. A server that takes nothing is asked again when there is something new.
    pub(super) fn not_stored(
        &mut self,
        office: &mut Office,
        failures: Vec<(HostToken, NotStored)>,
    ) {
        self.progress.not_stored += failures.len() as u64;
        if !failures.is_empty() && !office.deliver_not_stored(self.backup.version(), failures) {
            self.supply = Supply::Drained;
        }
    }
}

/// After so many failures a batch is split, and a session alone given up.
pub(super) const FAILURES: u32 = 5;

/// After so many lost answers in a row a batch is split.
const LOSSES: u32 = 3;
