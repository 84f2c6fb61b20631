//! What a scenario can tell the device to do.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::device::Device;

#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Command {
    LogIn {
        homeserver: String,
        user: String,
        password: String,
        device: String,
    },
    Sync {
        times: usize,
    },
    /// Cross-signing, secret storage and backup.
    SetUp {
        passphrase: Option<String>,
    },
    Recover {
        typed: String,
    },
    /// The same, with the repair of its own.
    RecoverAndFix {
        typed: String,
    },
    ChangeKey {
        passphrase: Option<String>,
    },
    DeleteBackup,
    /// A new backup in the place of the one that there is, with its key in the secret storage.
    ResetBackup {
        typed: String,
    },
    Disable,
    ResetIdentity,
    StoreSecret {
        typed: String,
        name: String,
        value: String,
    },
    Secret {
        typed: String,
        name: String,
    },
    VerifyDevice {
        device: String,
    },
    IsVerified {
        device: String,
    },
    /// Whether the self-signing key has signed a device, whatever this one thinks of that key.
    IsSigned {
        device: String,
    },
    /// The Ed25519 key of this device.
    Fingerprint,
    State,
    /// Messages, each with a session of its own.
    Talk {
        rooms: Vec<String>,
        count: usize,
    },
    WaitForUpload,
    Download {
        rooms: Vec<String>,
    },
    /// The texts of the messages in these rooms that can be decrypted.
    Messages {
        rooms: Vec<String>,
    },
    Export {
        file: PathBuf,
        passphrase: String,
    },
    Import {
        file: PathBuf,
        passphrase: String,
    },
}

impl Device {
    pub async fn run(&self, command: Command) -> Result<Value> {
        match command {
            Command::LogIn { .. } => bail!("somebody is logged in"),
            Command::Sync { times } => self.sync(times).await?,
            Command::SetUp { passphrase } => return self.set_up(passphrase).await,
            Command::Recover { typed } => self.recover(&typed).await?,
            Command::RecoverAndFix { typed } => self.recover_and_fix(&typed).await?,
            Command::ChangeKey { passphrase } => return self.change_key(passphrase).await,
            Command::DeleteBackup => self.delete_backup().await?,
            Command::ResetBackup { typed } => self.reset_backup(&typed).await?,
            Command::Disable => self.disable().await?,
            Command::ResetIdentity => return self.reset_identity().await,
            Command::StoreSecret { typed, name, value } => {
                self.store_secret(&typed, &name, &value).await?
            }
            Command::Secret { typed, name } => return self.secret(&typed, &name).await,
            Command::VerifyDevice { device } => self.verify_device(&device).await?,
            Command::IsVerified { device } => return self.is_verified(&device).await,
            Command::IsSigned { device } => return self.is_signed(&device).await,
            Command::Fingerprint => return self.fingerprint().await,
            Command::State => return self.state().await,
            Command::Talk { rooms, count } => self.talk(&rooms, count).await?,
            Command::WaitForUpload => self.wait_for_upload().await?,
            Command::Download { rooms } => self.download(&rooms).await?,
            Command::Messages { rooms } => return self.messages(&rooms).await,
            Command::Export { file, passphrase } => self.export(file, &passphrase).await?,
            Command::Import { file, passphrase } => self.import(file, &passphrase).await?,
        }
        Ok(json!(null))
    }
}
