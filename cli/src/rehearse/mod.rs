//! `strongroom rehearse`: what would come back if every device were lost today.

mod local;
mod report;
mod secrets;

use std::{io, path::PathBuf};

use clap::Args;
use strongroom::{
    Limits, backup::RestoredSession, secret::SecretString, secret_storage::SecretStorage,
    session_data::BestCopies,
};

use self::{
    local::{Local, Standing},
    report::{MessageKeys, Report},
};
use crate::{
    failure::{Failure, Status, print_json, printed},
    input::{Extent, Key, Loaded, Saved},
    rescue::{Bodies, Versions, keys_typed, tell_of_nameless_rooms},
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    // All that is left when every device is lost: keys in a secrets bundle are not counted.
    #[command(flatten)]
    key: Key,
    /// A key file that a device has exported, to see what only that device has: the check before it is logged out. Can be given
    /// several times.
    #[arg(long, value_name = "KEYFILE")]
    local: Vec<PathBuf>,
    /// A file with the passphrase of a key file: each is tried on each. Can be given several times; without it, it is asked for.
    #[arg(long, value_name = "FILE", requires = "local")]
    export_passphrase_file: Vec<PathBuf>,
    /// Lists everything that only the device has in the report for programs, not only the first 1,000.
    #[arg(long, requires = "json")]
    all: bool,
    /// Prints a report for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tries it: with nothing but what was entered, and what the homeserver has.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    // What cannot be read shows before anything is fetched.
    let mut local = Local::open(&options.local, &options.export_passphrase_file)?;
    let others = options.key.files().chain(local.inputs());
    let saved = options.saved.read(others, Extent::Everything, &limits)?;
    let typed = options.key.typed(&saved.files)?;
    if typed.is_empty() {
        return Err(Failure::usage(
            "a rehearsal needs what you would have then, a recovery key or a passphrase: name a file with --recovery-key-file or \
             --passphrase-file",
        ));
    }
    let storage = saved.files.secret_storage(&limits);
    let secrets = secrets::returning(&saved.files, storage.as_ref(), &typed, &limits);
    let mut known = BestCopies::default();
    let message_keys = restored(&saved, storage, &typed, &mut known, &limits)?;
    let at_most = if options.all { usize::MAX } else { NAMED };
    let device = local.compare(|session| Standing::of(session, &known), at_most)?;
    let report = Report { secrets, message_keys, device };
    if options.json {
        print_json(&report.to_json())?;
    } else {
        printed(report.print(&mut io::stdout().lock(), &options.local))?;
    }
    Ok(report.status())
}

/// Restores every message key that it can, and remembers how good it is.
fn restored(
    saved: &Loaded,
    storage: Option<SecretStorage>,
    typed: &[SecretString],
    known: &mut BestCopies,
    limits: &Limits,
) -> Result<MessageKeys, Failure> {
    tell_of_nameless_rooms(&saved.files);
    let versions = Versions::new(&saved.files, false);
    if saved.responses().next().is_none() {
        return Ok(if versions.wanted().is_empty() {
            MessageKeys::NoBackup
        } else {
            MessageKeys::NotGiven
        });
    }
    let storage = storage.unwrap_or_default();
    let (found, reason) = keys_typed(&storage, versions.wanted(), typed, limits);
    if found.iter().next().is_none() {
        return Ok(MessageKeys::NoKey(reason.unwrap_or_default()));
    }
    let bodies = Bodies::new(saved, &versions, &found)?;
    let mut rescued = bodies.rescue(None);
    for session in rescued.by_ref().map(RestoredSession::into_exported) {
        known.see(0, &session);
    }
    let mut report = rescued.into_report()?;
    report.has_gaps = saved.has_gaps;
    Ok(MessageKeys::Tried(Box::new(report)))
}

/// How many of the message keys that only a device has are named in JSON.
const NAMED: usize = 1_000;
