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
//!                                                                             │ 413 ─> halves; one alone: NotStored
//!                                                                             │ wrong version, 404 ─> Looking; ten times: NotStored
//!                                                                             │ 4xx ─> halves; one alone: NotStored; all: UploadRefused, later
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
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     client::backup::{Backup, BackupOptions, Next, Stage},
//! };
//!
//! let options = BackupOptions::default();
//! let mut backup = Backup::new("@a:b.org".into(), "PHONE".into(), options, Limits::default());
//! let Next::Send(operation) = backup.next(1_700_000_000_000)? else { unreachable!() };
//! // operation.to_http(..) goes over the host's HTTP stack, and the response to:
//! let response = http::Response::builder()
//!     .status(404)
//!     .body(br#"{"errcode":"M_NOT_FOUND","error":"no preference"}"#.to_vec())?;
//! backup.answer(operation.id(), Ok(response), 1_700_000_000_100)?;
//! assert_eq!(backup.stage(), Stage::Looking);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod blame;
mod by_room;
mod create;
mod download;
mod fetch;
mod handover;
mod hopeless;
mod kept;
mod key;
mod keyring;
mod look;
mod missing;
mod next;
mod offer;
mod options;
mod outgoing;
mod preference;
mod progress;
mod question;
mod refusals;
mod reply;
mod saved;
mod saved_key;
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
mod waits;

use std::{collections::HashSet, fmt, sync::OnceLock};

use self::{
    create::Signing, download::Download, kept::Kept, look::Look, next::Outbox,
    preference::PreferenceLane, stage::Event, upload::Upload,
};
pub use self::{
    create::{SignId, SignedError},
    kept::{Scope, UsedBackup},
    key::KeyFit,
    options::BackupOptions,
    outgoing::{
        DeliveryId, FetchOutcome, HostToken, Next, NotCreated, NotStored, OfferedSession,
        SecretTask, Wish,
    },
    progress::UploadProgress,
    question::{FoundBackup, Question, QuestionId, Reply, ReplyError, RestoreChoice},
    saved::SavedBackup,
    secret::SecretNotRead,
    stage::Stage,
};
pub use super::operation::{NoAnswer, Operation, OperationId, UnknownOperation};
use super::{
    call::Call,
    courier::{Backoff, Courier, Lane},
    waiting::RequestKind,
};
use crate::{
    Limits,
    backup::{BackupPublicKey, BackupVersionInfo, SessionSealer, TrustedBackup},
    crypto::ed25519::Ed25519PublicKey,
    ids::{BackupVersion, DeviceId, UserId},
    signed_json::{SignatureReport, TrustedSigner},
};

/// One account's key backup, on one device.
///
/// # The loop of a host
///
/// [`drive_backup`](crate::client::drive_backup) is one. Of your own it is this:
///
/// ```text
/// match backup.next(now)? {
///   Save(saved)           -> to disk and keychain; backup.saved()
///   Send(op)              -> op.to_http(base_url, token), on whatever stack; backup.answer(op.id(), result, now)
///   Want(wish)            -> backup.offer(sessions not yet stored in wish.version)?
///   Stored(id, v, tokens) -> mark them in the host's store; backup.ack(id)
///   Import(id, v, batch)  -> into the host's store as unauthenticated; backup.ack(id)
///   Sign(id, key)         -> backup.signed(id, signatures)
///   WriteSecret(task)     -> change the secret storage, read it back; backup.secret_read_back(value)
///   NeedsToken { .. }     -> get a new access token; backup.resume()
///   Ask(id, question)     -> show it with its facts; backup.reply(id, reply)
///   Wait(until)           -> sleep, or go on when something happens
/// }
/// ```
pub struct Backup {
    user_id: UserId,
    device_id: DeviceId,
    options: BackupOptions,
    limits: Limits,
    kept: Kept,
    courier: Courier,
    trusted: Trusted,
    /// The backup as the server last described it.
    found: Option<BackupVersionInfo>,
    in_use: Option<InUse>,
    version: Lane,
    look: Look,
    found_at_ms: u64,
    /// When the stage has changed last, or what the user is asked about the backup.
    changed_at_ms: u64,
    /// The version that is to be deleted next.
    condemned: Option<BackupVersion>,
    /// The version that was tried to delete last.
    attempted: Option<BackupVersion>,
    preference: PreferenceLane,
    upload: Upload,
    download: Download,
    signing: Signing,
    secret_is_asked_for: bool,
    /// Whether the backup in use was the current one when the server was asked last.
    is_confirmed: bool,
    asked: Vec<(QuestionId, Question)>,
    out: Outbox,
    /// How many answers have come.
    heard: u64,
}

