//! Opens the secret storage of an account with its recovery key or passphrase, whatever client wrote it.
//!
//! ```text
//! cargo run --release --example open_account -- tests/vectors/js-sdk/random.json
//! ```
//!
//! The files hold `account_data`, in any form that `strongroom::saved_files` reads, and `recovery_key` or `passphrase`; or the
//! account data alone, with `--recovery-key-file`.
//! Prints one JSON object: the default key, what became of each key, and each secret, or `null` for one that
//! did not open. A backup key that was stored as `12,34,…`, or is the storage key itself, is printed in
//! base64; everything else as it was stored. A secret that was deleted or emptied is missing, and not printed.
//!
//! A key `fits` if its description says so, and is `unverifiable` if the description has nothing to check.
//! The exit status is 0 if every secret under a key that fits was opened, 3 if some were not, and 1 if
//! nothing could be opened.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has files, which the library has not"
)]

#[path = "support/saved.rs"]
mod saved;

use std::{collections::BTreeMap, error::Error, io, path::PathBuf, process::ExitCode};

use clap::Parser;
use serde::Serialize;
use strongroom::{
    Limits,
    excerpt::Excerpt,
    ids::SecretStorageKeyId,
    passphrase::PassphraseParametersError,
    saved_files::SavedFiles,
    secret::SecretString,
    secret_storage::{
        KeyAlgorithm, KeyStanding, KeyTest, OpenedSecret, SecretFailure, SecretOrigin,
        SecretStorage, SecretStorageFinding, SecretStorageKey, SecretVerdict, UnlockAttempt,
        UnlockOutcome,
    },
    secret_value::{PublicKeys, SecretRepair},
};

/// Opens the secret storage of an account.
#[derive(Parser)]
struct Options {
    /// Account data, and the key that opens it.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A file with a recovery key or passphrase.
    #[arg(long)]
    recovery_key_file: Option<PathBuf>,
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    default_key: Option<&'a str>,
    keys: BTreeMap<&'a str, KeyStatus>,
    secrets: BTreeMap<&'a str, Option<SecretText>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum KeyStatus {
    Fits,
    Unverifiable,
    DoesNotFit,
    Unsupported,
}

/// A secret on its way to standard output.
struct SecretText(SecretString);

/// The keys that were found, and what was tried for each that is described.
#[derive(Default)]
struct Found {
    keys: Vec<SecretStorageKey>,
    attempts: Vec<UnlockAttempt>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let limits = Limits::default();
    let mut saved_files = SavedFiles::default();
    for file in &options.files {
        saved::read(&mut saved_files, file, &limits)?;
    }
    let storage =
        saved_files.secret_storage(&limits).ok_or("there is no account data in the files")?;
    for finding in storage.findings() {
        eprintln!("{}{finding}", about(finding));
    }
    let mut typed: Vec<_> = saved_files.typed().cloned().collect();
    if let Some(file) = &options.recovery_key_file {
        typed = vec![saved::read_typed(file)?];
    }
    if typed.is_empty() {
        return Err("there is neither a recovery key nor a passphrase in the files".into());
    }
    let backup = saved_files.versions().next().and_then(|info| info.auth_data().ok());
    let mut public_keys = PublicKeys::default();
    public_keys.backup = backup.map(|auth_data| *auth_data.public_key().as_curve25519());
    let mut found = find_keys(&storage, &typed, &public_keys);
    let verdicts = storage.open_all(&mut found.keys, &PublicKeys::default());
    if !found.keys.is_empty() {
        explain(&verdicts);
    }
    serde_json::to_writer(io::stdout(), &report(&storage, &found.attempts, &verdicts))?;
    println!();
    Ok(status(&found.keys, &verdicts))
}

/// What a finding is about, to stand before it.
fn about(finding: &SecretStorageFinding) -> String {
    match finding {
        SecretStorageFinding::Key(id, _)
        | SecretStorageFinding::KeyCheck(id, _)
        | SecretStorageFinding::DefaultKeyMissing(id)
        | SecretStorageFinding::DefaultByName(id) => format!("key {}: ", Excerpt::new(id.as_str())),
        SecretStorageFinding::Secret(name, _) | SecretStorageFinding::WithoutIv(name, _) => {
            format!("{}: ", Excerpt::new(name.as_str()))
        }
        _ => String::new(),
    }
}

