//! A new backup: a key is drawn, signed, created, and confirmed to be the current one.

// docs/decisions.md, 26: a backup is created once.

use rand_core::CryptoRng;

use super::{
    AnswerError, Backup, Lane, Next, RequestKind, Stage, TaskId,
    kept::{SecretChange, Vaulted},
    stage::{Creation, Draft, Event, Making, Phase, State},
};
use crate::client::{
    courier::PATIENCE,
    failure::Failure,
    flow::FlowError,
    operation::MAX_SIGNATURES,
    waiting::{Awaited, RequestFailure},
};
use crate::{
    backup::{
        AuthData, BackupDecryptionKey, BackupPublicKey, TrustError, TrustedBackup, UnsignedAuthData,
    },
    crypto::ed25519::Ed25519Signature,
    ids::{BackupVersion, KeyId, UserId},
};

impl Backup {
    /// The host has signed the new key: with the key of the device and, where it is at hand, the master key. A backup
    /// takes 8 signatures at most, so that the state which remembers them stays small.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if this is not what is to be signed now, or there are more signatures. Nothing has changed then,
    /// and the machine still waits for them.
    pub fn signed(
        &mut self,
        id: TaskId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), AnswerError> {
        let State::Making(Making { phase: Phase::Signing(_, Some(asked)), .. }) = &self.state
        else {
            return Err(AnswerError::NotAwaited);
        };
        if *asked != id {
            return Err(AnswerError::NotAwaited);
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(AnswerError::TooManySignatures { found: signatures.len() });
        }
        self.turn(Event::Signed(signatures.to_vec()));
        Ok(())
    }

    /// Draws the key of a new backup, and goes on to creating it. Each step is saved before the next.
    pub(super) fn settle(&mut self, rng: &mut impl CryptoRng) {
        self.office.courier.draw_ids(rng);
        // What it replaces is known, or cannot be.
        let knows = self.look.is_done || self.unseen().is_some();
        if let State::Making(making) = &mut self.state
            && matches!(making.phase, Phase::Drawing)
            && knows
        {
            let key = BackupDecryptionKey::generate_with_rng(rng);
            let found = self.look.found();
            let before = found.map(|info| info.version().clone());
            let replaced = found.and_then(|info| info.auth_data().ok());
            let replaces = replaced.map(|auth_data| *auth_data.public_key());
            let signatures = Vec::new();
            let draft = Draft { key, signatures, before, replaces, is_unsent: true };
            making.phase = Phase::Signing(draft, None);
            self.office.touch();
        }
        if self.stage() == Stage::Creating && !self.office.courier.is_busy(Lane::Version) {
            self.turn(Event::Sent);
        }
    }

    pub(super) fn sign(&mut self) -> Option<Next> {
        let Phase::Signing(draft, asked @ None) = &mut self.state.making_mut()?.phase else {
            return None;
        };
        let to_sign = UnsignedAuthData::new(&draft.key).ok()?.to_sign().clone();
        let id = self.office.courier.new_id();
        *asked = Some(id);
        Some(Next::Sign(id, to_sign))
    }

    /// The server has answered the request to create the version. What counts is the current version.
    pub(super) fn created(&mut self, answer: Result<BackupVersion, Failure>) {
        match answer {
            Ok(version) => {
                if let Some(creation) = self.state.making_mut().and_then(Making::creation_mut) {
                    *creation = Creation::Made(version);
                }
                self.office.touch();
                self.look_again();
            }
            Err(failure) => {
                self.version_failed(RequestKind::CreateVersion, &failure);
                if let Some(reason) = self.creation_has_ended(&failure) {
                    self.is_not_created(reason, Event::Refused);
                }
            }
        }
    }

    /// Why the request to create a version is not sent again, if so: it is refused for good, or the server has failed on it for
    /// about an hour. That is not the network, since each is sent only right after an answer. A 404 is one that may pass:
    /// proxies give it, too.
    fn creation_has_ended(&self, failure: &Failure) -> Option<FlowError> {
        let (kind, courier) = (RequestKind::CreateVersion, &self.office.courier);
        if self.stage() != Stage::Confirming {
            return None;
        }
        if matches!(failure, Failure::Refused(_))
            && let Some(RequestFailure::Api(error)) = courier.last_error(kind)
        {
            return Some(FlowError::Refused(error.clone()));
        }
        if courier.failures(kind) < PATIENCE {
            return None;
        }
        let mut waiting = courier.waiting_for(&[kind].into()).into_iter();
        let failing = waiting.find(|waiting| waiting.what == Awaited::Request(kind));
        failing.map(Box::new).map(FlowError::Failing)
    }

