//! Restores from files, in memory that does not grow with the backup.

use std::{
    error::Error,
    fs::{self, File},
    io::{ErrorKind, Read},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, BackupVersionInfo, FailureCause, Restore, RestoreOptions,
        RestoreReport, TrustedBackup, Verdict,
    },
    recovery_key::RecoveryKey,
    secret::SecretString,
};

use crate::files::SessionsFile;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What became of a backup.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: RestoreReport,
    elapsed: Duration,
}

/// Restores the backup in a folder on so many threads.
pub(crate) fn restore(folder: &Path, out: Option<&Path>, threads: usize) -> Result<Outcome> {
    let (key, count) = key(folder)?;
    let mut options = RestoreOptions::default();
    options.expected = count;
    options.parallel = threads > 1;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let path = folder.join("room_keys.json");
    let response = File::open(&path).map_err(|error| named(&path, error))?;
    let out = out.map(SessionsFile::create).transpose()?;

    let start = Instant::now();
    let restore = Restore::new(key, options, &Limits::default());
    let report = pool.install(|| stream(restore, response, out))?;
    Ok(Outcome { report, elapsed: start.elapsed() })
}

/// The decryption key, which must be that of the backup, and how many sessions that should have.
fn key(folder: &Path) -> Result<(BackupDecryptionKey, Option<u64>)> {
    let info = read(&folder.join("backup_info.json"))?;
    let info = BackupVersionInfo::from_json(info.expose_str().as_bytes(), &Limits::default())?;
    let typed = read(&folder.join("recovery_key.txt"))?;
    let key = RecoveryKey::parse(typed.expose_str())?;
    let key = BackupDecryptionKey::from_recovery_key(key);
    TrustedBackup::by_decryption_key(&info, &key, &[])?;
    Ok((key, info.count()))
}

/// Feeds the response to the restore, and what comes out to the file.
fn stream(
    mut restore: Restore,
    mut response: impl Read,
    mut out: Option<SessionsFile>,
) -> Result<RestoreReport> {
    // It draws to a terminal only.
    let bar = ProgressBar::new(restore.progress().expected.unwrap_or_default());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} sessions, {eta} left")?);
    let mut buffer = vec![0; BUFFER_BYTES];
    while restore.ended_early().is_none() {
        let length = match response.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                // As a connection that is dropped: what came before is restored.
                eprintln!("{error}");
                break;
            }
            Ok(length) => length,
        };
        let Some(mut piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else { break };
        while let Some(verdicts) = restore.next_batch(&mut piece) {
            store(verdicts, out.as_mut())?;
            bar.set_position(restore.progress().sessions);
        }
    }
    let (verdicts, report) = restore.finish();
    store(verdicts, out.as_mut())?;
    if let Some(out) = out {
        out.finish()?;
    }
    bar.finish_and_clear();
    Ok(report)
}

fn store(verdicts: Vec<Verdict>, mut out: Option<&mut SessionsFile>) -> Result<()> {
    for verdict in verdicts {
        if let (Verdict::Restored(session), Some(out)) = (verdict, out.as_mut()) {
            out.push(session.exported())?;
        }
    }
    Ok(())
}

impl Outcome {
    /// Whether the report has nothing that was not restored.
    pub(crate) fn is_everything(&self) -> bool {
        let Self { report, .. } = self;
        report.is_complete() && report.failed() == 0 && report.broken_room_count() == 0
    }

    /// One line of JSON.
    pub(crate) fn line(&self) -> String {
        let Self { report, elapsed } = self;
        let line = Line {
            total: report.total(),
            restored: report.restored(),
            failed: report.failed(),
            complete: report.is_complete(),
            causes: Causes {
                wrong_key: report.failed_by(FailureCause::WrongKey),
                damaged: report.failed_by(FailureCause::Damaged),
                malformed: report.failed_by(FailureCause::Malformed),
                unsupported_algorithm: report.failed_by(FailureCause::UnsupportedAlgorithm),
            },
            seconds: elapsed.as_secs_f64(),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Line {
    total: u64,
    restored: u64,
    failed: u64,
    complete: bool,
    causes: Causes,
    seconds: f64,
}

#[derive(Serialize)]
struct Causes {
    wrong_key: u64,
    damaged: u64,
    malformed: u64,
    unsupported_algorithm: u64,
}

fn read(path: &Path) -> Result<SecretString> {
    fs::read_to_string(path).map(SecretString::from).map_err(|error| named(path, error))
}

/// An error that says which file it is about.
fn named(path: &Path, error: impl Error) -> Box<dyn Error + Send + Sync> {
    format!("{}: {error}", path.display()).into()
}

const BUFFER_BYTES: usize = 64 << 10;
