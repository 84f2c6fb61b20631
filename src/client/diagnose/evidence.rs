//! What a diagnosis is made from.

use crate::{
    api::QueriedKeys,
    backup::{
        BackedUpSession, BackupDecryptionKey, BackupPublicKey, BackupVersionInfo, RoomKeysItem,
        RoomKeysSplitter, StreamError,
    },
    client::{
        key_kind::KeyKind,
        preference_events::{BACKUP_DISABLED, DISABLED, ENABLED, M_KEY_BACKUP, boolean},
    },
    crypto::ed25519::Ed25519PublicKey,
    ids::UserId,
    limits::Limits,
    secret_storage::{AccountDataPair, SecretStorage, SecretStorageKey},
    secret_value::SecretValue,
    signed_json::TrustedSigner,
};

/// Everything that is at hand of an account. What is not at hand stays as [`Evidence::new`] has it, and nothing is
/// said about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evidence {
    /// The user.
    pub user_id: UserId,
    /// The account data, all of it; `None` if it is not at hand.
    pub storage: Option<SecretStorage>,
    /// Whether the user wants a backup, as the account data `m.key_backup` has it; `None` if it does not say.
    pub backup_enabled: Option<bool>,
    pub(super) backup: CurrentBackup,
    /// Versions before the current one, as far as they were found.
    pub older_versions: Vec<BackupVersionInfo>,
    /// The user's keys as the homeserver returns them; `None` if they are not at hand.
    pub keys: Option<QueriedKeys>,
    /// The master key that the host has pinned.
    pub master_key: Option<Ed25519PublicKey>,
    /// Other keys of the user that the host trusts: those of verified devices.
    pub signers: Vec<TrustedSigner>,
    /// Public keys of backups that the user has given up.
    pub retired: Vec<BackupPublicKey>,
    /// Sessions of the current backup.
    pub(super) sample: Option<SessionSample>,
    /// Keys of the secret storage that the host has.
    pub storage_keys: Vec<SecretStorageKey>,
    /// A decryption key that the host has.
    pub backup_key: Option<BackupDecryptionKey>,
    /// Secrets that the host has on this device, to be compared with those in the key storage.
    pub cached: Vec<SecretValue>,
    /// What the user was asked for, if they typed something; `None` if either key will do.
    pub asked: Option<KeyKind>,
}

/// Which backup is the current one.
#[derive(Debug, Clone)]
pub(super) enum CurrentBackup {
    /// Nobody asked the homeserver, or it did not say.
    Unknown,
    /// There is none: 404 with `M_NOT_FOUND`.
    Absent,
    /// This one.
    Version(Box<BackupVersionInfo>),
}

/// The first sessions of a backup, as the homeserver returned them.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionSample {
    pub(super) sessions: Vec<BackedUpSession>,
    /// Those that could not even be taken out of the response.
    pub(super) unreadable: u64,
    pub(super) broken_rooms: u64,
    pub(super) ended_early: Option<StreamError>,
    /// Whether it is all that the homeserver returned.
    pub(super) is_whole: bool,
}