    fn is_not_created(&mut self, reason: FlowError, event: Event) {
        self.office.deliver(Next::NotCreated(reason));
        self.turn(event);
    }

    /// Whether the current backup is the one that was to be created. Nothing is created twice: the request goes
    /// out again, with the same key, only if everything is as it was before and the server never said that it
    /// made the version.
    pub(super) fn confirm(&mut self) {
        let found = self.look.found();
        let State::Making(Making { phase: Phase::Confirming(draft, creation), .. }) =
            &mut self.state
        else {
            return;
        };
        let own = found.and_then(|info| {
            TrustedBackup::by_decryption_key(info, &draft.key, &self.kept.retired).ok()
        });
        if let Some(backup) = own {
            let draft = draft.clone();
            self.office.courier.settled(RequestKind::CreateVersion);
            self.without_effect = 0;
            self.adopt_own(&backup, draft);
            return self.turn(Event::Trusted(backup));
        }
        if found.is_some_and(|info| draft.before.as_ref() != Some(info.version())) {
            // Whoever wants a new one is asked before the one that was used is used again.
            let event = if self.kept.used.is_some() { Event::Other } else { self.classify() };
            return self.is_not_created(FlowError::OtherDevice, event);
        }
        let is_fresh = self.office.courier.may_send(RequestKind::CreateVersion);
        match creation {
            Creation::Due | Creation::Ready => {
                *creation = if is_fresh { Creation::Ready } else { Creation::Due };
            }
            Creation::Sent => self.turn(Event::NotYet { is_fresh }),
            // A server that does not show at once what it made.
            Creation::Made(_)
                if self.office.courier.failures(RequestKind::FindVersion) < CONFIRMATIONS => {}
            Creation::Made(_) => self.not_shown(),
        }
    }

    pub(in crate::client) fn draft_key(&self) -> Option<BackupPublicKey> {
        Some(*self.state.making()?.draft()?.key.public_key())
    }

    /// How long to wait for the next look while a version is to be made: it is looked for just before that is tried again, and
    /// now and then until then.
    pub(super) fn creation_wait(&self) -> u64 {
        let due = self.office.courier.due(RequestKind::CreateVersion).unwrap_or_default();
        due.saturating_sub(self.office.courier.now()).min(self.poll_wait())
    }

    /// The server does not say which backup is the current one. A version is made without, but not a second one.
    pub(super) fn confirm_unseen(&mut self) {
        let failures = |kind| self.office.courier.failures(kind);
        let is_first = failures(RequestKind::CreateVersion) == 0;
        let is_over = failures(RequestKind::FindVersion) >= CONFIRMATIONS;
        match self.state.making_mut().and_then(Making::creation_mut) {
            Some(creation @ (Creation::Due | Creation::Ready)) if is_first => {
                *creation = Creation::Ready;
            }
            Some(_) if is_over => self.not_shown(),
            _ => {}
        }
    }

    /// What was made is not there. It is not made again for an hour, and each time for twice the time.
    fn not_shown(&mut self) {
        let wait = NOT_SHOWN_MS << self.without_effect.min(LONGEST_DOUBLING);
        self.without_effect += 1;
        self.office.courier.failed(RequestKind::CreateVersion, wait);
        self.is_not_created(FlowError::NotShown, Event::Refused);
    }

    fn adopt_own(&mut self, backup: &TrustedBackup, draft: Draft) {
        self.kept.keep_key(draft.key, None);
        draft.replaces.into_iter().for_each(|public_key| self.kept.retire(public_key));
        self.adopt(backup);
        // Nobody else has the key, whether or not a crash has let this be adopted before.
        self.is_own();
        self.preference.known.write = Some(true);
        self.office.touch();
    }

    pub(super) fn is_own(&mut self) {
        self.kept.recovery_key_unsaved = true;
        self.kept.vaulted = Vaulted::Due(SecretChange::Store);
    }
}

impl Draft {
    /// The `auth_data` of the new version: nothing but the public key is signed and sent.
    pub(super) fn auth_data(&self, user_id: &UserId) -> Result<AuthData, TrustError> {
        let signatures = self.signatures.iter();
        let signed = signatures
            .fold(UnsignedAuthData::new(&self.key)?, |unsigned, (key_id, signature)| {
                unsigned.with_signature(user_id, key_id, signature)
            });
        Ok(signed.into_auth_data())
    }
}

/// How many times a version is looked for that the server says it made: over about a quarter of an hour.
const CONFIRMATIONS: u32 = 10;

/// How long no other version is made, at first, if one was made and is not shown; and how often that is doubled.
const NOT_SHOWN_MS: u64 = 60 * 60 * 1_000;
const LONGEST_DOUBLING: u32 = 5;
