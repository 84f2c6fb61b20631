//! The account's machine: everything a client does about its key backup.
//!
//! [`Backup`] is one value per account and device. It does no I/O: [`Backup::next`] says what to do, and the host
//! tells it what came of it. The functions beneath ([`backup`](crate::backup), [`api`](crate::api)) are usable
//! without it.
//!
//! # Stages
//!
//! ```text
//!              ┌───────────── no backup ───────────> Absent ──┐
//! ─> Looking ──┼─ a backup that nobody vouches for ─> Untrusted ──┤ Create, rotate
//!       ^      ├─ not the one that was used ────────> Changed ──┤
//!       │      │                                       │        v
//!       │      └─ a trusted one ──> Running <── Use ──┘     Signing ──signed──> Creating
//!       │                            │  ^  │                                     │   ^
//!       └── version gone ────────────┘  │  └── disable                      sent │   │ as before:
//!                                       │       v                                v   │ once more
//!       Off <── no version left ── Disabling    └──── it is the current one ── Confirming
//!        │ └── enable ──> Looking
//!        └── Stop from anywhere
//! ```
//!
//! While it is `Absent`, `Untrusted` or `Changed`, the user is asked, and the homeserver is polled, less and less often: see
//! [`BackupOptions::poll_ms`]. Uploads run in
//! `Running`, and go on to the version in use until a new one is there: `Signing`, `Creating` and `Confirming` end with
//! [`Backup::cancel_rotation`], too. A question never stops them. If `Disabling` meets a version that was not there when
//! the user said so, the user is asked as in `Changed` or `Untrusted`.
//!
//! # Uploads
//!
//! ```text
//! new sessions ─> a random wait ─> Want ─> offer ─┬─ as good is known to be there ──────────> Stored
//!                                                 ├─ imported, forwarded ─> GET it ─┬─ as good ─> Stored
//!                                                 │                                 └─ worse ──┐
//!                                                 └─ others ───────────────> PUT a batch <─────┘
//!                                                                             │ 200 ─> Stored
//!                                                                             │ wrong version, 404 ─> Looking; ten times: NotStored
//!                                                                             │ 4xx ─> halves; one alone: NotStored; all: UploadRefused, others, later
//!                                                                             │ 5xx five times ─> the same
//!                                                                             ├ none, or 429, while others are answered ─> the same, in the end
//!                                                                             └ anything else ─> later, again; others first
//! ```
//!
//! # Downloads
//!
//! ```text
//! undecryptable ─> asked once how much ─┐
//! fetch ────────────────────────────────┴─> wanted, merged ─> key? ─no─> Question::DecryptionKey
//!                                                              └ yes ─> GET ─> Import ... Fetched
//! ```
//!
//! # What a restart may find
//!
//! A state is saved before anything is sent that depends on it. So a crash finds a request that may or may not have
//! arrived, and nothing worse, also if only the secret part was written: `Confirming` looks before it sends again,
//! `Disabling` starts over with what is left, uploads are idempotent, and a secret that was not read back is written
//! again.

mod answer;
mod create;
mod download;
mod fetch;
mod kept;
mod next;
mod offer;
mod office;
mod outgoing;
mod preference;
#[cfg(feature = "unstable-msc4385")]
mod push;
mod question;
mod saved;
mod scopes;
mod secret;
mod seen;
mod stage;
#[cfg(test)]
mod table;
mod trust;
mod upload;
mod uploaded;
mod version;
mod withdraw;

use std::{collections::HashSet, fmt};

pub use self::{
    answer::UploadProgress,
    office::BackupOptions,
    outgoing::{Next, NotStored, OfferedSession},
    question::{FoundBackup, Question, Reply},
    saved::SavedBackup,
    scopes::Scope,
    stage::Stage,
    trust::KeyFit,
};
use self::{
    download::Download,
    kept::Kept,
    office::{Desk, Office},
    preference::PreferenceLane,
    seen::{Hopeless, Look},
    stage::{Event, State},
    upload::InUse,
    withdraw::Withdrawal,
};
pub use super::operation::{AnswerError, Operation, TaskId};
use super::{
    call::{Call, Lane},
    courier::Courier,
    waiting::RequestKind,
};
use crate::{
    Limits,
    backup::{BackupPublicKey, BackupVersionInfo, TrustedBackup},
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, UserId},
    signed_json::TrustedSigner,
};

/// One account's key backup, on one device.
///
/// [`drive_backup`](crate::client::drive_backup) is the loop of a host. In one of your own, [`Backup::next`] says what to do,
/// and each variant of [`Next`] which method tells what came of it.
pub struct Backup {
    office: Office,
    state: State,
    kept: Kept,
    /// The keys whose signatures count, once the host has told.
    signers: Option<Vec<TrustedSigner>>,
    /// The devices of which the host has given a key since it was started. Until it has told who is trusted, that says
    /// that they are.
    sharers: HashSet<Ed25519PublicKey>,
    look: Look,
    preference: PreferenceLane,
    #[cfg(feature = "unstable-msc4385")]
    pushes: push::PushLane,
    download: Download,
    withdrawal: Option<Withdrawal>,
    /// How many versions the server said it made, and never showed.
    without_effect: u32,
}

