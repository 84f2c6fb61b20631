//! Opening backed-up sessions, with a verdict for each.

use std::fmt;

use thiserror::Error;

use super::{
    BackedUpSession, EncryptedSessionData, KeyBackupData, KeyBackupDataError, MetadataMember,
    ReturnedSession, keys::BackupDecryptionKey,
};
use crate::{
    crypto::curve25519_aes_sha2::{self, MacScheme, MessageOpenError},
    excerpt::Excerpt,
    ids::SessionId,
    session_data::{ExportedSession, ReadSessionData, Repair, SessionData, SessionDataError},
};

/// What an encrypted session turned out to hold: like [`UnauthenticatedSession`], but without the room
/// and the metadata of a backup beside it. Nobody vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnauthenticatedSessionData {
    /// The session, and what had to be made good in it.
    pub read: ReadSessionData,
    /// The scheme under which the MAC was right.
    pub mac_scheme: MacScheme,
}

/// A session restored from a backup: usable, but nobody vouches for it.
///
/// # Security
///
/// Anyone who knows the backup's public key can have put it there, the server included, and the room
/// is whatever the server says. A client shows its messages as unauthenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnauthenticatedSession {
    exported: ExportedSession,
    mac_scheme: MacScheme,
    warnings: Vec<Warning>,
}

/// Something that was repaired or disagreed in a session that was restored all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The server returned the session under another ID than the one inside, which counts.
    OtherSessionId(SessionId),
    /// The session names another room than the server. Neither is authenticated, and the name is not
    /// repeated: a server can move pieces of a session key to where it stands.
    OtherRoomClaimed,
    /// The session names another session ID than the one inside its key, which counts.
    OtherSessionIdClaimed,
    /// `first_message_index` is not the index inside the session key, which counts.
    OtherFirstMessageIndex {
        /// What the server returned.
        returned: u64,
        /// What the session key says.
        actual: u32,
    },
    /// A number or flag beside the encrypted session is missing or of another type.
    MetadataIgnored(MetadataMember),
    /// Something inside the session was made good.
    Repaired(Repair),
    /// The session was restored before, for another room:
    /// [`RestoreOptions::check_rooms`](crate::backup::RestoreOptions::check_rooms).
    UnderTwoRooms,
}

/// Why a backed-up session is not restored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It was sealed to another key.
    #[error("the session was sealed to another key than this backup's")]
    WrongKey,
    /// It was sealed to this key, but what it holds is broken.
    #[error("the session is damaged")]
    Damaged,
    /// Its ephemeral key is one that gives everybody the same secret.
    #[error("the session's ephemeral key is not a usable one")]
    NonContributory,
    /// What the server returned is not an encrypted session.
    #[error(transparent)]
    KeyBackupData(#[from] KeyBackupDataError),
    /// What the server returned has more bytes than
    /// [`Limits::session_bytes`](crate::Limits::session_bytes).
    #[error("the session has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many bytes it has.
        found: usize,
    },
    /// It was returned under an ID that holds half a character.
    #[error("the session was returned under an ID that is not Unicode")]
    SessionIdNotUnicode,
    /// The response ended, or was no JSON any more, in the middle of the session.
    #[error("the homeserver's response breaks off in the middle of the session")]
    HalfRead,
    /// What was decrypted is whole, but not a session.
    #[error(transparent)]
    SessionData(SessionDataError),
    /// What was decrypted is a session of an algorithm that this version does not know.
    #[error("the session's algorithm \u{201c}{0}\u{201d} is not supported")]
    UnsupportedAlgorithm(Excerpt),
}

/// The four causes that failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FailureCause {
    /// Sealed to another key.
    WrongKey,
    /// Sealed to this key, but broken.
    Damaged,
    /// Not what the specification says.
    Malformed,
    /// Of an unknown algorithm.
    UnsupportedAlgorithm,
}

impl OpenError {
    /// The cause that this failure is counted under.
    #[must_use]
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::WrongKey => FailureCause::WrongKey,
            Self::Damaged => FailureCause::Damaged,
            Self::NonContributory
            | Self::KeyBackupData(_)
            | Self::TooLarge { .. }
            | Self::SessionIdNotUnicode
            | Self::HalfRead
            | Self::SessionData(_) => FailureCause::Malformed,
            Self::UnsupportedAlgorithm(_) => FailureCause::UnsupportedAlgorithm,
        }
    }
}

