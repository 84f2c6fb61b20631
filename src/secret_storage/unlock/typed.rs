//! What somebody typed: a recovery key, a passphrase, or something between them.

use crate::recovery_key::{RecoveryKey, RecoveryKeyError};

/// What a typed text is worth trying as.
#[derive(Debug)]
pub(super) struct Typed {
    /// The key, or why the text is none.
    pub(super) recovery_key: Result<RecoveryKey, RecoveryKeyError>,
    /// Whether it looks like a recovery key, right or wrong.
    pub(super) looks_like_recovery_key: bool,
}

impl Typed {
    pub(super) fn new(text: &str) -> Self {
        let recovery_key = RecoveryKey::parse(text);
        let looks_like_recovery_key = recovery_key.is_ok() || looks_like_recovery_key(text);
        Self { recovery_key, looks_like_recovery_key }
    }
}

/// Whether somebody who typed this meant a recovery key: about as many letters and digits as one has,
/// or a few groups of four that begin as all recovery keys do.
fn looks_like_recovery_key(text: &str) -> bool {
    let significant = text.chars().filter(|character| !character.is_whitespace());
    let (mut count, mut strange) = (0_usize, 0_usize);
    for character in significant {
        count = count.saturating_add(1);
        strange = strange.saturating_add(usize::from(!character.is_ascii_alphanumeric()));
    }
    let begins_like_one =
        text.trim_start().get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case("Es"));
    let groups_of_four = text.split_whitespace().filter(|group| group.chars().count() == 4);
    let is_about_as_long = (CHARACTERS - 4..=CHARACTERS + 4).contains(&count);
    strange <= 2 && (is_about_as_long || (begins_like_one && groups_of_four.count() >= 3))
}

/// What a recovery key has besides white space.
const CHARACTERS: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_as_a_recovery_key_is_told_from_a_passphrase() {
        let like_one = [
            "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j",
            "EsTSFgHNgJdTGvLmcB3wckopEUyKXNKoP1b3h9j2fNNQqJ8",
            "EsTS FgHN gJdT GvLm cB3w",
            "esTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j",
            "\tXsTS FgHN 0JdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j\n",
        ];
        for text in like_one {
            assert!(Typed::new(text).looks_like_recovery_key, "{text}");
        }
        let passphrases = [
            "",
            "Essen",
            "Es war einmal ein König",
            "correct horse battery staple",
            "correct-horse-battery-staple-and-a-few-more-words",
            "пароль 密码 🔑",
            "E\u{301}s",
        ];
        for text in passphrases {
            assert!(!Typed::new(text).looks_like_recovery_key, "{text}");
        }
    }
}
