//! One device: its machine, and what belongs to its host.

use std::time::{SystemTime, UNIX_EPOCH};

use strongroom::{
    Limits,
    client::{
        backup::{Backup, BackupOptions, KeyFit, Stage},
        drive_backup,
    },
    crypto::ed25519::Ed25519PublicKey,
    ids::{BackupVersion, DeviceId, KeyId},
    signed_json::TrustedSigner,
};
use vodozemac::Ed25519Keypair;

use crate::{
    Result, connection::Connection, host::DeviceHost, storage::Storage, store::Store, user::User,
};

pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) backup: Backup,
    pub(crate) host: DeviceHost,
}

impl Device {
    pub(crate) fn new(id: &str, connection: Connection) -> Result<Self> {
        let (user_id, id) = (connection.user_id().clone(), DeviceId::from(id));
        let backup = Backup::new(user_id, id.clone(), options(), Limits::default());
        let (key_id, key) = (KeyId::ed25519(&id), Ed25519Keypair::new());
        let public_key = Ed25519PublicKey::from_base64(&key.public_key().to_base64())?;
        let host = DeviceHost {
            storage: Storage::new(connection.clone()),
            connection,
            trusted: vec![TrustedSigner::new(key_id.clone(), public_key)],
            signing: (key_id, key),
            disk: backup.save(),
            store: Store::default(),
            user: User,
            waits_for: Vec::new(),
        };
        Ok(Self { id, backup, host })
    }

    /// Does what the machine wants, until it waits for more than a few seconds.
    pub(crate) fn run(&mut self) -> Result<()> {
        drive_backup(&mut self.backup, &mut self.host)
    }

    /// The app is closed and opened again: the machine goes on from what was written.
    pub(crate) fn restarted(mut self) -> Result<Self> {
        println!("  the phone is restarted");
        let user_id = self.host.connection.user_id().clone();
        let (id, limits) = (self.id.clone(), Limits::default());
        self.backup = Backup::from_saved(&self.host.disk, user_id, id, options(), limits)?;
        Ok(self)
    }

    /// The user has verified the other device on this one.
    pub(crate) fn verifies(&mut self, other: &Self) {
        self.host.trusted.extend(other.host.trusted.iter().cloned());
    }

    /// A message of the other device arrives whose session is not here.
    pub(crate) fn cannot_decrypt(&mut self, sent: &Store) -> Result<()> {
        let (room_id, session_id) = sent.first().ok_or("there are no messages")?;
        println!("  a message in {room_id} cannot be decrypted");
        self.backup.undecryptable(room_id, session_id, now_ms());
        Ok(())
    }

    /// The user types the key of the secret storage, which has the key of the backup.
    pub(crate) fn finds_key_in(&mut self, storage: &mut Storage) -> Result<()> {
        let typed = storage.recovery_key().ok_or("there is no secret storage")?;
        let secret = self.host.storage.unlock(&typed)?.ok_or("the backup key is not stored")?;
        // The secret knows whether anybody but the user can have stored it.
        let key = secret.backup_key().ok_or("what is stored is no backup key")?;
        match self.backup.give_key(key) {
            KeyFit::Fits => Ok(()),
            KeyFit::FitsUnauthenticated => {
                println!(
                    "  the homeserver could have planted the key: it opens, and proves nothing"
                );
                Ok(())
            }
            other => Err(format!("the stored key is not the backup's: {other:?}").into()),
        }
    }

    pub(crate) fn version(&self) -> Option<BackupVersion> {
        self.backup.trusted().map(|backup| backup.version().clone())
    }

    pub(crate) fn expect_all_stored(&self) -> Result<()> {
        let version = self.version().filter(|_| self.backup.stage() == Stage::Running);
        let version = version.ok_or("there is no backup in use")?;
        match self.host.store.not_stored_in(&version, usize::MAX).len() {
            0 => {
                println!("  {} sessions are in version {version}", self.host.store.len());
                Ok(())
            }
            left => Err(format!("{left} sessions are not in version {version}").into()),
        }
    }

    pub(crate) fn expect_room_of(&self, other: &Store) -> Result<()> {
        if self.host.store.has_first_room_of(other) {
            println!("  it has {} sessions now", self.host.store.len());
            return Ok(());
        }
        Err("some sessions of the room are missing".into())
    }
}

/// Shorter waits than a client would have, so that an example ends soon.
fn options() -> BackupOptions {
    let mut options = BackupOptions::default();
    (options.upload_delay_ms, options.poll_ms) = (500, 1_000);
    options
}

pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
