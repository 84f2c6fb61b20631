//! The secret storage of the account, where the key of the backup is kept.

use strongroom::{
    Limits, api,
    encoding::json_object::JsonObject,
    ids::EventType,
    recovery_key::RecoveryKey,
    secret_storage::{NewKey, SecretStorage, SecretStorageKey},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

use crate::{Result, connection::Connection};

pub(crate) struct Storage {
    connection: Connection,
    /// The key of the storage, if it is unlocked here.
    key: Option<SecretStorageKey>,
}

impl Storage {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, key: None }
    }

    /// What the user has written down when the storage was made.
    pub(crate) fn recovery_key(&self) -> Option<RecoveryKey> {
        self.key.as_ref()?.to_recovery_key()
    }

    /// Unlocks the storage with what the user types, and looks for the key of the backup.
    pub(crate) fn unlock(&mut self, typed: &RecoveryKey) -> Result<Option<SecretValue>> {
        let (text, limits) = (typed.to_text(), Limits::default());
        let unlocked = self.load()?.unlock(text.expose_str(), &PublicKeys::default(), &limits)?;
        self.key = unlocked.keys.into_iter().next();
        self.read()
    }

    /// Stores the key of the backup, or deletes it, step by step, and reads it back. If there is no storage, one is made.
    pub(crate) fn write(&mut self, secret: Option<&SecretValue>) -> Result<Option<SecretValue>> {
        let (storage, name) = (self.load()?, MEGOLM_BACKUP_V1.into());
        let new_key = match &self.key {
            None => Some(NewKey::generate(Some("the user's"))?),
            Some(_) => None,
        };
        let keys: Vec<_> = self.key.iter().cloned().collect();
        let mut plan = storage.plan(&keys, &Limits::default(), |change| {
            if let Some(new_key) = &new_key {
                change.create(new_key)?;
            }
            match secret {
                Some(secret) => change.store(secret),
                None => change.delete(&name),
            }
        })?;
        while let Some(step) = plan.next().cloned() {
            plan.check_before(self.get(&step.event_type)?.as_ref())?;
            let user_id = self.connection.user_id().clone();
            self.connection.call(&api::put_account_data(
                &user_id,
                &step.event_type,
                &step.content,
            ))?;
            plan.read_back(self.get(&step.event_type)?.as_ref())?;
        }
        println!("  the secret storage has the key of the backup");
        self.key = self.key.take().or_else(|| Some(new_key?.key().clone()));
        self.read()
    }

    /// The key of the backup, as the storage has it now.
    fn read(&mut self) -> Result<Option<SecretValue>> {
        let (storage, name) = (self.load()?, MEGOLM_BACKUP_V1.into());
        if storage.secret(&name).is_none() {
            return Ok(None);
        }
        let mut keys: Vec<_> = self.key.iter().cloned().collect();
        let opened = storage.open(&name, &mut keys, &PublicKeys::default())?;
        Ok(Some(opened.value()?.value))
    }

    /// The account data that belongs to it. A client has it from `/sync`.
    fn load(&self) -> Result<SecretStorage> {
        let mut events: Vec<(EventType, JsonObject)> = Vec::new();
        let mut types = vec![DEFAULT_KEY.into(), EventType::from(MEGOLM_BACKUP_V1)];
        while let Some(event_type) = types.pop() {
            let Some(content) = self.get(&event_type)? else { continue };
            if event_type.as_str() == DEFAULT_KEY {
                let content: serde_json::Value = serde_json::from_slice(content.as_bytes())?;
                let id = content.get("key").and_then(serde_json::Value::as_str).unwrap_or_default();
                types.push(format!("m.secret_storage.key.{id}").into());
            }
            events.push((event_type, content));
        }
        Ok(SecretStorage::from_account_data(&events, &Limits::default()))
    }

    fn get(&self, event_type: &EventType) -> Result<Option<JsonObject>> {
        let user_id = self.connection.user_id().clone();
        self.connection.call(&api::get_account_data(&user_id, event_type))
    }
}

const DEFAULT_KEY: &str = "m.secret_storage.default_key";
