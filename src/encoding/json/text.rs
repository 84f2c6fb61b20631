//! JSON strings: borrowed where they stand, unescaped into wiped memory.

use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
};

use serde_json::value::RawValue;

use crate::secret::SecretString;

/// The text of a JSON string: borrowed where it stands as it is, wiped where it was unescaped.
pub(crate) enum JsonText<'a> {
    Borrowed(&'a str),
    Unescaped(SecretString),
}

impl JsonText<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Unescaped(text) => text.expose_str(),
        }
    }
}

impl PartialEq for JsonText<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText<'_> {}

impl Hash for JsonText<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// Why a value is not read as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonTextError {
    /// It is a value of another type.
    NotAString,
    /// An escape stands for half a character.
    LoneSurrogate,
}

/// Reads a string, escapes included.
pub(crate) fn string(value: &RawValue) -> Result<JsonText<'_>, JsonTextError> {
    let inner = value
        .get()
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .ok_or(JsonTextError::NotAString)?;
    if inner.contains('\\') {
        unescape(inner).map(JsonText::Unescaped)
    } else {
        Ok(JsonText::Borrowed(inner))
    }
}

/// Unescapes the inside of a string that `serde_json` found well-formed; never longer than it was.
fn unescape(inner: &str) -> Result<SecretString, JsonTextError> {
    let mut text = SecretString::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        before.chars().for_each(|character| text.push_within_capacity(character));
        let (character, after) = unescape_one(after).ok_or(JsonTextError::LoneSurrogate)?;
        text.push_within_capacity(character);
        rest = after;
    }
    rest.chars().for_each(|character| text.push_within_capacity(character));
    Ok(text)
}

/// The character behind a backslash, and what follows its escape.
pub(super) fn unescape_one(escape: &str) -> Option<(char, &str)> {
    let mut characters = escape.chars();
    let character = match characters.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_unicode(characters.as_str()),
        other => other,
    };
    Some((character, characters.as_str()))
}

/// The character of `XXXX`, or of a surrogate pair `XXXX\uXXXX`.
fn unescape_unicode(escape: &str) -> Option<(char, &str)> {
    let (first, rest) = hex_unit(escape)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, rest));
    }
    let (second, rest) = hex_unit(rest.strip_prefix("\\u")?)?;
    let (high, low) = (first.checked_sub(0xd800)?, second.checked_sub(0xdc00)?);
    if high >= 0x400 || low >= 0x400 {
        return None;
    }
    char::from_u32(0x1_0000 + (high << 10) + low).map(|character| (character, rest))
}

fn hex_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    u32::from_str_radix(digits, 16).ok().map(|unit| (unit, rest))
}

/// Reads a string into plain memory, for public data.
pub(crate) fn public_string(value: &RawValue) -> Result<Cow<'_, str>, JsonTextError> {
    Ok(match string(value)? {
        JsonText::Borrowed(text) => Cow::Borrowed(text),
        JsonText::Unescaped(text) => Cow::Owned(text.expose_str().to_owned()),
    })
}

/// The text of a string that is known to be well-formed, and whether it is Unicode; otherwise it is the
/// text as it is written.
pub(crate) fn name(written: &[u8]) -> Option<(Cow<'_, str>, bool)> {
    let written = str::from_utf8(written).ok()?;
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some((Cow::Borrowed(inner), true));
    }
    Some(match unescape(inner) {
        Ok(text) => (Cow::Owned(text.expose_str().to_owned()), true),
        Err(_) => (Cow::Borrowed(written), false),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::json::is_harmless;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_lone_surrogate_is_no_text() {
        for text in [r#""\ud800""#, r#""\udc00\ud800""#, r#""\ud800\u0041""#, r#""\ud800x""#] {
            assert_eq!(string(&raw(text)).err(), Some(JsonTextError::LoneSurrogate), "{text}");
            assert!(!is_harmless(&raw(&format!("[{text}]")), 9), "{text}");
        }
        assert_eq!(string(&raw(r#""\ud83d\udd11\/\n""#)).unwrap().as_str(), "🔑/\n");
    }

    proptest! {
        #[test]
        fn every_string_reads_as_serde_json_reads_it(text: String) {
            let plain = serde_json::to_string(&text).unwrap();
            let escaped: String = text
                .encode_utf16()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect();
            let escaped = format!("\"{escaped}\"");
            for json in [&plain, &escaped] {
                let value = raw(json);
                let read = string(&value).unwrap();
                prop_assert_eq!(read.as_str(), &text);
                prop_assert!(is_harmless(&value, 0));
            }
        }
    }
}
