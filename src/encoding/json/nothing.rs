//! What is there and says nothing: clients empty a value where they should delete it.

// docs/decisions.md, 19: tolerant reader, strict writer.

use serde_json::value::RawValue;

/// Whether a value says nothing: `null`, `false`, zero, an empty string, or an object or array that holds nothing else.
pub(crate) fn is_nothing(value: &RawValue) -> bool {
    let mut rest = value.get().as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => {
                let (is_empty, after) = skip_string(after);
                let is_name = after.trim_ascii_start().starts_with(b":");
                if !is_empty && !is_name {
                    return false;
                }
                after
            }
            b't' | b'1'..=b'9' => return false,
            // Zero stays zero, whatever its exponent.
            b'e' | b'E' => skip_exponent(after),
            _ => after,
        };
    }
    true
}

/// Whether a string is empty whose first quotation mark was read, and what follows it.
fn skip_string(text: &[u8]) -> (bool, &[u8]) {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        is_escaped = !was_escaped && *byte == b'\\';
        !was_escaped && *byte == b'"'
    });
    let after = end.and_then(|end| text.get(end + 1..)).unwrap_or_default();
    (end == Some(0), after)
}

fn skip_exponent(text: &[u8]) -> &[u8] {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-');
    let end = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_nothing_and_all_else_is_something() {
        let is_nothing = |text: &str| is_nothing(serde_json::from_str(text).unwrap());
        for text in [
            "null",
            "false",
            "0",
            "-0.0",
            "0e5",
            "0.00E+12",
            r#""""#,
            "[]",
            "{ }",
            r#"{"a":"","b":[null,{"\"c\\":false}],"1":0}"#,
        ] {
            assert!(is_nothing(text), "{text}");
        }
        for text in [
            "true",
            "1",
            "0.10",
            "-1e0",
            r#"" ""#,
            r#""\"""#,
            r#"["a"]"#,
            r#"{"a":{"b":"","c":true}}"#,
            r#"{"":[0,[7]]}"#,
            r#"{"a": ":" , "b":""}"#,
        ] {
            assert!(!is_nothing(text), "{text}");
        }
    }
}
