//! What a file seems to be that is no key file.

use std::fmt;

use memchr::memmem;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{
    encoding::{
        json::{self, RawObject},
        text_file,
    },
    excerpt::Excerpt,
    recovery_key::RecoveryKey,
};

/// What a file seems to be that is not a key file, for the sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherFile {
    /// There is nothing in it.
    Empty,
    /// An error of a homeserver, saved in the place of what was asked for.
    ServerError(Excerpt),
    /// The message keys of a backup, as a homeserver returns them.
    BackupResponse,
    /// Other JSON.
    Json,
    /// A web page.
    Html,
    /// A recovery key, which opens a backup.
    RecoveryKey,
    /// Something with a frame like that of a key file: a key or a message of another program.
    OtherFrame,
    /// A text that was saved with two bytes a character.
    Utf16,
    /// A compressed file.
    Compressed,
    /// Nothing of these.
    Unknown,
}

impl OtherFile {
    /// By how the file begins; `is_whole` if there is no more of it.
    pub(super) fn of(start: &[u8], is_whole: bool) -> Self {
        let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii();
        let lower = text.get(..text.len().min(16)).unwrap_or_default();
        let lower = Zeroizing::new(lower.to_ascii_lowercase());
        match text {
            [] if is_whole => Self::Empty,
            [b'{', ..] => Self::of_object(text),
            [b'"', ..] if is_whole && serde_json::from_slice::<&RawValue>(text).is_ok() => {
                Self::Json
            }
            [b'<', ..] if HTML.iter().any(|tag| lower.starts_with(tag)) => Self::Html,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => Self::Compressed,
            [b'-', b'-', b'-', b'-', b'-', b'B', b'E', b'G', b'I', b'N', ..] => Self::OtherFrame,
            _ if is_whole && is_recovery_key(start) => Self::RecoveryKey,
            _ => Self::Unknown,
        }
    }

    fn of_object(text: &[u8]) -> Self {
        let code = RawObject::parse(text).ok().and_then(|mut object| object.take("errcode"));
        if let Some(code) = code.and_then(|code| json::public_string(code).ok()) {
            return Self::ServerError(Excerpt::new(&code));
        }
        let is_backup = [b"\"rooms\"".as_slice(), b"\"sessions\""].iter().any(|name| {
            memmem::find(text.get(..NAMES_BYTES.min(text.len())).unwrap_or_default(), name)
                .is_some()
        });
        if is_backup { Self::BackupResponse } else { Self::Json }
    }
}

impl fmt::Display for OtherFile {
    /// What it seems to be, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerError(code) => {
                return write!(
                    f,
                    "it seems to be an error of a homeserver ({code}), saved in the place of the keys; export the keys once more"
                );
            }
            Self::Empty => "it is empty; export the keys once more",
            Self::BackupResponse => {
                "it seems to be a backup as a homeserver returns it; restore it with the recovery key"
            }
            Self::Json => "it seems to be other JSON; choose the file that a client exported",
            Self::Html => "it seems to be a web page; download the file itself",
            Self::RecoveryKey => {
                "it seems to be a recovery key; use it to restore the backup, and choose the file that a client exported here"
            }
            Self::OtherFrame => {
                "it seems to be a key or a message of another program; choose the file that a Matrix client exported"
            }
            Self::Utf16 => "it seems to be a text in UTF-16; save it as UTF-8, or copy the exported file itself",
            Self::Compressed => "it seems to be a compressed file; unpack it first",
            Self::Unknown => {
                "it has no line \u{201c}-----BEGIN MEGOLM SESSION DATA-----\u{201d}; choose the file that a client exported"
            }
        })
    }
}

fn is_recovery_key(bytes: &[u8]) -> bool {
    let text = text_file::read_text(bytes);
    text.is_ok_and(|text| RecoveryKey::parse(text.expose_str()).is_ok())
}

/// What some editors put before a text in UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How web pages begin.
const HTML: [&[u8]; 4] = [b"<!doctype", b"<html", b"<head", b"<!--"];

/// Where the names are looked for that tell a backup's response.
const NAMES_BYTES: usize = 4 << 10;
