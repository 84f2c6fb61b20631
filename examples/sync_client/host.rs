//! What only the host can do for the machine: disk, network, store, signatures, and the user.

use std::{error::Error, ops::ControlFlow, thread, time::Duration};

use http::Response;
use strongroom::{
    backup::RestoredSession,
    client::{
        BackupHost, Host, Notice, Operation, Waiting,
        backup::{NotStored, OfferedSession, Question, Reply, SavedBackup, TaskId},
    },
    crypto::ed25519::Ed25519Signature,
    ids::{BackupVersion, KeyId},
    secret::SecretVec,
    secret_value::SecretValue,
    signed_json::{ToSign, TrustedSigner},
};
use ureq::BodyReader;
use vodozemac::Ed25519Keypair;

use crate::{
    Result, connection::Connection, device::now_ms, storage::Storage, store::Store, user::User,
};

/// What belongs to the host of a device.
pub(crate) struct DeviceHost {
    pub(crate) connection: Connection,
    /// The ID of the key that the device signs with, and the key; a client has it in its Olm account.
    pub(crate) signing: (KeyId, Ed25519Keypair),
    /// Those whom the user has verified, and the device itself.
    pub(crate) trusted: Vec<TrustedSigner>,
    /// What was written last.
    pub(crate) disk: SavedBackup,
    pub(crate) store: Store,
    pub(crate) storage: Storage,
    pub(crate) user: User,
    /// What the user was told last that is waited for.
    pub(crate) waits_for: Vec<String>,
}

// guide begin
impl Host for DeviceHost {
    type Error = Box<dyn Error>;
    type Body = BodyReader<'static>;

    fn now_ms(&mut self) -> u64 {
        now_ms()
    }

    fn save(&mut self, backup: &SavedBackup, _flow: Option<&SecretVec>) -> Result<()> {
        self.disk = backup.clone(); // to disk and keychain
        Ok(())
    }

    fn send(&mut self, operation: &Operation) -> Result<Option<Response<Self::Body>>> {
        self.connection.send(operation)
    }

    fn renew_token(&mut self, _soft_logout: bool) -> Result<()> {
        Err("the user has to log in again".into())
    }

    fn import(&mut self, version: &BackupVersion, sessions: &[RestoredSession]) -> Result<()> {
        self.store.import(version, sessions);
        Ok(())
    }

    fn sign(&mut self, to_sign: &ToSign) -> Result<Vec<(KeyId, Ed25519Signature)>> {
        let (id, key) = &self.signing; // a client with the master key at hand signs with that, too
        let signature = key.sign(to_sign.bytes()).to_base64();
        Ok(vec![(id.clone(), Ed25519Signature::from_base64(&signature)?)])
    }

    fn wait(&mut self, until_ms: Option<u64>, waiting: &[Waiting]) -> Result<ControlFlow<()>> {
        let waits_for: Vec<_> = waiting.iter().map(ToString::to_string).collect();
        if waits_for != self.waits_for {
            waits_for.iter().for_each(|what| println!("  {what}")); // a client has a place for it
            self.waits_for = waits_for;
        }
        match until_ms.map(|until_ms| until_ms.saturating_sub(now_ms())) {
            Some(pause_ms) if pause_ms < PATIENCE_MS => {
                thread::sleep(Duration::from_millis(pause_ms));
                Ok(ControlFlow::Continue(()))
            }
            _ => Ok(ControlFlow::Break(())), // until something happens
        }
    }
}

impl BackupHost for DeviceHost {
    fn trusted_signers(&mut self) -> Result<Vec<TrustedSigner>> {
        Ok(self.trusted.clone())
    }

    fn offer(
        &mut self,
        version: &BackupVersion,
        count: usize,
        _bytes: usize,
    ) -> Result<Vec<OfferedSession>> {
        Ok(self.store.not_stored_in(version, count))
    }

    fn stored(&mut self, version: &BackupVersion, tokens: &[u64]) -> Result<()> {
        self.store.mark(version, tokens);
        Ok(())
    }

    fn not_stored(
        &mut self,
        _version: &BackupVersion,
        failures: &[(u64, NotStored)],
    ) -> Result<()> {
        println!("  {} sessions cannot be stored", failures.len());
        Ok(())
    }

    fn lost(&mut self, version: &BackupVersion) -> Result<()> {
        println!("  the homeserver has lost sessions: those that are here are stored again");
        self.store.forget(version);
        Ok(())
    }

    fn ask(&mut self, _id: TaskId, question: &Question) -> Result<Option<Reply>> {
        Ok(self.user.reply(question))
    }

    fn store_secret(&mut self, secret: &SecretValue) -> Result<Option<SecretValue>> {
        self.storage.write(Some(secret))
    }

    fn delete_secret(&mut self) -> Result<bool> {
        Ok(self.storage.write(None)?.is_none())
    }

    fn notice(&mut self, notice: Notice<'_>) -> Result<()> {
        println!("  {notice}");
        Ok(())
    }
}
// guide end

/// A client would wait for `/sync` meanwhile, for as long as the machine says.
const PATIENCE_MS: u64 = 5_000;