/// Who is trusted, and what they have signed.
#[derive(Debug, Default)]
struct Trusted {
    /// The keys whose signatures count, once the host has told.
    signers: Option<Vec<TrustedSigner>>,
    /// The backup about which the host was asked who is trusted by now.
    refreshed_for: Option<BackupVersion>,
    /// The devices of which the host has given a key since it was started. Until it has told who is trusted, that says
    /// that they are.
    sharers: HashSet<Ed25519PublicKey>,
    /// The signatures of the backup that was found, once somebody asked.
    signatures: OnceLock<SignatureReport>,
}

/// A backup that sessions are uploaded to.
struct InUse {
    backup: TrustedBackup,
    sealer: SessionSealer,
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
        Self::with(user_id, device_id, options, limits, Kept::new())
    }

    fn with(
        user_id: UserId,
        device_id: DeviceId,
        options: BackupOptions,
        limits: Limits,
        kept: Kept,
    ) -> Self {
        Self {
            user_id,
            device_id,
            options,
            limits,
            kept,
            courier: Courier::new(options.backoff()),
            trusted: Trusted::default(),
            found: None,
            in_use: None,
            version: Lane::default(),
            look: Look::default(),
            found_at_ms: 0,
            changed_at_ms: 0,
            condemned: None,
            attempted: None,
            preference: PreferenceLane::default(),
            upload: Upload::default(),
            download: Download::default(),
            signing: Signing::default(),
            secret_is_asked_for: false,
            is_confirmed: false,
            asked: Vec::new(),
            out: Outbox::default(),
            heard: 0,
        }
    }

    /// Whose account it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Which device this is.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// The backup as the server last described it.
    #[must_use]
    pub fn found(&self) -> Option<&BackupVersionInfo> {
        self.found.as_ref()
    }

    /// Whether the server was asked since the machine was made or restored.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        self.look.is_done
    }

    /// Where the account stands with its backup.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.kept.stage
    }

    /// The backup that sessions are uploaded to, if there is one.
    #[must_use]
    pub fn trusted(&self) -> Option<&TrustedBackup> {
        self.in_use.as_ref().map(|in_use| &in_use.backup)
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
        if self.trusted.signers.as_ref() != Some(&signers) {
            self.trusted.signers = Some(signers);
            self.trusted.signatures.take();
            self.prove_again();
            self.look_again();
        }
    }

    /// There are new sessions, or better ones.
    pub fn new_sessions(&mut self) {
        self.upload.has_news();
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
        if self.kept.stage.makes_backup() {
            self.kept.give_up_draft();
            self.signing.is_cancelled();
            self.turn(Event::Cancel);
        }
    }

    /// The user wants no backup at all: the preference is set, the stored secret and all versions are deleted.
    pub fn disable(&mut self) {
        self.turn(Event::Disable);
    }

    /// The user has changed their mind, and wants a backup.
    pub fn enable(&mut self) {
        self.turn(Event::Enable);
    }

    /// The host has a valid access token again.
    pub fn resume(&mut self) {
        self.courier.resume();
    }

    /// Whether the machine waits for a valid access token. [`Next::NeedsToken`] says so once.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.courier.is_paused()
    }

    /// Something may have changed on the server: the current version is asked for soon. Call it, too, when the user comes back to
    /// a question that has been open for long.
    pub fn look_again(&mut self) {
        self.version.due_ms = 0;
    }

    /// Whether requests are on their way.
    pub(super) fn awaits_answers(&self) -> bool {
        self.courier.awaits_answers()
    }

    fn new_id(&mut self) -> u64 {
        self.courier.new_id()
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup")
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .field("stage", &self.kept.stage)
            .field("used", &self.kept.used)
            .field("is_paused", &self.is_paused())
            .finish_non_exhaustive()
    }
}
