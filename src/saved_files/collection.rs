//! What several files hold together.

use std::collections::BTreeSet;

use super::{SavedFileError, SavedPart};
use crate::{
    Limits,
    api::QueriedKeys,
    backup::BackupVersionInfo,
    client::diagnose::Evidence,
    encoding::{json_object::JsonObject, read::Read},
    ids::{DeviceId, EventType, UserId},
    secret::{SecretString, SecretVec},
    secret_storage::SecretStorage,
    secrets_bundle::SecretsBundle,
    session_data::{ExportedSession, Repair, SessionDataError},
};

/// What the files of one account hold together, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct SavedFiles {
    parts: Vec<SavedPart>,
}

impl SavedFiles {
    /// Reads one more file.
    ///
    /// # Errors
    ///
    /// As [`SavedPart::read_all`]; nothing of the file is taken then.
    pub fn read(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), SavedFileError> {
        self.parts.extend(SavedPart::read_all(bytes, limits)?);
        Ok(())
    }

    /// All parts.
    #[must_use]
    pub fn parts(&self) -> &[SavedPart] {
        &self.parts
    }

    /// The account data; of several events of one type, the last counts.
    pub fn account_data(&self) -> impl Iterator<Item = &(EventType, JsonObject)> {
        self.find(|part| {
            if let SavedPart::AccountData { events, .. } = part { Some(events) } else { None }
        })
        .flatten()
    }

    /// The secret storage; `None` if no account data was read.
    #[must_use]
    pub fn secret_storage(&self, limits: &Limits) -> Option<SecretStorage> {
        self.parts.iter().find(|part| matches!(part, SavedPart::AccountData { .. }))?;
        Some(SecretStorage::from_account_data(self.account_data(), limits))
    }

    /// The backup versions, each once, the current one first: the one with the greatest number, as homeservers count. Where
    /// one has another name than a number, it is the one that was read first.
    pub fn versions(&self) -> impl Iterator<Item = &BackupVersionInfo> {
        let mut seen = BTreeSet::new();
        let versions = self
            .find(|part| if let SavedPart::Version(info) = part { Some(&**info) } else { None });
        let mut versions: Vec<_> = versions.filter(|info| seen.insert(info.version())).collect();
        let number = |info: &BackupVersionInfo| info.version().as_str().parse::<u64>().ok();
        if versions.iter().all(|info| number(info).is_some()) {
            versions.sort_by_key(|info| std::cmp::Reverse(number(info)));
        }
        versions.into_iter()
    }

    /// Users' keys, as they were read last.
    #[must_use]
    pub fn keys(&self) -> Option<&QueriedKeys> {
        self.find(|part| if let SavedPart::Keys(keys) = part { Some(&**keys) } else { None }).last()
    }

    /// The bodies of `GET /room_keys/keys`.
    pub fn room_keys(&self) -> impl Iterator<Item = &SecretVec> {
        self.find(|part| if let SavedPart::RoomKeys(body) = part { Some(body) } else { None })
    }

    /// Exported sessions, each read or refused by itself.
    pub fn sessions(
        &self,
    ) -> impl Iterator<Item = &Result<Read<ExportedSession, Repair>, SessionDataError>> {
        self.find(|part| {
            if let SavedPart::Sessions { sessions, .. } = part { Some(sessions) } else { None }
        })
        .flatten()
    }

    /// The secrets bundles. Their keys open what they fit, and prove nothing.
    pub fn secrets_bundles(&self) -> impl Iterator<Item = &SecretsBundle> {
        self.find(
            |part| if let SavedPart::SecretsBundle(bundle) = part { Some(&**bundle) } else { None },
        )
    }

    /// The errors of the homeserver that were saved in the place of data.
    pub fn refusals(&self) -> impl Iterator<Item = &SavedFileError> {
        self.find(|part| if let SavedPart::Refused(refusal) = part { Some(refusal) } else { None })
    }

    /// What could not be read beside something that could.
    pub fn broken(&self) -> impl Iterator<Item = &SavedFileError> {
        self.find(|part| if let SavedPart::Broken(error) = part { Some(error) } else { None })
    }

    /// The recovery keys, then the passphrases.
    pub fn typed(&self) -> impl Iterator<Item = &SecretString> {
        let keys =
            self.find(|part| if let SavedPart::RecoveryKey(it) = part { Some(it) } else { None });
        let others =
            self.find(|part| if let SavedPart::Passphrase(it) = part { Some(it) } else { None });
        keys.chain(others)
    }

    /// Whose the account is: as a file says, otherwise the only user whose keys were asked for.
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        let named = self.find(|part| if let SavedPart::User(id) = part { Some(id) } else { None });
        named.last().or_else(|| {
            let mut users = self.keys()?.device_keys.keys();
            users.next().filter(|_| users.next().is_none())
        })
    }

    /// The device that saved it, if a file says so.
    #[must_use]
    pub fn device_id(&self) -> Option<&DeviceId> {
        self.find(|part| if let SavedPart::Device(id) = part { Some(id) } else { None }).last()
    }

    /// What a diagnosis is made from, with a sample of `at_most` sessions. What was typed is not in it: it is
    /// [by itself](Self::typed).
    #[must_use]
    pub fn evidence(&self, user_id: UserId, at_most: usize, limits: &Limits) -> Evidence {
        let mut evidence = Evidence::new(user_id);
        if self.account_data().next().is_some() {
            evidence.take_account_data(self.account_data(), limits);
        }
        // Account data without an event are account data, too.
        evidence.storage = evidence.storage.or_else(|| self.secret_storage(limits));
        let mut versions = self.versions();
        let current = versions.next().cloned().or_else(|| self.broken_version(limits));
        let is_known = self.parts.iter().any(|part| matches!(part, SavedPart::NoBackup));
        if current.is_some() || is_known {
            evidence.take_current_backup(current);
        }
        evidence.older_versions = versions.cloned().collect();
        evidence.keys = self.keys().cloned();
        if let Some(body) = self.room_keys().last() {
            evidence.take_room_keys(body.expose_bytes(), at_most, limits);
        }
        evidence
    }

    /// A version that has no name, and cannot be used: where the current one should stand, there is something else.
    fn broken_version(&self, limits: &Limits) -> Option<BackupVersionInfo> {
        let is_version = |error: &SavedFileError| matches!(error, SavedFileError::Member(_, error) if matches!(**error, SavedFileError::Version(_)));
        self.broken().find(|error| is_version(error))?;
        BackupVersionInfo::from_json(b"{}", limits).ok()
    }

    fn find<'a, T: 'a>(
        &'a self,
        part: impl FnMut(&'a SavedPart) -> Option<T> + 'a,
    ) -> impl Iterator<Item = T> + 'a {
        self.parts.iter().filter_map(part)
    }
}
