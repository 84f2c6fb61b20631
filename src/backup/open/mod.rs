//! Opening backed-up sessions, with a verdict for each.

// docs/decisions.md, 16: a restored session is unauthenticated.

pub(super) mod batch;
mod error;
mod warning;

use std::{fmt, slice};

use self::warning::compare;
pub use self::{
    error::{FailureCause, OpenError},
    warning::Warning,
};
use super::{
    BackedUpSession, BackupDecryptionKey, BackupPublicKey, EncryptedSessionData, KeyBackupData,
    KeyBackupMetadata, ReturnedSession,
};
use crate::{
    crypto::curve25519_aes_sha2::{self, MacScheme},
    encoding::read::Read,
    ids::{RoomId, SessionId},
    session_data::{Claims, ExportedSession, Repair, SessionData, authenticity::Authenticity},
};

/// What an encrypted session turned out to hold: like [`RestoredSession`], but without the room
/// and the metadata of a backup beside it. Nobody vouches for it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenedSessionData {
    /// The session, and what had to be made good in it.
    pub read: Read<SessionData, Repair>,
    /// The scheme under which the MAC was right.
    pub mac_scheme: MacScheme,
    /// What the JSON inside names.
    claims: Claims,
}

impl OpenedSessionData {
    /// A room that the session names by itself.
    #[must_use]
    pub fn claimed_room_id(&self) -> Option<&RoomId> {
        self.claims.room_id.as_ref()
    }

    /// A session ID that the session names by itself; the one inside the session key counts.
    #[must_use]
    pub fn claimed_session_id(&self) -> Option<&SessionId> {
        self.claims.session_id.as_ref()
    }
}

impl fmt::Debug for OpenedSessionData {
    /// Leaves out the claims: a server can move blocks of a session key to where they stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, mac_scheme, claims: _ } = self;
        f.debug_struct("OpenedSessionData")
            .field("read", read)
            .field("mac_scheme", mac_scheme)
            .finish_non_exhaustive()
    }
}

/// A session restored from a backup, and [what vouches for it](Self::authenticity).
///
/// # Security
///
/// The room is whatever the server says. A client shows the messages of an
/// [unauthenticated](Authenticity::Unauthenticated) session as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredSession {
    exported: ExportedSession,
    opened_by: BackupPublicKey,
    mac_scheme: MacScheme,
    warnings: Vec<Warning>,
}

impl BackupDecryptionKey {
    /// Opens one encrypted session.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: another key is told from damage, and damage from a session that is whole but
    /// not understood.
    pub fn open(&self, data: &EncryptedSessionData) -> Result<OpenedSessionData, OpenError> {
        let opened = curve25519_aes_sha2::open(self.secret(), data.message())?;
        let (read, claims) = SessionData::from_json_with_claims(opened.plaintext.expose_bytes())?;
        Ok(OpenedSessionData { read, mac_scheme: opened.mac_scheme, claims })
    }

    /// Restores one session as a server returned it.
    ///
    /// It is restored under the ID inside its key; what the server says besides is compared, and a
    /// difference is a [`Warning`].
    ///
    /// # Errors
    ///
    /// [`OpenError`] concerns this session alone: go on with the next.
    pub fn open_session(&self, returned: &BackedUpSession) -> Result<RestoredSession, OpenError> {
        open_with(slice::from_ref(self), returned.borrowed())
    }

    /// The same, with what the server says of how good it is.
    pub(crate) fn open_with_metadata(
        &self,
        returned: &BackedUpSession,
    ) -> Result<(RestoredSession, KeyBackupMetadata), OpenError> {
        let data = KeyBackupData::from_json(&returned.json)?;
        Ok((self.open_data(returned.borrowed(), &data)?, *data.metadata()))
    }

    fn open_data(
        &self,
        returned: ReturnedSession<'_>,
        data: &KeyBackupData,
    ) -> Result<RestoredSession, OpenError> {
        let opened = self.open(data.session_data())?;
        let warnings = compare(returned, data, &opened);
        let exported =
            ExportedSession { room_id: returned.room_id.clone(), session: opened.read.value };
        let (opened_by, mac_scheme) = (*self.public_key(), opened.mac_scheme);
        Ok(RestoredSession { exported, opened_by, mac_scheme, warnings })
    }
}

impl RestoredSession {
    /// The session with the room that the server returned it for.
    #[must_use]
    pub fn exported(&self) -> &ExportedSession {
        &self.exported
    }

    /// What vouches for the session: today always [`Authenticity::Unauthenticated`].
    #[must_use]
    pub fn authenticity(&self) -> Authenticity {
        Authenticity::Unauthenticated
    }

    /// Takes the session, which is as [authentic](Self::authenticity) as it was.
    #[must_use]
    pub fn into_exported(self) -> ExportedSession {
        self.exported
    }

    /// The public half of the key that opened it, which is not always that of the version it was in.
    #[must_use]
    pub fn opened_by(&self) -> &BackupPublicKey {
        &self.opened_by
    }

    /// What the MAC of the session covered.
    #[must_use]
    pub fn mac_scheme(&self) -> MacScheme {
        self.mac_scheme
    }

    /// What was repaired or disagreed.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }
}

/// Restores a session with the first of the keys that it was sealed to, as its MAC says; the rest of it decides nothing.
fn open_with(
    keys: &[BackupDecryptionKey],
    returned: ReturnedSession<'_>,
) -> Result<RestoredSession, OpenError> {
    let data = KeyBackupData::from_json(returned.json)?;
    let mut opened = keys.iter().map(|key| key.open_data(returned, &data));
    let is_of_key = |opened: &Result<_, _>| !matches!(opened, Err(OpenError::WrongKey));
    opened.find(is_of_key).unwrap_or(Err(OpenError::WrongKey))
}
