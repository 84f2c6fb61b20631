//! An account on an in-memory homeserver, and how a plan is carried out there.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl},
    encoding::json_object::JsonObject,
    homeserver::Homeserver,
    ids::{EventType, UserId},
    secret_storage::{Change, ChangeError, SecretStorage, SecretStorageKey},
    secret_value::PublicKeys,
};

use crate::Result;

/// An account, as one of its devices sees it.
pub(crate) struct Account {
    homeserver: Homeserver,
    user_id: UserId,
    token: AccessToken,
    /// What `/sync` would have told the device.
    events: Vec<(EventType, JsonObject)>,
}

impl Account {
    /// The account of a new user.
    pub(crate) fn new(user_id: &str) -> Self {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in(user_id, "DEVICE").as_str().into();
        Self { homeserver, user_id: user_id.into(), token, events: Vec::new() }
    }

    pub(crate) fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The secret storage as the account data has it now.
    pub(crate) fn storage(&self) -> SecretStorage {
        SecretStorage::from_account_data(&self.events, &Limits::default())
    }

    /// All account data: contents by the types of the events.
    pub(crate) fn data(&self) -> Result<BTreeMap<String, Value>> {
        let mut data = BTreeMap::new();
        for (event_type, content) in &self.events {
            let content = serde_json::from_slice(content.as_bytes())?;
            data.insert(event_type.as_str().to_owned(), content);
        }
        Ok(data)
    }

    /// The keys that a typed text gives.
    pub(crate) fn unlock(&self, typed: &str) -> Result<Vec<SecretStorageKey>> {
        Ok(self.storage().unlock(typed, &PublicKeys::default(), &Limits::default())?.keys)
    }

    /// Plans a change, shows the plan, and carries it out: before each step the event is read, after it
    /// what was written is read back.
    pub(crate) fn change(
        &mut self,
        keys: &[SecretStorageKey],
        change: impl FnOnce(&mut Change<'_>) -> std::result::Result<(), ChangeError>,
    ) -> Result<()> {
        let mut plan = self.storage().plan(keys, &Limits::default(), change)?;
        print!("{plan}");
        while let Some(step) = plan.next().cloned() {
            let before = self.get(&step.event_type)?;
            plan.check_before(before.as_ref())?;
            self.put(&step.event_type, step.content)?;
            let after = self.get(&step.event_type)?;
            plan.read_back(after.as_ref())?;
        }
        Ok(())
    }

    /// Writes an event.
    pub(crate) fn put(&mut self, event_type: &EventType, content: JsonObject) -> Result<()> {
        let user_id = self.user_id.clone();
        self.send(&api::put_account_data(&user_id, event_type, &content))?;
        self.events.retain(|(known, _)| known != event_type);
        self.events.push((event_type.clone(), content));
        Ok(())
    }

    fn get(&mut self, event_type: &EventType) -> Result<Option<JsonObject>> {
        self.send(&api::get_account_data(&self.user_id, event_type))
    }

    fn send<T>(&mut self, endpoint: &api::Request<T>) -> Result<T> {
        let base_url = BaseUrl::new("https://matrix.example.org")?;
        let response = self.homeserver.respond(&endpoint.to_http(&base_url, &self.token)?);
        Ok(endpoint.read_response(&response, &Limits::default())?)
    }
}
