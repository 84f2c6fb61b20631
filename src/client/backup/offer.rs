//! From the host's sessions to batches.

use rand_core::CryptoRng;

use super::{
    Backup, HostToken, Next, NotStored, OfferedSession, RequestKind, Wish, upload::Pending,
};
use crate::{
    api::PutRoomKeys,
    backup::{SealedSession, SessionToSeal},
    randomness::{NoRandomness, os_seeded_rng},
};

impl Backup {
    /// Sessions that are not stored yet in the version of the last [`Wish`]; none if there are none, until
    /// [`Backup::new_sessions`].
    ///
    /// What is not reported by [`Next::Stored`] or [`Next::NotStored`] later was not taken: the host offers it again
    /// when it is asked.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none. Nothing has changed then.
    pub fn offer(&mut self, sessions: &[OfferedSession]) -> Result<(), NoRandomness> {
        self.offer_with_rng(sessions, &mut os_seeded_rng()?);
        Ok(())
    }

    /// As [`Backup::offer`], with the caller's randomness.
    pub fn offer_with_rng(&mut self, sessions: &[OfferedSession], rng: &mut impl CryptoRng) {
        let Some(in_use) = &self.in_use else { return };
        if !self.upload.is_wished {
            return;
        }
        self.upload.is_wished = false;
        let (hopeless, count) = (&self.upload.hopeless, sessions.len());
        let sessions = sessions.iter().filter(|offered| !hopeless.contains(offered.token));
        let sessions: Vec<_> = sessions.take(self.options.batch_sessions).collect();
        // Whoever has more than what is hopeless has been asked for that much more.
        self.upload.is_drained = sessions.is_empty() && count < self.wish_count();
        let to_seal: Vec<_> = sessions.iter().map(|offered| to_seal(offered)).collect();
        match in_use.sealer.seal_with_rng(&to_seal, rng) {
            Ok(sealed) => self.take(&sessions, sealed),
            Err(_) => {
                let tokens = sessions.iter().map(|offered| offered.token);
                self.not_stored(tokens.map(|token| (token, NotStored::Unusable)).collect());
            }
        }
    }

    /// The wish for sessions, if they can be sent now and the last ones are done with.
    pub(super) fn want(&mut self, now: u64) -> Option<Wish> {
        let is_allowed = self.courier.may_send(RequestKind::Upload);
        if self.upload.is_drained && self.upload.hopeless.forgive(now) {
            self.upload.is_asked_anew();
        }
        if !is_allowed || !self.upload.wants_more() || !self.upload.lane.is_free(now) {
            return None;
        }
        let version = self.in_use.as_ref()?.backup.version().clone();
        self.upload.is_wished = true;
        self.upload.hopeless.is_about(&version);
        let count = self.wish_count();
        let requests = count.checked_div(self.options.batch_sessions).unwrap_or(1);
        let bytes = self.options.batch_bytes.saturating_mul(requests);
        Some(Wish { version, count, bytes })
    }

    /// As many as go into a request, and those that the host may offer again in vain.
    fn wish_count(&self) -> usize {
        self.options.batch_sessions.saturating_add(self.upload.hopeless.len())
    }

    /// Sorts what was sealed: what the backup has already, what has to be looked up first, what can go.
    fn take(&mut self, sessions: &[&OfferedSession], sealed: Vec<SealedSession>) {
        let (mut have, mut unusable) = (Vec::new(), Vec::new());
        for (offered, sealed) in sessions.iter().zip(sealed) {
            if !sealed.room_id().is_read_by_clients() {
                unusable.push((offered.token, NotStored::Unusable));
                continue;
            }
            let metadata = *sealed.data().metadata();
            let is_second_hand = offered.is_imported || metadata.forwarded_count > Some(0);
            let pending = Pending { token: offered.token, sealed, failures: 0 };
            match self.upload.seen.get(pending.sealed.room_id(), pending.sealed.session_id()) {
                Some(best) if !metadata.replaces(best) => have.push(pending.token),
                None if is_second_hand => self.upload.to_look.push_back(pending),
                _ => self.upload.ready.push(pending),
            }
        }
        self.report_stored(have);
        if !unusable.is_empty() {
            self.not_stored(unusable);
        }
        self.make_batches();
    }

    /// Once nothing is to be looked up any more, or something cannot be, what is ready becomes requests.
    pub(super) fn make_batches(&mut self) {
        if self.upload.has_to_look() && self.courier.failures(RequestKind::CompareSession) == 0 {
            return;
        }
        let mut parts = vec![std::mem::take(&mut self.upload.ready)];
        while let Some(mut part) = parts.pop() {
            if part.len() > 1 && body_len(&part) > self.options.batch_bytes {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            } else if !part.is_empty() {
                self.upload.batches.push_back(part);
            }
        }
    }

    /// The request that stores a batch.
    pub(super) fn put(&self, batch: &[Pending]) -> Option<PutRoomKeys> {
        let sealed = batch.iter().map(|pending| pending.sealed.clone());
        PutRoomKeys::new(&self.in_use.as_ref()?.backup, sealed).ok()
    }

    /// Tells the host what the current version has.
    pub(super) fn report_stored(&mut self, tokens: Vec<HostToken>) {
        let Some(in_use) = &self.in_use else { return };
        let version = in_use.backup.version().clone();
        self.deliver_stored(version, tokens);
    }

    pub(super) fn not_stored(&mut self, failures: Vec<(HostToken, NotStored)>) {
        let Some(in_use) = &self.in_use else { return };
        let version = in_use.backup.version().clone();
        let now = self.courier.now();
        self.upload.progress.not_stored += failures.len() as u64;
        for (token, reason) in &failures {
            // A server that takes nothing is asked again when there is something new.
            self.upload.is_drained |= !self.upload.hopeless.add(*token, reason, now);
        }
        let id = self.delivery_id();
        self.deliver(Next::NotStored(id, version, failures));
    }
}

/// How many bytes of JSON the request takes at most that stores these.
fn body_len(batch: &[Pending]) -> usize {
    batch.iter().map(|pending| pending.sealed.json_len()).sum()
}

fn to_seal(offered: &OfferedSession) -> SessionToSeal<'_> {
    SessionToSeal {
        room_id: &offered.session.room_id,
        session: &offered.session.session,
        options: offered.options,
    }
}
