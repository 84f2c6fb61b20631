//! What a person types, or has in a file: a recovery key or passphrase.

use std::path::{Path, PathBuf};

use clap::Args;
use strongroom::{Limits, encoding::text_file, saved_files::SavedFiles, secret::SecretString};

use crate::{beginning::beginning_of, failure::Failure, terminal::asked};

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
        let mut typed = self.files().map(|file| typed_in(file)).collect::<Result<Vec<_>, _>>()?;
        #[cfg(unix)]
        for number in &self.recovery_key_fd {
            typed.push(typed_in(&PathBuf::from(format!("/dev/fd/{number}")))?);
        }
        Ok(typed)
    }

    /// What is asked for on a terminal, where there are several: that of `whose`.
    pub(crate) fn asked_for(whose: &str) -> Result<Option<SecretString>, Failure> {
        asked(&format!("{} of {whose}:", PROMPT.trim_end_matches(':')))
    }

    /// What was typed: of the flags, or else of the files, or else what is asked for on a terminal. Nothing if there is none.
    pub(crate) fn typed(&self, saved: &SavedFiles) -> Result<Vec<SecretString>, Failure> {
        let mut typed = self.given()?;
        if typed.is_empty() {
            typed.extend(saved.typed().cloned());
        }
        if typed.is_empty() {
            typed.extend(asked(PROMPT)?);
        }
        Ok(typed)
    }

    /// The only key that a command is about.
    pub(crate) fn one(file: Option<&Path>) -> Result<SecretString, Failure> {
        let typed = match file {
            Some(file) => Some(typed_in(file)?),
            None => asked(PROMPT)?,
        };
        typed.ok_or_else(|| {
            Failure::usage("there is no recovery key: name its file with --file, or \u{201c}-\u{201d} for standard input")
        })
    }
}

/// The text of a file, without the end of its line.
pub(crate) fn typed_in(path: &Path) -> Result<SecretString, Failure> {
    let (bytes, _) = beginning_of(path, &Limits::default())?;
    let text = text_file::read_text(bytes.expose_bytes())
        .map_err(|error| Failure::content(path, error))?;
    let text = text.expose_str().trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(Failure::content(
            path,
            "the file is empty: it should hold a recovery key or passphrase",
        ));
    }
    Ok(SecretString::from(text))
}

/// In the words of clients, today's and those that people remember.
const PROMPT: &str = "Recovery key (formerly Security Key) or passphrase (Security Phrase):";
