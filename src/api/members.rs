//! Objects in a response whose member names are identifiers.

use serde_json::value::RawValue;

use super::ApiError;
use crate::encoding::{
    format::FormatProblem,
    json::{self, RawObject},
};

/// The members of an object inside a response; none if it is absent or `null`.
pub(super) fn members<'a>(
    object: &mut RawObject<'a>,
    name: &'static str,
) -> Result<Vec<(String, &'a RawValue)>, ApiError> {
    let Some(value) = object.take_present(name) else { return Ok(Vec::new()) };
    members_of(value).ok_or(FormatProblem::Unusable(name).into())
}

/// The members of an object; of several with one name, the last. A name that is not Unicode is kept
/// as it is written.
pub(super) fn members_of(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    let object = RawObject::parse(value.get().as_bytes()).ok()?;
    let name = |key| json::public_string(key).map_or_else(|_| key.get().to_owned(), Into::into);
    Some(object.into_members().into_iter().map(|(key, value)| (name(key), value)).collect())
}

/// The text of a member of a value, if the one is an object and the other a string.
pub(super) fn text(value: &RawValue, name: &str) -> Option<String> {
    let member = RawObject::parse(value.get().as_bytes()).ok()?.take(name)?;
    json::public_string(member).ok().map(Into::into)
}
