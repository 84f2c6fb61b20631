//! A secret storage and a backup, made together: the first, or in the place of others.

mod kept;
mod next;
mod saved;
mod steps;
mod storing;

use std::fmt;

use self::kept::{Aim, Before, Kept};
pub(super) use self::next::{has_looked, unseen};
use super::{Flow, FlowError, SavedFlow, SetUpDone, machine::Machine, storage::Storage};
use crate::{
    Limits,
    client::backup::{self, Backup, SavedBackup},
    encoding::json_object::JsonObject,
    ids::{DeviceId, EventType, SecretName, SecretStorageKeyId, UserId},
    secret_storage::{Belief, NewKey, PlanNote, SecretStorageKey, VerifiedPublicKeys},
    secret_value::{MEGOLM_BACKUP_V1, SecretValue},
};

/// Makes a secret storage and a backup that belong together.
///
/// [`SetUp::bootstrap`] makes the first ones, [`SetUp::rotate_everything`] puts new ones in the place of what is there, and
/// [`SetUp::complete`] adds what is missing of them.
/// The backup is created and confirmed to be the current one before anything else is written.
///
/// The first time, the secrets are written, then the recovery key is shown: no key is shown that opens nothing. It is
/// shown too if the flow fails once it has asked for the new key to be the default one, whatever the homeserver says of
/// it, or nobody could open what was written. When
/// everything is rotated, the new recovery key is shown first: until the user has saved it, the old one opens what it
/// opened before.
pub struct SetUp {
    pub(super) user_id: UserId,
    pub(super) device_id: DeviceId,
    pub(super) kept: Kept,
    machine: Machine,
    /// The machine's state as it gave it last.
    pub(super) saved_backup: SavedBackup,
    storage: Storage,
    /// The default key, as the host gave it last.
    given_key: Option<SecretStorageKeyId>,
    limits: Limits,
    stage: Stage,
    /// Whether the backup was seen to be the current one since the last plan.
    is_current: Look,
    /// Whether what is written was compared with what there is, after all of it was written.
    is_verified: bool,
    /// How many times the machine was told to put a new backup in the place of what is there.
    rotations: u32,
    is_unsaved: bool,
    is_saving: bool,
    machine_saves: bool,
    notes: Vec<PlanNote>,
    /// Why it ends, once the user has the key of what was written.
    ending: Option<FlowError>,
}

/// How far the flow is. What is not here is known by the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What is there is looked at.
    Checking,
    /// The machine makes the backup.
    BackingUp,
    /// The secrets are written, the backup's key among them.
    Storing,
    /// The recovery key is to be saved by the user.
    Showing {
        is_shown: bool,
    },
    /// There is nothing more to do.
    Finished,
    Ended,
}

/// Whether the homeserver was asked for the current backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Needed,
    Asked,
    Done,
}

impl SetUp {
    /// For an account that has neither a secret storage nor a backup; if it has, the flow ends and has written nothing.
    ///
    /// `backup` is the account's machine, new or as it is; a backup that it has made and whose key is stored nowhere yet
    /// is taken. `secrets` are those that the host has: the seeds of cross-signing keys, say.
    #[must_use]
    pub fn bootstrap(
        backup: Backup,
        new_key: NewKey,
        secrets: Vec<SecretValue>,
        limits: Limits,
    ) -> Self {
        Self::with(backup, Kept::new(new_key, secrets), limits)
    }

    /// For an account with a device or a key in other hands: a new key of the secret storage, and a new backup.
    ///
    /// Every secret that the `old_keys` open, and those that the host gives, open with the new key alone then; secrets
    /// that nothing at hand opens, or that nobody [vouches for](Self::believe), stay with their keys, with a
    /// [note](SetUpDone::notes). A stolen cross-signing key is reset first, by the host: give the new seeds as `secrets`.
    ///
    /// The public key of the backup before is [retired](Backup::retired). Whoever has the old key still opens the
    /// [old version](SetUpDone::replaced): delete it once the machine has stored all sessions in the new one.
    #[must_use]
    pub fn rotate_everything(
        backup: Backup,
        new_key: NewKey,
        old_keys: &[SecretStorageKey],
        secrets: Vec<SecretValue>,
        limits: Limits,
    ) -> Self {
        let kept = Kept::new(new_key, secrets);
        Self::with(backup, Kept { aim: Aim::Replace, old_keys: old_keys.to_vec(), ..kept }, limits)
    }

