//! What a person types, or has in a file: a recovery key or passphrase.

use std::path::{Path, PathBuf};

use clap::Args;
use strongroom::{
    Limits, backup::BackupDecryptionKey, encoding::text_file, saved_files::SavedFiles,
    secret::SecretString,
};

use crate::{
    beginning::beginning_of,
    content::Content,
    failure::{Failure, is_standard_input, tell},
    terminal::{TRIES, asked, is_interactive},
};

/// A recovery key or passphrase.
#[derive(Args)]
pub(crate) struct Key {
    /// A file with a recovery key, or `-` for standard input. Can be given several times.
    #[arg(long, value_name = "FILE")]
    recovery_key_file: Vec<PathBuf>,
    /// A file with a passphrase, or `-` for standard input. Can be given several times.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
    /// An open file descriptor from which a recovery key or passphrase is read.
    #[cfg(unix)]
    #[arg(long, value_name = "N")]
    recovery_key_fd: Vec<u32>,
}

impl Key {
    /// The files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.recovery_key_file.iter().chain(&self.passphrase_file)
    }

    /// What the flags name.
    pub(crate) fn given(&self) -> Result<Vec<SecretString>, Failure> {
        let keys = self.recovery_key_file.iter().map(|file| (file, Wanted::RecoveryKey));
        let passphrases = self.passphrase_file.iter().map(|file| (file, Wanted::Passphrase));
        let files = keys.chain(passphrases).map(|(file, wanted)| secret_in(file, wanted));
        let mut typed = files.collect::<Result<Vec<_>, _>>()?;
        #[cfg(unix)]
        for number in &self.recovery_key_fd {
            let file = PathBuf::from(format!("/dev/fd/{number}"));
            typed.push(secret_in(&file, Wanted::RecoveryKeyOrPassphrase)?);
        }
        Ok(typed)
    }

    /// What is asked for on a terminal, where there are several: that of `whose`.
    pub(crate) fn asked_for(whose: &str) -> Result<Option<SecretString>, Failure> {
        asked(&format!("{} of {whose}:", PROMPT.trim_end_matches(':')))
    }

    /// What was typed: of the flags, or else of the files, or else what is asked for on a terminal. Nothing if there is none.
    pub(crate) fn typed(&self, saved: &SavedFiles) -> Result<Vec<SecretString>, Failure> {
        let mut typed = self.at_hand(saved)?;
        if typed.is_empty() {
            typed.extend(asked(PROMPT)?);
        }
        Ok(typed)
    }

    /// The same where there has to be one.
    pub(crate) fn needed(&self, saved: &SavedFiles) -> Result<Vec<SecretString>, Failure> {
        let typed = self.typed(saved)?;
        if typed.is_empty() {
            return Err(Failure::usage(
                "there is neither a recovery key nor a passphrase: name a file with --recovery-key-file or --passphrase-file",
            ));
        }
        Ok(typed)
    }

    /// What comes of it; what is typed on a terminal is asked for again if nothing does. Nothing is asked for where it is not
    /// `needed`.
    pub(crate) fn typed_until<T>(
        &self,
        saved: &SavedFiles,
        needed: bool,
        opens: impl Fn(&[SecretString]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let typed = self.at_hand(saved)?;
        if !typed.is_empty() || !needed {
            return opens(&typed);
        }
        for _ in 1..TRIES {
            match opens(asked(PROMPT)?.as_slice()) {
                Err(failure) if is_interactive() => tell(failure),
                opened => return opened,
            }
        }
        opens(asked(PROMPT)?.as_slice())
    }

    /// Of the flags, or else of the files.
    fn at_hand(&self, saved: &SavedFiles) -> Result<Vec<SecretString>, Failure> {
        let mut typed = self.given()?;
        if typed.is_empty() {
            typed.extend(saved.typed().cloned());
        }
        Ok(typed)
    }

    /// The same where a key storage is meant.
    pub(crate) fn typed_for_storage(
        &self,
        saved: &SavedFiles,
    ) -> Result<Vec<SecretString>, Failure> {
        let typed = self.typed(saved)?.into_iter();
        Ok(typed.map(|text| with_backup_key(text, saved)).collect())
    }

    /// The only key that a command is about.
    pub(crate) fn one(file: Option<&Path>) -> Result<SecretString, Failure> {
        let typed = match file {
            Some(file) => Some(secret_in(file, Wanted::KeyToCheck)?),
            None => asked(PROMPT)?,
        };
        typed.ok_or_else(|| {
            Failure::usage("there is no recovery key: name its file with --file, or \u{201c}-\u{201d} for standard input")
        })
    }
}

