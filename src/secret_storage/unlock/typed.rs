//! What somebody typed: a recovery key, a passphrase, or something between them.

use crate::{
    recovery_key::{RecoveryKey, RecoveryKeyError, TypingMistake},
    secret::SecretString,
};

/// What a typed text is worth trying as. A well-formed recovery key is not tried as a passphrase: one in 2^24 passphrases of that
/// length would be one.
#[derive(Debug)]
pub(super) struct Typed {
    /// The key, or why the text is none.
    pub(super) recovery_key: Result<RecoveryKey, RecoveryKeyError>,
    /// Whether it looks like a recovery key, right or wrong.
    pub(super) looks_like_recovery_key: bool,
    text: SecretString,
}

impl Typed {
    pub(super) fn new(text: &str) -> Self {
        let recovery_key = RecoveryKey::parse(text);
        let looks_like_recovery_key = recovery_key.is_ok() || RecoveryKey::is_meant(text);
        Self { recovery_key, looks_like_recovery_key, text: text.into() }
    }

    /// The typing mistake because of which it is not a key that `is_proven` knows to be right, if it is one alone.
    pub(super) fn mistake(
        &self,
        is_proven: impl Fn(&RecoveryKey) -> bool,
    ) -> Option<TypingMistake> {
        if !self.looks_like_recovery_key {
            return None;
        }
        match RecoveryKey::repair_typed(self.text.expose_str(), is_proven).as_slice() {
            [(_, mistake)] => Some(*mistake),
            _ => None,
        }
    }
}
