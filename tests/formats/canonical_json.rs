//! Canonical JSON: the specification's examples, and laws over generated values.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::BTreeMap;

use crate::json_values::{shuffled, value};
use proptest::prelude::*;
use strongroom::{
    Limits,
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
    },
};

/// Input and output of the examples in the appendices of the specification.
const EXAMPLES: [(&str, &str); 11] = [
    ("{}", "{}"),
    (r#"{ "one": 1, "two": "Two" }"#, r#"{"one":1,"two":"Two"}"#),
    (r#"{ "b": "2", "a": "1" }"#, r#"{"a":"1","b":"2"}"#),
    (r#"{"b":"2","a":"1"}"#, r#"{"a":"1","b":"2"}"#),
    (
        r#"{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe",
            "three_pids":[{"medium":"email","address":"john.doe@example.org"},
            {"medium":"msisdn","address":"123456789"}]}}}"#,
        r#"{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}"#,
    ),
    (r#"{ "a": "日本語" }"#, r#"{"a":"日本語"}"#),
    (r#"{ "本": 2, "日": 1 }"#, r#"{"日":1,"本":2}"#),
    (r#"{ "a": "\u65E5" }"#, r#"{"a":"日"}"#),
    (r#"{ "a": null }"#, r#"{"a":null}"#),
    (r#"{ "a": -0, "b": 1e10 }"#, r#"{"a":0,"b":10000000000}"#),
    (r#"[ true , false , [ ] ]"#, "[true,false,[]]"),
];

#[test]
fn the_examples_of_the_specification_come_out_as_they_stand_there() {
    for (input, output) in EXAMPLES {
        assert_eq!(canonical(input), output);
    }
}

#[test]
fn members_are_sorted_by_code_point_and_not_by_utf_16_unit() {
    // U+FB33 comes before U+1F600, whose first UTF-16 unit is 0xD83D. Escaped here, because an editor
    // that normalises text turns U+FB33 into U+05D3 U+05BC, which comes first in either order.
    let canonical = canonical("{\"\u{1f600}\":1,\"\u{fb33}\":2}");
    assert_eq!(canonical, "{\"\u{fb33}\":2,\"\u{1f600}\":1}");
}

#[test]
fn only_what_must_be_escaped_is_escaped() {
    let input = r#""\u0000\b\t\n\u000b\f\r\u001f\u007f\/\"\\\ud83d\ude00""#;
    assert_eq!(canonical(input), "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}/\\\"\\\\😀\"");
}

#[test]
fn integers_are_those_that_every_client_can_hold() {
    for number in ["9007199254740991", "-9007199254740991", "0"] {
        assert_eq!(canonical(number), number);
    }
    for (exponent, plain) in [("12e0", "12"), ("9E2", "900"), ("-1e+1", "-10"), ("0e99", "0")] {
        assert_eq!(canonical(exponent), plain);
    }
}

#[test]
fn other_numbers_are_read_but_not_written() {
    let others = [
        "9007199254740992",
        "-9007199254740992",
        "1.5",
        "1.0",
        "1e-1",
        "1e16",
        "1e999999999",
        "123456789012345678901234567890",
        "-1e400",
    ];
    for number in others {
        let value = JsonValue::parse(number, &Limits::default()).unwrap();
        assert_eq!(value, JsonValue::OtherNumber(number.to_owned()));
        assert_eq!(value.to_canonical(), Err(FormatProblem::Number.of("it")), "{number}");
    }
    let by_hand = JsonValue::Array(vec![JsonValue::Integer(1 << 53)]);
    assert!(by_hand.to_canonical().is_err());
    let member = || ("a".to_owned(), JsonValue::Null);
    let twice = JsonValue::Object(vec![member(), member()]);
    assert_eq!(twice.to_canonical(), Err(FormatProblem::DuplicateMember.of("it")));
}

#[test]
fn a_member_twice_is_refused_however_it_is_written() {
    for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"b":{"x":1,"x":1}}]"#] {
        assert_eq!(parse(text), Err(FormatProblem::DuplicateMember.of("it")), "{text}");
    }
}

#[test]
fn what_is_no_text_or_no_json_is_refused() {
    for text in [r#""\ud800""#, r#"{"\udc00":1}"#, r#"["\ud800\ud800"]"#] {
        assert_eq!(parse(text), Err(FormatProblem::LoneSurrogate.of("it")), "{text}");
    }
    for text in ["", "{", "{}{}", "nul", "01", "+1", "{\"a\":1,}", "[1 2]", "\"\n\"", "NaN"] {
        assert_eq!(parse(text), Err(FormatProblem::NotJson.of("it")), "{text}");
    }
}

#[test]
fn size_and_depth_are_limited_before_anything_is_read() {
    let mut limits = Limits::default();
    let nested = format!("{}{}", "[".repeat(32), "]".repeat(32));
    assert!(JsonValue::parse(&nested, &limits).is_ok());
    let too_deep = |found| Err(FormatProblem::TooDeep { limit: 32, found }.of("it"));
    assert_eq!(JsonValue::parse(&format!("[{nested}]"), &limits), too_deep(33));
    let hostile = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(JsonValue::parse(&hostile, &limits), too_deep(30_000));
    limits.signed_object_bytes = 4;
    assert_eq!(JsonValue::parse("[12]", &limits), parse("[12]"));
    let too_large = Err(FormatProblem::TooLarge { limit: 4, found: 5 }.of("it"));
    assert_eq!(JsonValue::parse("[123]", &limits), too_large);
}

proptest! {
    #[test]
    fn canonical_json_is_canonical_already(value in value()) {
        let once = String::from_utf8(value.to_canonical().unwrap()).unwrap();
        prop_assert_eq!(canonical(&once), once);
    }

    #[test]
    fn order_and_white_space_do_not_matter(value in value(), seed: u64) {
        let text = shuffled(&value, seed);
        prop_assert_eq!(canonical(&text).into_bytes(), value.to_canonical().unwrap());
    }

    #[test]
    fn what_is_read_back_is_the_same_value(value in value()) {
        let text = String::from_utf8(value.to_canonical().unwrap()).unwrap();
        prop_assert_eq!(parse(&text).map(sorted), Ok(sorted(value)));
    }

    #[test]
    fn the_bytes_are_those_of_a_naive_writer(value in value()) {
        prop_assert_eq!(value.to_canonical().unwrap(), naive(&value));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in r#"[\[\]{}:,"\\u0-9dDeE.+a-]{0,60}"#) {
        if let Ok(value) = parse(&text) {
            let _ = value.to_canonical();
        }
    }
}

fn parse(text: &str) -> Result<JsonValue, FormatError> {
    JsonValue::parse(text, &Limits::default())
}

fn canonical(text: &str) -> String {
    String::from_utf8(parse(text).unwrap().to_canonical().unwrap()).unwrap()
}

/// Canonical JSON written without regard to cost, and without a line of the crate's.
fn naive(value: &JsonValue) -> Vec<u8> {
    let list = |open: &str, items: Vec<Vec<u8>>, close: &str| {
        [open.as_bytes(), &items.join(&b","[..]), close.as_bytes()].concat()
    };
    match value {
        JsonValue::Null => b"null".to_vec(),
        JsonValue::Bool(value) => value.to_string().into_bytes(),
        JsonValue::Integer(value) => value.to_string().into_bytes(),
        JsonValue::OtherNumber(value) => value.clone().into_bytes(),
        JsonValue::String(text) => naive_string(text),
        JsonValue::Array(elements) => list("[", elements.iter().map(naive).collect(), "]"),
        JsonValue::Object(members) => {
            let members: BTreeMap<Vec<char>, Vec<u8>> = members
                .iter()
                .map(|(name, value)| {
                    let member = [naive_string(name), b":".to_vec(), naive(value)].concat();
                    (name.chars().collect(), member)
                })
                .collect();
            list("{", members.into_values().collect(), "}")
        }
    }
}

fn naive_string(text: &str) -> Vec<u8> {
    let escaped = text.chars().map(|character| match u32::from(character) {
        0x08 => r"\b".to_owned(),
        0x09 => r"\t".to_owned(),
        0x0a => r"\n".to_owned(),
        0x0c => r"\f".to_owned(),
        0x0d => r"\r".to_owned(),
        0x22 => r#"\""#.to_owned(),
        0x5c => r"\\".to_owned(),
        control @ 0..0x20 => format!(r"\u00{}{:x}", control / 16, control % 16),
        _ => character.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>()).into_bytes()
}

/// The value with the members of its objects sorted, to compare without regard to their order.
fn sorted(value: JsonValue) -> JsonValue {
    match value {
        JsonValue::Array(elements) => JsonValue::Array(elements.into_iter().map(sorted).collect()),
        JsonValue::Object(members) => {
            let members: BTreeMap<_, _> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            JsonValue::Object(members.into_iter().collect())
        }
        other => other,
    }
}