/// A secret that a flag names the file of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    RecoveryKey,
    Passphrase,
    /// The key that `key check` is about.
    KeyToCheck,
    /// What a file descriptor gives.
    RecoveryKeyOrPassphrase,
    NewPassphrase,
    PassphraseOfFile,
    Password,
    AccessToken,
    Login,
}

impl Wanted {
    /// To stand after *it should hold*.
    fn name(self) -> &'static str {
        match self {
            Self::RecoveryKey | Self::KeyToCheck => "the recovery key",
            Self::Passphrase => "the passphrase",
            Self::RecoveryKeyOrPassphrase => "the recovery key or passphrase",
            Self::NewPassphrase | Self::PassphraseOfFile => "the passphrase of the key file",
            Self::Password => "the password",
            Self::AccessToken => "the access token",
            Self::Login => "what \u{201c}strongroom login\u{201d} has written",
        }
    }

    /// Where a secret can be taken for the name of a file.
    fn flag(self) -> Option<&'static str> {
        match self {
            Self::RecoveryKey => Some("--recovery-key-file"),
            Self::Passphrase | Self::PassphraseOfFile => Some("--passphrase-file"),
            Self::KeyToCheck => Some("--file"),
            Self::NewPassphrase => Some("--export-passphrase-file"),
            Self::Password => Some("--password-file"),
            Self::AccessToken => Some("--access-token-file"),
            Self::RecoveryKeyOrPassphrase | Self::Login => None,
        }
    }

    /// Whether it is for a homeserver: what unlocks messages must not get there.
    fn is_sent(self) -> bool {
        matches!(self, Self::Password | Self::AccessToken)
    }

    /// The secret itself where its file should be named is not repeated.
    fn is_no_file(self, path: &Path) -> Option<Failure> {
        let flag = self.flag()?;
        if is_standard_input(path) || path.exists() || looks_like_a_file_name(path) {
            return None;
        }
        let name = self.name();
        let or = if self == Self::AccessToken {
            ""
        } else {
            ", or leave the flag out and you are asked for it"
        };
        Some(Failure::usage(format!(
            "{flag} wants the name of a file, not {name} itself, and there is no such file: put {name} into one{or}"
        )))
    }

    /// Why a text cannot be it.
    fn refusal(self, text: &str) -> Option<String> {
        let name = self.name();
        if text.trim().is_empty() {
            return Some(format!("the file is empty: it should hold {name}"));
        }
        match Content::of(text)? {
            Content::Json if self == Self::Login => None,
            Content::RecoveryKey if self.is_sent() => Some(format!(
                "this is a recovery key, not {name}, and was not sent: name the file with --recovery-key-file"
            )),
            Content::RecoveryKey => None,
            found => Some(format!("this is {}, not {name}: name another file", found.name())),
        }
    }
}

/// The backup’s own key in base64 as the recovery key that it is: as a passphrase it would say nothing.
fn with_backup_key(typed: SecretString, saved: &SavedFiles) -> SecretString {
    let key = BackupDecryptionKey::from_base64(typed.expose_str().trim());
    let is_of = |key: &BackupDecryptionKey| {
        saved.versions().any(|info| {
            info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key.public_key())
        })
    };
    match key.ok().filter(is_of) {
        Some(key) => key.to_recovery_key().to_text(),
        None => typed,
    }
}

/// Whether nobody would write a secret like this: it is in a folder that is there, or ends as files of texts do.
fn looks_like_a_file_name(path: &Path) -> bool {
    let is_in_folder = path.parent().is_some_and(|it| !it.as_os_str().is_empty() && it.is_dir());
    let ends = |end: &std::ffi::OsStr| ["txt", "key", "json"].iter().any(|it| end == *it);
    is_in_folder || path.extension().is_some_and(ends)
}

/// The text of a file, without the end of its line.
pub(crate) fn secret_in(path: &Path, wanted: Wanted) -> Result<SecretString, Failure> {
    if let Some(failure) = wanted.is_no_file(path) {
        return Err(failure);
    }
    let (bytes, _) = beginning_of(path, &Limits::default())?;
    let text = text_file::read_text(bytes.expose_bytes())
        .map_err(|error| Failure::content(path, error))?;
    let text = text.expose_str().trim_end_matches(['\r', '\n']);
    match wanted.refusal(text) {
        Some(refusal) => Err(Failure::content(path, refusal)),
        None => Ok(SecretString::from(text)),
    }
}

/// In the words of clients, today's and those that people remember.
const PROMPT: &str = "Recovery key (formerly Security Key) or passphrase (Security Phrase):";
