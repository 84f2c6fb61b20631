//! Opening backed-up sessions, with a verdict for each.

// docs/decisions.md, 16: a restored session is unauthenticated.

pub(super) mod batch;
mod error;
mod warning;

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
    crypto::{
        curve25519_aes_sha2::{self, MacScheme, OpenedMessage},
        ed25519::PointTest,
    },
    encoding::read::Read,
    session_data::{Claims, ExportedSession, Repair, SessionData, authenticity::Authenticity},
};

/// What an encrypted session turned out to hold.
struct Opened {
    read: Read<SessionData, Repair>,
    mac_scheme: MacScheme,
    claims: Claims,
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

impl Opened {
    fn read(message: &OpenedMessage, test: &mut PointTest<'_>) -> Result<Self, OpenError> {
        let text = message.plaintext.expose_bytes();
        let (read, claims) = SessionData::from_json_with_claims(text, test)?;
        Ok(Self { read, mac_scheme: message.mac_scheme, claims })
    }
}

impl BackupDecryptionKey {
    /// Opens one encrypted session, without the room and the metadata of a backup beside it. Returns the session with what had to be
    /// made good in it, and the scheme under which the MAC was right. Nobody vouches for the session.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: another key is told from damage, and damage from a session that is whole but
    /// not understood.
    pub fn open(
        &self,
        data: &EncryptedSessionData,
    ) -> Result<(Read<SessionData, Repair>, MacScheme), OpenError> {
        let Opened { read, mac_scheme, claims: _ } = self.open_with_claims(data)?;
        Ok((read, mac_scheme))
    }

    fn open_with_claims(&self, data: &EncryptedSessionData) -> Result<Opened, OpenError> {
        let message = curve25519_aes_sha2::open(self.secret(), data.message())?;
        Opened::read(&message, &mut PointTest::Now)
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
        self.open_data(returned.borrowed(), &KeyBackupData::from_json(&returned.json)?)
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
        let opened = self.open_with_claims(data.session_data())?;
        Ok(RestoredSession::new(returned, data, opened, self))
    }
}

impl RestoredSession {
    fn new(
        returned: ReturnedSession<'_>,
        data: &KeyBackupData,
        Opened { read, mac_scheme, claims }: Opened,
        key: &BackupDecryptionKey,
    ) -> Self {
        let warnings = compare(returned, data, &read, &claims);
        let exported = ExportedSession { room_id: returned.room_id.clone(), session: read.value };
        Self { exported, opened_by: *key.public_key(), mac_scheme, warnings }
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
    data: &KeyBackupData,
) -> Result<RestoredSession, OpenError> {
    let mut opened = keys.iter().map(|key| key.open_data(returned, data));
    let is_of_key = |opened: &Result<_, _>| !matches!(opened, Err(OpenError::WrongKey));
    opened.find(is_of_key).unwrap_or(Err(OpenError::WrongKey))
}
