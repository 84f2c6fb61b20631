//! `strongroom key`: a recovery key as it was written down.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use serde::Serialize;
use strongroom::{
    backup::BackupDecryptionKey,
    recovery_key::{RecoveryKey, RecoveryKeyError},
};

use crate::{
    failure::{Failure, Status, print_json},
    input,
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says whether a recovery key is whole, where a mistake is, and which backup it would be the key of.
    Check(Check),
}

#[derive(Args)]
struct Check {
    /// A file with the recovery key, or `-` for standard input; without it the key is asked for.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Report {
    Valid { valid: bool, curve25519_public_key: String },
    Invalid { valid: bool, error: String, position: Option<usize> },
}

impl Options {
    pub(crate) fn json(&self) -> bool {
        let Command::Check(check) = &self.command;
        check.json
    }
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let Command::Check(check) = &options.command;
    let typed = input::Key::one(check.file.as_deref())?;
    let read = RecoveryKey::typed_by_user(typed.expose_str());
    let status = if read.is_ok() { Status::Good } else { Status::Failed };
    if check.json {
        print_json(&Report::new(typed.expose_str(), read))?;
        return Ok(status);
    }
    let mut out = io::stdout().lock();
    match read {
        Ok(key) => {
            let key = BackupDecryptionKey::from_recovery_key(key);
            writeln!(out, "This is a whole recovery key.")?;
            writeln!(
                out,
                "If it is that of a backup, the backup has this public key: {}",
                key.public_key().to_base64()
            )?;
        }
        Err(error) => writeln!(out, "{}", verdict(typed.expose_str(), &error))?,
    }
    Ok(status)
}

impl Report {
    fn new(typed: &str, read: Result<RecoveryKey, RecoveryKeyError>) -> Self {
        match read {
            Ok(key) => {
                let key = BackupDecryptionKey::from_recovery_key(key);
                Self::Valid { valid: true, curve25519_public_key: key.public_key().to_base64() }
            }
            Err(error) => Self::Invalid {
                valid: false,
                error: verdict(typed, &error),
                position: position(&error),
            },
        }
    }
}

/// What is said of a text that is no recovery key.
fn verdict(typed: &str, error: &RecoveryKeyError) -> String {
    if looks_like_a_passphrase(typed) {
        "This looks like a passphrase. A recovery key has 48 letters and digits, and begins with Es; to see whether a passphrase \
         opens something, use \u{201c}strongroom secrets\u{201d} or \u{201c}strongroom diagnose\u{201d} with what was saved of the \
         account."
            .into()
    } else {
        format!("This is not a whole recovery key: {error}.")
    }
}

/// Where the mistake is, counted from 1 as people count.
fn position(error: &RecoveryKeyError) -> Option<usize> {
    match error {
        RecoveryKeyError::Character { position } | RecoveryKeyError::Invisible { position, .. } => {
            Some(*position)
        }
        _ => None,
    }
}

/// Whether nobody has meant it as a recovery key.
fn looks_like_a_passphrase(typed: &str) -> bool {
    let characters = typed.chars().filter(|c| !c.is_whitespace()).count();
    characters < 32 && !typed.trim_start().starts_with("Es")
}
