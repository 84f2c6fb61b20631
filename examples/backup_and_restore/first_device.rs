//! The device that has the sessions: it creates the backup and uploads.

use std::time::Instant;

use indicatif::ProgressBar;
use strongroom::{
    Limits,
    api::{self, PutRoomKeys},
    backup::{
        AuthData, BackupDecryptionKey, SealOptions, SessionSealer, TrustedBackup, UnsignedAuthData,
    },
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

use crate::{Result, print_rate, server::Server};

pub(crate) struct FirstDevice {
    account: Account,
    sessions: Vec<ExportedSession>,
}

impl FirstDevice {
    /// Makes an Olm account and real Megolm sessions in several rooms.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let account = Account::new();
        let sessions: Result<_> = (0..count).map(|number| session(&account, number)).collect();
        Ok(Self { account, sessions: sessions? })
    }

    /// Creates a signed backup, uploads every session, and hands out the recovery key.
    pub(crate) fn back_up(&self, server: &mut Server) -> Result<SecretString> {
        let key = BackupDecryptionKey::generate()?;
        let auth_data = self.sign(UnsignedAuthData::new(&key)?, server);
        server.send(&api::create_backup_version(&auth_data))?;

        let (current, _) = server.send(&api::get_current_backup_version())?;
        let current = current.ok_or("the homeserver has lost the backup")?;
        let (user, signers) = (server.user_id(), [self.signer(server)?]);
        let limits = Limits::default();
        let backup = TrustedBackup::by_signature(&current, user, &signers, &[], &limits)?;
        println!(
            "created    backup version {} with the key {}",
            current.version(),
            key.public_key()
        );

        self.upload(server, &backup)?;
        Ok(key.to_recovery_key().to_text())
    }

    pub(crate) fn into_sessions(self) -> Vec<ExportedSession> {
        self.sessions
    }

    fn sign(&self, unsigned: UnsignedAuthData, server: &Server) -> AuthData {
        let signature = self.account.sign(unsigned.to_sign().bytes());
        let signature = Ed25519Signature::from_bytes(signature.to_bytes());
        unsigned.with_signature(server.user_id(), &key_id(server), &signature).into_auth_data()
    }

    /// What this device checks its own signature with.
    fn signer(&self, server: &Server) -> Result<TrustedSigner> {
        let key = Ed25519PublicKey::from_bytes(self.account.ed25519_key().as_bytes())?;
        Ok(TrustedSigner::new(key_id(server), key))
    }

    fn upload(&self, server: &mut Server, backup: &TrustedBackup) -> Result<()> {
        let progress = ProgressBar::new(self.sessions.len() as u64);
        let (start, mut bytes) = (Instant::now(), 0);
        let sealer = SessionSealer::for_sessions(backup, self.sessions.len());
        for batch in self.sessions.chunks(BATCH) {
            let batch: Vec<_> = batch
                .iter()
                .map(|one| (&one.room_id, &one.session, SealOptions::default()))
                .collect();
            let (_, sent) =
                server.send(&PutRoomKeys::new(backup, sealer.seal(&batch)?)?.request())?;
            bytes += sent;
            progress.inc(batch.len() as u64);
        }
        progress.finish_and_clear();
        print_rate("backed up", self.sessions.len(), bytes, start.elapsed());
        Ok(())
    }
}

/// A session that this device has used a while, so that it does not begin at its first message.
fn session(account: &Account, number: usize) -> Result<ExportedSession> {
    let mut outbound = GroupSession::new(Default::default());
    for _ in 0..number % 4 {
        outbound.encrypt("an earlier message");
    }
    let key = SessionKey::from_bytes(&outbound.session_key().to_bytes())?;
    let claimed = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes())?;
    let sender = Curve25519PublicKey::from_bytes(account.curve25519_key().to_bytes());
    Ok(ExportedSession {
        room_id: RoomId::new(format!("!room{}:example.org", number % ROOMS)),
        session: SessionData::new(key, sender, claimed)
            .with_shared_history(number.is_multiple_of(2)),
    })
}

fn key_id(server: &Server) -> KeyId {
    KeyId::ed25519(server.device_id())
}

/// Sessions in one request: well under the megabyte that servers take without a word.
const BATCH: usize = 100;

/// How many rooms the sessions are spread over.
const ROOMS: usize = 12;
