//! What a file seems to be that is no key file.

use memchr::memmem;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::{
    encoding::{
        json::{self, RawObject},
        text_file,
    },
    excerpt::Excerpt,
    recovery_key::RecoveryKey,
};

impl KeyFileError {
    /// What a file seems to be that is no key file, by how it begins; `is_whole` if there is no more of it.
    pub(super) fn other(start: &[u8], is_whole: bool) -> Self {
        let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii();
        let lower = text.get(..text.len().min(16)).unwrap_or_default();
        let lower = Zeroizing::new(lower.to_ascii_lowercase());
        match text {
            [] if is_whole => Self::Empty,
            [b'{', ..] => Self::of_object(text),
            [b'"', ..] if is_whole && serde_json::from_slice::<&RawValue>(text).is_ok() => {
                Self::OtherJson
            }
            [b'<', ..] if HTML.iter().any(|tag| lower.starts_with(tag)) => Self::WebPage,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => Self::Compressed,
            [b'-', b'-', b'-', b'-', b'-', b'B', b'E', b'G', b'I', b'N', ..] => Self::OtherFrame,
            _ if is_whole && is_recovery_key(start) => Self::IsRecoveryKey,
            _ => Self::OtherFile,
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
        if is_backup { Self::BackupResponse } else { Self::OtherJson }
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
