//! Sealing sessions to a backup's public key.

use std::{fmt, sync::Arc};

use rand_core::CryptoRng;

use super::{
    BackupPublicKey, EncryptedSessionData, KeyBackupData, KeyBackupMetadata, trust::TrustedBackup,
};
use crate::{
    crypto::{
        curve25519::NonContributory,
        curve25519_aes_sha2::{self, MacScheme},
    },
    encoding::json,
    ids::{RoomId, SessionId},
    randomness::{NoRandomness, with_os_rng},
    session_data::SessionData,
};

/// A session sealed to the public key of one backup, ready to be uploaded there and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSession {
    room_id: RoomId,
    session_id: SessionId,
    /// Shared: a batch of them is on its way in more than one place.
    data: Arc<KeyBackupData>,
    sealed_to: BackupPublicKey,
}

/// What the host may say about a session that is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SealOptions {
    /// Whether the device that the session came from is verified. Default: no.
    pub is_verified: bool,
    /// How many times the session was forwarded. Default: the length of its forwarding chain.
    pub forwarded_count: Option<u64>,
    /// What the MAC covers. Default: the empty string, which every client reads.
    pub mac_scheme: MacScheme,
}

impl From<NonContributory> for NoRandomness {
    /// The public key is a safe one, so that only an ephemeral key of no use gives a shared secret that everybody knows.
    fn from(NonContributory: NonContributory) -> Self {
        Self
    }
}

impl BackupPublicKey {
    /// Seals one session, with an ephemeral key of its own: 32 bytes from `rng`.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if `rng` gives an ephemeral key of no use, which no generator does.
    pub fn seal_with_rng(
        &self,
        session: &SessionData,
        scheme: MacScheme,
        rng: &mut impl CryptoRng,
    ) -> Result<EncryptedSessionData, NoRandomness> {
        let plaintext = session.to_json();
        let message = curve25519_aes_sha2::seal_with_rng(
            self.as_curve25519(),
            plaintext.expose_bytes(),
            scheme,
            rng,
        )?;
        Ok(EncryptedSessionData::of(message))
    }

    /// Seals one session as every client reads it, with the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn seal(&self, session: &SessionData) -> Result<EncryptedSessionData, NoRandomness> {
        with_os_rng(|rng| self.seal_with_rng(session, MacScheme::default(), rng))?
    }
}

impl TrustedBackup {
    /// Seals one session for upload, with an ephemeral key of its own: 32 bytes from `rng`.
    ///
    /// # Errors
    ///
    /// As [`BackupPublicKey::seal_with_rng`].
    pub fn seal_with_rng(
        &self,
        room_id: RoomId,
        session: &SessionData,
        options: &SealOptions,
        rng: &mut impl CryptoRng,
    ) -> Result<SealedSession, NoRandomness> {
        let sealed_to = *self.public_key();
        let data = sealed_to.seal_with_rng(session, options.mac_scheme, rng)?;
        Ok(SealedSession::new(room_id, session, options, sealed_to, data))
    }

    /// Seals one session for upload with the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn seal(
        &self,
        room_id: RoomId,
        session: &SessionData,
        options: &SealOptions,
    ) -> Result<SealedSession, NoRandomness> {
        with_os_rng(|rng| self.seal_with_rng(room_id, session, options, rng))?
    }
}

impl SealedSession {
    /// Puts beside an encrypted session what the server shall know of it.
    pub(super) fn new(
        room_id: RoomId,
        session: &SessionData,
        options: &SealOptions,
        sealed_to: BackupPublicKey,
        session_data: EncryptedSessionData,
    ) -> Self {
        let chain_length = session.forwarding_chain().len().try_into().ok();
        let metadata = KeyBackupMetadata {
            is_verified: options.is_verified,
            first_message_index: Some(session.session_key().first_known_index().into()),
            forwarded_count: options.forwarded_count.or(chain_length),
        };
        let data = Arc::new(KeyBackupData::new(metadata, session_data));
        Self { room_id, session_id: session.session_id(), data, sealed_to }
    }

    /// The room that the session is stored under.
    #[must_use]
    pub fn room_id(&self) -> &RoomId {
        &self.room_id
    }

    /// The ID that the session is stored under: the one inside its key.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// What is uploaded.
    #[must_use]
    pub fn data(&self) -> &KeyBackupData {
        &self.data
    }

    /// How many bytes of JSON it takes in a request, at most.
    pub(crate) fn json_len(&self) -> usize {
        let ciphertext = self.data.session_data().message().ciphertext.len();
        let names = json::len(&self.room_id) + json::len(&self.session_id);
        names + ciphertext.div_ceil(3) * 4 + FRAME_LENGTH
    }

    /// The public key that the session was sealed to.
    #[must_use]
    pub fn sealed_to(&self) -> &BackupPublicKey {
        &self.sealed_to
    }
}

impl fmt::Debug for SealedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { room_id, session_id, data, sealed_to } = self;
        f.debug_struct("SealedSession")
            .field("room_id", room_id)
            .field("session_id", session_id)
            .field("metadata", data.metadata())
            .field("sealed_to", sealed_to)
            .finish_non_exhaustive()
    }
}

/// The longest that stands around IDs and ciphertext: names of members, metadata, ephemeral key and MAC.
const FRAME_LENGTH: usize = 320;
