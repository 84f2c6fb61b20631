//! Characters that nobody sees.

/// Whether nothing is shown for the character, as Unicode recommends: its property `Default_Ignorable_Code_Point`
/// (zero-width characters, the byte-order mark, soft hyphens, marks of direction, variation selectors).
pub(crate) fn is_default_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a character shows nothing although it is neither white space nor ignorable: a control character, an empty
/// Braille cell, a mark of annotations, a blank of other scripts.
pub(crate) fn is_invisible(character: char) -> bool {
    let is_blank = matches!(
        character,
        '\u{2800}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{13441}'..='\u{13442}'
            | '\u{16fe4}'
            | '\u{1d159}'
    );
    character.is_control() || is_blank
}

/// Whether nobody sees anything in the text.
pub(crate) fn is_blank(text: &str) -> bool {
    let is_unseen = |character: char| {
        character.is_whitespace() || is_default_ignorable(character) || is_invisible(character)
    };
    text.chars().all(is_unseen)
}

/// The ASCII character that a full-width one stands for; any other as it is.
pub(crate) fn fold_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - FULL_WIDTH).unwrap_or(character)
        }
        other => other,
    }
}

/// How far the full-width characters are from those of ASCII.
const FULL_WIDTH: u32 = 0xfee0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_characters_are_those_of_ascii() {
        let folded: String = ('\u{ff01}'..='\u{ff5e}').map(fold_width).collect();
        assert!(folded.chars().eq('!'..='~'));
        assert!(
            ['a', 'é', '\u{ff00}', '\u{ff5f}'].iter().all(|other| fold_width(*other) == *other)
        );
    }

    #[test]
    fn nothing_is_seen_in_a_blank_text() {
        assert!(
            ["", " \t\r\n", "\u{feff}\u{200b}\u{3000}\u{ad}", "\u{2800}\0"]
                .into_iter()
                .all(is_blank)
        );
        assert!(!["-", "\u{feff}x", "\u{2800}x"].into_iter().any(is_blank));
    }
}
