//! A new backup: a key is drawn, signed, created, and confirmed to be the current one.

use rand_core::CryptoRng;
use thiserror::Error;

use super::{
    Backup, Next, NotCreated, RequestKind, Stage,
    kept::{Draft, SecretChange},
    stage::Event,
};
use crate::client::{
    courier::PATIENCE,
    failure::Failure,
    waiting::{Awaited, RequestFailure},
};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, TrustedBackup},
    crypto::ed25519::Ed25519Signature,
    ids::{BackupVersion, KeyId},
    provenance::Provenance,
};

/// The number of something to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignId(u64);

/// Why signatures are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignedError {
    /// Nobody waits for this: it was answered, or things have changed meanwhile.
    #[error("nobody waits for this any more")]
    NotAwaited,
    /// There are too many signatures. A device and the user have two keys that sign a backup; give those.
    #[error("a new backup takes {MAX_SIGNATURES} signatures at most, and there are {found}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
}

/// What the machine knows of a creation while it runs.
#[derive(Debug, Default)]
pub(super) struct Signing {
    asked: Option<SignId>,
    /// Whether the request is to be sent now. After a restart the server is asked first.
    pub(super) is_to_be_sent: bool,
    /// Whether the server was asked since the key was signed, and nothing has changed.
    pub(super) is_fresh: bool,
    /// Whether what was drawn was not sent yet, as far as is known for sure.
    pub(super) is_unsent: bool,
    /// How many versions the server said it made, and never showed.
    without_effect: u32,
}

impl Signing {
    /// Nothing is made any more.
    pub(super) fn is_cancelled(&mut self) {
        *self = Self { without_effect: self.without_effect, ..Self::default() };
    }

    /// Whether the host was asked to sign.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }
}

