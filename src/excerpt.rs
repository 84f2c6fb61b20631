//! Short, printable pieces of public data from outside, for errors and reports.
//!
//! ```
//! use strongroom::excerpt::Excerpt;
//!
//! assert_eq!(Excerpt::new("m.new\u{7}algorithm").to_string(), "m.new\\u{7}algorithm");
//! ```

// docs/decisions.md, 7: an error is a whole sentence, and a name from outside an excerpt.

use std::fmt;

use crate::characters;

/// At most 64 characters of a text from outside, with what cannot be seen made visible.
///
/// Errors and reports name things that a server or another client chose: an algorithm, a room. This
/// type keeps such a name from flooding a log or steering a terminal, and from looking like another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Excerpt(String);

impl Excerpt {
    /// Takes the first 64 characters; what was cut is marked by an ellipsis.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut excerpt = String::new();
        let mut characters = text.chars();
        let mut last = ' ';
        for character in characters.by_ref().take(MAX_CHARACTERS) {
            let is_emoji = character == EMOJI_STYLE && has_emoji_style(last);
            last = character;
            if character == '\\' {
                excerpt.push_str("\\\\");
            } else if is_emoji || is_seen(character) {
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

/// Whether the character shows itself and nothing else: it does not reorder the text around it, and is no white space but a
/// plain space.
fn is_seen(character: char) -> bool {
    let is_blank = character.is_whitespace() && character != ' ';
    !is_blank
        && !characters::is_invisible(character)
        && !characters::is_default_ignorable(character)
}

/// Whether [`EMOJI_STYLE`] turns the character into a picture.
fn has_emoji_style(character: char) -> bool {
    matches!(character, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}')
}

/// The variation selector that asks for a picture.
const EMOJI_STYLE: char = '\u{fe0f}';

const MAX_CHARACTERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_become_visible() {
        assert_eq!(Excerpt::new("a\u{1b}[31m\u{202e}b").as_str(), "a\\u{1b}[31m\\u{202e}b");
    }

    #[test]
    fn what_shows_nothing_becomes_visible_wherever_it_stands() {
        let hidden = ('\0'..=char::MAX).filter(|character| {
            characters::is_default_ignorable(*character)
                || characters::is_invisible(*character)
                || (character.is_whitespace() && *character != ' ')
        });
        let mut count = 0;
        for character in hidden {
            let escape = format!("\\u{{{:x}}}", u32::from(character));
            for (name, shown) in [
                (format!("{character}"), escape.clone()),
                (format!("PHONE{character}"), format!("PHONE{escape}")),
                (format!("PH{character}ONE"), format!("PH{escape}ONE")),
            ] {
                assert_eq!(Excerpt::new(&name).as_str(), shown);
            }
            count += 1;
        }
        assert!(count > 4_000, "{count}");
    }

    #[test]
    fn a_picture_stays_one() {
        assert_eq!(
            Excerpt::new("\u{2764}\u{fe0f} \u{1f511}").as_str(),
            "\u{2764}\u{fe0f} \u{1f511}"
        );
        let twice = Excerpt::new("\u{2764}\u{fe0f}\u{fe0f}1\u{fe0f}");
        assert_eq!(twice.as_str(), "\u{2764}\u{fe0f}\\u{fe0f}1\\u{fe0f}");
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
