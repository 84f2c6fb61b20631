//! `strongroom bundle check`.

use std::{
    io::{self, Write as _},
    iter,
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::{
    Limits,
    backup::{BackupPublicKey, BackupVersionInfo},
    crypto::ed25519::Ed25519PublicKey,
    saved_files::{SavedFiles, SavedPart},
    secrets_bundle::SecretsBundle,
};

use super::{NOT_PUBLISHED, published};
use crate::{
    beginning::beginning_of,
    failure::{Failure, Status, printed, shown, tell},
    input::{Extent, Saved},
    terminal::typed_until,
};

#[derive(Args)]
pub(super) struct Options {
    /// The bundle, or `-` for standard input.
    #[arg(long = "in", value_name = "FILE")]
    input: Option<PathBuf>,
    // Without it, only the bundle is looked at.
    #[command(flatten)]
    saved: Saved,
}

/// What is said of one key.
struct Line {
    what: String,
    public_key: String,
    /// To stand after the key, and whether it is as it should be.
    verdict: Option<(String, bool)>,
}

/// Shows the public keys of a bundle, and compares them with those of the account. No secret is printed.
pub(super) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let path = typed_path(options.input.as_deref())?;
    let account = if options.saved.is_given() {
        Some(options.saved.read(iter::once(&path), Extent::NoKeys, &limits)?.files)
    } else {
        None
    };
    let bundle = read(&path, &limits)?;
    let lines = lines(&bundle, account.as_ref(), &limits);
    let mut out = io::stdout().lock();
    let is_good = lines.iter().filter_map(|it| it.verdict.as_ref()).all(|(_, is_good)| *is_good);
    printed(print(&mut out, &lines))?;
    match account {
        Some(account) if published(&account, &limits).is_none() => {
            tell(format_args!("Whose it is cannot be said: {NOT_PUBLISHED}."));
            Ok(Status::TooLittle)
        }
        Some(_) if !is_good => Ok(Status::NotAllGood),
        Some(_) => {
            printed(writeln!(out, "{COMPARE}"))?;
            Ok(Status::Good)
        }
        None => {
            printed(writeln!(out, "{ALONE}"))?;
            Ok(Status::Good)
        }
    }
}

fn typed_path(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let typed = typed_until("A secrets bundle:", |line| Ok(PathBuf::from(line)));
    typed?.ok_or_else(|| Failure::usage("there is no secrets bundle: name its file with --in"))
}

fn read(path: &Path, limits: &Limits) -> Result<Box<SecretsBundle>, Failure> {
    let (bytes, _) = beginning_of(path, limits)?;
    let parts = SavedPart::read_all(bytes.expose_bytes(), limits);
    let parts = parts.map_err(|error| Failure::content(path, error))?;
    let bundle = parts.into_iter().find_map(|part| match part {
        SavedPart::SecretsBundle(bundle) => Some(bundle),
        _ => None,
    });
    bundle.ok_or_else(|| {
        Failure::content(path, "this is no secrets bundle: name what was exported on a device")
    })
}

fn lines(bundle: &SecretsBundle, account: Option<&SavedFiles>, limits: &Limits) -> Vec<Line> {
    let ours = bundle.public_keys();
    let published = account.and_then(|account| published(account, limits));
    let theirs = published.as_ref().map(|published| published.as_public_keys());
    let compared = |own: Option<Ed25519PublicKey>, their: Option<Ed25519PublicKey>| match their {
        Some(their) if own == Some(their) => ("that of the account".to_owned(), true),
        Some(_) => ("not that of the account".to_owned(), false),
        None => ("but the account has none that its master key has signed".to_owned(), false),
    };
    let seeds = [
        ("master key", ours.master, theirs.and_then(|it| it.master)),
        ("self-signing key", ours.self_signing, theirs.and_then(|it| it.self_signing)),
        ("user-signing key", ours.user_signing, theirs.and_then(|it| it.user_signing)),
    ];
    let seeds = seeds.into_iter().map(|(what, own, their)| Line {
        what: what.to_owned(),
        public_key: own.map(|key| key.to_base64()).unwrap_or_default(),
        verdict: theirs.map(|_| compared(own, their)),
    });
    let backup = bundle.backup_key().zip(bundle.backup_version()).map(|(key, version)| Line {
        what: format!("backup, version {}", shown(version.as_str())),
        public_key: key.public_key().to_base64(),
        verdict: account.map(|account| of_backup(bundle, key.public_key(), account)),
    });
    seeds.chain(backup).collect()
}

fn of_backup(
    bundle: &SecretsBundle,
    key: &BackupPublicKey,
    account: &SavedFiles,
) -> (String, bool) {
    let fits = |info: &&BackupVersionInfo| {
        info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key)
    };
    let fitting: Vec<_> = account.versions().filter(fits).collect();
    if fitting.iter().any(|info| Some(info.version()) == bundle.backup_version()) {
        return ("that of this version".to_owned(), true);
    }
    match fitting.first() {
        Some(info) => (format!("but that of version {}", shown(info.version().as_str())), false),
        None => ("that of no version of the account".to_owned(), false),
    }
}

fn print(out: &mut impl io::Write, lines: &[Line]) -> io::Result<()> {
    writeln!(out, "This is a whole secrets bundle. Its public keys:")?;
    for Line { what, public_key, verdict } in lines {
        let verdict = verdict.as_ref().map(|(text, _)| format!(", {text}")).unwrap_or_default();
        writeln!(out, "  {what}: {public_key}{verdict}")?;
    }
    Ok(())
}

const COMPARE: &str = "\nThe homeserver says so: compare the master key with the one that another device of yours knows before you use \
                       this bundle.";

const ALONE: &str = "\nWhether it is that of an account shows with --from, --login or --user.";
