//! A JSON object that is kept as its text.
//!
//! ```
//! use strongroom::encoding::json_object::JsonObject;
//!
//! let content = JsonObject::from_json(br#"{ "key": "abc" }"#)?;
//! assert_eq!(content.as_bytes(), br#"{ "key": "abc" }"#);
//! assert_eq!(format!("{content:?}"), "JsonObject(16 bytes)");
//! assert!(JsonObject::from_json(b"[]").is_err());
//! # Ok::<(), strongroom::encoding::format::FormatError>(())
//! ```

// docs/decisions.md, 4: no foreign type in the interface.
// docs/decisions.md, 20: JSON is kept as it came.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{
    format::{FormatError, FormatProblem},
    json::RawObject,
};

/// A JSON object as it came: the content of an event, unread.
///
/// It is written back to the last byte. What it holds is not printed.
#[derive(Clone)]
pub struct JsonObject(Box<RawValue>);

impl JsonObject {
    /// Takes the bytes of an object; its members are not looked at.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if they are no JSON object.
    pub fn from_json(json: &[u8]) -> Result<Self, FormatError> {
        RawObject::parse(json).map_err(|error| FormatProblem::of_object(error, "it"))?;
        let raw = serde_json::from_slice(json).map_err(|_| FormatProblem::NotJson.of("it"))?;
        Ok(Self(raw))
    }

    /// `{}`.
    #[must_use]
    pub fn empty() -> Self {
        Self(no_members())
    }

    /// The bytes as they came, without white space around them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }

    /// The same as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members().is_none_or(|object| object.iter().next().is_none())
    }

    /// An object that was read as a part of another; `None` for a value of another type.
    pub(crate) fn from_raw(value: &RawValue) -> Option<Self> {
        value.get().starts_with('{').then(|| Self(value.to_owned()))
    }

    /// What we put together out of JSON, so that it is an object.
    pub(crate) fn from_our_own(text: &str) -> Self {
        #[expect(clippy::expect_used, reason = "it is put together out of JSON")]
        Self::from_json(text.as_bytes()).expect("it is an object")
    }

    pub(crate) fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// The value of a member; `None` if it is absent or `null`.
    pub(crate) fn member(&self, name: &str) -> Option<&RawValue> {
        self.members()?.take_present(name)
    }

    fn members(&self) -> Option<RawObject<'_>> {
        RawObject::parse(self.as_bytes()).ok()
    }
}

impl PartialEq for JsonObject {
    /// Whether the bytes are the same.
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for JsonObject {}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.as_bytes().len())
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

fn no_members() -> Box<RawValue> {
    #[expect(clippy::expect_used, reason = "an empty object is JSON")]
    RawValue::from_string("{}".to_owned()).expect("it is JSON")
}