fn find_keys(storage: &SecretStorage, typed: &[SecretString], public_keys: &PublicKeys) -> Found {
    let mut found = Found::default();
    for text in typed {
        match storage.unlock(text.expose_str(), public_keys, &Limits::default()) {
            Ok(unlocked) => {
                found.keys.extend(unlocked.keys);
                found.attempts.extend(unlocked.attempts);
            }
            Err(error) => {
                eprintln!("{error}");
                for attempt in &error.attempts {
                    eprintln!("key {}: {}", Excerpt::new(attempt.key_id.as_str()), attempt.outcome);
                }
                found.attempts.extend(error.attempts);
            }
        }
    }
    found
}

fn report<'a>(
    storage: &'a SecretStorage,
    attempts: &'a [UnlockAttempt],
    verdicts: &'a [SecretVerdict],
) -> Report<'a> {
    let (mut keys, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for finding in storage.findings() {
        if let SecretStorageFinding::Key(id, _) = finding {
            keys.insert(id.as_str(), KeyStatus::Unsupported);
        } else if let SecretStorageFinding::Secret(name, _) = finding {
            secrets.insert(name.as_str(), None);
        }
    }
    for attempt in attempts {
        let status = key_status(storage, attempt);
        let best = keys.entry(attempt.key_id.as_str()).or_insert(status);
        *best = status.min(*best);
    }
    for verdict in verdicts {
        secrets.insert(verdict.name.as_str(), verdict.outcome.as_ref().ok().map(printed));
    }
    let default_key = storage.default_key().map(SecretStorageKeyId::as_str);
    Report { default_key, keys, secrets }
}

fn key_status(storage: &SecretStorage, attempt: &UnlockAttempt) -> KeyStatus {
    let Some(key) = storage.key(&attempt.key_id) else {
        // Nothing describes it: it is the key if it opens what is encrypted with it.
        return match &attempt.outcome {
            UnlockOutcome::Fits(..) => KeyStatus::Fits,
            _ => KeyStatus::DoesNotFit,
        };
    };
    match (key.algorithm(), key.test(), &attempt.outcome) {
        (KeyAlgorithm::Unsupported(_), _, _)
        | (_, _, UnlockOutcome::Passphrase(PassphraseParametersError::UnsupportedAlgorithm(_))) => {
            KeyStatus::Unsupported
        }
        (_, KeyTest::Absent | KeyTest::Unreadable(_), _) => KeyStatus::Unverifiable,
        (_, _, UnlockOutcome::Fits(..)) => KeyStatus::Fits,
        _ => KeyStatus::DoesNotFit,
    }
}

/// The secret as stored, or in base64 where it was no text.
fn printed(secret: &OpenedSecret) -> SecretText {
    let is_list = |repairs: &[SecretRepair]| repairs.contains(&SecretRepair::NumberList);
    SecretText(match secret.value() {
        Ok(read) if secret.origin() == SecretOrigin::Passthrough || is_list(&read.repairs) => {
            read.value.to_text()
        }
        _ => secret.text().clone(),
    })
}

/// Says which secrets did not open, and why.
fn explain(verdicts: &[SecretVerdict]) {
    for verdict in verdicts {
        if let Err(failure) = &verdict.outcome {
            eprintln!("{}: {failure}", Excerpt::new(verdict.name.as_str()));
        }
    }
}

fn status(keys: &[SecretStorageKey], verdicts: &[SecretVerdict]) -> ExitCode {
    let fits = |id: &SecretStorageKeyId| {
        let sure = |key: &&SecretStorageKey| key.standing() != KeyStanding::Unverifiable;
        keys.iter().filter(sure).any(|key| key.id() == id)
    };
    let has_failed = |verdict: &SecretVerdict| match &verdict.outcome {
        Err(SecretFailure::Keys(reasons)) => reasons.iter().any(|(id, _)| fits(id)),
        _ => false,
    };
    let has_opened = verdicts.iter().any(|verdict| verdict.outcome.is_ok());
    if keys.is_empty() || !(has_opened || verdicts.is_empty()) {
        ExitCode::FAILURE
    } else if verdicts.iter().any(has_failed) {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

impl Serialize for SecretText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_str())
    }
}