impl Backup {
    /// The host has signed the new key: with the key of the device and, where it is at hand, the master key. A backup
    /// takes 8 signatures at most, so that the state which remembers them stays small.
    ///
    /// # Errors
    ///
    /// [`SignedError`] if this is not what is to be signed now, or there are more signatures. Nothing has changed then,
    /// and the machine still waits for them.
    pub fn signed(
        &mut self,
        id: SignId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), SignedError> {
        if self.signing.asked != Some(id) || self.kept.stage != Stage::Signing {
            return Err(SignedError::NotAwaited);
        }
        let draft = self.kept.draft.as_mut().ok_or(SignedError::NotAwaited)?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(SignedError::TooMany { found: signatures.len() });
        }
        draft.signatures = signatures.to_vec();
        self.signing.is_fresh = false;
        self.turn(Event::Signed);
        Ok(())
    }

    /// Draws the key of a new backup, and goes on to creating it. Each step is saved before the next.
    pub(super) fn settle(&mut self, rng: &mut impl CryptoRng) {
        self.courier.draw_ids(rng);
        if self.kept.stage == Stage::Signing
            && self.kept.draft.is_none()
            && self.knows_what_it_replaces()
        {
            let key = BackupDecryptionKey::generate_with_rng(rng);
            let before = self.found.as_ref().map(|info| info.version().clone());
            let replaced = self.found.as_ref().and_then(|info| info.auth_data().ok());
            let replaces = replaced.map(|auth_data| *auth_data.public_key());
            self.kept.draft =
                Some(Draft { key, signatures: Vec::new(), before, replaces, created: None });
            (self.signing.asked, self.signing.is_unsent) = (None, true);
            self.touch();
        }
        if self.kept.stage == Stage::Creating && self.version.in_flight.is_none() {
            self.turn(Event::Sent);
            self.signing.is_to_be_sent = true;
        }
    }

    /// What is to be signed, once.
    pub(super) fn sign(&mut self) -> Option<Next> {
        if self.kept.stage != Stage::Signing || self.signing.asked.is_some() {
            return None;
        }
        let to_sign = self.kept.draft.as_ref()?.unsigned().ok()?.to_sign().clone();
        let id = SignId(self.new_id());
        self.signing.asked = Some(id);
        Some(Next::Sign(id, to_sign))
    }

    /// What is to be signed is handed out again.
    pub(super) fn ask_for_signatures(&mut self) {
        self.signing.asked = None;
    }

    /// The server has answered the request to create the version. What counts is the current version.
    pub(super) fn created(&mut self, answer: Result<BackupVersion, Failure>, now: u64) {
        match answer {
            Ok(version) => {
                if let Some(draft) = &mut self.kept.draft {
                    draft.created = Some(version);
                }
                self.touch();
                self.version.answered(now);
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
    /// about an hour. That is not the network, since each is sent only right after an answer.
    fn creation_has_ended(&self, failure: &Failure) -> Option<NotCreated> {
        let kind = RequestKind::CreateVersion;
        if self.kept.stage != Stage::Confirming {
            return None;
        }
        if matches!(failure, Failure::Refused(_) | Failure::TooLarge)
            && let Some(RequestFailure::Api(error)) = self.courier.last_error(kind)
        {
            return Some(NotCreated::Refused(error.clone()));
        }
        if self.courier.failures(kind) < PATIENCE {
            return None;
        }
        let waiting = self.courier.waiting_for(&[kind].into()).into_iter();
        let mut failing = waiting.filter(|waiting| waiting.what == Awaited::Request(kind));
        failing.next().map(Box::new).map(NotCreated::Failing)
    }

    /// The new backup is given up, and the host is told why.
    fn is_not_created(&mut self, reason: NotCreated, event: Event) {
        self.deliver(Next::NotCreated(reason));
        self.signing.is_to_be_sent = false;
        self.kept.give_up_draft();
        self.turn(event);
    }

    /// Whether the current backup is the one that was to be created. Nothing is created twice: the request goes
    /// out again, with the same key, only if everything is as it was before and the server never said that it
    /// made the version.
    pub(super) fn confirm(&mut self) {
        let (Some(draft), found) = (&self.kept.draft, &self.found) else {
            return self.turn(Event::Refused);
        };
        let is_made = draft.created.is_some();
        let may_be_sent = self.courier.may_send(RequestKind::CreateVersion);
        let own = found.as_ref().and_then(|info| {
            TrustedBackup::by_decryption_key(info, &draft.key, &self.kept.retired).ok()
        });
        if let Some(backup) = own {
            self.courier.succeeded(RequestKind::CreateVersion);
            self.signing.without_effect = 0;
            self.adopt_own(backup);
            return self.turn(Event::Trusted);
        }
        let is_as_before =
            found.as_ref().is_none_or(|info| draft.before.as_ref() == Some(info.version()));
        if is_as_before && self.signing.is_to_be_sent {
            self.signing.is_fresh = may_be_sent;
            return;
        }
        if is_as_before && !is_made {
            self.signing.is_fresh = may_be_sent;
            return self.turn(Event::NotYet);
        }
        if is_as_before && self.courier.failures(RequestKind::FindVersion) < CONFIRMATIONS {
            // A server that does not show at once what it made.
            return;
        }
        if is_as_before {
            return self.not_shown();
        }
        // Whoever wants a new one is asked before the one that was used is used again.
        let event = if self.kept.used.is_some() { Event::Other } else { self.classify() };
        self.is_not_created(NotCreated::OtherBackup, event);
    }

    /// The public key of the backup that is being made.
    pub(in crate::client) fn draft_key(&self) -> Option<BackupPublicKey> {
        self.kept.draft.as_ref().map(|draft| *draft.key.public_key())
    }

    /// Whether the server said that it made the version.
    pub(super) fn is_made(&self) -> bool {
        self.kept.draft.as_ref().is_some_and(|draft| draft.created.is_some())
    }

    /// How long to wait for the next look while a version is to be made: it is looked for just before that is tried again, and
    /// now and then until then.
    pub(super) fn creation_wait(&self) -> u64 {
        let due = self.courier.due(RequestKind::CreateVersion).unwrap_or_default();
        due.saturating_sub(self.courier.now()).min(self.poll_wait())
    }

    /// Whether a new backup can be made: what it replaces is known, or cannot be.
    fn knows_what_it_replaces(&self) -> bool {
        self.look.is_done || self.unseen().is_some()
    }

    /// The server does not say which backup is the current one. A version is made without, but not a second one.
    pub(super) fn confirm_unseen(&mut self) {
        if self.signing.is_to_be_sent && self.courier.failures(RequestKind::CreateVersion) == 0 {
            self.signing.is_fresh = true;
        } else if self.courier.failures(RequestKind::FindVersion) >= CONFIRMATIONS {
            self.not_shown();
        }
    }

    /// What was made is not there. It is not made again for an hour, and each time for twice the time.
    fn not_shown(&mut self) {
        let version = self.kept.draft.as_mut().and_then(|draft| draft.created.take());
        if self.signing.is_unsent {
            self.kept.draft = None;
        }
        let wait = NOT_SHOWN_MS << self.signing.without_effect.min(LONGEST_DOUBLING);
        self.signing.without_effect += 1;
        self.courier.failed(RequestKind::CreateVersion, wait);
        self.is_not_created(NotCreated::NotShown(version), Event::Refused);
    }

    fn adopt_own(&mut self, backup: TrustedBackup) {
        if let Some(draft) = self.kept.draft.take() {
            self.kept.keep_key(draft.key);
            draft.replaces.into_iter().for_each(|public_key| self.kept.retire(public_key));
        }
        self.adopt(backup);
        // Nobody else has the key, whether or not a crash has let this be adopted before.
        self.is_own();
        self.kept.preference.write = Some(true);
        self.touch();
    }

    /// What was to be saved and stored is not any more, but the key of this backup if it was made here: nobody else has
    /// it.
    pub(super) fn take_key_of(&mut self, public_key: &BackupPublicKey) {
        (self.kept.recovery_key_unsaved, self.kept.secret) = (false, None);
        let is_made_here = |key: &BackupDecryptionKey| key.provenance() == Provenance::Generated;
        if self.kept.keys_of(public_key).any(is_made_here) {
            self.is_own();
        }
    }

    /// The key of the backup in use is to be saved and stored.
    fn is_own(&mut self) {
        self.kept.recovery_key_unsaved = true;
        self.kept.secret = Some(SecretChange::Store);
        self.secret_is_asked_for = false;
    }
}

/// How many times a version is looked for that the server says it made: over about a quarter of an hour.
const CONFIRMATIONS: u32 = 10;

/// How long no other version is made, at first, if one was made and is not shown; and how often that is doubled.
const NOT_SHOWN_MS: u64 = 60 * 60 * 1_000;
const LONGEST_DOUBLING: u32 = 5;

/// More keys than sign a backup: those of the device and of the user.
const MAX_SIGNATURES: usize = 8;
