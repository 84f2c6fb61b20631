//! Where an account stands with its backup, and what becomes of it: the whole table.

// docs/decisions.md, 24: the table is the transition, and each part has one owner.

use serde::{Deserialize, Serialize};

use super::{TaskId, upload::InUse};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, TrustedBackup},
    crypto::ed25519::Ed25519Signature,
    ids::{BackupVersion, KeyId},
};

/// Where an account stands with its backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The homeserver is asked which backup is the current one.
    Looking,
    /// There is none. The user is asked whether to make one, and the homeserver whether another device did.
    Absent,
    /// There is one for which nobody vouches. The user is asked.
    Untrusted,
    /// The backup is not the one that was used before. The user is asked, and nothing is uploaded.
    Changed,
    /// A new key was drawn. The host signs it.
    Signing,
    /// The new version is about to be created.
    Creating,
    /// The request to create it went out. Whether it did is found out by looking.
    Confirming,
    /// There is a trusted backup, and sessions are uploaded to it.
    Running,
    /// The backup is being switched off: the preference, the stored secret, every version.
    Disabling,
    /// The user wants no backup.
    Off,
}

#[derive(Debug)]
pub(super) enum Event {
    /// There is no backup, and never was one here.
    NoBackup,
    /// The current backup is trusted: the one that was used, or the first one that this device meets.
    Trusted(TrustedBackup),
    /// Nobody vouches for the current backup, and none was used here.
    Untrusted,
    /// The current backup is not the one that was used, or there is none any more.
    Other,
    /// While a creation is to be confirmed: everything is as it was before.
    NotYet {
        /// Whether the request may go out at once.
        is_fresh: bool,
    },
    /// An upload or download was told that the version is gone or not the current one.
    Gone,
    Create,
    /// The user wants the current one, which is trusted.
    Use(TrustedBackup),
    /// The user wants none on this device.
    Stop,
    Signed(Vec<(KeyId, Ed25519Signature)>),
    /// The request to create the version is about to go out.
    Sent,
    /// It is not created: the homeserver refuses it, keeps failing on it, or does not show it.
    Refused,
    /// The user wants none at all. This was the current version, as far as it was known.
    Disable(Option<BackupVersion>),
    /// No version is left.
    Deleted,
    /// The user has changed their mind.
    Enable,
    /// The user does not want a new backup any more.
    Cancel,
}

/// Where an account stands with its backup, and what belongs to that alone: it is gone with the state. What outlives it,
/// as the backup that was used last, is [`Kept`](super::kept::Kept).
#[derive(Default)]
pub(super) enum State {
    #[default]
    Looking,
    Absent,
    Untrusted,
    Changed,
    Making(Making),
    Running(Box<InUse>),
    Disabling(Disabling),
    Off,
}

#[derive(Debug, Default)]
pub(super) struct Disabling {
    /// What was the current version when the user said so, as far as it was known and until its deletion is asked for.
    pub(super) meant: Option<BackupVersion>,
    /// The versions that may go, if not all of them.
    pub(super) only: Option<Vec<BackupVersion>>,
    pub(super) condemned: Option<BackupVersion>,
    /// The version that the server was asked to delete, until it has refused or was asked which one there is.
    pub(super) attempted: Option<BackupVersion>,
    pub(super) deleted: u32,
}

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
    Signing(Draft, Option<TaskId>),
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

impl Stage {
    pub(super) fn makes_backup(self) -> bool {
        matches!(self, Self::Signing | Self::Creating | Self::Confirming)
    }
}

