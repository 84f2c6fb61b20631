//! Where an account stands with its backup, and what becomes of it: the whole table.

// docs/decisions.md, 24: the table is the transition, and each part has one owner.

use serde::{Deserialize, Serialize};

use super::{making::Making, upload::InUse};
use crate::{
    backup::TrustedBackup,
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
    pub(super) condemned: Option<BackupVersion>,
    /// The version that the server was asked to delete, until it has refused or was asked which one there is.
    pub(super) attempted: Option<BackupVersion>,
    pub(super) deleted: u32,
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
            (Self::Making(making), event) => making.after(event),
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
