//! Saved responses, told from each other by what they hold.

use std::{collections::BTreeMap, error::Error, fs::File, io::Read as _, path::Path};

use serde_json::value::RawValue;
use strongroom::{
    Limits,
    api::{Endpoint as _, QueriedKeys, QueryKeys},
    backup::BackupVersionInfo,
    client::diagnose::{CurrentBackup, Evidence, SessionSample},
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
    secret::SecretString,
};

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// What the files hold.
#[derive(Default)]
pub(crate) struct Saved {
    account_data: Option<Vec<(EventType, JsonObject)>>,
    /// The current version first.
    versions: Vec<BackupVersionInfo>,
    keys: Option<QueriedKeys>,
    sample: Option<SessionSample>,
    user_id: Option<String>,
    pub(crate) typed: Option<SecretString>,
}

impl Saved {
    pub(crate) fn read(
        &mut self,
        path: &Path,
        sessions: usize,
        limits: &Limits,
    ) -> Result<(), Box<dyn Error>> {
        let name = path.display();
        let mut text = Vec::new();
        let file = File::open(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
        file.take(MAX_BYTES).read_to_end(&mut text)?;
        if text.len() as u64 == MAX_BYTES {
            // Nothing else is as large. The beginning is enough for a sample.
            self.sample = Some(SessionSample::from_response(&text, sessions, limits));
            return Ok(());
        }
        let members: Members<'_> = serde_json::from_slice(&text)
            .map_err(|error| format!("{name} is not a JSON object: {error}"))?;
        self.take(&members, &text, sessions, limits)
            .map_err(|error| format!("{name}: {error}").into())
    }

    fn take(
        &mut self,
        members: &Members<'_>,
        text: &[u8],
        sessions: usize,
        limits: &Limits,
    ) -> Result<(), Box<dyn Error>> {
        if members.contains_key("rooms") {
            self.sample = Some(SessionSample::from_response(text, sessions, limits));
        } else if members.contains_key("auth_data") {
            self.versions.push(BackupVersionInfo::from_json(text, limits)?);
        } else if members.contains_key("device_keys") || members.contains_key("master_keys") {
            let response = http::Response::new(text);
            self.keys = Some(QueryKeys::new().read_response(&response, limits)?);
        } else if let Some(account_data) = members.get("account_data") {
            self.take_account_data(&serde_json::from_str(account_data.get())?)?;
            for part in ["room_keys_version", "room_keys", "keys_query"] {
                if let Some(part) = members.get(part) {
                    let text = part.get();
                    self.take(&serde_json::from_str(text)?, text.as_bytes(), sessions, limits)?;
                }
            }
            self.take_typed(members)?;
        } else {
            self.take_account_data(members)?;
        }
        Ok(())
    }

    fn take_account_data(&mut self, events: &Members<'_>) -> Result<(), Box<dyn Error>> {
        let account_data = self.account_data.get_or_insert_default();
        for (event_type, content) in events {
            let content = JsonObject::from_json(content.get().as_bytes())?;
            account_data.push((event_type.as_str().into(), content));
        }
        Ok(())
    }

    fn take_typed(&mut self, members: &Members<'_>) -> Result<(), Box<dyn Error>> {
        let text = |name: &str| -> Result<Option<String>, serde_json::Error> {
            members.get(name).map_or(Ok(None), |value| serde_json::from_str(value.get()))
        };
        self.user_id = text("user_id")?.or_else(|| self.user_id.take());
        let typed = text("recovery_key")?.map_or_else(|| text("passphrase"), |key| Ok(Some(key)));
        self.typed = typed?.map(SecretString::from).or_else(|| self.typed.take());
        Ok(())
    }

    pub(crate) fn evidence(
        &self,
        user_id: Option<&str>,
        limits: &Limits,
    ) -> Result<Evidence, Box<dyn Error>> {
        let user_id = user_id.or(self.user_id.as_deref()).map(UserId::from);
        let user_id = user_id.or_else(|| self.only_user());
        let user_id = user_id.ok_or("the files do not say whose they are: use --user-id")?;
        let mut evidence = Evidence::new(user_id);
        if let Some(events) = &self.account_data {
            let events = events.iter().map(|(event_type, content)| (event_type, content));
            evidence.take_account_data(events, limits);
        }
        if let Some((current, older)) = self.versions.split_first() {
            evidence.backup = CurrentBackup::Version(Box::new(current.clone()));
            evidence.older_versions = older.to_vec();
        }
        evidence.keys = self.keys.clone();
        evidence.sample = self.sample.clone();
        Ok(evidence)
    }

    /// The user whose keys were asked for, if they are one.
    fn only_user(&self) -> Option<UserId> {
        let mut users = self.keys.as_ref()?.device_keys.keys();
        users.next().filter(|_| users.next().is_none()).cloned()
    }
}

/// How much of a file is read: enough for some thousand sessions.
const MAX_BYTES: u64 = 32 << 20;
