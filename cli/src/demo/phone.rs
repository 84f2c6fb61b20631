//! The device that has the sessions: it creates the backup and uploads them.

use indicatif::ProgressBar;
use strongroom::{
    Limits,
    api::{CreateBackupVersion, GetCurrentBackupVersion, PutRoomKeys},
    backup::{AuthData, BackupDecryptionKey, SessionSealer, SessionToSeal, TrustedBackup},
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    ids::{KeyId, RoomId},
    secret::SecretString,
    session_data::{ExportedSession, SessionData, SessionKey},
    signed_json::TrustedSigner,
};
use vodozemac::{megolm::GroupSession, olm::Account};

use super::homeserver::Connection;
use crate::Result;

/// A device with an Olm account and Megolm sessions, both real.
pub(super) struct Phone {
    account: Account,
    sessions: Vec<ExportedSession>,
}

/// What an upload was.
pub(super) struct Uploaded {
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

impl Phone {
    pub(super) fn new(count: u32, progress: &ProgressBar) -> Result<Self> {
        let account = Account::new();
        let numbers = progress.wrap_iter(0..count);
        let sessions: Result<_> = numbers.map(|number| session(&account, number)).collect();
        Ok(Self { account, sessions: sessions? })
    }

    /// Creates a backup that this device has signed, and returns it with its recovery key.
    pub(super) fn create_backup(
        &self,
        connection: &mut Connection,
    ) -> Result<(TrustedBackup, SecretString)> {
        let key = BackupDecryptionKey::generate()?;
        let auth_data = self.sign(AuthData::new(key.public_key()), connection)?;
        connection.send(&CreateBackupVersion::new(auth_data))?;
        let (current, _) = connection.send(&GetCurrentBackupVersion)?;
        let current = current.ok_or("the homeserver has lost the backup")?;
        let (user, signers) = (connection.user_id(), [self.signer(connection)?]);
        let backup =
            TrustedBackup::by_signature(&current, user, &signers, &[], &Limits::default())?;
        Ok((backup, key.to_recovery_key().to_text()))
    }

    /// Seals every session to the backup's public key and uploads it.
    pub(super) fn upload(
        &self,
        connection: &mut Connection,
        backup: &TrustedBackup,
        progress: &ProgressBar,
    ) -> Result<Uploaded> {
        let mut uploaded = Uploaded { requests: 0, bytes: 0 };
        let sealer = SessionSealer::for_sessions(backup, self.sessions.len());
        for batch in self.sessions.chunks(BATCH) {
            let batch: Vec<_> =
                batch.iter().map(|one| SessionToSeal::new(&one.room_id, &one.session)).collect();
            let request = PutRoomKeys::new(backup, sealer.seal(&batch)?)?;
            uploaded.bytes += connection.send(&request)?.1;
            uploaded.requests += 1;
            progress.inc(batch.len() as u64);
        }
        progress.finish_and_clear();
        Ok(uploaded)
    }

    pub(super) fn into_sessions(self) -> Vec<ExportedSession> {
        self.sessions
    }

    fn sign(&self, auth_data: AuthData, connection: &Connection) -> Result<AuthData> {
        let signature = self.account.sign(auth_data.bytes_to_sign()?);
        let signature = Ed25519Signature::from_bytes(signature.to_bytes());
        Ok(auth_data.with_signature(connection.user_id(), &key_id(connection), &signature))
    }

    /// What this device checks its own signature with.
    fn signer(&self, connection: &Connection) -> Result<TrustedSigner> {
        let key = Ed25519PublicKey::from_bytes(self.account.ed25519_key().as_bytes())?;
        Ok(TrustedSigner::new(key_id(connection), key))
    }
}

/// A session that has been used a while, so that it does not begin at its first message.
fn session(account: &Account, number: u32) -> Result<ExportedSession> {
    let mut outbound = GroupSession::new(Default::default());
    for _ in 0..number % 4 {
        outbound.encrypt("an earlier message");
    }
    let key = SessionKey::from_bytes(&outbound.session_key().to_bytes())?;
    let claimed = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes())?;
    let sender = Curve25519PublicKey::from_bytes(account.curve25519_key().to_bytes());
    Ok(ExportedSession {
        room_id: RoomId::new(format!("!room{}:example.org", number % ROOMS)),
        session: SessionData::new(key)
            .with_sender(sender, claimed)
            .with_shared_history(number.is_multiple_of(2)),
    })
}

fn key_id(connection: &Connection) -> KeyId {
    KeyId::ed25519(connection.device_id())
}

/// Sessions in one request: well under the megabyte that every server takes.
const BATCH: usize = 100;

/// How many rooms the sessions are spread over.
const ROOMS: u32 = 12;
