//! `strongroom bundle export`.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::{
    Limits,
    backup::{BackupVersionInfo, TrustedBackup},
    ids::UserId,
    saved_files::SavedFiles,
    secret::SecretVec,
    secret_storage::VerifiedPublicKeys,
    secret_value::{CROSS_SIGNING_MASTER, PublicKeys, SecretValue},
    secrets_bundle::{SecretsBundle, SecretsBundleError},
    signed_json::TrustedSigner,
};

use super::{NOT_PUBLISHED, published};
use crate::{
    failure::{Failure, Status, named, printed, shown, tell},
    input::{self, Extent, Key, Saved},
    output::NewFile,
};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// The file to write, readable by you alone: whoever has it is you, as far as encryption goes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replaces a file that exists already.
    #[arg(long)]
    force: bool,
}

/// What is written.
struct Written<'a> {
    json: SecretVec,
    /// The version of the backup whose key is in it.
    version: Option<&'a BackupVersionInfo>,
    /// Why there is none, though the account has a backup.
    note: Option<String>,
}

/// Opens the key storage, and writes what belongs to the public keys of the account.
pub(super) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let free = |out: &Path| NewFile::create(out, options.force).map(drop);
    // Whether it can be written shows before anything is fetched.
    options.out.as_deref().map_or(Ok(()), free)?;
    let saved = options.saved.read(options.key.files(), Extent::NoKeys, &limits)?.files;
    let published = published(&saved, &limits).ok_or_else(|| Failure::other(NOT_PUBLISHED))?;
    let bundle = at_hand(&options.key, &saved, &limits)?;
    check_master_key(&bundle)?;
    let written = write(&bundle, published, &saved, &limits)?;
    let out = input::free_place(options.out.as_deref(), "A file to write:", "--out", free)?;
    let mut file = NewFile::create(&out, options.force)?;
    file.put(written.json.expose_bytes())?;
    file.finish()?;
    written.note.iter().for_each(tell);
    printed(print(&mut io::stdout().lock(), &bundle, &written, &out))?;
    Ok(if written.note.is_none() { Status::Good } else { Status::NotAllGood })
}

/// The secrets out of the key storage, and those of a bundle that was given where the key storage has none.
fn at_hand(key: &Key, saved: &SavedFiles, limits: &Limits) -> Result<SecretsBundle, Failure> {
    let storage = saved.secret_storage(limits).ok_or_else(|| {
        Failure::other(
            "there is no account data in what was given, so nothing of a key storage: save everything with \u{201c}strongroom \
             fetch\u{201d}, and name its folder with --from",
        )
    })?;
    let typed = key.typed_for_storage(saved)?;
    if typed.is_empty() {
        return Err(Failure::usage(
            "there is neither a recovery key nor a passphrase: name a file with --recovery-key-file or --passphrase-file",
        ));
    }
    let mut keys = Vec::new();
    for text in &typed {
        match storage.unlock(text.expose_str(), &PublicKeys::default(), limits) {
            Ok(unlocked) => keys.extend(unlocked.keys),
            Err(error) => tell(&error),
        }
    }
    if keys.is_empty() {
        return Err(Failure::other(
            "what was entered opens nothing in the key storage, so nothing was written",
        ));
    }
    let mut secrets = Vec::new();
    for verdict in storage.open_all(&mut keys, &PublicKeys::default()) {
        match verdict.outcome.as_ref().map(|opened| opened.value()) {
            Ok(Ok(read)) => secrets.push(read.value),
            Ok(Err(error)) => tell(format_args!("{}: {error}", shown(verdict.name.as_str()))),
            Err(error) => tell(format_args!("{}: {error}", shown(verdict.name.as_str()))),
        }
    }
    let of_files = saved.secrets_bundles().flat_map(SecretsBundle::secrets);
    SecretsBundle::new(secrets.into_iter().chain(of_files)).map_err(refused)
}

/// The master key is the user's if somebody with the key of the key storage has put it there: no homeserver can.
fn check_master_key(bundle: &SecretsBundle) -> Result<(), Failure> {
    let is_it = |secret: &SecretValue| secret.name().as_str() == CROSS_SIGNING_MASTER;
    let master = bundle.secrets().find(is_it);
    if master.is_some_and(|master| master.provenance().is_authentic()) {
        return Ok(());
    }
    Err(Failure::other(
        "nothing was written: nothing shows that the master key is yours, since it comes out of a file, or was stored so that the \
         homeserver could have put it there; bring an old key storage into today\u{2019}s form with \u{201c}strongroom \
         migrate\u{201d} first",
    ))
}

fn write<'a>(
    bundle: &SecretsBundle,
    mut published: VerifiedPublicKeys,
    saved: &'a SavedFiles,
    limits: &Limits,
) -> Result<Written<'a>, Failure> {
    let fits = |info: &&BackupVersionInfo| {
        let key = bundle.backup_key().map(|key| key.public_key());
        info.auth_data().is_ok_and(|auth_data| Some(auth_data.public_key()) == key)
    };
    let version = saved.versions().find(fits);
    if let (Some(version), Some(user_id)) = (version, saved.user_id()) {
        pin_if_signed(&mut published, version, user_id, limits);
    }
    match bundle.to_json(&published, version) {
        Ok(json) => {
            let has_backup = saved.versions().next().is_some();
            let note = match (version, bundle.backup_key()) {
                (None, Some(_)) => Some(OTHER_BACKUP.to_owned()),
                (None, None) if has_backup => Some(NOT_STORED.to_owned()),
                _ => None,
            };
            Ok(Written { json, version, note })
        }
        Err(error @ (SecretsBundleError::Unauthenticated | SecretsBundleError::OnlyDevice)) => {
            let json = bundle.to_json(&published, []).map_err(refused)?;
            let note = format!("The key of the backup was left out: {error}.");
            Ok(Written { json, version: None, note: Some(note) })
        }
        Err(error) => Err(refused(error)),
    }
}

/// A backup that the digital identity has signed is the user's.
fn pin_if_signed(
    published: &mut VerifiedPublicKeys,
    version: &BackupVersionInfo,
    user_id: &UserId,
    limits: &Limits,
) {
    let keys = published.as_public_keys();
    let signers = keys.master.into_iter().chain(keys.self_signing);
    let signers: Vec<_> = signers.map(TrustedSigner::of_cross_signing_key).collect();
    let backup = TrustedBackup::by_signature(version, user_id, &signers, &[], limits);
    if let Ok(backup) = backup {
        published.pin_backup(*backup.public_key().as_curve25519());
    }
}

fn refused(error: SecretsBundleError) -> Failure {
    Failure::other(format!("nothing was written: {error}"))
}

fn print(
    out: &mut impl io::Write,
    bundle: &SecretsBundle,
    written: &Written<'_>,
    path: &Path,
) -> io::Result<()> {
    let name = named(path);
    let backup = written.version.map(|info| {
        format!(", and the key of the backup, version {}", shown(info.version().as_str()))
    });
    writeln!(out, "{name} has the digital identity{}.", backup.unwrap_or_default())?;
    if let Some(master) = bundle.public_keys().master {
        writeln!(out, "Its master key has this public key: {master}")?;
    }
    writeln!(
        out,
        "\nIt is not encrypted: whoever has {name} can read your messages and sign devices as you. Give it to nothing but the new \
         device, and delete it when that device has it."
    )
}

const OTHER_BACKUP: &str =
    "The key of the backup was left out: it is that of no version of the backup that was given.";

const NOT_STORED: &str = "The key of the backup is not in your key storage, so the new device will not read older messages with what was written.";
