//! Where an account stands with its backup, and what becomes of it: the whole table.

use serde::{Deserialize, Serialize};

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

/// What happens to the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// There is no backup, and never was one here.
    NoBackup,
    /// The current backup is trusted: the one that was used, or the first one that this device meets.
    Trusted,
    /// Nobody vouches for the current backup, and none was used here.
    Untrusted,
    /// The current backup is not the one that was used, or there is none any more.
    Other,
    /// While a creation is to be confirmed: everything is as it was before.
    NotYet,
    /// An upload or download was told that the version is gone or not the current one.
    Gone,
    /// The user wants a new backup.
    Create,
    /// The user wants the current one, which is trusted.
    Use,
    /// The user wants none on this device.
    Stop,
    /// The host has signed the new key.
    Signed,
    /// The request to create the version is about to go out.
    Sent,
    /// The homeserver refuses to create it.
    Refused,
    /// The user wants none at all.
    Disable,
    /// No version is left.
    Deleted,
    /// The user has changed their mind.
    Enable,
    /// The user does not want a new backup any more.
    Cancel,
}

impl Stage {
    /// Whether a new backup is on its way.
    pub(super) fn makes_backup(self) -> bool {
        matches!(self, Self::Signing | Self::Creating | Self::Confirming)
    }
}

/// The stage after an event. What an event has nothing to say to stays as it is.
pub(super) fn step(stage: Stage, event: Event) -> Stage {
    use Stage::{
        Absent, Changed, Confirming, Creating, Disabling, Looking, Off, Running, Signing, Untrusted,
    };
    match (stage, event) {
        (_, Event::Disable) => Disabling,
        (Disabling, Event::Deleted) => Off,
        // Another device has made a backup since: the user is asked.
        (Disabling, Event::Other) => Changed,
        (Disabling, Event::Untrusted) => Untrusted,
        (Disabling | Off, Event::Enable) => Looking,
        (Disabling, _) => Disabling,
        (Off, Event::Create) => Signing,
        (Off, _) => Off,
        (Looking | Absent | Untrusted, Event::NoBackup) => Absent,
        (Looking | Absent | Untrusted, Event::Trusted) => Running,
        (Looking | Absent | Untrusted, Event::Untrusted) => Untrusted,
        (Looking | Absent | Untrusted | Running, Event::Other) => Changed,
        (Looking | Absent | Untrusted | Changed | Running, Event::Create) => Signing,
        (Untrusted | Changed, Event::Use) => Running,
        (_, Event::Stop) => Off,
        (Running, Event::Gone) => Looking,
        (Signing, Event::Signed) => Creating,
        (Creating, Event::Sent) => Confirming,
        (Confirming, Event::NotYet) => Creating,
        (Confirming, Event::Trusted) => Running,
        (Confirming, Event::Untrusted) => Untrusted,
        (Confirming, Event::Other) => Changed,
        (Confirming, Event::Refused) | (Signing | Creating | Confirming, Event::Cancel) => Looking,
        (stage, _) => stage,
    }
}
