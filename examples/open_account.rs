//! Opens the secret storage of an account with its recovery key or passphrase, whatever client wrote it.
//!
//! ```text
//! cargo run --release --example open_account -- tests/vectors/js-sdk/random.json
//! ```
//!
//! The file holds `account_data`, an object from event type to content, and `recovery_key` or `passphrase`.
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

use std::{collections::BTreeMap, error::Error, fs, io, path::PathBuf, process::ExitCode};

use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strongroom::{
    Limits,
    encoding::json_object::JsonObject,
    excerpt::Excerpt,
    ids::{EventType, SecretStorageKeyId},
    passphrase::PassphraseParametersError,
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
    /// A JSON object with `account_data`, and `recovery_key` or `passphrase`.
    file: PathBuf,
}

#[derive(Deserialize)]
struct Account {
    account_data: BTreeMap<String, Box<RawValue>>,
    recovery_key: Option<String>,
    passphrase: Option<String>,
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
    let text = fs::read(&options.file)
        .map_err(|error| format!("{} cannot be read: {error}", options.file.display()))?;
    let account: Account = serde_json::from_slice(&text)
        .map_err(|error| format!("{} holds no account: {error}", options.file.display()))?;
    let events = account.account_data.iter().filter_map(|(event_type, content)| {
        Some((EventType::from(event_type.as_str()), object(event_type, content)?))
    });
    let events: Vec<_> = events.collect();
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    let storage = SecretStorage::from_account_data(events, &Limits::default());
    for finding in storage.findings() {
        eprintln!("{finding}");
    }
    let typed: Vec<_> = account.recovery_key.into_iter().chain(account.passphrase).collect();
    if typed.is_empty() {
        return Err("there is neither a recovery key nor a passphrase in the file".into());
    }
    let mut found =
        find_keys(&storage, &typed.into_iter().map(SecretString::from).collect::<Vec<_>>());
    let verdicts = storage.open_all(&mut found.keys, &PublicKeys::default());
    if !found.keys.is_empty() {
        explain(&verdicts);
    }
    serde_json::to_writer(io::stdout(), &report(&storage, &found.attempts, &verdicts))?;
    println!();
    Ok(status(&found.keys, &verdicts))
}

fn object(event_type: &str, content: &RawValue) -> Option<JsonObject> {
    let object = JsonObject::from_json(content.get().as_bytes());
    object.inspect_err(|error| eprintln!("{}: {error}", Excerpt::new(event_type))).ok()
}

fn find_keys(storage: &SecretStorage, typed: &[SecretString]) -> Found {
    let mut found = Found::default();
    for text in typed {
        match storage.unlock(text.expose_str(), &PublicKeys::default(), &Limits::default()) {
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
            _ => KeyStatus::Unsupported,
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