    /// For an account that has one of the two, or both with something missing: adds what is missing, and takes nothing away.
    ///
    /// `key` is a new one for an account without a secret storage. Otherwise it is its default key, as
    /// [`NewKey::resume`] takes it up, whose recovery key the user has already and is not shown again.
    ///
    /// * The key of the backup is stored if `backup` trusts that for good; else the flow ends with
    ///   [`FlowError::NoBackupKey`], and the backup is [recovered](super::Recover) first.
    /// * Where there is no backup one is made, unless the account's preference, or the user on this device, is against it. A
    ///   key of a former backup that is stored is kept by the machine before the new one takes its place. If it is stored under
    ///   other keys, too, which may open it to another value, the flow ends with [`ChangeError::NotOpened`].
    /// * Of the `secrets` those are stored that are missing under the key. A cross-signing key is stored only if it belongs
    ///   to a public key that is [believed](Self::believe). One that is stored with another value stays, with a
    ///   [note](SetUpDone::notes). The key of the backup is the machine's business, and is not taken from here.
    ///
    /// [`ChangeError::NotOpened`]: crate::secret_storage::ChangeError::NotOpened
    #[must_use]
    pub fn complete(
        backup: Backup,
        key: NewKey,
        secrets: Vec<SecretValue>,
        limits: Limits,
    ) -> Self {
        let is_other = |secret: &SecretValue| secret.name().as_str() != MEGOLM_BACKUP_V1;
        let secrets = secrets.into_iter().filter(is_other).collect();
        Self::with(backup, Kept { aim: Aim::Complete, ..Kept::new(key, secrets) }, limits)
    }

    /// What may be believed besides what only the user's keys can have stored, as in [`Change::believe`]: secrets that
    /// belong to these public keys, and those of these names, for which the user has accepted the risk. Call it before
    /// the first `next`; it is saved with the flow.
    ///
    /// It is for the secrets that the host gives, if devices have shared them, and for those that a rotation finds under an
    /// old key which others can have found: one of the algorithm of 2019, or of a passphrase of
    /// [few rounds](SecretStorageKey::is_guessable). Without it a flow with the former ends with
    /// [`ChangeError::Unauthenticated`] before anything is written, and the latter stay under the old key, with a
    /// [note](SetUpDone::notes).
    ///
    /// [`Change::believe`]: crate::secret_storage::Change::believe
    /// [`ChangeError::Unauthenticated`]: crate::secret_storage::ChangeError::Unauthenticated
    pub fn believe(&mut self, public_keys: &VerifiedPublicKeys, accepted: &[SecretName]) {
        self.kept.belief = Belief::new(public_keys, accepted);
        self.is_unsaved = true;
    }

    /// The key of the new secret storage. If the flow has failed, a new flow can go on with it.
    #[must_use]
    pub fn new_key(&self) -> &NewKey {
        &self.kept.new_key
    }

    /// Gives the account's machine back, when the flow has failed or the host gives it up. Nothing if the flow has ended
    /// with it.
    ///
    /// A flow that is given up before it has ended may have made the [new key](Self::new_key) the default one already:
    /// the user needs its recovery key then.
    #[must_use]
    pub fn into_backup(mut self) -> Option<Backup> {
        self.machine.give_back()
    }

    pub(super) fn with(mut backup: Backup, kept: Kept, limits: Limits) -> Self {
        let (user_id, device_id) = (backup.user_id().clone(), backup.device_id().clone());
        if backup.stage() == backup::Stage::Disabling {
            // Nothing more is deleted.
            backup.enable();
        }
        backup.look_afresh();
        Self {
            storage: Storage::new(user_id.clone(), limits),
            given_key: None,
            user_id,
            device_id,
            kept,
            saved_backup: backup.save(),
            machine: Machine::new(backup),
            limits,
            stage: Stage::Checking,
            is_current: Look::Needed,
            is_verified: false,
            rotations: 0,
            is_unsaved: true,
            is_saving: false,
            machine_saves: false,
            notes: Vec::new(),
            ending: None,
        }
    }
}

impl Flow for SetUp {
    type Outcome = Result<SetUpDone, FlowError>;
    type Saved = SavedFlow;

    fn saved(&mut self) {
        self.is_saving = false;
        if std::mem::take(&mut self.machine_saves) {
            self.machine.saved();
        }
    }

    fn give_up(&mut self) {
        if self.stage != Stage::Ended {
            self.machine.give_up();
        }
    }

    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        self.storage.give(events);
        self.given_key = self.storage.parsed().default_key().cloned();
    }

    fn recovery_key_saved(&mut self) {
        if self.stage == (Stage::Showing { is_shown: true }) {
            (self.kept.is_shown, self.is_unsaved) = (true, true);
            self.go_on();
        }
    }
}

impl fmt::Debug for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUp")
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