impl State {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Looking => Stage::Looking,
            Self::Absent => Stage::Absent,
            Self::Untrusted => Stage::Untrusted,
            Self::Changed => Stage::Changed,
            Self::Making(making) => making.stage(),
            Self::Running(_) => Stage::Running,
            Self::Disabling(_) => Stage::Disabling,
            Self::Off => Stage::Off,
        }
    }

    /// The state after an event: the whole table. What an event has nothing to say to stays as it is.
    pub(super) fn after(self, event: Event) -> Self {
        match (self, event) {
            (state @ Self::Disabling(_), Event::Disable(_)) => state,
            (_, Event::Disable(meant)) => {
                Self::Disabling(Disabling { meant, ..Disabling::default() })
            }
            (Self::Disabling(_), Event::Deleted) => Self::Off,
            // Another device has made a backup since: the user is asked.
            (Self::Disabling(_), Event::Other) => Self::Changed,
            (Self::Disabling(_), Event::Untrusted) => Self::Untrusted,
            (Self::Disabling(_) | Self::Off, Event::Enable) => Self::Looking,
            (state @ Self::Disabling(_), _) => state,
            (Self::Off, Event::Create) => Self::Making(Making::default()),
            (Self::Off, _) | (_, Event::Stop) => Self::Off,
            (Self::Making(_), Event::Cancel) => Self::Looking,
            (Self::Making(Making { old, phase }), event) => match (phase, event) {
                (Phase::Signing(draft, _), Event::Signed(signatures)) => {
                    let draft = Draft { signatures, ..draft };
                    Self::Making(Making { old, phase: Phase::Creating { draft, is_fresh: false } })
                }
                (Phase::Creating { draft, is_fresh }, Event::Sent) => {
                    let request = if is_fresh { Creation::Ready } else { Creation::Due };
                    Self::Making(Making { old, phase: Phase::Confirming(draft, request) })
                }
                (Phase::Confirming(draft, _), Event::NotYet { is_fresh }) => {
                    Self::Making(Making { old, phase: Phase::Creating { draft, is_fresh } })
                }
                (Phase::Confirming(..), Event::Trusted(backup)) => {
                    Self::Running(InUse::new(backup))
                }
                (Phase::Confirming(..), Event::Untrusted) => Self::Untrusted,
                (Phase::Confirming(..), Event::Other) => Self::Changed,
                (Phase::Confirming(..), Event::Refused) => Self::Looking,
                (phase, _) => Self::Making(Making { old, phase }),
            },
            (Self::Running(in_use), Event::Create) => {
                Self::Making(Making { old: Some(in_use), ..Making::default() })
            }
            (Self::Running(in_use), Event::Trusted(backup)) => Self::Running(in_use.or(backup)),
            (Self::Running(_), Event::Gone) => Self::Looking,
            (Self::Running(_), Event::Other) => Self::Changed,
            (state @ Self::Running(_), _) => state,
            (_, Event::Create) => Self::Making(Making::default()),
            (Self::Untrusted | Self::Changed, Event::Use(backup)) => {
                Self::Running(InUse::new(backup))
            }
            (Self::Changed, _) => Self::Changed,
            (_, Event::NoBackup) => Self::Absent,
            (_, Event::Trusted(backup)) => Self::Running(InUse::new(backup)),
            (_, Event::Untrusted) => Self::Untrusted,
            (_, Event::Other) => Self::Changed,
            (state, _) => state,
        }
    }

    /// The backup that sessions are uploaded to: while a new one is made, the one before.
    pub(super) fn in_use(&self) -> Option<&InUse> {
        match self {
            Self::Running(in_use) => Some(in_use),
            Self::Making(making) => making.old.as_deref(),
            _ => None,
        }
    }

    pub(super) fn in_use_mut(&mut self) -> Option<&mut InUse> {
        match self {
            Self::Running(in_use) => Some(in_use),
            Self::Making(making) => making.old.as_deref_mut(),
            _ => None,
        }
    }

    pub(super) fn making(&self) -> Option<&Making> {
        if let Self::Making(making) = self { Some(making) } else { None }
    }

    pub(super) fn making_mut(&mut self) -> Option<&mut Making> {
        if let Self::Making(making) = self { Some(making) } else { None }
    }

    pub(super) fn disabling_mut(&mut self) -> Option<&mut Disabling> {
        if let Self::Disabling(disabling) = self { Some(disabling) } else { None }
    }
}

impl Making {
    pub(super) fn stage(&self) -> Stage {
        match self.phase {
            Phase::Drawing | Phase::Signing(..) => Stage::Signing,
            Phase::Creating { .. } => Stage::Creating,
            Phase::Confirming(..) => Stage::Confirming,
        }
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
