//! Restores from files, in memory that does not grow with the backup.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Cursor, Read},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use strongroom::{
    Limits,
    backup::{
        AuthDataError, BackupDecryptionKey, FailureCause, RestoreOptions, RestoreProgress,
        RestoreReport, TrustError, Verdict, restore_reader,
    },
    encoding::text_file,
    recovery_key::RecoveryKey,
    saved_files::SavedPart,
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
    let response = response(&path)?;
    let create = |path: &Path| SessionsFile::create(path).map_err(|error| named(path, error));
    let mut out = out.map(create).transpose()?;

    let (start, bar) = (Instant::now(), bar(count)?);
    let each = |verdicts, progress: RestoreProgress| {
        bar.set_position(progress.sessions);
        store(verdicts, out.as_mut())
    };
    let restore = || restore_reader(&key, response, options, &Limits::default(), each);
    let report = pool.install(restore)?;
    if let Some(out) = out {
        out.finish()?;
    }
    bar.finish_and_clear();
    Ok(Outcome { report, elapsed: start.elapsed() })
}

/// The response in a file, as a stream. What is in UTF-16 is read as a whole.
fn response(path: &Path) -> Result<Box<dyn Read + Send>> {
    let mut file = File::open(path).map_err(|error| named(path, error))?;
    let mut start = Vec::new();
    file.by_ref().take(START).read_to_end(&mut start).map_err(|error| named(path, error))?;
    if let Ok([SavedPart::Refused(refusal)]) =
        SavedPart::read_all(&start, &Limits::default()).as_deref()
    {
        return Err(named(path, refusal.clone()));
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        return Ok(Box::new(Cursor::new(start.split_off(3)).chain(file)));
    }
    if start.iter().take(2).any(|byte| matches!(byte, 0 | 0xfe | 0xff)) || start.get(1) == Some(&0)
    {
        file.read_to_end(&mut start).map_err(|error| named(path, error))?;
        let text = text_file::read_text(&start).map_err(|error| named(path, error))?;
        return Ok(Box::new(Cursor::new(text.expose_str().as_bytes().to_vec())));
    }
    Ok(Box::new(Cursor::new(start).chain(file)))
}

/// As much of a file as tells how it is written, in bytes.
const START: u64 = 64 << 10;

/// The decryption key, which must be that of the backup, and how many sessions that should have.
fn key(folder: &Path) -> Result<(BackupDecryptionKey, Option<u64>)> {
    let path = folder.join("backup_info.json");
    let bytes = fs::read(&path).map_err(|error| named(&path, error))?;
    let parts =
        SavedPart::read_all(&bytes, &Limits::default()).map_err(|error| named(&path, error))?;
    let info = match parts.into_iter().next() {
        Some(SavedPart::Version(info)) => info,
        Some(SavedPart::Refused(refusal)) => return Err(named(&path, refusal)),
        _ => return Err(format!("{}: this is no backup version", path.display()).into()),
    };
    let unusable = |error: &AuthDataError| named(&path, error.clone());
    let backup = *info.auth_data().map_err(unusable)?.public_key();
    let path = folder.join("recovery_key.txt");
    let typed = read(&path)?;
    let key = RecoveryKey::parse(typed.expose_str()).map_err(|error| named(&path, error))?;
    let key = BackupDecryptionKey::from_recovery_key(key);
    // Nothing is uploaded, so it has to fit and not to be trusted.
    let own = *key.public_key();
    if backup != own {
        return Err(TrustError::OtherPublicKey { backup, key: own }.into());
    }
    Ok((key, info.count()))
}

/// A bar on the terminal, if there is one.
fn bar(expected: Option<u64>) -> Result<ProgressBar> {
    let bar = ProgressBar::new(expected.unwrap_or_default());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} sessions, {eta} left")?);
    Ok(bar)
}

/// Writes what is restored to the file, if there is one.
fn store(verdicts: Vec<Verdict>, mut out: Option<&mut SessionsFile>) -> io::Result<()> {
    for verdict in verdicts {
        if let (Verdict::Restored(session), Some(out)) = (verdict, out.as_mut()) {
            out.push(session.exported())?;
        }
    }
    Ok(())
}

impl Outcome {
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
    let bytes = fs::read(path).map_err(|error| named(path, error))?;
    text_file::read_text(&bytes).map_err(|error| named(path, error))
}

/// An error that says which file it is about.
fn named(path: &Path, error: impl Error) -> Box<dyn Error + Send + Sync> {
    format!("{}: {error}", path.display()).into()
}
