//! Opening backed-up sessions, with a verdict for each.

// docs/decisions.md, 16: a restored session is unauthenticated.

pub(super) mod batch;
mod error;
mod warning;

use std::fmt;

use self::warning::compare;
pub use self::{
    error::{FailureCause, OpenError},
    warning::Warning,
};
use super::{
    BackedUpSession, BackupDecryptionKey, EncryptedSessionData, KeyBackupData, KeyBackupMetadata,
    ReturnedSession,
};
use crate::{
    crypto::curve25519_aes_sha2::{self, MacScheme, OpenedMessage},
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
        Self::read(curve25519_aes_sha2::open(self.secret(), data.message())?)
    }

    fn read(opened: OpenedMessage) -> Result<OpenedSessionData, OpenError> {
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
        self.open_borrowed(returned.borrowed())
    }

    /// The same, with what the server says of how good it is.
    pub(crate) fn open_with_metadata(
        &self,
        returned: &BackedUpSession,
    ) -> Result<(RestoredSession, KeyBackupMetadata), OpenError> {
        let data = KeyBackupData::from_json(&returned.json)?;
        Ok((self.open_data(returned.borrowed(), &data)?, *data.metadata()))
    }

    fn open_borrowed(&self, returned: ReturnedSession<'_>) -> Result<RestoredSession, OpenError> {
        self.open_data(returned, &KeyBackupData::from_json(returned.json)?)
    }

    fn open_data(
        &self,
        returned: ReturnedSession<'_>,
        data: &KeyBackupData,
    ) -> Result<RestoredSession, OpenError> {
        Ok(RestoredSession::new(returned, data, self.open(data.session_data())?))
    }
}

impl RestoredSession {
    fn new(returned: ReturnedSession<'_>, data: &KeyBackupData, opened: OpenedSessionData) -> Self {
        let warnings = compare(returned, data, &opened);
        let exported =
            ExportedSession { room_id: returned.room_id.clone(), session: opened.read.value };
        Self { exported, mac_scheme: opened.mac_scheme, warnings }
    }

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
