//! A request as an endpoint sees it.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::refusal::Refusal;
use crate::encoding::json::{self, RawObject, RawObjectError};

/// The parameters and the body of a request whose route and user are known.
pub(super) struct Call<'a> {
    query: &'a str,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    pub(super) fn new(query: Option<&'a str>, body: &'a [u8]) -> Self {
        Self { query: query.unwrap_or_default(), body }
    }

    /// The body as it came.
    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The body, which must be a JSON object.
    pub(super) fn json_object(&self) -> Result<RawObject<'a>, Refusal> {
        let object = RawObject::parse(self.body).map_err(|error| match error {
            // What begins like another value need not end like one.
            RawObjectError::NotAnObject if !is_json(self.body) => Refusal::NotJson,
            error => error.into(),
        })?;
        let is_too_deep = object.iter().any(|(_, value)| json::depth(value) >= MAX_DEPTH);
        if is_too_deep { Err(Refusal::TooDeep) } else { Ok(object) }
    }

    /// The body as text, which must be that of a JSON object.
    pub(super) fn raw_object(&self) -> Result<&'a RawValue, Refusal> {
        self.json_object()?;
        serde_json::from_slice(self.body).map_err(|_| Refusal::NotJson)
    }

    /// A query parameter that must be there; of several with one name, the first counts.
    pub(super) fn parameter(&self, name: &'static str) -> Result<String, Refusal> {
        self.optional_parameter(name).ok_or(Refusal::MissingParameter(name))
    }

    /// A query parameter; of several with one name, the first counts.
    pub(super) fn optional_parameter(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(key, _)| form_decoded(key) == name)
            .map(|(_, value)| form_decoded(value).into_owned())
    }
}

/// An object somewhere in the body; the refusal of anything else says `reason`.
pub(super) fn object<'a>(
    value: &'a RawValue,
    reason: &'static str,
) -> Result<RawObject<'a>, Refusal> {
    RawObject::parse(value.get().as_bytes()).map_err(|_| Refusal::BadJson(reason))
}

/// A name of a member in the body that is a user, a device or a key.
pub(super) fn name(key: &RawValue) -> Result<String, Refusal> {
    json::public_string(key)
        .map(Cow::into_owned)
        .map_err(|_| Refusal::BadJson("An identifier is not Unicode text"))
}

/// A member that must be a string.
pub(super) fn string(body: &mut RawObject<'_>, name: &'static str) -> Result<String, Refusal> {
    let value = body.take(name).and_then(|value| json::public_string(value).ok());
    value.map(Cow::into_owned).ok_or(Refusal::NotAString(name))
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Decodes one piece of a
/// [form-encoded](https://url.spec.whatwg.org/#application/x-www-form-urlencoded) query.
fn form_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('+', " ");
    Cow::Owned(percent_decode(text.as_bytes()).decode_utf8_lossy().into_owned())
}

/// How deep arrays and objects may be nested in a body: somebody else's parser has to read it back.
const MAX_DEPTH: usize = 500;
