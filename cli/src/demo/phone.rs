//! The device that has the sessions: it creates the backup and uploads them.

use ed25519_dalek::{Signer as _, SigningKey};
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
    secret::{SecretBytes, SecretString},
    session_data::{ExportedSession, SessionData, SessionKey},
    signed_json::TrustedSigner,
};

use super::homeserver::Connection;
use crate::Result;

/// A device with keys of its own, and the Megolm sessions that it has had.
pub(super) struct Phone {
    identity: Identity,
    sessions: Vec<ExportedSession>,
}

/// The keys that a device is known by.
struct Identity {
    signing: SigningKey,
    curve25519: Curve25519PublicKey,
}

/// What an upload was.
pub(super) struct Uploaded {
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

impl Phone {
    pub(super) fn new(count: u32, progress: &ProgressBar) -> Result<Self> {
        let identity = Identity::new()?;
        let numbers = progress.wrap_iter(0..count);
        let sessions: Result<_> = numbers.map(|number| session(&identity, number)).collect();
        Ok(Self { identity, sessions: sessions? })
    }

    /// Creates a backup that this device has signed, and returns it with its recovery key.
    pub(super) fn create_backup(
        &self,
        connection: &mut Connection,
    ) -> Result<(TrustedBackup, SecretString)> {
        let key = BackupDecryptionKey::generate()?;
        let auth_data = self.sign(UnsignedAuthData::new(&key)?, connection);
        connection.send(&api::create_backup_version(&auth_data))?;
        let (current, _) = connection.send(&api::get_current_backup_version())?;
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
            let batch: Vec<_> = batch
                .iter()
                .map(|one| (&one.room_id, &one.session, SealOptions::default()))
                .collect();
            let put = PutRoomKeys::new(backup, sealer.seal(&batch)?)?;
            uploaded.bytes += connection.send(&put.request())?.1;
            uploaded.requests += 1;
            progress.inc(batch.len() as u64);
        }
        progress.finish_and_clear();
        Ok(uploaded)
    }

    pub(super) fn into_sessions(self) -> Vec<ExportedSession> {
        self.sessions
    }

    fn sign(&self, unsigned: UnsignedAuthData, connection: &Connection) -> AuthData {
        let signature = self.identity.signing.sign(unsigned.to_sign().bytes());
        let signature = Ed25519Signature::from_bytes(signature.to_bytes());
        let user_id = connection.user_id();
        unsigned.with_signature(user_id, &key_id(connection), &signature).into_auth_data()
    }

    /// What this device checks its own signature with.
    fn signer(&self, connection: &Connection) -> Result<TrustedSigner> {
        Ok(TrustedSigner::new(key_id(connection), self.identity.ed25519()?))
    }
}

impl Identity {
    fn new() -> Result<Self> {
        let secret = random()?;
        let secret =
            BackupDecryptionKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = secret));
        Ok(Self {
            signing: SigningKey::from_bytes(&random()?),
            curve25519: *secret.public_key().as_curve25519(),
        })
    }

    fn ed25519(&self) -> Result<Ed25519PublicKey> {
        Ok(Ed25519PublicKey::from_bytes(self.signing.verifying_key().as_bytes())?)
    }
}

/// A Megolm session as a device has it that came in at the message with this index.
///
/// ```text
/// format 1 | index, 4 bytes | ratchet, 128 random bytes | the session's Ed25519 public key, 32 bytes
/// ```
fn session(sender: &Identity, number: u32) -> Result<ExportedSession> {
    let index = (number % 4).to_be_bytes();
    let public_key = SigningKey::from_bytes(&random()?).verifying_key();
    let key = [&[1][..], &index, &random::<128>()?, public_key.as_bytes()].concat();
    Ok(ExportedSession {
        room_id: RoomId::new(format!("!room{}:example.org", number % ROOMS)),
        session: SessionData::new(
            SessionKey::from_bytes(&key)?,
            sender.curve25519,
            sender.ed25519()?,
        )
        .with_shared_history(number.is_multiple_of(2)),
    })
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn key_id(connection: &Connection) -> KeyId {
    KeyId::ed25519(connection.device_id())
}

/// Sessions in one request: well under the megabyte that every server takes.
const BATCH: usize = 100;

/// How many rooms the sessions are spread over.
const ROOMS: u32 = 12;

#[cfg(test)]
mod tests {
    use vodozemac::megolm::{ExportedSessionKey, InboundGroupSession};

    use super::*;

    #[test]
    fn another_implementation_takes_the_sessions_as_its_own() -> Result<()> {
        for one in Phone::new(8, &ProgressBar::hidden())?.into_sessions() {
            let key = one.session.session_key();
            let theirs = ExportedSessionKey::from_bytes(key.expose_bytes())?;
            let theirs = InboundGroupSession::import(&theirs, Default::default());
            assert_eq!(theirs.session_id(), one.session_id().as_str());
            assert_eq!(theirs.first_known_index(), key.first_known_index());
        }
        Ok(())
    }
}
