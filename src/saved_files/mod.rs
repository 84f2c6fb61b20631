//! Files in which somebody saved what a homeserver or a client has of an account: what each of them is, is seen by its
//! content.
//!
//! | content | part |
//! |---|---|
//! | account data as `{TYPE: CONTENT}`, as the body of `/sync`, as `{"events": […]}` or a list of events | [`AccountData`](SavedPart::AccountData) |
//! | the body of `/room_keys/version` or `/room_keys/version/{version}` | [`Version`](SavedPart::Version) |
//! | the body of `/room_keys/keys`, cut off perhaps | [`RoomKeys`](SavedPart::RoomKeys) |
//! | the body of `/room_keys/keys/{room}` | [`KeysOfRoom`](SavedPart::KeysOfRoom) |
//! | the body of `/keys/query` | [`Keys`](SavedPart::Keys) |
//! | a JSON array of exported sessions | [`Sessions`](SavedPart::Sessions) |
//! | an encrypted key file | [`EncryptedKeyFile`](SavedPart::EncryptedKeyFile) |
//! | a secrets bundle, as devices hand it over at a login by QR code | [`SecretsBundle`](SavedPart::SecretsBundle) |
//! | an error of the homeserver | [`Refused`](SavedPart::Refused) |
//!
//! One object may hold several of them, under `account_data`, `room_keys_version` or `backup_info`, `room_keys`,
//! `keys_query` and `exported_room_keys`, with `user_id`, `device_id`, `recovery_key` and `passphrase`. What stands under such a
//! name is what the name says; if it cannot be read it costs itself alone.
//!
//! ```
//! use strongroom::{Limits, saved_files::SavedFiles};
//!
//! let limits = Limits::default();
//! let mut saved = SavedFiles::default();
//! saved.read(br#"{"m.secret_storage.default_key": {"key": "abc"}}"#, &limits)?;
//! saved.read(br#"{"errcode": "M_NOT_FOUND", "error": "No backup found"}"#, &limits)?;
//! assert_eq!(saved.account_data().count(), 1);
//! assert_eq!(saved.refusals().count(), 1);
//! let evidence = saved.evidence("@alice:example.org".into(), 1_000, &limits);
//! assert!(evidence.storage.is_some());
//! # Ok::<(), strongroom::saved_files::SavedFileError>(())
//! ```

mod account_data;
mod collection;
mod error;
mod read;

pub use self::{collection::SavedFiles, error::SavedFileError};
use crate::{
    api::QueriedKeys,
    backup::BackupVersionInfo,
    encoding::{json_object::JsonObject, read::Read},
    ids::{DeviceId, EventType, UserId},
    secret::{SecretString, SecretVec},
    secrets_bundle::SecretsBundle,
    session_data::{ExportedSession, Repair, SessionDataError},
};

/// Something that a saved file holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SavedPart {
    /// Account data.
    AccountData {
        /// The events, in their order.
        events: Vec<(EventType, JsonObject)>,
        /// How many are none: they have no type or no content, or are `null`.
        broken: usize,
    },
    /// A backup version.
    Version(Box<BackupVersionInfo>),
    /// There is no backup: the homeserver's error where the current version was expected.
    NoBackup,
    /// The body of `GET /room_keys/keys`, to be split or restored.
    RoomKeys(SecretVec),
    /// The body of `GET /room_keys/keys/{room}`.
    KeysOfRoom(SecretVec),
    /// Users' keys.
    Keys(Box<QueriedKeys>),
    /// Exported sessions.
    Sessions {
        /// Each read or refused by itself. No more refusals are named than [`Limits::findings`](crate::Limits::findings)
        /// allows.
        sessions: Vec<Result<Read<ExportedSession, Repair>, SessionDataError>>,
        /// How many more were refused.
        unnamed: usize,
    },
    /// The text of an encrypted key file, as it is.
    EncryptedKeyFile(SecretString),
    /// A secrets bundle. Nothing is known of who wrote the file, so its secrets open what they fit, and prove nothing.
    SecretsBundle(Box<SecretsBundle>),
    /// Whose the account is.
    User(UserId),
    /// The device that saved it.
    Device(DeviceId),
    /// A recovery key, as it was typed.
    RecoveryKey(SecretString),
    /// A passphrase, as it was typed.
    Passphrase(SecretString),
    /// An error of the homeserver in the place of data: always [`SavedFileError::Refused`].
    Refused(SavedFileError),
    /// One of several parts of a file that cannot be read; the others are there.
    Broken(SavedFileError),
}