impl Evidence {
    /// Nothing but whose account it is.
    #[must_use]
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            storage: None,
            backup_enabled: None,
            backup: CurrentBackup::Unknown,
            older_versions: Vec::new(),
            keys: None,
            master_key: None,
            signers: Vec::new(),
            retired: Vec::new(),
            sample: None,
            storage_keys: Vec::new(),
            backup_key: None,
            cached: Vec::new(),
            asked: None,
        }
    }

    /// Takes all account data: the key storage, and whether the user wants a backup.
    pub fn take_account_data(
        &mut self,
        events: impl IntoIterator<Item = impl AccountDataPair>,
        limits: &Limits,
    ) {
        let (mut standard, mut old) = (None, None);
        let events = events.into_iter().inspect(|event| {
            match event.event_type() {
                M_KEY_BACKUP => standard = boolean(event.content(), ENABLED),
                BACKUP_DISABLED => old = boolean(event.content(), DISABLED),
                _ => {}
            };
        });
        self.storage = Some(SecretStorage::from_account_data(events, limits));
        self.backup_enabled = standard.or(old.map(|is_disabled| !is_disabled));
    }

    /// Takes the answer to `GET /room_keys/version`, as [`get_current_backup_version`] reads it: the current backup, or that
    /// there is none. Where nobody asked, or the homeserver did not say, it is not called.
    ///
    /// [`get_current_backup_version`]: crate::api::get_current_backup_version
    pub fn take_current_backup(&mut self, current: Option<BackupVersionInfo>) {
        let version = |info| CurrentBackup::Version(Box::new(info));
        self.backup = current.map_or(CurrentBackup::Absent, version);
    }

    /// Takes the first `at_most` sessions out of a response of `GET /room_keys/keys` about the current backup, or of its
    /// beginning: when enough are found, nothing is said about the rest.
    pub fn take_room_keys(&mut self, response: &[u8], at_most: usize, limits: &Limits) {
        self.sample = Some(SessionSample::from_response(response, at_most, limits));
    }

    /// How many sessions of the current backup are at hand, unreadable ones included; `None` if nobody asked for them.
    #[must_use]
    pub fn session_count(&self) -> Option<u64> {
        self.sample.as_ref().map(SessionSample::count)
    }

    /// What repairs look at: not the sample, nor the keys of devices, of which there may be many.
    pub(super) fn of_repairs(&self) -> Self {
        let keys = self.keys.as_ref().map(|keys| QueriedKeys {
            master_keys: keys.master_keys.clone(),
            self_signing_keys: keys.self_signing_keys.clone(),
            user_signing_keys: keys.user_signing_keys.clone(),
            ..QueriedKeys::default()
        });
        Self {
            user_id: self.user_id.clone(),
            storage: self.storage.clone(),
            backup_enabled: self.backup_enabled,
            backup: self.backup.clone(),
            older_versions: self.older_versions.clone(),
            keys,
            master_key: self.master_key,
            signers: self.signers.clone(),
            retired: self.retired.clone(),
            sample: None,
            storage_keys: Vec::new(),
            backup_key: self.backup_key.clone(),
            cached: self.cached.clone(),
            asked: self.asked,
        }
    }

    /// The user's keys, unless the answer is not about this user: their server could not be asked, say.
    pub(super) fn own_keys(&self) -> Option<&QueriedKeys> {
        self.keys.as_ref().filter(|keys| {
            let user_id = &self.user_id;
            let of_users = [&keys.master_keys, &keys.self_signing_keys, &keys.user_signing_keys];
            keys.device_keys.contains_key(user_id)
                || of_users.iter().any(|keys| keys.contains_key(user_id))
                || keys.unusable.iter().any(|(user, ..)| user == user_id)
        })
    }

    /// The secrets that the host has, the backup's decryption key among them.
    pub(super) fn cached_secrets(&self) -> impl Iterator<Item = SecretValue> {
        let backup_key = self.backup_key.iter().map(BackupDecryptionKey::to_secret);
        self.cached.iter().cloned().chain(backup_key)
    }

    /// The current backup, if there is one and it is known.
    #[must_use]
    pub fn current(&self) -> Option<&BackupVersionInfo> {
        match &self.backup {
            CurrentBackup::Version(info) => Some(info),
            CurrentBackup::Unknown | CurrentBackup::Absent => None,
        }
    }

    /// All versions, the current one first.
    pub(super) fn versions(&self) -> impl Iterator<Item = &BackupVersionInfo> {
        self.current().into_iter().chain(&self.older_versions)
    }
}

impl SessionSample {
    fn from_response(mut response: &[u8], at_most: usize, limits: &Limits) -> Self {
        let mut splitter = RoomKeysSplitter::new(limits);
        let mut sample = Self::default();
        while sample.sessions.len() < at_most {
            match splitter.next_item(&mut response) {
                Ok(Some(RoomKeysItem::Session { room_id, session_id, json })) => {
                    sample.sessions.push(BackedUpSession {
                        room_id: room_id.clone(),
                        session_id: session_id.clone(),
                        json: json.to_vec(),
                    });
                }
                Ok(Some(RoomKeysItem::FailedSession(_))) => sample.unreadable += 1,
                Ok(Some(RoomKeysItem::BrokenRoom(_))) => sample.broken_rooms += 1,
                Ok(None) => {
                    sample.ended_early = splitter.end().err();
                    sample.is_whole = sample.ended_early.is_none();
                    break;
                }
                Err(error) => {
                    sample.ended_early = Some(error);
                    break;
                }
            }
        }
        sample
    }

    /// How many sessions it holds, unreadable ones included.
    pub(super) fn count(&self) -> u64 {
        self.unreadable.saturating_add(self.sessions.len() as u64)
    }
}
