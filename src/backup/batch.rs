//! Sealing many sessions to one backup.
//!
//! With the feature `parallel` there is a twin of each function that uses the threads of rayon's
//! current pool. It gives the same results in the same order.

// docs/decisions.md, 5: features add, and change nothing.

use rand_core::CryptoRng;

use super::{BackupPublicKey, EncryptedSessionData, SealOptions, SealedSession, TrustedBackup};
use crate::{
    crypto::curve25519_aes_sha2::{Agreement, Batch, BatchSealer},
    ids::RoomId,
    randomness::{NoRandomness, with_os_rng},
    session_data::SessionData,
};

/// Seals many sessions for upload to one backup, faster than one by one.
///
/// It holds what can be computed in advance for the backup's public key, and nothing
/// secret. Keep it as long as the backup is in use, or until trust in it is withdrawn.
///
/// ```
/// use strongroom::{
///     backup::{SealOptions, SessionSealer, TrustedBackup},
///     ids::RoomId,
///     session_data::SessionData,
/// };
///
/// fn seal(backup: &TrustedBackup, room_id: &RoomId, sessions: &[SessionData]) {
///     let sealer = SessionSealer::for_sessions(backup, sessions.len());
///     let sessions: Vec<_> =
///         sessions.iter().map(|session| (room_id, session, SealOptions::default())).collect();
///     let sealed = sealer.seal(&sessions).expect("randomness");
///     assert_eq!(sealed.len(), sessions.len());
/// }
/// ```
#[derive(Debug, Clone)]
pub struct SessionSealer {
    sealed_to: BackupPublicKey,
    sealer: BatchSealer,
}

impl SessionSealer {
    /// Prepares for many sessions, or for some now and more later.
    #[must_use]
    pub fn new(backup: &TrustedBackup) -> Self {
        let sealed_to = *backup.public_key();
        Self { sealed_to, sealer: BatchSealer::new(sealed_to.as_curve25519()) }
    }

    /// Prepares for about so many sessions: few of them take less preparation, and more time each.
    #[must_use]
    pub fn for_sessions(backup: &TrustedBackup, expected: usize) -> Self {
        let sealed_to = *backup.public_key();
        Self { sealed_to, sealer: BatchSealer::for_messages(sealed_to.as_curve25519(), expected) }
    }

    /// The public key that sessions are sealed to.
    #[must_use]
    pub fn sealed_to(&self) -> &BackupPublicKey {
        &self.sealed_to
    }

    /// Seals sessions in their order, each for its room and with what the host says about it, the first one with the first 32 bytes from `rng`, which are
    /// drawn all at once.
    ///
    /// # Errors
    ///
    /// As [`BackupPublicKey::seal_with_rng`].
    pub fn seal_with_rng(
        &self,
        sessions: &[(&RoomId, &SessionData, SealOptions)],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<SealedSession>, NoRandomness> {
        let batch = Batch::draw(sessions, rng);
        Ok(batch.seal(&self.sealer, |session, agreement| self.seal_one(session, agreement))?)
    }

    /// Seals sessions in their order, each for its room and with what the host says about it, with the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn seal(
        &self,
        sessions: &[(&RoomId, &SessionData, SealOptions)],
    ) -> Result<Vec<SealedSession>, NoRandomness> {
        with_os_rng(|rng| self.seal_with_rng(sessions, rng))?
    }

    /// As [`SessionSealer::seal_with_rng`], on the threads of rayon's current pool.
    ///
    /// # Errors
    ///
    /// As [`SessionSealer::seal_with_rng`].
    #[cfg(feature = "parallel")]
    pub fn seal_parallel_with_rng(
        &self,
        sessions: &[(&RoomId, &SessionData, SealOptions)],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<SealedSession>, NoRandomness> {
        let batch = Batch::draw(sessions, rng);
        let seal = |session, agreement| self.seal_one(session, agreement);
        Ok(batch.seal_parallel(&self.sealer, seal)?)
    }

    /// As [`SessionSealer::seal`], on the threads of rayon's current pool.
    ///
    /// # Errors
    ///
    /// As [`SessionSealer::seal`].
    #[cfg(feature = "parallel")]
    pub fn seal_parallel(
        &self,
        sessions: &[(&RoomId, &SessionData, SealOptions)],
    ) -> Result<Vec<SealedSession>, NoRandomness> {
        with_os_rng(|rng| self.seal_parallel_with_rng(sessions, rng))?
    }

    fn seal_one(
        &self,
        (room_id, session, options): &(&RoomId, &SessionData, SealOptions),
        agreement: Agreement,
    ) -> SealedSession {
        let plaintext = session.to_json();
        let message = agreement.seal(plaintext.expose_bytes(), options.mac_scheme);
        let data = EncryptedSessionData::of(message);
        SealedSession::new((*room_id).clone(), session, options, self.sealed_to, data)
    }
}
