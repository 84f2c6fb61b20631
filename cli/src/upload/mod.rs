//! `strongroom upload`: message keys into the backup of an account.

mod entry;
mod report;
mod sending;
mod stored;
mod target;

use std::{io, path::PathBuf};

use clap::Args;
use strongroom::{
    Limits, api,
    backup::{RestoredSession, TrustedBackup},
    client::rescue::BackupKeys,
    saved_files::SavedPart,
    secret::SecretString,
};

pub(crate) use self::{sending::Sending, target::Target};
use crate::{
    failure::{self, Failure, Status, printed, shown, tell},
    file::{Purpose, Source},
    input::{Key, Loaded, Wanted, check_standard_input, secret_in},
    network::{Access, Account},
    progress,
    rescue::{self, Bodies, Versions, fits_any, is_key_file, keys_at_hand, tell_of_nameless_rooms},
    terminal::typed_until,
};

#[derive(Args)]
pub(crate) struct Options {
    /// A key file, or a JSON array of exported sessions, or `-` for standard input. Can be given several times.
    #[arg(long = "in", value_name = "KEYFILE")]
    input: Vec<PathBuf>,
    /// A file with the passphrase of a key file: each is tried on each. Can be given several times; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    export_passphrase_file: Vec<PathBuf>,
    /// What was saved of this account or another one: a folder, a file, or `-` for standard input. Can be given several times,
    /// for files of one account.
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
    /// Of what was saved, only the current version of the backup.
    #[arg(long, requires = "from")]
    current_only: bool,
    #[command(flatten)]
    access: Access,
    // Which key is whose shows by what it opens.
    #[command(flatten)]
    key: Key,
    /// Prints a report for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is to be put into the backup, open to be read.
struct Sources<'a> {
    files: Vec<Source<'a>>,
    passphrases: Vec<SecretString>,
    saved: Option<Loaded>,
}

/// Checks that the key fits the backup, and puts into it what it lacks.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let input = options.input()?;
    // What cannot be read shows before anybody logs in.
    let mut sources = Sources::open(options, &input, &limits)?;
    let given = options.key.given()?;
    let account = options.access.connect()?;
    let target = Target::find(&account, given, &limits)?;
    let keys = sources.keys(options, &target.typed, &limits)?;
    let mut sending = Sending::new(&account, &target);
    sources.send_files(&mut sending)?;
    let rescued = match &sources.saved {
        Some(saved) => Some(send_saved(saved, options, &keys, &mut sending)?),
        None => None,
    };
    let (mut report, read_back) = sending.finish()?;
    report.conclude(read_back, count(&account, &target.backup)?);
    if let Some(rescued) = &rescued {
        let mut text = Vec::new();
        rescued.print(&mut text)?;
        // Beside the result, as what is wrong with a key file.
        tell(String::from_utf8_lossy(&text).trim_end());
    }
    if options.json {
        failure::print_json(&report.to_json())?;
    } else {
        printed(report.print(&mut io::stdout().lock()))?;
    }
    Ok(report.status())
}

/// How many sessions the backup has, if it is still the current one.
fn count(account: &Account, backup: &TrustedBackup) -> Result<Option<u64>, Failure> {
    let info = account.connection.send(&api::get_current_backup_version());
    match info.map_err(|trouble| account.failed(trouble).and("all was sent and read back"))? {
        Some(info) if info.version() == backup.version() => Ok(info.count()),
        _ => Err(sending::replaced(backup)),
    }
}

impl Options {
    /// The key files; one is asked for if nothing is named at all.
    fn input(&self) -> Result<Vec<PathBuf>, Failure> {
        if !self.input.is_empty() || !self.from.is_empty() {
            return Ok(self.input.clone());
        }
        let typed = typed_until("A key file:", |line| {
            let path = PathBuf::from(line);
            Source::open(&path, Purpose::Upload).map(drop)?;
            Ok(path)
        });
        let path = typed?.ok_or_else(|| {
            Failure::usage(
                "there is nothing to put into the backup: name a key file with --in, or what was saved of an account with --from",
            )
        })?;
        Ok(vec![path])
    }
}

