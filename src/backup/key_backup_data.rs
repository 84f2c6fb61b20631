//! One session as a backup holds it, and which of two is better.

use std::cmp::{Ordering, Reverse};

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::value::RawValue;

use super::encrypted_session_data::EncryptedSessionData;
use crate::encoding::{
    format::{FormatError, FormatProblem},
    json::{self, RawObject, UnknownMembers},
};

/// `KeyBackupData` of the
/// [specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid):
/// an encrypted session and what the server knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBackupData {
    metadata: KeyBackupMetadata,
    session_data: EncryptedSessionData,
    ignored: Vec<&'static str>,
    unknown: UnknownMembers,
}

/// What the server knows of a session, to tell which of two is better.
///
/// Greater is better: [`Ord`] is the order of the
/// [specification](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2),
/// `is_verified`, then the lower `first_message_index`, then the lower `forwarded_count`. A value that
/// is not known is worse than any.
///
/// ```
/// use strongroom::backup::KeyBackupMetadata;
///
/// let stored = KeyBackupMetadata {
///     is_verified: false,
///     first_message_index: Some(7),
///     forwarded_count: Some(0),
/// };
/// let offered = KeyBackupMetadata { first_message_index: Some(3), ..stored };
/// assert!(offered.replaces(&stored));
/// assert!(!stored.replaces(&stored), "equal on all: the stored one stays");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyBackupMetadata {
    /// Whether the device that backed the session up had verified the device it came from.
    pub is_verified: bool,
    /// The index of the first message that the session decrypts, by what the uploader said.
    pub first_message_index: Option<u64>,
    /// How many times the session was forwarded, by what the uploader said.
    pub forwarded_count: Option<u64>,
}

impl KeyBackupData {
    pub(super) fn new(metadata: KeyBackupMetadata, session_data: EncryptedSessionData) -> Self {
        Self { metadata, session_data, ignored: Vec::new(), unknown: UnknownMembers::default() }
    }

    /// Reads a backed-up session from JSON.
    ///
    /// The numbers are hints. Whole numbers, however they are written, and strings of digits are read, since early servers sent
    /// these; anything else is taken as unknown and [named](Self::ignored).
    ///
    /// # Errors
    ///
    /// [`FormatError`] if there is no readable `session_data`.
    pub fn from_json(text: &[u8]) -> Result<Self, FormatError> {
        let mut object =
            RawObject::parse(text).map_err(|error| FormatProblem::of_object(error, WHAT))?;
        let session_data =
            object.take("session_data").ok_or(FormatProblem::Missing("session_data").of(WHAT))?;
        let session_data = EncryptedSessionData::from_raw(session_data)?;
        let mut ignored = Vec::new();
        let mut note = |member, missing: bool| {
            if missing {
                ignored.push(member);
            }
        };
        let is_verified = object.take("is_verified").and_then(|value| value.get().parse().ok());
        note("is_verified", is_verified.is_none());
        let first_message_index = read_number(&mut object, "first_message_index");
        note("first_message_index", first_message_index.is_none());
        let forwarded_count = read_number(&mut object, "forwarded_count");
        note("forwarded_count", forwarded_count.is_none());
        let is_verified = is_verified.unwrap_or(false);
        let metadata = KeyBackupMetadata { is_verified, first_message_index, forwarded_count };
        let unknown =
            UnknownMembers::from_rest(object).ok_or(FormatProblem::Unkeepable.of(WHAT))?;
        Ok(Self { metadata, session_data, ignored, unknown })
    }

    /// What the server knows of the session.
    #[must_use]
    pub fn metadata(&self) -> &KeyBackupMetadata {
        &self.metadata
    }

    /// Whether this session takes the place of a stored one.
    #[must_use]
    pub fn replaces(&self, stored: &Self) -> bool {
        self.metadata.replaces(&stored.metadata)
    }

    /// The encrypted session.
    #[must_use]
    pub fn session_data(&self) -> &EncryptedSessionData {
        &self.session_data
    }

    /// What old clients for Android wrote of shared history beside the encrypted session, where a server can change it.
    /// What stands inside counts.
    #[must_use]
    pub fn claimed_shared_history(&self) -> Option<bool> {
        let member = self.unknown.iter().find(|(name, _)| *name == SHARED_HISTORY)?;
        member.1.get().parse().ok()
    }

    /// The members that were missing or of another type, and were taken as unknown.
    #[must_use]
    pub fn ignored(&self) -> &[&'static str] {
        &self.ignored
    }
}

impl Serialize for KeyBackupData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let KeyBackupMetadata { is_verified, first_message_index, forwarded_count } = self.metadata;
        let mut map = serializer.serialize_map(None)?;
        if let Some(index) = first_message_index {
            map.serialize_entry("first_message_index", &index)?;
        }
        if let Some(count) = forwarded_count {
            map.serialize_entry("forwarded_count", &count)?;
        }
        map.serialize_entry("is_verified", &is_verified)?;
        map.serialize_entry("session_data", &self.session_data)?;
        for (name, value) in self.unknown.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl KeyBackupMetadata {
    /// Whether a session like this one takes the place of a stored one.
    #[must_use]
    pub fn replaces(&self, stored: &Self) -> bool {
        self > stored
    }

    fn rank(&self) -> (bool, Option<Reverse<u64>>, Option<Reverse<u64>>) {
        let Self { is_verified, first_message_index, forwarded_count } = *self;
        (is_verified, first_message_index.map(Reverse), forwarded_count.map(Reverse))
    }
}

impl Ord for KeyBackupMetadata {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for KeyBackupMetadata {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const WHAT: &str = "the backed-up session";
const SHARED_HISTORY: &str = "org.matrix.msc3061.shared_history";

fn read_number(object: &mut RawObject<'_>, member: &str) -> Option<u64> {
    object.take(member).and_then(|value: &RawValue| json::lenient_integer(value))
}
