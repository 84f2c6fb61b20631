//! Any JSON value, and any way to write it down.

use proptest::prelude::*;
use strongroom::encoding::canonical_json::JsonValue;

/// Any value that has a canonical form.
pub(crate) fn value() -> impl Strategy<Value = JsonValue> {
    let leaf = prop_oneof![
        Just(JsonValue::Null),
        any::<bool>().prop_map(JsonValue::Bool),
        (-(1_i64 << 53) + 1..1 << 53).prop_map(JsonValue::Integer),
        text().prop_map(JsonValue::String),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(JsonValue::Array),
            prop::collection::btree_map(text(), inner, 0..5)
                .prop_map(|members| JsonValue::Object(members.into_iter().collect())),
        ]
    })
}

/// Any text, and often one of the characters that escaping and sorting are about.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\x00-\\x22\\\\/\\x7f\u{e000}\u{fb33}\u{ffff}\u{10000}a]{0,4}"]
}

/// The value with its members in another order, every character of its strings escaped, and white
/// space between.
pub(crate) fn shuffled(value: &JsonValue, seed: u64) -> String {
    match value {
        JsonValue::Null => " null\n".to_owned(),
        JsonValue::Bool(value) => format!("\t{value}"),
        JsonValue::Integer(value) => format!("{value} "),
        JsonValue::OtherNumber(value) => value.clone(),
        JsonValue::String(text) => escaped(text),
        JsonValue::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(|one| shuffled(one, seed)).collect();
            format!("[ {} ]", elements.join(",\r"))
        }
        JsonValue::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| seed.wrapping_mul(name.len() as u64 + 3) % 101);
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{} : {}", escaped(name), shuffled(value, seed)))
                .collect();
            format!("{{ {} }}", members.join(" ,"))
        }
    }
}

fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{units}\"")
}
