//! What a value that is kept unread holds.

use serde_json::value::RawValue;

use super::text::unescape_one;

/// Whether every string in the value is text, and arrays and objects are nested at most so deep.
///
/// What is kept unread must not spoil the document it is written into: other readers refuse lone
/// surrogates and deep nesting.
pub(crate) fn is_harmless(value: &RawValue, max_depth: usize) -> bool {
    let survey = survey(value);
    survey.depth <= max_depth && !survey.has_lone_surrogate
}

/// How deep arrays and objects are nested in the value.
pub(crate) fn depth(value: &RawValue) -> usize {
    survey(value).depth
}

#[derive(Default)]
struct Survey {
    depth: usize,
    has_lone_surrogate: bool,
}

/// One pass over a well-formed value, without recursion.
fn survey(value: &RawValue) -> Survey {
    let mut survey = Survey::default();
    let mut depth = 0_usize;
    let mut rest = value.get();
    while let Some(at) = rest.find(['"', '[', '{', ']', '}']) {
        let (_, token) = rest.split_at(at);
        let (first, after) = token.split_at(1);
        rest = after;
        match first {
            "[" | "{" => depth += 1,
            "]" | "}" => depth = depth.saturating_sub(1),
            _ => rest = skip_string(after, &mut survey.has_lone_surrogate),
        }
        survey.depth = survey.depth.max(depth);
    }
    survey
}

/// What follows the string whose opening quote stood before.
fn skip_string<'a>(mut rest: &'a str, has_lone_surrogate: &mut bool) -> &'a str {
    while let Some(at) = rest.find(['"', '\\']) {
        let (_, token) = rest.split_at(at);
        let (first, after) = token.split_at(1);
        if first == "\"" {
            return after;
        }
        rest = match unescape_one(after) {
            Some((_, after)) => after,
            None => {
                *has_lone_surrogate = true;
                after.strip_prefix('u').unwrap_or(after)
            }
        };
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        assert!(is_harmless(&raw(r#"{"[[[[":[["\"[["]]}"#), 3));
        assert!(!is_harmless(&raw("[[[[]]]]"), 3));
        assert!(is_harmless(&raw("[[[],[],[]],[]]"), 3));
    }
}
