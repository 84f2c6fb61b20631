//! What went wrong, as findings name it: an error that holds an ID, a key or a text of the account is made anew with other
//! names.

use super::{argument::Argument, names::Names};
use crate::{
    backup::TrustError,
    passphrase::PassphraseError,
    secret_storage::{UnlockFailure, UnlockOutcome},
};

impl Argument for TrustError {
    fn plain(&self, names: &mut Names) -> String {
        match self {
            Self::UnsupportedAlgorithm(name) => {
                Self::UnsupportedAlgorithm(names.excerpt(name)).to_string()
            }
            Self::OtherMembers(members) => {
                let members = members.iter().map(|member| names.excerpt(member));
                Self::OtherMembers(members.collect()).to_string()
            }
            Self::OtherPublicKey { backup, key } => {
                [key, backup].into_iter().fold(self.to_string(), |sentence, key| {
                    sentence.replace(&key.to_string(), &key.in_sentence(names))
                })
            }
            Self::Missing(_)
            | Self::Json(_)
            | Self::NoPublicKey
            | Self::PublicKey(_)
            | Self::Retired
            | Self::NoTrustedSignature(_)
            | Self::OtherKind(_)
            | Self::UnauthenticatedSource
            | Self::PassphraseNeeded
            | Self::KeyNotAuthentic
            | Self::OnlyDevice
            | Self::OtherBackup => self.to_string(),
        }
    }
}

impl Argument for PassphraseError {
    fn plain(&self, names: &mut Names) -> String {
        match self {
            Self::UnsupportedAlgorithm(name) => {
                Self::UnsupportedAlgorithm(names.excerpt(name)).to_string()
            }
            Self::Format(_)
            | Self::NoRounds
            | Self::TooManyRounds { .. }
            | Self::TooFewRounds { .. }
            | Self::KeyLength { .. }
            | Self::NoPassphrase
            | Self::KeyTooShort { .. }
            | Self::DoesNotFit => self.to_string(),
        }
    }
}

impl Argument for UnlockFailure {
    fn plain(&self, names: &mut Names) -> String {
        match self {
            Self::OlderKey { key, newer, is_default } => {
                let (key, newer) = (names.storage_key(key), names.storage_key(newer));
                Self::OlderKey { key, newer, is_default: *is_default }.to_string()
            }
            Self::OpensNothing { key } => {
                Self::OpensNothing { key: names.storage_key(key) }.to_string()
            }
            Self::NoKeys
            | Self::Empty { .. }
            | Self::BackupKey
            | Self::RecoveryKey(_)
            | Self::Mistyped(_)
            | Self::RecoveryKeyExpected
            | Self::BackupKeyExpected
            | Self::PassphraseExpected
            | Self::RecoveryKeyDoesNotFit
            | Self::NotTheBackupKey
            | Self::PassphraseDoesNotFit
            | Self::NothingToTry => self.to_string(),
        }
    }
}

impl Argument for UnlockOutcome {
    fn plain(&self, names: &mut Names) -> String {
        match self {
            Self::Passphrase(error) => error.plain(names),
            Self::Unsupported(name) => Self::Unsupported(names.excerpt(name)).to_string(),
            Self::Fits(..)
            | Self::DoesNotFit
            | Self::OpensNothing
            | Self::NoPassphrase
            | Self::TooMuchWork { .. }
            | Self::TooManyGuessable
            | Self::TooManyKeys
            | Self::Length(_)
            | Self::KeyLength(_) => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backup::BackupPublicKey, crypto::curve25519::Curve25519PublicKey, excerpt::Excerpt,
    };

    fn key(byte: u8) -> BackupPublicKey {
        BackupPublicKey::new(Curve25519PublicKey::from_bytes([byte; 32])).unwrap()
    }

    #[test]
    fn an_error_names_nothing_of_the_account_to_strangers() {
        let mark = Excerpt::new("MARK");
        let errors: [Box<dyn Argument>; 7] = [
            Box::new(TrustError::UnsupportedAlgorithm(mark.clone())),
            Box::new(TrustError::OtherMembers(vec![mark.clone()])),
            Box::new(TrustError::OtherPublicKey { backup: key(9), key: key(8) }),
            Box::new(PassphraseError::UnsupportedAlgorithm(mark.clone())),
            Box::new(UnlockFailure::OlderKey {
                key: "MARK".into(),
                newer: "MARK 2".into(),
                is_default: true,
            }),
            Box::new(UnlockFailure::OpensNothing { key: "MARK".into() }),
            Box::new(UnlockOutcome::Unsupported(mark)),
        ];
        for error in errors {
            let tells = |text: &str| {
                ["MARK", &key(8).to_string(), &key(9).to_string()]
                    .iter()
                    .any(|it| text.contains(it))
            };
            let plain = error.plain(&mut Names::as_they_are());
            let shareable = error.plain(&mut Names::replaced());
            assert!(tells(&plain) && !tells(&shareable), "{plain} {shareable}");
        }
    }
}
