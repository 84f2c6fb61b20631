//! How strong a new passphrase is.

use std::fmt;

/// How strong a passphrase is, and what would make it stronger.
///
/// It holds no part of the passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassphraseAdvice {
    /// How much it withstands.
    pub score: PassphraseScore,
    /// What is wrong with it, as a sentence in English.
    pub warning: Option<String>,
    /// What would make it stronger, as sentences in English; none for a strong one.
    pub suggestions: Vec<String>,
}

/// How many guesses a passphrase withstands, as `zxcvbn` estimates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassphraseScore {
    /// Fewer than a thousand.
    TooGuessable,
    /// Fewer than a million.
    VeryGuessable,
    /// Fewer than 10^8.
    SomewhatGuessable,
    /// Fewer than 10^10: enough against a server that has to run 500,000 rounds for each, for some time.
    SafelyUnguessable,
    /// More.
    VeryUnguessable,
}

/// Judges a passphrase that is to be set, by its first 100 characters. `known` is what an attacker knows
/// of the user: their name, their user ID, the name of the server.
///
/// # Security
///
/// The estimate works on copies of the passphrase that are not wiped.
#[must_use]
pub fn advise(passphrase: &str, known: &[&str]) -> PassphraseAdvice {
    let entropy = zxcvbn::zxcvbn(passphrase, known);
    let feedback = entropy.feedback();
    let warning = feedback.and_then(|feedback| feedback.warning());
    let suggestions = feedback.map(|feedback| feedback.suggestions()).unwrap_or_default();
    PassphraseAdvice {
        score: match u8::from(entropy.score()) {
            0 => PassphraseScore::TooGuessable,
            1 => PassphraseScore::VeryGuessable,
            2 => PassphraseScore::SomewhatGuessable,
            3 => PassphraseScore::SafelyUnguessable,
            _ => PassphraseScore::VeryUnguessable,
        },
        warning: warning.map(|warning| warning.to_string()),
        suggestions: suggestions.iter().map(ToString::to_string).collect(),
    }
}

impl PassphraseScore {
    /// Whether a client should let the user set such a passphrase without a word.
    #[must_use]
    pub fn is_strong(self) -> bool {
        self >= Self::SafelyUnguessable
    }
}

impl fmt::Display for PassphraseScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooGuessable => "anybody could guess it",
            Self::VeryGuessable => "it can be guessed very quickly",
            Self::SomewhatGuessable => "it can be guessed quickly",
            Self::SafelyUnguessable => "it is hard to guess",
            Self::VeryUnguessable => "it is very hard to guess",
        })
    }
}
