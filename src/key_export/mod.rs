//! The encrypted file that clients export and import: message keys by hand, without a homeserver.
//!
//! Implements [key exports](https://spec.matrix.org/v1.16/client-server-api/#key-exports):
//!
//! ```text
//! -----BEGIN MEGOLM SESSION DATA-----
//! base64 of: 01 | salt (16) | IV (16) | rounds (4, big-endian) | ciphertext | code (32)
//! -----END MEGOLM SESSION DATA-----
//!
//! AES key (32) | code key (32) = PBKDF2-HMAC-SHA-512(passphrase, salt, rounds)
//! ciphertext = AES-256-CTR(AES key, IV, JSON array of exported sessions)
//! code       = HMAC-SHA-256(code key, all bytes before it)
//! ```
//!
//! | step | type |
//! |---|---|
//! | what a file is, and whether it is whole | [`KeyFile`] |
//! | a passphrase, in each form in which it may have been typed, in slices | [`EncryptedKeyFile::unlock`], [`KeyFileAttempts`] |
//! | a verdict for each entry, and at the end whether all of it counts | [`KeyFileSessions`] |
//! | a new file | [`NewKeyFile`] |
//! | the better one of two copies of a session, to merge files | [`SessionData::replaces`] |
//!
//! An encrypted file is read up to three times, in memory that does not grow with it: to see that it is whole, before anybody
//! is asked for a passphrase; to authenticate it; and to read its sessions, which authenticates it again. So nothing that
//! somebody changed is ever decrypted unnoticed, and a file that is written to meanwhile is an
//! [error](KeyFileError::Changed) at the end.
//!
//! What is read besides what the specification says: a file in one line, with other line ends, blank lines or other text
//! around it, a byte-order mark, no padding; IVs with bit 63 set; an array of sessions that is not encrypted; and each session as
//! tolerantly as [`SessionData::from_json`].
//!
//! # Security
//!
//! The code proves that somebody wrote the file who knew the passphrase. It proves neither who that was nor whose the sessions
//! are: they are [unauthenticated](KeyFileSessions::authenticity). What a passphrase protects in a
//! file can be tried without end by whoever has the file, so few rounds are refused when writing.
//!
//! ```
//! use std::io::Cursor;
//!
//! use strongroom::{
//!     Limits,
//!     key_export::{KeyFile, KeyFileError, NewKeyFile},
//! };
//! # use strongroom::{ids::RoomId, session_data::{ExportedSession, SessionData, SessionKey}};
//! # let megolm = vodozemac::megolm::GroupSession::new(Default::default());
//! # let key = SessionKey::from_base64(&megolm.session_key().to_base64())?;
//! # let session = SessionData::of_unknown_sender(key);
//! # let sessions = [ExportedSession { room_id: RoomId::new("!room:example.org"), session }];
//!
//! let mut file = Vec::new();
//! let new = NewKeyFile::new("correct horse", NewKeyFile::MIN_ROUNDS)?;
//! let written = new.write(&mut file, &sessions)?;
//! assert_eq!((written.sessions, written.left_out), (1, 0));
//!
//! let KeyFile::Encrypted(read) = KeyFile::open(Cursor::new(&file), &Limits::default())? else {
//!     return Err("it is encrypted".into());
//! };
//! let mut attempts = read.unlock(" correct horse");
//! while !attempts.advance(10_000)? {
//!     println!("{:?}", attempts.progress());
//! }
//! let mut imported = Vec::new();
//! let mut reading = attempts.open()?;
//! for (entry, verdict) in (1..).zip(reading.verdicts()) {
//!     match verdict {
//!         Ok(read) => imported.push(read.value),
//!         Err(error) => eprintln!("entry {entry}: {error}"),
//!     }
//! }
//! let report = reading.finish()?; // now they count
//! assert!(report.is_everything());
//! assert_eq!(imported, sessions);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`SessionData::replaces`]: crate::session_data::SessionData::replaces
//! [`SessionData::from_json`]: crate::session_data::SessionData::from_json

mod armor;
mod entries;
mod error;
mod header;
mod open;
mod other;
mod payload;
mod report;
mod sessions;
mod unlock;
mod write;

pub use self::{
    error::KeyFileError,
    open::{EncryptedKeyFile, KeyFile},
    report::KeyFileReport,
    sessions::KeyFileSessions,
    unlock::KeyFileAttempts,
    write::{NewKeyFile, WrittenKeyFile},
};
