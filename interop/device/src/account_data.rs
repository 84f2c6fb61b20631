//! Account data, and the secret storage in it.

use strongroom::{
    Limits, api,
    encoding::json_object::JsonObject,
    ids::{EventType, SecretName},
    secret_sharing::ToDeviceEvent,
    secret_storage::{Plan, SecretStorage},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

use crate::{host::Result, ours::Ours};

impl Ours {
    /// Takes account data over, and returns what was sent to the device since the last time.
    pub(crate) fn sync(&mut self) -> Result<Vec<ToDeviceEvent>> {
        self.read_account_data()?;
        Ok(std::mem::take(&mut self.inbox))
    }

    /// Takes account data over. To-device events come only once, so they are kept.
    pub(crate) fn read_account_data(&mut self) -> Result<()> {
        let request = self
            .since
            .clone()
            .into_iter()
            .fold(api::get_sync(), |request, since| request.since(&since));
        let response = self.server.send(self.device.token(), &request)?;
        self.since = Some(response.next_batch);
        self.account_data.extend(response.account_data);
        self.inbox.extend(response.to_device);
        Ok(())
    }

    /// Stores the key of the backup, or deletes it, and returns what is stored then.
    pub(crate) fn write_secret(
        &mut self,
        secret: Option<&SecretValue>,
    ) -> Result<Option<SecretValue>> {
        let (storage, name) = (self.storage()?, SecretName::from(MEGOLM_BACKUP_V1));
        let plan = storage.plan(&self.storage_keys, &Limits::default(), |change| match secret {
            Some(secret) => change.store(secret),
            None => change.delete(&name),
        })?;
        self.carry_out(plan)?;
        let storage = self.storage()?;
        if storage.secret(&name).is_none() {
            return Ok(None);
        }
        let mut keys = self.storage_keys.clone();
        let opened = storage.open(&name, &mut keys, &PublicKeys::default())?;
        Ok(Some(opened.value()?.value))
    }

    /// Stores a secret of any name.
    pub(crate) fn store_secret(&mut self, name: &str, value: &str) -> Result<()> {
        let storage = self.storage()?;
        let secret = SecretValue::kept_by_host(&name.into(), value.as_bytes())?.value;
        let plan =
            storage.plan(&self.storage_keys, &Limits::default(), |change| change.store(&secret))?;
        self.carry_out(plan)
    }

    pub(crate) fn storage(&mut self) -> Result<SecretStorage> {
        self.read_account_data()?;
        Ok(SecretStorage::from_account_data(&self.account_data, &Limits::default()))
    }

    fn carry_out(&mut self, mut plan: Plan) -> Result<()> {
        while let Some(step) = plan.next().cloned() {
            plan.check_before(self.event(&step.event_type)?.as_ref())?;
            let event_type = step.event_type.clone();
            let put = api::put_account_data(&self.user_id, &event_type, &step.content);
            self.server.send(self.device.token(), &put)?;
            plan.read_back(self.event(&step.event_type)?.as_ref())?;
        }
        Ok(())
    }

    fn event(&mut self, event_type: &EventType) -> Result<Option<JsonObject>> {
        let get = api::get_account_data(&self.user_id, event_type);
        self.server.send(self.device.token(), &get)
    }
}
