//! Our verdict for every named row of `recovery-key/verdicts.json`, and the reason where not every
//! library has the same.
#![allow(dead_code, reason = "each test includes it and uses a part")]

use self::Verdict::{
    AnotherKey, Character, Empty, Invisible, Length, OriginalKey, Parity, Prefix, Refused,
};

/// What we make of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted, as the key that the row was made from.
    OriginalKey,
    /// Accepted, as another key: the check byte cannot see the difference.
    AnotherKey,
    Empty,
    Character,
    Invisible,
    Length,
    Prefix,
    Parity,
    /// Refused; which check says so depends on the characters that the key happens to have.
    Refused,
}

/// One named row.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) ours: Verdict,
    /// Why some library's verdict is another.
    pub(crate) reason: &'static str,
}

/// The verdict for a row of this name.
pub(crate) fn known(name: &str) -> Option<Known> {
    let (_, ours, reason) = ROWS.iter().find(|(known, _, _)| *known == name)?;
    Some(Known { ours: *ours, reason })
}

const AGREED: &str = "";
const WHITE_SPACE: &str =
    "the specification says white space is removed, not spaces alone; text that is pasted has any";
const NO_MEANING: &str =
    "people paste such characters with a key, and none of them can stand for a wrong one";
const TRAILING: &str = "what follows the 35 bytes shows that this is not what was written down";

const ROWS: &[(&str, Verdict, &str)] = &[
    ("grouped by single spaces (canonical)", OriginalKey, AGREED),
    ("no spaces", OriginalKey, AGREED),
    ("double spaces", OriginalKey, AGREED),
    ("leading and trailing spaces", OriginalKey, AGREED),
    ("odd groups of three", OriginalKey, AGREED),
    ("tabs", OriginalKey, WHITE_SPACE),
    ("newlines", OriginalKey, WHITE_SPACE),
    ("trailing newline", OriginalKey, WHITE_SPACE),
    ("CRLF in the middle", OriginalKey, WHITE_SPACE),
    ("no-break spaces U+00A0", OriginalKey, WHITE_SPACE),
    ("ideographic spaces U+3000", OriginalKey, WHITE_SPACE),
    ("zero width spaces U+200B", OriginalKey, NO_MEANING),
    ("leading byte order mark", OriginalKey, NO_MEANING),
    ("dashes instead of spaces", OriginalKey, NO_MEANING),
    ("prefix 8B 02, parity right for it", Prefix, AGREED),
    ("prefix 8A 01, parity right for it", Prefix, AGREED),
    // 47 or 48 characters.
    ("prefix 00 00, parity right for it", Refused, AGREED),
    // 47 characters, which helps more to know.
    ("prefix bytes swapped 01 8B (parity unchanged)", Length, AGREED),
    ("prefix FF FF", Prefix, AGREED),
    ("parity byte flipped", Parity, AGREED),
    ("parity byte zero", Parity, AGREED),
    ("a key byte flipped", Parity, AGREED),
    ("two key bytes exchanged (parity cannot see it)", AnotherKey, AGREED),
    ("same bit flipped in two key bytes (parity cannot see it)", AnotherKey, AGREED),
    ("wrong prefix and wrong parity", Prefix, AGREED),
    ("31 key bytes, parity right", Length, AGREED),
    ("16 key bytes, parity right", Length, AGREED),
    ("33 key bytes, parity right", Length, AGREED),
    ("64 key bytes, parity right", Length, AGREED),
    ("valid 35 bytes, then one zero byte (total XOR still 0)", Length, TRAILING),
    ("valid 35 bytes, then two equal bytes (total XOR still 0)", Length, TRAILING),
    ("valid 35 bytes, then one nonzero byte", Length, TRAILING),
    ("prefix and parity only", Length, AGREED),
    ("prefix only", Length, AGREED),
    ("last character missing", Length, AGREED),
    ("first character missing", Length, AGREED),
    ("one extra character at the end", Length, AGREED),
    ("leading 1 (a zero byte in front)", Length, AGREED),
    ("empty string", Empty, AGREED),
    ("spaces only", Empty, AGREED),
    ("character 0 in place of the fifth", Character, AGREED),
    ("character 0 added at the end", Character, AGREED),
    ("character O in place of the fifth", Character, AGREED),
    ("character O added at the end", Character, AGREED),
    ("character I in place of the fifth", Character, AGREED),
    ("character I added at the end", Character, AGREED),
    ("character l in place of the fifth", Character, AGREED),
    ("character l added at the end", Character, AGREED),
    ("lower-cased", Refused, AGREED),
    ("upper-cased", Refused, AGREED),
    ("full-width digits", OriginalKey, NO_MEANING),
    ("embedded NUL", Invisible, AGREED),
    ("the key in base64 instead", Refused, AGREED),
    ("the key in hex instead", Refused, AGREED),
];
