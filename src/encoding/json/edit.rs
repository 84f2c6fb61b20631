//! Objects with one member changed, and everything else as it is written.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::{RawObject, string, to_text};

/// The text of an object with one member set; of anything but an object, of that member alone.
pub(crate) fn with_member(object: Option<&RawValue>, name: &str, value: &str) -> String {
    with_members(object, &[(name, value)])
}

/// The text of an object with some members set, however many there are.
pub(crate) fn with_members(object: Option<&RawValue>, members: &[(&str, &str)]) -> String {
    let names: HashSet<&str> = members.iter().map(|(name, _)| *name).collect();
    let mut text = opened(object, |member, _| names.contains(member));
    for (name, value) in members {
        text.extend([&to_text(name), ":", value, ","]);
    }
    closed(text)
}

/// The text of an object without some of its members, however many there are; of anything but an object, an empty one.
pub(crate) fn without_members(
    object: Option<&RawValue>,
    is_gone: impl Fn(&str, &RawValue) -> bool,
) -> String {
    closed(opened(object, is_gone))
}

fn closed(mut text: String) -> String {
    if text.ends_with(',') {
        text.pop();
    }
    text.push('}');
    text
}

/// All members but some, each with a comma behind it.
fn opened(object: Option<&RawValue>, is_gone: impl Fn(&str, &RawValue) -> bool) -> String {
    let members = object
        .and_then(|object| RawObject::parse(object.get().as_bytes()).ok())
        .unwrap_or_default();
    let mut text = String::from("{");
    for (key, value) in members.iter() {
        if !string(key).is_ok_and(|name| is_gone(name.as_str(), value)) {
            text.extend([key.get(), ":", value.get(), ","]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_member_is_set_and_removed_and_the_others_stay_as_they_are() {
        let without =
            |object: Option<&RawValue>, gone: &str| without_members(object, |name, _| name == gone);
        let object = raw(r#"{ "a" : 1.50, "\u0062":[ ], "c":{} }"#);
        assert_eq!(with_member(Some(&object), "b", "2"), r#"{"a":1.50,"c":{},"b":2}"#);
        assert_eq!(without(Some(&object), "b"), r#"{"a":1.50,"c":{}}"#);
        assert_eq!(without(Some(&object), "x"), r#"{"a":1.50,"\u0062":[ ],"c":{}}"#);
        assert_eq!(without(Some(&*raw(r#"{"a":1}"#)), "a"), "{}");
        assert_eq!(with_member(Some(&raw("7")), "a\"", "1"), r#"{"a\"":1}"#);
        assert_eq!(without(None, "a"), "{}");
    }
}
