//! What became of an upload.

use super::{Backup, NotStored, RequestKind, blame::FAILURES, stage::Event, upload::Pending};
use crate::{api::StoredRoomKeys, client::failure::Failure, ids::BackupVersion};

impl Backup {
    /// The server has answered an upload.
    pub(super) fn uploaded(
        &mut self,
        version: &BackupVersion,
        stored: Result<StoredRoomKeys, Failure>,
    ) {
        let batch = std::mem::take(&mut self.upload.sending);
        let is_current =
            self.in_use.as_ref().is_some_and(|in_use| in_use.backup.version() == version);
        match stored {
            Ok(stored) => {
                self.courier.succeeded(RequestKind::Upload);
                if is_current {
                    self.upload.hopeless.is_taken();
                    self.upload_taken();
                    self.download.etag_is(stored.etag.as_deref());
                    self.remember(&batch);
                }
                let tokens = batch.iter().map(|pending| pending.token).collect();
                self.deliver_stored(version.clone(), tokens);
            }
            Err(failure) if is_current => self.upload_failed(batch, failure),
            Err(failure) => self.courier.failed(RequestKind::Upload, failure.wait_ms()),
        }
        self.settle_refusals();
    }

    fn upload_failed(&mut self, batch: Vec<Pending>, failure: Failure) {
        let losses = self.courier.failures(RequestKind::Upload);
        let is_to_blame = self.is_to_blame(RequestKind::Upload, &failure);
        match failure {
            Failure::OtherVersion | Failure::NotFound => {
                if self.upload.hopeless.is_denied() {
                    self.are_failing(&batch);
                }
                self.gone();
            }
            Failure::TooLarge => self.split_or_drop(batch, NotStored::TooLarge),
            Failure::Refused(error) => self.upload_refused(batch, error),
            // One session may be what the server fails on.
            Failure::Later { .. } if losses >= FAILURES && batch.len() > 1 => {
                self.courier.failed(RequestKind::Upload, failure.wait_ms());
                self.split(batch);
            }
            Failure::Later { .. } if batch.len() == 1 => {
                self.courier.failed(RequestKind::Upload, failure.wait_ms());
                self.alone_failed(batch);
            }
            // Something on the way may drop what is too large for it, without a word.
            Failure::NoAnswer if batch.len() > 1 && losses > 0 && losses.is_multiple_of(LOSSES) => {
                self.courier.failed(RequestKind::Upload, 0);
                self.split(batch);
            }
            failure => {
                self.courier.failed(RequestKind::Upload, failure.wait_ms());
                match batch.len() {
                    1 if is_to_blame => self.are_failing(&batch),
                    _ if is_to_blame => self.split(batch),
                    _ => self.upload.batches.push_back(batch),
                }
            }
        }
    }

    fn split_or_drop(&mut self, batch: Vec<Pending>, reason: NotStored) {
        self.courier.succeeded(RequestKind::Upload);
        if batch.len() > 1 {
            return self.split(batch);
        }
        let failures = batch.iter().map(|pending| (pending.token, reason.clone())).collect();
        self.not_stored(failures);
    }

    pub(super) fn split(&mut self, mut batch: Vec<Pending>) {
        let second = batch.split_off(batch.len() / 2);
        self.upload.batches.push_front(second);
        self.upload.batches.push_front(batch);
    }

    /// The version is gone or was replaced: nothing goes there until it is known what happened.
    pub(super) fn gone(&mut self) {
        self.courier.failed(RequestKind::Upload, 0);
        if self.kept.stage.makes_backup() {
            // What a new backup replaces is not what it was.
            self.stop_uploads();
            self.look.is_done = false;
            self.look_again();
        }
        self.turn(Event::Gone);
    }

    fn remember(&mut self, batch: &[Pending]) {
        for Pending { token: _, sealed, failures: _ } in batch {
            let metadata = *sealed.data().metadata();
            let limit = self.options.seen_sessions;
            self.upload.seen.add(sealed.room_id(), sealed.session_id(), metadata, limit);
        }
    }
}

/// After so many lost answers in a row a batch is split.
const LOSSES: u32 = 3;
