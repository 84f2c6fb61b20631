//! JSON objects as raw members: nothing is copied, nothing is lost, one bad member costs only itself.
//!
//! Secrets travel in JSON. `serde_json` would unescape their text into buffers that nobody wipes, so
//! members stay borrowed, and [`string`] unescapes into wiped memory and only where an escape occurs.

// docs/decisions.md, 20: JSON is kept as it came.

mod edit;
mod nothing;
mod number;
mod piece;
mod scan;
mod survey;
mod text;
mod unknown_members;
mod utf8;
mod wiped;

use std::{cmp::Ordering, collections::HashSet, fmt, io};

use serde::{
    Serialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

pub(crate) use self::{
    edit::{with_member, with_members, without_members},
    nothing::is_nothing,
    number::{integer, integer_from_digits, integer_from_number, lenient_integer, lenient_token},
    piece::{Collected, Piece},
    scan::{SyntaxError, ValueScanner, is_white_space},
    survey::{depth, is_harmless},
    text::{JsonText, JsonTextError, name, public_string, string},
    unknown_members::{UnknownMembers, UnknownSecretMembers},
    wiped::{Verbatim, WipedJson},
};

use crate::secret::SecretVec;

/// The members of a JSON object in their order, borrowed from the text.
#[derive(Clone, Default)]
pub(crate) struct RawObject<'a>(Vec<(&'a RawValue, &'a RawValue)>);

/// Why a text is not read as a [`RawObject`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawObjectError {
    /// It is no JSON at all, or something follows it.
    Syntax,
    /// It is JSON of another type.
    NotAnObject,
}

impl<'a> RawObject<'a> {
    /// Reads an object.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, RawObjectError> {
        // As a whole, so that not each member has to be shown to be UTF-8.
        Self::parse_text(str::from_utf8(text).map_err(|_| RawObjectError::Syntax)?)
    }

    /// Reads a value that was read as a part of another.
    pub(crate) fn parse_raw(value: &'a RawValue) -> Result<Self, RawObjectError> {
        Self::parse_text(value.get())
    }

    fn parse_text(text: &'a str) -> Result<Self, RawObjectError> {
        if first_byte(text.as_bytes()) != Some(b'{') {
            // The deserialiser would put the value, a secret perhaps, into its error.
            return Err(match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => RawObjectError::NotAnObject,
                Err(_) => RawObjectError::Syntax,
            });
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_map(Members);
        let members = members.map_err(|_| RawObjectError::Syntax)?;
        deserializer.end().map_err(|_| RawObjectError::Syntax)?;
        Ok(Self(members))
    }

    /// Takes a member out; of several with one name, the last counts, as in JavaScript.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut taken = None;
        self.0.retain(|(key, value)| {
            let matches = is_name(key, name);
            if matches {
                taken = Some(*value);
            }
            !matches
        });
        taken
    }

    /// Takes a member out unless it is absent or `null`.
    pub(crate) fn take_present(&mut self, name: &str) -> Option<&'a RawValue> {
        self.take(name).filter(|value| value.get() != "null")
    }

    /// Takes a member out unless it is absent or [says nothing](is_nothing).
    pub(crate) fn take_something(&mut self, name: &str) -> Option<&'a RawValue> {
        self.take(name).filter(|value| !is_nothing(value))
    }

    /// All members in their order, duplicates included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a RawValue, &'a RawValue)> {
        self.0.iter().copied()
    }

    /// What has not been taken; of several members with one name, the last.
    pub(crate) fn into_members(self) -> Vec<(&'a RawValue, &'a RawValue)> {
        let mut seen = HashSet::new();
        let mut members = self.0;
        members.reverse();
        members
            .retain(|(key, _)| seen.insert(string(key).unwrap_or(JsonText::Borrowed(key.get()))));
        members.reverse();
        members
    }
}

