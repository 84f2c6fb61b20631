//! The device: its keys, its secret storage, its backup.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use matrix_sdk::{
    Client,
    config::SyncSettings,
    encryption::{BackupDownloadStrategy, EncryptionSettings, identities},
    ruma::api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier},
};
use serde_json::{Value, json};

pub struct Device {
    pub client: Client,
    password: String,
}

impl Device {
    pub async fn log_in(
        homeserver: &str,
        user: &str,
        password: &str,
        device: &str,
    ) -> Result<Self> {
        let settings = EncryptionSettings {
            backup_download_strategy: BackupDownloadStrategy::OneShot,
            ..EncryptionSettings::default()
        };
        let client = Client::builder()
            .homeserver_url(homeserver)
            .with_encryption_settings(settings)
            .build()
            .await?;
        client.matrix_auth().login_username(user, password).device_id(device).send().await?;
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        let device = Self { client, password: password.to_owned() };
        device.sync(1).await?;
        Ok(device)
    }

    pub fn token(&self) -> Option<String> {
        self.client.access_token()
    }

    pub async fn sync(&self, times: usize) -> Result<()> {
        for _ in 0..times {
            self.client.sync_once(SyncSettings::new().timeout(Duration::from_millis(300))).await?;
        }
        Ok(())
    }

    pub async fn set_up(&self, passphrase: Option<String>) -> Result<Value> {
        let encryption = self.client.encryption();
        encryption.bootstrap_cross_signing(Some(self.authentication()?)).await?;
        self.enable(passphrase).await
    }

    async fn enable(&self, passphrase: Option<String>) -> Result<Value> {
        self.sync(1).await?;
        let recovery = self.client.encryption().recovery();
        let enable = recovery.enable().wait_for_backups_to_upload();
        let key = match &passphrase {
            Some(passphrase) => enable.with_passphrase(passphrase).await?,
            None => enable.await?,
        };
        self.sync(1).await?;
        Ok(json!(key))
    }

    pub async fn recover(&self, typed: &str) -> Result<()> {
        self.sync(1).await?;
        self.client.encryption().recovery().recover(typed).await?;
        self.sync(2).await
    }

    pub async fn recover_and_fix(&self, typed: &str) -> Result<()> {
        self.sync(1).await?;
        self.client.encryption().recovery().recover_and_fix_backup(typed).await?;
        self.sync(2).await
    }

    pub async fn change_key(&self, passphrase: Option<String>) -> Result<Value> {
        let recovery = self.client.encryption().recovery();
        let reset = recovery.reset_key();
        let key = match &passphrase {
            Some(passphrase) => reset.with_passphrase(passphrase).await?,
            None => reset.await?,
        };
        Ok(json!(key))
    }

    pub async fn delete_backup(&self) -> Result<()> {
        Ok(self.client.encryption().backups().disable_and_delete().await?)
    }

    pub async fn reset_backup(&self, typed: &str) -> Result<()> {
        let encryption = self.client.encryption();
        if encryption.backups().fetch_exists_on_server().await? {
            encryption.backups().disable_and_delete().await?;
        }
        encryption.backups().create().await?;
        encryption.secret_storage().open_secret_store(typed).await?.export_secrets().await?;
        self.wait_for_upload().await
    }

    pub async fn disable(&self) -> Result<()> {
        Ok(self.client.encryption().recovery().disable().await?)
    }

    /// A new identity deletes the backup, so a new one is made, as its clients do.
    pub async fn reset_identity(&self) -> Result<Value> {
        if let Some(reset) = self.client.encryption().recovery().reset_identity().await? {
            reset.reset(Some(self.authentication()?)).await?;
        }
        self.enable(None).await
    }

    pub async fn store_secret(&self, typed: &str, name: &str, value: &str) -> Result<()> {
        let storage = self.client.encryption().secret_storage().open_secret_store(typed).await?;
        Ok(storage.put_secret(name, value).await?)
    }

    pub async fn secret(&self, typed: &str, name: &str) -> Result<Value> {
        let storage = self.client.encryption().secret_storage().open_secret_store(typed).await?;
        Ok(json!(storage.get_secret(name).await?))
    }

    pub async fn verify_device(&self, device: &str) -> Result<()> {
        self.sync(2).await?;
        Ok(self.own_device(device).await?.verify().await?)
    }

    pub async fn is_verified(&self, device: &str) -> Result<Value> {
        self.sync(1).await?;
        let device = self.own_device(device).await?;
        Ok(json!(device.is_verified() && device.is_cross_signed_by_owner()))
    }

    pub async fn is_signed(&self, device: &str) -> Result<Value> {
        self.sync(1).await?;
        Ok(json!(self.own_device(device).await?.is_cross_signed_by_owner()))
    }

    pub async fn fingerprint(&self) -> Result<Value> {
        let key = self.client.encryption().ed25519_key().await;
        Ok(json!(key.context("the device has no keys")?))
    }

    pub async fn state(&self) -> Result<Value> {
        let encryption = self.client.encryption();
        let keys = encryption.cross_signing_status().await;
        let has_all = keys
            .is_some_and(|keys| keys.has_master && keys.has_self_signing && keys.has_user_signing);
        Ok(json!({
            "backup": format!("{:?}", encryption.backups().state()),
            "recovery": format!("{:?}", encryption.recovery().state()),
            "has_cross_signing": has_all,
            "is_verified": format!("{:?}", encryption.verification_state().get()) == "Verified",
        }))
    }

    pub async fn wait_for_upload(&self) -> Result<()> {
        Ok(self.client.encryption().backups().wait_for_steady_state().await?)
    }

    pub async fn export(&self, file: PathBuf, passphrase: &str) -> Result<()> {
        Ok(self.client.encryption().export_room_keys(file, passphrase, |_| true).await?)
    }

    pub async fn import(&self, file: PathBuf, passphrase: &str) -> Result<()> {
        self.client.encryption().import_room_keys(file, passphrase).await?;
        Ok(())
    }

    async fn own_device(&self, device: &str) -> Result<identities::Device> {
        let user = self.client.user_id().context("nobody is logged in")?;
        let encryption = self.client.encryption();
        encryption.request_user_identity(user).await?;
        encryption.get_device(user, device.into()).await?.context("the device is unknown")
    }

    fn authentication(&self) -> Result<AuthData> {
        let user = self.client.user_id().context("nobody is logged in")?;
        let user = UserIdentifier::Matrix(MatrixUserIdentifier::new(user.to_string()));
        Ok(AuthData::Password(Password::new(user, self.password.clone())))
    }
}
