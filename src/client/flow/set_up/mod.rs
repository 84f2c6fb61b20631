//! A secret storage and a backup, made together: the first, or in the place of others.

mod steps;

use std::fmt;

use http::Response;
use rand_core::CryptoRng;

use super::{Flow, FlowError, SetUpDone, Step, storage::Storage};
use crate::{
    Limits,
    client::{
        backup::{Backup, NotAwaited, SavedBackup, SignId},
        operation::{NoAnswer, OperationId, UnknownOperation},
    },
    crypto::{ed25519::Ed25519Signature, key_material::KeyMaterial},
    encoding::json_object::JsonObject,
    ids::{DeviceId, EventType, KeyId, SecretStorageKeyId, UserId},
    secret_storage::{NewKey, PlanNote, SecretStorageKey},
    secret_value::SecretValue,
};

/// Makes a secret storage and a backup that belong together.
///
/// [`SetUp::bootstrap`] makes the first ones, [`SetUp::rotate_everything`] puts new ones in the place of what is there.
/// The order is that of [`Backup`]: the backup is created and confirmed to be the current one, then its key is stored,
/// then the recovery key is shown; the flow ends when the user has saved it.
pub struct SetUp {
    pub(super) user_id: UserId,
    pub(super) device_id: DeviceId,
    pub(super) kept: Kept,
    backup: Option<Backup>,
    /// The machine's state as it gave it last.
    pub(super) saved_backup: SavedBackup,
    storage: Storage,
    limits: Limits,
    stage: Stage,
    is_unsaved: bool,
    is_saving: bool,
    machine_saves: bool,
    notes: Vec<PlanNote>,
    failure: Option<FlowError>,
}

/// What is remembered over a restart.
pub(super) struct Kept {
    pub(super) new_key: NewKey,
    /// What the host has to store besides the backup's key.
    pub(super) secrets: Vec<SecretValue>,
    /// Whether what is there is replaced.
    pub(super) replaces: bool,
    /// The keys of what is there, as far as they are at hand.
    pub(super) old_keys: Vec<(SecretStorageKeyId, KeyMaterial)>,
    /// Whether the machine was told to make a backup.
    pub(super) has_begun: bool,
}

/// How far the flow is. What is not here is known by the machine.
#[derive(Debug, Clone)]
enum Stage {
    /// What is there is looked at.
    Checking,
    /// The machine makes the backup.
    BackingUp,
    /// The secrets are written, the backup's key among them.
    Storing(Option<SecretValue>),
    /// The recovery key is to be saved by the user.
    Showing {
        is_shown: bool,
    },
    /// The user has saved it.
    Saved,
    Ended,
}

impl SetUp {
    /// For an account that has neither a secret storage nor a backup; if it has, the flow ends and has written nothing.
    ///
    /// `backup` is the account's machine, new or as it is. `secrets` are those that the host has: the seeds of
    /// cross-signing keys, say.
    #[must_use]
    pub fn bootstrap(
        backup: Backup,
        new_key: NewKey,
        secrets: Vec<SecretValue>,
        limits: Limits,
    ) -> Self {
        let old_keys = Vec::new();
        let kept = Kept { new_key, secrets, replaces: false, old_keys, has_begun: false };
        Self::with(backup, kept, limits)
    }

    /// For an account with a device or a key in other hands: a new key of the secret storage, and a new backup.
    ///
    /// Every secret that the `old_keys` open, and those that the host gives, open with the new key alone then; keys and
    /// secrets that nothing at hand opens stay, with a [note](SetUpDone::notes). The public key of the backup before is
    /// [retired](Backup::retired). The machine uploads the sessions again; delete the old version after that. A
    /// stolen cross-signing key is reset first, by the host: give the new seeds as `secrets`.
    #[must_use]
    pub fn rotate_everything(
        backup: Backup,
        new_key: NewKey,
        old_keys: &[SecretStorageKey],
        secrets: Vec<SecretValue>,
        limits: Limits,
    ) -> Self {
        let old_keys = old_keys.iter().map(|key| (key.id().clone(), key.material()));
        let old_keys = old_keys.collect();
        let kept = Kept { new_key, secrets, replaces: true, old_keys, has_begun: false };
        Self::with(backup, kept, limits)
    }

    /// Gives the account's machine back, when the flow has failed or the host gives it up. Nothing if the flow has ended
    /// with it.
    #[must_use]
    pub fn into_backup(self) -> Option<Backup> {
        self.backup
    }

    pub(super) fn with(backup: Backup, kept: Kept, limits: Limits) -> Self {
        let (user_id, device_id) = (backup.user_id().clone(), backup.device_id().clone());
        Self {
            storage: Storage::new(user_id.clone(), limits),
            user_id,
            device_id,
            kept,
            saved_backup: backup.save(),
            backup: Some(backup),
            limits,
            stage: Stage::Checking,
            is_unsaved: true,
            is_saving: false,
            machine_saves: false,
            notes: Vec::new(),
            failure: None,
        }
    }
}

impl Flow for SetUp {
    type Outcome = Result<SetUpDone, FlowError>;

    fn next(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self::Outcome> {
        loop {
            if self.is_saving {
                return Step::Wait(None);
            }
            if self.is_unsaved {
                (self.is_unsaved, self.is_saving) = (false, true);
                return Step::Save(Box::new(self.save()));
            }
            let step = match self.stage.clone() {
                Stage::Checking => self.check(),
                Stage::BackingUp => self.back_up(now_ms, rng),
                Stage::Storing(backup_key) => self.store(backup_key.as_ref(), now_ms, rng),
                Stage::Showing { is_shown } => self.show(is_shown),
                Stage::Saved => self.finish(),
                Stage::Ended => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn saved(&mut self) {
        self.is_saving = false;
        if std::mem::take(&mut self.machine_saves)
            && let Some(backup) = &mut self.backup
        {
            backup.saved();
        }
    }

    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        self.storage.give(events);
    }

    fn signed(
        &mut self,
        id: SignId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), NotAwaited> {
        self.backup.as_mut().ok_or(NotAwaited)?.signed(id, signatures)
    }

    fn recovery_key_saved(&mut self) {
        if matches!(self.stage, Stage::Showing { is_shown: true }) {
            self.stage = Stage::Saved;
        }
    }

    fn answer(
        &mut self,
        id: OperationId,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<(), UnknownOperation> {
        if let Some(answered) = self.storage.answer(id, &answer, now_ms) {
            self.failure = answered.err();
            return Ok(());
        }
        self.backup.as_mut().ok_or(UnknownOperation)?.answer(id, answer, now_ms)
    }

    fn resume(&mut self) {
        self.storage.post.is_paused = false;
        self.backup.iter_mut().for_each(Backup::resume);
    }

    fn is_paused(&self) -> bool {
        self.storage.post.is_paused || self.backup.as_ref().is_some_and(Backup::is_paused)
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