/// Whether a member has this name. An escape is longer than what it stands for, so most are told apart by their length.
fn is_name(key: &RawValue, name: &str) -> bool {
    let written = key.get().len().saturating_sub(2);
    match written.cmp(&name.len()) {
        Ordering::Less => false,
        Ordering::Equal => key.get().get(1..=written) == Some(name) && !name.contains('\\'),
        Ordering::Greater => string(key).is_ok_and(|key| key.as_str() == name),
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// Reads the elements of an array; `None` for any other type.
pub(crate) fn array(value: &RawValue) -> Option<Vec<&RawValue>> {
    let text = value.get();
    if first_byte(text.as_bytes()) == Some(b'[') { serde_json::from_str(text).ok() } else { None }
}

/// The first byte that is no white space, which tells the type of a JSON value.
fn first_byte(text: &[u8]) -> Option<u8> {
    text.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// The JSON bytes of public data, written to memory; `capacity` is about how many there will be.
pub(crate) fn to_bytes(value: &impl Serialize, capacity: usize) -> Vec<u8> {
    let mut json = Vec::with_capacity(capacity);
    #[expect(clippy::expect_used, reason = "our types have text keys and no failing serialiser")]
    serde_json::to_writer(&mut json, value).expect("nothing in it can fail");
    json
}

/// The JSON bytes of what holds a secret, in wiped memory; `capacity` is about how many there will be.
pub(crate) fn to_secret_bytes(value: &impl Serialize, capacity: usize) -> SecretVec {
    let mut json = SecretVec::with_capacity(capacity);
    #[expect(clippy::expect_used, reason = "our types have text keys and no failing serialiser")]
    serde_json::to_writer(&mut json, value).expect("nothing in it can fail");
    json
}

/// How many bytes [`to_bytes`] writes.
pub(crate) fn len(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    #[expect(clippy::expect_used, reason = "our types have text keys and no failing serialiser")]
    serde_json::to_writer(&mut counter, value).expect("nothing in it can fail");
    counter.0
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The JSON text of a string, or of public data.
pub(crate) fn to_text(value: &(impl Serialize + ?Sized)) -> String {
    #[expect(clippy::expect_used, reason = "our types have text keys and no failing serialiser")]
    serde_json::to_string(value).expect("nothing in it can fail")
}

/// How deep unknown members may be nested; `serde_json` reads 128 levels, and more stand around them.
pub(crate) const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_members_with_one_name_the_last_counts() {
        let mut object = RawObject::parse(br#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
        assert_eq!(object.take("a").unwrap().get(), "3");
        assert_eq!(object.into_members().len(), 1);
        let object = RawObject::parse(br#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
        let rest: Vec<_> = object.into_members().iter().map(|(_, value)| value.get()).collect();
        assert_eq!(rest, ["2", "3"]);
    }

    #[test]
    fn a_name_is_compared_as_it_reads_and_not_as_it_is_written() {
        let text = br#"{"\u0061b":1,"\n":2,"\"":3,"":4,"ab":5}"#;
        let take = |name| RawObject::parse(text).unwrap().take(name).map(RawValue::get);
        assert_eq!(take("ab"), Some("5"));
        assert_eq!(take("\n"), Some("2"));
        assert_eq!(take("\""), Some("3"));
        assert_eq!(take(""), Some("4"));
        assert_eq!(take("\\n"), None);
        assert_eq!(take("\\u0061b"), None);
    }

    #[test]
    fn other_types_and_broken_texts_are_told_apart() {
        let error = |text: &[u8]| RawObject::parse(text).err();
        assert_eq!(error(b"null"), Some(RawObjectError::NotAnObject));
        assert_eq!(error(b"[]"), Some(RawObjectError::NotAnObject));
        assert_eq!(error(b"\"x\""), Some(RawObjectError::NotAnObject));
        assert_eq!(error(b"7x"), Some(RawObjectError::Syntax));
        assert_eq!(error(b"[1,"), Some(RawObjectError::Syntax));
        assert_eq!(error(b"{"), Some(RawObjectError::Syntax));
        assert_eq!(error(b"{} x"), Some(RawObjectError::Syntax));
        assert_eq!(error(b"{\"a\":\"\xff\"}"), Some(RawObjectError::Syntax));
        assert_eq!(error(b""), Some(RawObjectError::Syntax));
    }
}
