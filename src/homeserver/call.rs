//! A request as an endpoint sees it.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde::de::IgnoredAny;

use super::refusal::Refusal;
use crate::encoding::json::{RawObject, RawObjectError};

/// The parameters and the body of a request whose route and user are known.
pub(super) struct Call<'a> {
    query: &'a str,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    pub(super) fn new(query: Option<&'a str>, body: &'a [u8]) -> Self {
        Self { query: query.unwrap_or_default(), body }
    }

    /// The body, which must be a JSON object.
    pub(super) fn json_object(&self) -> Result<RawObject<'a>, Refusal> {
        RawObject::parse(self.body).map_err(|error| match error {
            // What begins like another value need not end like one.
            RawObjectError::NotAnObject if !is_json(self.body) => Refusal::NotJson,
            error => error.into(),
        })
    }

    /// A query parameter that must be there; of several with one name, the first counts.
    pub(super) fn parameter(&self, name: &'static str) -> Result<String, Refusal> {
        self.query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(key, _)| form_decoded(key) == name)
            .map(|(_, value)| form_decoded(value).into_owned())
            .ok_or(Refusal::MissingParameter(name))
    }
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
