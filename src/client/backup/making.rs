//! A backup that is being made, step by step, each with what it alone knows.

// docs/decisions.md, 26: a backup is created once.

use super::{
    SignId, Stage,
    stage::{Event, State},
    upload::InUse,
};
use crate::{
    backup::{AuthData, BackupDecryptionKey, BackupPublicKey, NotSignable, UnsignedAuthData},
    crypto::ed25519::Ed25519Signature,
    ids::{BackupVersion, KeyId, UserId},
};

/// A backup that is being made, while uploads go on to the one before.
#[derive(Default)]
pub(super) struct Making {
    pub(super) old: Option<Box<InUse>>,
    pub(super) phase: Phase,
}

#[derive(Default)]
pub(super) enum Phase {
    /// What the new backup replaces is not known yet, so that no key was drawn.
    #[default]
    Drawing,
    /// The host is to sign the key, and was asked to by this number.
    Signing(Draft, Option<SignId>),
    /// The request is about to go out; at once if the server was just asked which backup there is.
    Creating { draft: Draft, is_fresh: bool },
    /// Whether the new backup is there is found out by looking.
    Confirming(Draft, Creation),
}

/// What is known of the request to create a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Creation {
    /// It is to be sent, once the server was asked which backup there is.
    Due,
    Ready,
    /// It was sent, or may have been before a restart.
    Sent,
    /// The server says that it made this version.
    Made(BackupVersion),
}

/// The key of a backup that is being made.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) key: BackupDecryptionKey,
    /// The signatures of the user on its public key, if the host had any.
    pub(super) signatures: Vec<(KeyId, Ed25519Signature)>,
    /// The version that was current before, if there was one.
    pub(super) before: Option<BackupVersion>,
    /// Its public key, which is given up once the new backup is there.
    pub(super) replaces: Option<BackupPublicKey>,
    /// Whether it was not sent yet, as far as is known for sure.
    pub(super) is_unsent: bool,
}

impl Making {
    pub(super) fn stage(&self) -> Stage {
        match self.phase {
            Phase::Drawing | Phase::Signing(..) => Stage::Signing,
            Phase::Creating { .. } => Stage::Creating,
            Phase::Confirming(..) => Stage::Confirming,
        }
    }

    /// The state after an event: those of the table that are about a new backup.
    pub(super) fn after(self, event: Event) -> State {
        let phase = match (self.phase, event) {
            (_, Event::Cancel) | (Phase::Confirming(..), Event::Refused) => return State::Looking,
            (Phase::Signing(draft, _), Event::Signed(signatures)) => {
                Phase::Creating { draft: Draft { signatures, ..draft }, is_fresh: false }
            }
            (Phase::Creating { draft, is_fresh }, Event::Sent) => {
                let request = if is_fresh { Creation::Ready } else { Creation::Due };
                Phase::Confirming(draft, request)
            }
            (Phase::Confirming(draft, _), Event::NotYet { is_fresh }) => {
                Phase::Creating { draft, is_fresh }
            }
            (Phase::Confirming(..), Event::Trusted(backup)) => {
                return State::Running(InUse::new(backup));
            }
            (Phase::Confirming(..), Event::Untrusted) => return State::Untrusted,
            (Phase::Confirming(..), Event::Other) => return State::Changed,
            (phase, _) => phase,
        };
        State::Making(Self { phase, ..self })
    }

    pub(super) fn draft(&self) -> Option<&Draft> {
        match &self.phase {
            Phase::Drawing => None,
            Phase::Signing(draft, _)
            | Phase::Creating { draft, .. }
            | Phase::Confirming(draft, _) => Some(draft),
        }
    }

    pub(super) fn made(&self) -> Option<&BackupVersion> {
        let Phase::Confirming(_, Creation::Made(version)) = &self.phase else { return None };
        Some(version)
    }

    pub(super) fn creation_mut(&mut self) -> Option<&mut Creation> {
        if let Phase::Confirming(_, creation) = &mut self.phase { Some(creation) } else { None }
    }

    pub(super) fn sign_again(&mut self) {
        if let Phase::Signing(_, asked) = &mut self.phase {
            *asked = None;
        }
    }
}

impl Draft {
    /// The `auth_data` of the new version: nothing but the public key is signed and sent.
    pub(super) fn auth_data(&self, user_id: &UserId) -> Result<AuthData, NotSignable> {
        let signatures = self.signatures.iter();
        let signed = signatures
            .fold(UnsignedAuthData::new(&self.key)?, |unsigned, (key_id, signature)| {
                unsigned.with_signature(user_id, key_id, signature)
            });
        Ok(signed.into_auth_data())
    }
}
