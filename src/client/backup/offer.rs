//! From the host's sessions to batches.

use std::{collections::BTreeSet, mem};

use rand_core::CryptoRng;

use super::{
    Backup, Next, NotStored, OfferedSession, RequestKind,
    office::Office,
    upload::{InUse, Pending, Supply},
};
use crate::{
    backup::SealedSession,
    randomness::{NoRandomness, os_seeded_rng},
    session_data::ExportedSession,
};

impl Backup {
    /// Sessions that are not stored yet in the version of the last [`Next::Want`]; none if there are none, until
    /// [`Backup::new_sessions`].
    ///
    /// What is not reported by [`Next::Stored`] or [`Next::NotStored`] later
    /// was not taken: the host offers it again when it is asked.
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
        if let Some(in_use) = self.state.in_use_mut()
            && in_use.supply == Supply::Asked
        {
            in_use.offered(&mut self.office, sessions, rng);
        }
    }
}

impl InUse {
    fn offered(
        &mut self,
        office: &mut Office,
        sessions: &[OfferedSession],
        rng: &mut impl CryptoRng,
    ) {
        let (hopeless, count) = (&office.hopeless, sessions.len());
        let kept: BTreeSet<_> = self.batches.iter().flatten().map(|kept| kept.token).collect();
        let is_new = |token| !hopeless.tokens.contains_key(&token) && !kept.contains(&token);
        let sessions = sessions.iter().filter(|offered| is_new(offered.token));
        let sessions: Vec<_> = sessions.take(office.options.batch_sessions).collect();
        // Whoever has more than what is hopeless has been asked for that much more.
        let is_drained = sessions.is_empty() && count < self.wish_count(office);
        self.supply = if is_drained { Supply::Drained } else { Supply::Unknown };
        let kept = mem::take(&mut self.batches);
        let to_seal = sessions.iter().map(|offered| {
            let ExportedSession { room_id, session } = &offered.session;
            (room_id, session, offered.options)
        });
        let to_seal: Vec<_> = to_seal.collect();
        match self.sealer.seal_with_rng(&to_seal, rng) {
            Ok(sealed) => self.take(office, &sessions, sealed),
            Err(_) => {
                let tokens = sessions.iter().map(|offered| offered.token);
                self.not_stored(office, tokens.map(|it| (it, NotStored::Unusable)).collect());
            }
        }
        if !self.batches.is_empty() {
            self.others_came();
        }
        self.batches.extend(kept);
    }

    /// The wish for sessions, if they can be sent now and the last ones are done with.
    pub(super) fn want(&mut self, office: &mut Office) -> Option<Next> {
        let is_allowed = office.courier.may_send(RequestKind::Upload);
        if self.supply == Supply::Drained && office.hopeless.forgive(office.courier.now()) {
            self.is_asked_anew();
        }
        if !is_allowed || !self.wants_more(office) || !self.is_free(office) {
            return None;
        }
        let version = self.version().clone();
        self.supply = Supply::Asked;
        office.hopeless.is_about(&version);
        let count = self.wish_count(office);
        let requests = count.checked_div(office.options.batch_sessions).unwrap_or(1);
        let bytes = office.options.batch_bytes.saturating_mul(requests);
        Some(Next::Want { version, count, bytes })
    }

    /// As many as go into a request, and those that the host may offer again in vain.
    fn wish_count(&self, office: &Office) -> usize {
        let again = office.hopeless.tokens.len() + self.batches.iter().map(Vec::len).sum::<usize>();
        office.options.batch_sessions.saturating_add(again)
    }

    /// Sorts what was sealed: what the backup has already, what has to be looked up first, what can go.
    fn take(
        &mut self,
        office: &mut Office,
        sessions: &[&OfferedSession],
        sealed: Vec<SealedSession>,
    ) {
        let (mut have, mut unusable) = (Vec::new(), Vec::new());
        for (offered, sealed) in sessions.iter().zip(sealed) {
            if !sealed.room_id().is_read_by_clients() {
                unusable.push((offered.token, NotStored::Unusable));
                continue;
            }
            let metadata = *sealed.data().metadata();
            let is_second_hand = offered.is_imported || metadata.forwarded_count > Some(0);
            let pending = Pending { token: offered.token, sealed, failures: 0 };
            match self.seen.get(pending.sealed.room_id(), pending.sealed.session_id()) {
                Some(best) if !metadata.replaces(best) => have.push(pending.token),
                None if is_second_hand => self.to_look.push_back(pending),
                _ => self.ready.push(pending),
            }
        }
        self.stored(office, have);
        self.not_stored(office, unusable);
        self.make_batches(office);
    }

    /// Once nothing is to be looked up any more, or something cannot be, what is ready becomes requests.
    pub(super) fn make_batches(&mut self, office: &Office) {
        if self.has_to_look() && office.courier.failures(RequestKind::CompareSession) == 0 {
            return;
        }
        let mut parts = vec![mem::take(&mut self.ready)];
        while let Some(mut part) = parts.pop() {
            let body_len: usize = part.iter().map(|pending| pending.sealed.json_len()).sum();
            if part.len() > 1 && body_len > office.options.batch_bytes {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
            } else if !part.is_empty() {
                self.batches.push_back(part);
            }
        }
    }
}
