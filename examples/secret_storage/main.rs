//! Creates a secret storage, stores in it, unlocks it by passphrase, rotates its key, and brings an account
//! of 2019 home; on an in-memory homeserver, each plan printed as a user would be shown it.
//!
//! ```text
//! cargo run --release --example secret_storage
//! ```
//!
//! With `--out DIR` both accounts are saved as `strongroom secrets` reads them. The exit status is 0 if
//! every secret came back equal.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock and files, which the library has not"
)]

mod account;
#[expect(dead_code, reason = "this example writes no sessions")]
#[path = "../support/files.rs"]
mod files;
mod old_account;
#[path = "../../tests/support/primitives.rs"]
mod primitives;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use serde_json::json;

use strongroom::{
    encoding::format::FormatError,
    ids::SecretName,
    passphrase::is_login_password,
    secret_storage::{NewKey, SecretStorageKey, VerifiedPublicKeys},
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, SecretValue},
};

use account::Account;
use files::NewFile;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Creates, changes, rotates and migrates secret storages, and prints each plan.
#[derive(Parser)]
struct Options {
    /// Saves both accounts there as `new.json` and `migrated.json`, with their recovery keys: for trying
    /// out, since whoever reads them has everything.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => {
            println!("every secret came back equal");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let mut account = Account::new("@alice:example.org");

    headline("A new secret storage with a passphrase");
    if is_login_password(PASSPHRASE, LOGIN_PASSWORD) {
        return Err("the homeserver knows this passphrase".into());
    }
    let key = NewKey::from_passphrase(PASSPHRASE, Some("my passphrase"))?;
    println!("Write this down, in case that you forget the passphrase: {}", shown(&key)?);
    account.change(&[], |change| {
        change.create(&key)?;
        SECRETS.iter().try_for_each(|(name, text)| change.store(&own(name, text)?))
    })?;

    headline("Unlocked by the passphrase");
    let keys = account.unlock(PASSPHRASE)?;
    check(&account, keys.clone(), &SECRETS)?;

    headline("A secret with another value");
    let changed = [SECRETS[0], SECRETS[1], ("org.example.pin", "4321")];
    account.change(&keys, |change| change.store(&own("org.example.pin", changed[2].1)?))?;
    check(&account, keys.clone(), &changed)?;

    headline("A new key in the place of the old one");
    let new_key = NewKey::generate(Some("my recovery key"))?;
    let written_down = shown(&new_key)?;
    account.change(&keys, |change| change.rotate(key.id(), &new_key))?;
    check(&account, account.unlock(&written_down)?, &changed)?;
    if account.unlock(PASSPHRASE).is_ok() {
        return Err("the old key is still there".into());
    }
    save(options, "new.json", &account, &written_down)?;

    migrate(options)
}

/// Brings an account home that no client opens any more.
fn migrate(options: &Options) -> Result<()> {
    headline("An account of 2019");
    let mut account = Account::new("@bob:example.org");
    let old = old_account::fill(&mut account, &SECRETS)?;
    let keys = account.unlock(&old.recovery_key)?;
    check(&account, keys.clone(), &old.secrets)?;

    headline("Moved as far as somebody vouches for it");
    let new_key = NewKey::generate(None)?;
    let verified = VerifiedPublicKeys::with_master(account.user_id().clone(), old.master);
    account.change(&keys, |change| change.migrate(&new_key, &verified, &[]))?;

    headline("Moved, with the secrets that the user accepts by their names");
    let mut keys = keys;
    keys.extend(account.unlock(&shown(&new_key)?)?);
    let accepted: Vec<_> = old.secrets.iter().map(|(name, _)| SecretName::from(*name)).collect();
    account.change(&keys, |change| change.migrate(&new_key, &verified, &accepted))?;
    check(&account, account.unlock(&shown(&new_key)?)?, &old.secrets)?;
    if account.unlock(&old.recovery_key).is_ok() {
        return Err("the old key is still there".into());
    }
    save(options, "migrated.json", &account, &shown(&new_key)?)
}

fn save(options: &Options, name: &str, account: &Account, recovery_key: &str) -> Result<()> {
    let Some(folder) = &options.out else { return Ok(()) };
    fs::create_dir_all(folder)?;
    let mut file = NewFile::create(&Path::new(folder).join(name))?;
    let saved = json!({"account_data": account.data()?, "recovery_key": recovery_key});
    file.write(saved.to_string().as_bytes())?;
    Ok(file.finish()?)
}

/// Whether the keys open every secret to its value.
fn check(
    account: &Account,
    mut keys: Vec<SecretStorageKey>,
    secrets: &[(&str, impl AsRef<str>)],
) -> Result<()> {
    let storage = account.storage();
    for (name, text) in secrets {
        let opened = storage.open(&(*name).into(), &mut keys, &Default::default())?;
        if opened.text().expose_str() != text.as_ref() {
            return Err(format!("{name} has another value").into());
        }
        println!("opened   {name}, authenticated: {}", opened.is_authenticated());
    }
    Ok(())
}

fn shown(key: &NewKey) -> Result<String> {
    let recovery_key = key.to_recovery_key().ok_or("the key has no recovery key")?;
    Ok(recovery_key.to_text().expose_str().to_owned())
}

fn headline(text: &str) {
    println!("\n== {text}");
}

const PASSPHRASE: &str = "ruhig Kelle Marabu 7 Zwielicht";

const LOGIN_PASSWORD: &str = "wonderland";

/// The secrets of both accounts; keys of nobody's.
const SECRETS: [(&str, &str); 3] = [
    (CROSS_SIGNING_MASTER, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"),
    (MEGOLM_BACKUP_V1, "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"),
    ("org.example.pin", "1234"),
];

/// A secret that this client has made itself.
fn own(name: &str, text: &str) -> std::result::Result<SecretValue, FormatError> {
    SecretValue::kept_by_host(&name.into(), text.as_bytes()).map(|read| read.value)
}