impl FailureCause {
    /// The name of the cause in reports: `wrong_key`, `damaged`, `malformed`, `unsupported_algorithm`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::Damaged => "damaged",
            Self::Malformed => "malformed",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
        }
    }
}

impl BackupDecryptionKey {
    /// Opens one encrypted session.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: another key is told from damage, and damage from a session that is whole but
    /// not understood.
    pub fn open(
        &self,
        data: &EncryptedSessionData,
    ) -> Result<UnauthenticatedSessionData, OpenError> {
        let opened = curve25519_aes_sha2::open(self.secret(), data.message())?;
        let read = SessionData::from_json(opened.plaintext.expose_bytes())?;
        Ok(UnauthenticatedSessionData { read, mac_scheme: opened.mac_scheme })
    }

    /// Restores one session as a server returned it.
    ///
    /// It is restored under the ID inside its key; what the server says besides is compared, and a
    /// difference is a [`Warning`].
    ///
    /// # Errors
    ///
    /// [`OpenError`] concerns this session alone: go on with the next.
    pub fn restore(&self, returned: &BackedUpSession) -> Result<UnauthenticatedSession, OpenError> {
        self.restore_borrowed(returned.borrowed())
    }

    pub(super) fn restore_borrowed(
        &self,
        returned: ReturnedSession<'_>,
    ) -> Result<UnauthenticatedSession, OpenError> {
        let data = KeyBackupData::from_json(returned.json)?;
        let opened = self.open(data.session_data())?;
        let warnings = compare(returned, &data, &opened.read);
        let exported =
            ExportedSession { room_id: returned.room_id.clone(), session: opened.read.session };
        Ok(UnauthenticatedSession { exported, mac_scheme: opened.mac_scheme, warnings })
    }
}

impl UnauthenticatedSession {
    /// The session with the room that the server returned it for.
    #[must_use]
    pub fn exported(&self) -> &ExportedSession {
        &self.exported
    }

    /// Takes the session, which stays as unauthenticated as it was.
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

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSessionId(id) => {
                let id = Excerpt::new(id.as_str());
                write!(f, "the server calls the session {id}, which is not its ID")
            }
            Self::OtherRoomClaimed => f.write_str("the session names another room than the server"),
            Self::OtherSessionIdClaimed => f.write_str("the session names another ID than its own"),
            Self::OtherFirstMessageIndex { returned, actual } => {
                write!(f, "the session begins at message {actual}, the server says {returned}")
            }
            Self::MetadataIgnored(member) => write!(f, "{member} is not usable and was ignored"),
            Self::Repaired(repair) => repair.fmt(f),
            Self::UnderTwoRooms => f.write_str("the session was restored for another room before"),
        }
    }
}

impl From<MessageOpenError> for OpenError {
    fn from(error: MessageOpenError) -> Self {
        match error {
            MessageOpenError::NonContributory => Self::NonContributory,
            MessageOpenError::WrongKey => Self::WrongKey,
            MessageOpenError::Damaged => Self::Damaged,
        }
    }
}

impl From<SessionDataError> for OpenError {
    /// Text that is no JSON is what flipped bits leave behind: one verdict with wrong padding.
    fn from(error: SessionDataError) -> Self {
        match error {
            SessionDataError::NotJson => Self::Damaged,
            SessionDataError::UnsupportedAlgorithm(name) => Self::UnsupportedAlgorithm(name),
            other => Self::SessionData(other),
        }
    }
}

fn compare(
    returned: ReturnedSession<'_>,
    data: &KeyBackupData,
    read: &ReadSessionData,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let session_id = read.session.session_id();
    if *returned.session_id != session_id {
        warnings.push(Warning::OtherSessionId(returned.session_id.clone()));
    }
    if read.claimed_room_id.as_ref().is_some_and(|claimed| claimed != returned.room_id) {
        warnings.push(Warning::OtherRoomClaimed);
    }
    if read.claimed_session_id.as_ref().is_some_and(|claimed| *claimed != session_id) {
        warnings.push(Warning::OtherSessionIdClaimed);
    }
    let actual = read.session.session_key().first_known_index();
    if let Some(returned) =
        data.metadata().first_message_index.filter(|index| *index != u64::from(actual))
    {
        warnings.push(Warning::OtherFirstMessageIndex { returned, actual });
    }
    warnings.extend(data.ignored().iter().copied().map(Warning::MetadataIgnored));
    warnings.extend(read.repairs.iter().copied().map(Warning::Repaired));
    warnings
}
