//! The part of a [filter](https://spec.matrix.org/v1.16/client-server-api/#filtering) that matters to `/sync`.

use serde_json::value::RawValue;

use crate::{
    encoding::json::{self, RawObject},
    homeserver::{filters::Filters, refusal::Refusal},
};

/// Which account data and which rooms a device wants.
#[derive(Default)]
pub(in crate::homeserver) struct Filter {
    account_data: Chosen,
    rooms: Chosen,
}

/// What is wanted, by patterns or by names.
#[derive(Default)]
struct Chosen {
    /// Everything unless given.
    wanted: Option<Vec<String>>,
    unwanted: Vec<String>,
}

impl Filter {
    /// Reads the parameter of `/sync`: JSON, or the ID of a filter that the user has stored.
    pub(super) fn read(parameter: Option<&str>, stored: &Filters) -> Result<Self, Refusal> {
        match parameter {
            None => Ok(Self::default()),
            Some(json) if json.starts_with('{') => {
                Self::parse(serde_json::from_str(json).map_err(|_| NOT_A_FILTER)?)
            }
            Some(id) => Self::parse(stored.get(id).ok_or(UNKNOWN_FILTER)?),
        }
    }

    /// Reads a filter.
    pub(in crate::homeserver) fn parse(filter: &RawValue) -> Result<Self, Refusal> {
        let mut filter = RawObject::parse(filter.get().as_bytes()).map_err(|_| NOT_A_FILTER)?;
        let mut chosen = |part, wanted, unwanted| {
            filter
                .take(part)
                .map_or(Ok(Chosen::default()), |part| Chosen::parse(part, wanted, unwanted))
        };
        Ok(Self {
            account_data: chosen("account_data", "types", "not_types")?,
            rooms: chosen("room", "rooms", "not_rooms")?,
        })
    }

    /// Whether account data of this type is wanted.
    pub(super) fn lets_account_data_through(&self, kind: &str) -> bool {
        self.account_data.lets_through(|pattern| matches(pattern, kind))
    }

    /// Whether a room is wanted.
    pub(super) fn lets_room_through(&self, room: &str) -> bool {
        self.rooms.lets_through(|named| named == room)
    }
}

impl Chosen {
    fn parse(part: &RawValue, wanted: &str, unwanted: &str) -> Result<Self, Refusal> {
        let mut part = RawObject::parse(part.get().as_bytes()).map_err(|_| NOT_A_FILTER)?;
        Ok(Self {
            wanted: part.take_present(wanted).map(texts).transpose()?,
            unwanted: part.take_present(unwanted).map_or(Ok(Vec::new()), texts)?,
        })
    }

    fn lets_through(&self, is_named: impl Fn(&str) -> bool) -> bool {
        let any = |names: &[String]| names.iter().any(|name| is_named(name));
        self.wanted.as_deref().is_none_or(any) && !any(&self.unwanted)
    }
}

fn texts(value: &RawValue) -> Result<Vec<String>, Refusal> {
    let text = |one: &RawValue| json::public_string(one).ok().map(Into::into);
    let texts = json::array(value).and_then(|all| all.into_iter().map(text).collect());
    texts.ok_or(NOT_A_FILTER)
}

/// Whether a text fits a pattern in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        let Some((_, after)) = text.split_once(piece) else { return false };
        text = after;
    }
    true
}

const UNKNOWN_FILTER: Refusal = Refusal::InvalidParameter("There is no such filter");
const NOT_A_FILTER: Refusal = Refusal::InvalidParameter("filter is not a filter in JSON");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text) in [
            ("m.a", "m.a"),
            ("*", ""),
            ("m.*", "m.a"),
            ("*.a", "m.a"),
            ("m*b*d", "m.abcd"),
            ("a**a", "aa"),
            ("*a*a", "aa"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("m.a", "m.ab"), ("m.*", "m"), ("a*a", "a"), ("*b*a", "ab")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