impl Backup {
    /// For a device that knows nothing of a backup yet.
    #[must_use]
    pub fn new(
        user_id: UserId,
        device_id: DeviceId,
        options: BackupOptions,
        limits: Limits,
    ) -> Self {
        let office = Office {
            user_id,
            device_id,
            options,
            limits,
            courier: Courier::new(options.backoff()),
            desk: Desk::default(),
            hopeless: Hopeless::default(),
            effects: Vec::new(),
        };
        Self {
            office,
            state: State::default(),
            kept: Kept::default(),
            signers: None,
            sharers: HashSet::new(),
            look: Look::default(),
            preference: PreferenceLane::default(),
            #[cfg(feature = "unstable-msc4385")]
            pushes: push::PushLane::default(),
            download: Download::default(),
            withdrawal: None,
            without_effect: 0,
        }
    }

    /// Whose account it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.office.user_id
    }

    /// Which device this is.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.office.device_id
    }

    /// The backup as the server last described it.
    #[must_use]
    pub fn found(&self) -> Option<&BackupVersionInfo> {
        self.look.found()
    }

    /// Whether the server was asked since the machine was made or restored.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        self.look.is_done
    }

    /// Where the account stands with its backup.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.state.stage()
    }

    /// The backup that sessions are uploaded to, if there is one.
    #[must_use]
    pub fn trusted(&self) -> Option<&TrustedBackup> {
        self.state.in_use().map(|in_use| &in_use.backup)
    }

    /// The public keys that were given up, and are refused whoever signed them.
    #[must_use]
    pub fn retired(&self) -> &[BackupPublicKey] {
        &self.kept.retired
    }

    /// The keys whose signatures make a backup trusted, all of them: the pinned master key, and the verified devices of
    /// the user. Whoever is not among them is not trusted any more.
    ///
    /// Whether a backup is offered to the user is decided by the signers that were given last: after the identity was reset, a
    /// stranger's backup has no problem for as long as the old keys stand here. [`Next::RefreshSigners`] asks for them before a
    /// question about a backup that was not asked about before.
    ///
    /// The current backup is looked at again with them. If the backup in use was trusted because of a key that is missing
    /// now (a signer, or a device that shared its decryption key), and nothing else proves that it is the user's, nothing
    /// more is uploaded to it, and the user is asked as for a backup that has changed. Until this is called after a
    /// restart, the proofs of before hold.
    pub fn set_signers(&mut self, signers: Vec<TrustedSigner>) {
        if self.signers.as_ref() != Some(&signers) {
            self.signers = Some(signers);
            self.look.found.iter_mut().for_each(|found| drop(found.signatures.take()));
            self.prove_again();
            self.look_again();
        }
    }

    /// There are new sessions, or better ones.
    pub fn new_sessions(&mut self) {
        self.state.in_use_mut().into_iter().for_each(InUse::has_news);
    }

    /// The user wants a new backup with a new key in place of the current one.
    ///
    /// What the host has is uploaded again. A host that evicts sessions which are stored
    /// [fetches](Self::fetch) everything first: what only the old version holds is opened by the old key alone.
    pub fn rotate(&mut self) {
        self.turn(Event::Create);
    }

    /// The user does not want the new backup any more that is being made. If the request to make it arrives all the
    /// same, the user is asked, and its key is still there.
    pub fn cancel_rotation(&mut self) {
        self.turn(Event::Cancel);
    }

    /// The user wants no backup at all: the preference is set, the stored secret and all versions are deleted.
    pub fn disable(&mut self) {
        let meant = self.found().map(|info| info.version().clone());
        self.turn(Event::Disable(meant));
    }

    /// The user has changed their mind, and wants a backup.
    pub fn enable(&mut self) {
        self.turn(Event::Enable);
    }

    /// The host has a valid access token again.
    pub fn resume(&mut self) {
        self.office.courier.resume();
    }

    /// Whether the machine waits for a valid access token. [`Next::NeedsToken`] says so once.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.office.courier.is_paused()
    }

    /// Something may have changed on the server: the current version is asked for soon. Call it, too, when the user comes back to
    /// a question that has been open for long.
    pub fn look_again(&mut self) {
        self.look.due_ms = 0;
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup")
            .field("user_id", &self.office.user_id)
            .field("device_id", &self.office.device_id)
            .field("stage", &self.stage())
            .field("used", &self.kept.used)
            .field("is_paused", &self.is_paused())
            .finish_non_exhaustive()
    }
}
