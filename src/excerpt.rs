//! Short, printable pieces of public data from outside, for errors and reports.
//!
//! ```
//! use strongroom::excerpt::Excerpt;
//!
//! assert_eq!(Excerpt::new("m.new\u{7}algorithm").to_string(), "m.new\\u{7}algorithm");
//! ```

use std::fmt;

/// At most 64 characters of a text from outside, with control characters made visible.
///
/// Errors and reports name things that a server or another client chose: an algorithm, a room. This
/// type keeps such a name from flooding a log or steering a terminal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Excerpt(String);

impl Excerpt {
    /// Takes the first 64 characters; what was cut is marked by an ellipsis.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut excerpt = String::new();
        let mut characters = text.chars();
        for character in characters.by_ref().take(MAX_CHARACTERS) {
            if character == '\\' {
                excerpt.push_str("\\\\");
            } else if is_printable(character) {
                excerpt.push(character);
            } else {
                excerpt.extend(character.escape_unicode());
            }
        }
        if characters.next().is_some() {
            excerpt.push('…');
        }
        Self(excerpt)
    }

    /// Takes a name out of decrypted data, and shows it only if it looks like one: lower-case letters,
    /// digits, `.`, `_` and `-`.
    ///
    /// Where the MAC does not cover the ciphertext, a server can move blocks of a session key to where
    /// a name is expected. A name is shown to people; a piece of a key must not be.
    #[must_use]
    pub(crate) fn of_decrypted_name(name: &str) -> Self {
        let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        Self::new(if name.bytes().all(is_name) { name } else { "(no usual name)" })
    }

    /// The printable text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// Neither a control character nor one that reorders or hides the text around it.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

const MAX_CHARACTERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_become_visible() {
        assert_eq!(Excerpt::new("a\u{1b}[31m\u{202e}b").as_str(), "a\\u{1b}[31m\\u{202e}b");
    }

    #[test]
    fn a_decrypted_name_that_could_be_a_key_is_not_shown() {
        assert_eq!(Excerpt::of_decrypted_name("m.megolm.v2-x").as_str(), "m.megolm.v2-x");
        assert_eq!(Excerpt::of_decrypted_name("m.AQAAAACunPAs").as_str(), "(no usual name)");
    }

    #[test]
    fn a_long_text_is_cut() {
        let excerpt = Excerpt::new(&"ä".repeat(100));
        assert_eq!(excerpt.as_str().chars().count(), MAX_CHARACTERS + 1);
        assert!(excerpt.as_str().ends_with('…'));
        assert_eq!(Excerpt::new(&"ä".repeat(64)).as_str().chars().count(), 64);
    }
}
