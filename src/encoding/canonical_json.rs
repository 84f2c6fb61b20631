//! Matrix canonical JSON: the one encoding of a value that is signed.
//!
//! [Specification](https://spec.matrix.org/v1.16/appendices/#canonical-json): members sorted by code
//! point, no white space, the fewest escapes, integers within ±(2^53 - 1).
//!
//! The parser is its own, on top of raw JSON values, so that nothing depends on how another crate has
//! `serde_json` keep numbers and maps.
//!
//! ```
//! use strongroom::{Limits, encoding::canonical_json::JsonValue};
//!
//! let value = JsonValue::parse(r#"{"b": 2, "a": "\u65e5"}"#, &Limits::default())?;
//! assert_eq!(value.to_canonical()?, "{\"a\":\"日\",\"b\":2}".as_bytes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 20: JSON is kept as it came.

use std::{collections::HashSet, fmt::Write as _};

use serde_json::value::RawValue;

use super::{
    format::{FormatError, FormatProblem},
    json::{self, JsonTextError, RawObject},
};
use crate::Limits;

/// A JSON value; one that was read has no member twice in any of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer within ±(2^53 - 1).
    Integer(i64),
    /// A number that canonical JSON cannot have, as it is written: readable, but not to be signed.
    OtherNumber(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<JsonValue>),
    /// An object, its members in the order of the text.
    Object(Vec<(String, JsonValue)>),
}

impl JsonValue {
    /// Reads a value; its size and depth are checked before anything else.
    ///
    /// # Errors
    ///
    /// [`FormatError`] says what is wrong with the text.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, FormatError> {
        let (limit, found) = (limits.signed_object_bytes, text.len());
        if found > limit {
            return Err(FormatProblem::TooLarge { limit, found }.of("it"));
        }
        let value: &RawValue =
            serde_json::from_str(text).map_err(|_| FormatProblem::NotJson.of("it"))?;
        let (limit, found) = (limits.signed_object_depth, json::depth(value));
        if found > limit {
            return Err(FormatProblem::TooDeep { limit, found }.of("it"));
        }
        read(value)
    }

    /// The value of a member; `None` if there is none or this is no object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The members, if this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The canonical encoding.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if a number in it has none, or an object has a member twice.
    pub fn to_canonical(&self) -> Result<Vec<u8>, FormatError> {
        let mut text = String::new();
        write(self, &mut text)?;
        Ok(text.into_bytes())
    }
}

fn read(value: &RawValue) -> Result<JsonValue, FormatError> {
    let text = value.get();
    Ok(match text.as_bytes().first() {
        Some(b'n') => JsonValue::Null,
        Some(b't') => JsonValue::Bool(true),
        Some(b'f') => JsonValue::Bool(false),
        Some(b'"') => JsonValue::String(read_string(value)?),
        Some(b'[') => {
            let elements = json::array(value).ok_or(FormatProblem::NotJson.of("it"))?;
            JsonValue::Array(elements.into_iter().map(read).collect::<Result<_, _>>()?)
        }
        Some(b'{') => read_object(text)?,
        _ => read_number(text)
            .map_or_else(|| JsonValue::OtherNumber(text.to_owned()), JsonValue::Integer),
    })
}

fn read_object(text: &str) -> Result<JsonValue, FormatError> {
    let object = RawObject::parse(text.as_bytes()).map_err(|_| FormatProblem::NotJson.of("it"))?;
    let mut names = HashSet::new();
    let mut members = Vec::new();
    for (name, value) in object.iter() {
        let name = read_string(name)?;
        if !names.insert(name.clone()) {
            return Err(FormatProblem::DuplicateMember.of("it"));
        }
        members.push((name, read(value)?));
    }
    Ok(JsonValue::Object(members))
}

fn read_string(value: &RawValue) -> Result<String, FormatError> {
    json::public_string(value).map(Into::into).map_err(|error| match error {
        JsonTextError::LoneSurrogate => FormatProblem::LoneSurrogate.of("it"),
        JsonTextError::NotAString => FormatProblem::NotJson.of("it"),
    })
}

/// An integer in range, written plainly or, as in the specification's own examples, with an exponent.
fn read_number(text: &str) -> Option<i64> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let digits: i64 = digits.parse().ok()?;
    let exponent: u32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let value = if digits == 0 { 0 } else { digits.checked_mul(10_i64.checked_pow(exponent)?)? };
    (value.unsigned_abs() <= MAX_INTEGER).then_some(value)
}

fn write(value: &JsonValue, text: &mut String) -> Result<(), FormatError> {
    match value {
        JsonValue::Null => text.push_str("null"),
        JsonValue::Bool(true) => text.push_str("true"),
        JsonValue::Bool(false) => text.push_str("false"),
        JsonValue::Integer(number) if number.unsigned_abs() <= MAX_INTEGER => {
            text.push_str(&number.to_string());
        }
        JsonValue::Integer(_) | JsonValue::OtherNumber(_) => {
            return Err(FormatProblem::Number.of("it"));
        }
        JsonValue::String(string) => write_string(string, text),
        JsonValue::Array(elements) => {
            let elements = elements.iter().map(|element| (None, element));
            write_between('[', elements, ']', text)?;
        }
        JsonValue::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            if !sorted.is_sorted_by(|(one, _), (other, _)| one < other) {
                return Err(FormatProblem::DuplicateMember.of("it"));
            }
            let members = sorted.into_iter().map(|(name, value)| (Some(name), value));
            write_between('{', members, '}', text)?;
        }
    }
    Ok(())
}

fn write_between<'a>(
    open: char,
    items: impl Iterator<Item = (Option<&'a String>, &'a JsonValue)>,
    close: char,
    text: &mut String,
) -> Result<(), FormatError> {
    text.push(open);
    for (index, (name, value)) in items.enumerate() {
        if index > 0 {
            text.push(',');
        }
        if let Some(name) = name {
            write_string(name, text);
            text.push(':');
        }
        write(value, text)?;
    }
    text.push(close);
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control @ '\0'..'\u{20}' => {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// The largest integer that canonical JSON has: 2^53 - 1.
const MAX_INTEGER: u64 = (1 << 53) - 1;
