//! `strongroom key`: a recovery key as it was written down.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupPublicKey},
    crypto::key_material::KeyMaterial,
    recovery_key::{RecoveryKey, RecoveryKeyError, TypingMistake},
    saved_files::SavedFiles,
    secret_storage::{KeyDescription, KeyStanding, SecretStorage},
};

use crate::{
    failure::{Failure, Status, print_json},
    input,
    output::SecretText,
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
#[command(group(ArgGroup::new("proof").args(["public_key", "from"]).multiple(true).requires("repair")))]
struct Check {
    /// A file with the recovery key, or `-` for standard input; without it the key is asked for.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
    /// Looks for one wrong, missing, extra or swapped character, and prints the key that was meant. --public-key or --from prove
    /// that it is the right one.
    #[arg(long, requires = "proof")]
    repair: bool,
    /// The public key of the backup, in base64.
    #[arg(long, value_name = "BASE64")]
    public_key: Option<String>,
    /// What was saved of the account: a folder, a file, or `-` for standard input. Can be given several times.
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Report {
    Valid {
        valid: bool,
        curve25519_public_key: String,
    },
    Invalid {
        valid: bool,
        error: String,
        position: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        repaired: Option<Vec<SecretText>>,
    },
}

/// What tells whether a key is the right one.
struct Proof {
    public_keys: Vec<BackupPublicKey>,
    storage: Option<SecretStorage>,
}

impl Options {
    pub(crate) fn json(&self) -> bool {
        let Command::Check(check) = &self.command;
        check.json
    }
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let Command::Check(check) = &options.command;
    let proof = check.repair.then(|| Proof::new(check)).transpose()?;
    let typed = input::Key::one(check.file.as_deref())?;
    let read = RecoveryKey::typed_by_user(typed.expose_str());
    let proves = |key: &RecoveryKey| proof.as_ref().is_none_or(|proof| proof.proves(key));
    let error = match read {
        Ok(key) if proves(&key) => {
            print_whole(key, check.json)?;
            return Ok(Status::Good);
        }
        Ok(_) => ANOTHER_KEY.to_owned(),
        Err(ref error) => verdict(typed.expose_str(), error),
    };
    let repaired = proof.is_some().then(|| RecoveryKey::repair_typed(typed.expose_str(), proves));
    let status = match repaired.as_deref() {
        Some([_]) => Status::NotAllGood,
        _ => Status::Failed,
    };
    if check.json {
        let position = match repaired.as_deref() {
            Some([(_, mistake)]) => Some(mistake.position()),
            _ => read.err().as_ref().and_then(position),
        };
        let text = |(key, _): &(RecoveryKey, _)| SecretText::new(key.to_text());
        let repaired = repaired.map(|all| all.iter().map(text).collect());
        print_json(&Report::Invalid { valid: false, error, position, repaired })?;
        return Ok(status);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{error}")?;
    if let Some(repaired) = repaired {
        print_repaired(&mut out, &repaired)?;
    }
    Ok(status)
}

fn print_whole(key: RecoveryKey, json: bool) -> Result<(), Failure> {
    let key = BackupDecryptionKey::from_recovery_key(key);
    let public_key = key.public_key().to_base64();
    if json {
        return print_json(&Report::Valid { valid: true, curve25519_public_key: public_key });
    }
    let mut out = io::stdout().lock();
    writeln!(out, "This is a whole recovery key.")?;
    writeln!(out, "If it is that of a backup, the backup has this public key: {public_key}")?;
    Ok(())
}

fn print_repaired(
    out: &mut impl io::Write,
    repaired: &[(RecoveryKey, TypingMistake)],
) -> io::Result<()> {
    match repaired {
        [] => writeln!(
            out,
            "It could not be repaired: no one wrong, missing, extra or swapped character makes it the right key. More than one is \
             wrong, or it is the key of something else."
        ),
        [(key, mistake)] => {
            writeln!(out, "The mistake was found, counting groups of four: {mistake}.")?;
            writeln!(out, "This is the right key: {}", key.to_text().expose_str())
        }
        all => {
            writeln!(out, "There are several right keys that it can have been meant for:")?;
            all.iter().try_for_each(|(key, mistake)| {
                writeln!(out, "  {} ({mistake})", key.to_text().expose_str())
            })
        }
    }
}

impl Proof {
    fn new(check: &Check) -> Result<Self, Failure> {
        input::check_standard_input(check.file.iter().chain(&check.from))?;
        let limits = Limits::default();
        let mut loaded = input::Loaded::default();
        loaded.add(&check.from, &limits)?;
        let mut public_keys = public_keys(&loaded.files);
        if let Some(text) = &check.public_key {
            // What was given may be a secret, and is not repeated.
            let public_key = BackupPublicKey::from_base64(text)
                .map_err(|error| Failure::usage(format!("the value of --public-key: {error}")))?;
            public_keys.push(public_key);
        }
        let proof = Self { public_keys, storage: loaded.files.secret_storage(&limits) };
        if !proof.is_any() {
            return Err(Failure::other(
                "nothing in what was given tells which recovery key is the right one: there is neither a backup version nor a \
                 key of the key storage that can be checked",
            ));
        }
        Ok(proof)
    }

    fn is_any(&self) -> bool {
        let mut described = self.storage.iter().flat_map(SecretStorage::keys);
        !self.public_keys.is_empty() || described.any(KeyDescription::can_be_checked)
    }

    fn proves(&self, key: &RecoveryKey) -> bool {
        let bytes = KeyMaterial::from(key.as_secret());
        let mut described = self.storage.iter().flat_map(SecretStorage::keys);
        let of_backup = BackupDecryptionKey::from_recovery_key(key.clone());
        self.public_keys.contains(of_backup.public_key())
            || described.any(|description| {
                description.accept(&bytes).is_ok_and(|key| key.standing() == KeyStanding::Checked)
            })
    }
}

fn public_keys(saved: &SavedFiles) -> Vec<BackupPublicKey> {
    let auth_data = saved.versions().filter_map(|version| version.auth_data().ok());
    auth_data.map(|auth_data| *auth_data.public_key()).collect()
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

/// It has no mistake that can be seen, but it is not the right key.
const ANOTHER_KEY: &str = "This is a whole recovery key, but not the right one.";