impl<'a> Sources<'a> {
    fn open(options: &Options, input: &'a [PathBuf], limits: &Limits) -> Result<Self, Failure> {
        let inputs = input.iter().chain(&options.from);
        let keys = options.export_passphrase_file.iter().chain(options.key.files());
        check_standard_input(inputs.chain(keys).chain(options.access.files()))?;
        let files = input
            .iter()
            .map(|path| Source::open(path, Purpose::Upload))
            .collect::<Result<_, _>>()?;
        let passphrases = options.export_passphrase_file.iter();
        let passphrases = passphrases.map(|path| secret_in(path, Wanted::NewPassphrase));
        let passphrases = passphrases.collect::<Result<_, _>>()?;
        let saved = if options.from.is_empty() {
            None
        } else {
            let mut saved = Loaded::default();
            saved.add(&options.from, limits)?;
            Some(of_one_account(saved)?)
        };
        Ok(Self { files, passphrases, saved })
    }

    /// The keys of what was saved. What a file brings is tried, too: it opens, and proves nothing.
    fn keys(
        &self,
        options: &Options,
        typed: &[SecretString],
        limits: &Limits,
    ) -> Result<BackupKeys, Failure> {
        let Some(Loaded { files, .. }) = &self.saved else { return Ok(BackupKeys::new(limits)) };
        let versions = Versions::new(files, options.current_only);
        let versions = versions.wanted();
        let typed: Vec<_> = typed.iter().chain(files.typed()).cloned().collect();
        let (mut found, mut reason) = keys_at_hand(files, versions, &typed, limits);
        if !fits_any(&found, versions)
            && let Some(text) = Key::asked_for("what was saved")?
        {
            (found, reason) = keys_at_hand(files, versions, &[text], limits);
        }
        if found.iter().next().is_none() {
            let reason = reason.unwrap_or_default();
            return Err(Failure::other(format!(
                "no key opens the backup that was saved: {reason}; if it is another account\u{2019}s, name its key, too"
            )));
        }
        Ok(found)
    }

    /// Sends the message keys of all files. Whoever changes a file after it was authenticated gets no more than an error in the
    /// end, when its keys are sent: they could as well have changed it before.
    fn send_files(&mut self, sending: &mut Sending<'_>) -> Result<(), Failure> {
        let passphrases = &self.passphrases;
        // All passphrases are asked for before anything is sent.
        let files = self.files.iter_mut().map(|file| file.read(passphrases));
        for mut file in files.collect::<Result<Vec<_>, _>>()? {
            let progress = progress::of_message_keys(None);
            for session in file.sessions() {
                sending.take(session)?;
                progress.inc(1);
            }
            progress.finish_and_clear();
            let (status, report) = file.finish_with_report()?;
            sending.report.unreadable += report.failed();
            sending.report.status = sending.report.status.and(status);
        }
        Ok(())
    }
}

/// Versions of two accounts have the same numbers, and secrets the same names.
pub(crate) fn of_one_account(saved: Loaded) -> Result<Loaded, Failure> {
    let mut users = saved.files.parts().iter().filter_map(|part| match part {
        SavedPart::User(id) => Some(id),
        _ => None,
    });
    let first = users.next();
    if let (Some(first), Some(other)) = (first, users.find(|id| Some(*id) != first)) {
        let (first, other) = (shown(first.as_str()), shown(other.as_str()));
        return Err(Failure::usage(format!(
            "what was saved is of two accounts, {first} and {other}: call this command for one after the other"
        )));
    }
    Ok(saved)
}

/// Opens what was saved, as a rescue does, and sends it.
fn send_saved(
    saved: &Loaded,
    options: &Options,
    keys: &BackupKeys,
    sending: &mut Sending<'_>,
) -> Result<rescue::Report, Failure> {
    if saved.files.parts().iter().any(is_key_file) {
        tell(
            "Message keys that were exported already are not among what was saved: name their file with --in.",
        );
    }
    tell_of_nameless_rooms(&saved.files);
    let versions = Versions::new(&saved.files, options.current_only);
    let bodies = Bodies::new(saved, &versions, keys)?;
    let mut sessions = bodies.rescue(None);
    for session in sessions.by_ref().map(RestoredSession::into_exported) {
        sending.take(session)?;
    }
    let mut rescued = sessions.into_report()?;
    rescued.has_gaps = saved.has_gaps;
    sending.report.unreadable += rescued.failed();
    sending.report.duplicates += rescued.duplicates();
    sending.report.status = sending.report.status.and(rescued.status());
    Ok(rescued)
}
