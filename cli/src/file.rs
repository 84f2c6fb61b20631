//! `strongroom file`: files of exported message keys, encrypted or not.

use std::{
    fs::File,
    io::{self, BufReader, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use strongroom::{
    Limits,
    ids::RoomId,
    key_export::{EntryVerdict, KeyFile, KeyFileReport, KeyFileSessions, NewKeyFile},
    secret::SecretString,
    session_data::ExportedSession,
};

use crate::{
    copies::Best,
    failure::{Failure, Status, named, shown},
    input,
    output::{ExportPassphrase, NewFile},
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes the encryption off a key file: a JSON array of exported sessions.
    Decrypt(Decrypt),
    /// Encrypts a JSON array of exported sessions as clients import it.
    Encrypt(Encrypt),
    /// Puts several files into one; of two copies of a message key, the better one.
    Merge(Merge),
    /// Says what the second file has and the first one lacks.
    Diff(Diff),
    /// Keeps the message keys of some rooms.
    Filter(Filter),
}

#[derive(Args)]
struct Decrypt {
    /// The key file.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// The file to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A file with the passphrase of the key file; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
    /// Replaces a file that exists already.
    #[arg(long)]
    force: bool,
}

/// The key file to write.
#[derive(Args)]
struct Output {
    /// The key file to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    export: ExportPassphrase,
    /// Replaces a file that exists already.
    #[arg(long)]
    force: bool,
}

impl Output {
    fn create(&self) -> Result<NewFile, Failure> {
        NewFile::create(&self.out, self.force)
    }

    fn start(&self) -> Result<NewKeyFile, Failure> {
        self.export.start(&self.export.chosen()?)
    }
}

#[derive(Args)]
struct Encrypt {
    /// A JSON array of exported sessions.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Merge {
    /// Key files, or JSON arrays of exported sessions.
    #[arg(value_name = "FILE", required = true, num_args = 2..)]
    inputs: Vec<PathBuf>,
    /// Files with the passphrases of the key files: each is tried on each. Can be given several times.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Diff {
    /// Key files, or JSON arrays of exported sessions: A, and B.
    #[arg(value_name = "FILE", required = true, num_args = 2)]
    inputs: Vec<PathBuf>,
    /// Files with the passphrases of the key files: each is tried on each. Can be given several times.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
}

#[derive(Args)]
struct Filter {
    /// A key file, or a JSON array of exported sessions.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The message keys of this room are kept. Can be given several times.
    #[arg(long, value_name = "ID", required = true)]
    room: Vec<String>,
    /// A file with the passphrase of the key file; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    match &options.command {
        Command::Decrypt(it) => decrypt(it),
        Command::Encrypt(it) => encrypt(it),
        Command::Merge(it) => merge(it),
        Command::Diff(it) => diff(it),
        Command::Filter(it) => filter(it),
    }
}

fn decrypt(options: &Decrypt) -> Result<Status, Failure> {
    let passphrases = read_passphrases(&options.passphrase_file)?;
    let mut input = Input::open(&options.input, &passphrases)?;
    let file = NewFile::create(&options.out, options.force)?.json(input.sessions())?;
    let status = input.finish()?;
    file.finish()?;
    Ok(status)
}

fn encrypt(options: &Encrypt) -> Result<Status, Failure> {
    let mut input = Input::open(&options.input, &[])?;
    let file = options.output.create()?.encrypted(options.output.start()?, input.sessions())?;
    let status = input.finish()?;
    file.finish()?;
    Ok(status)
}

fn filter(options: &Filter) -> Result<Status, Failure> {
    let passphrases = read_passphrases(&options.passphrase_file)?;
    let rooms: Vec<_> = options.room.iter().map(|id| RoomId::from(id.as_str())).collect();
    let mut input = Input::open(&options.input, &passphrases)?;
    let kept = input.sessions().filter(|session| rooms.contains(&session.room_id));
    let file = options.output.create()?.encrypted(options.output.start()?, kept)?;
    let status = input.finish()?;
    file.finish()?;
    Ok(status)
}

/// Which copy is better shows when all were seen: so all files are read twice, and only ranks are kept.
fn merge(options: &Merge) -> Result<Status, Failure> {
    let passphrases = read_passphrases(&options.passphrase_file)?;
    let file = options.output.create()?;
    let mut best = Best::default();
    for (place, path) in options.inputs.iter().enumerate() {
        let mut input = Input::open(path, &passphrases)?;
        input.sessions().for_each(|session| best.see(place, &session));
        input.finish_quietly()?;
    }
    let inputs = options.inputs.iter().map(|path| Input::open(path, &passphrases));
    let mut inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let sessions = inputs.iter_mut().enumerate().flat_map(|(place, input)| {
        let best = &best;
        input.sessions().filter(move |session| best.is_best(place, session))
    });
    let file = file.encrypted(options.output.start()?, sessions)?;
    let mut status = Status::Good;
    for input in inputs {
        if input.finish()? != Status::Good {
            status = Status::NotAllGood;
        }
    }
    file.finish()?;
    Ok(status)
}

/// What the second file has and the first one lacks, or has from a later message on.
fn diff(options: &Diff) -> Result<Status, Failure> {
    let passphrases = read_passphrases(&options.passphrase_file)?;
    let [ours, theirs] = options.inputs.as_slice() else {
        return Err(Failure::usage("two files are compared: name both"));
    };
    let mut known = Best::default();
    let mut input = Input::open(ours, &passphrases)?;
    input.sessions().for_each(|session| known.see(0, &session));
    let mut status = input.finish()?;
    let mut out = io::stdout().lock();
    let mut input = Input::open(theirs, &passphrases)?;
    for session in input.sessions().filter(|session| !known.has(session)) {
        status = Status::NotAllGood;
        let (room, id) = (shown(session.room_id.as_str()), session.session_id());
        writeln!(out, "session {} in room {room}", shown(id.as_str()))?;
    }
    let theirs = input.finish()?;
    Ok(if theirs == Status::Good { status } else { Status::NotAllGood })
}

/// A file of message keys that is being read.
struct Input<'a> {
    path: &'a Path,
    file: KeyFileSessions<BufReader<File>>,
}

impl<'a> Input<'a> {
    /// Sees what the file is, and authenticates it with the passphrase that fits.
    fn open(path: &'a Path, passphrases: &[SecretString]) -> Result<Self, Failure> {
        let encrypted = match open(path)? {
            KeyFile::Plain(file) => return Ok(Self { path, file }),
            KeyFile::Encrypted(file) => file,
        };
        let asked;
        let passphrases = if passphrases.is_empty() {
            asked = input::asked(&format!("Passphrase of {}:", named(path)))?;
            asked.as_slice()
        } else {
            passphrases
        };
        let (mut encrypted, mut failure) = (Some(encrypted), None);
        for passphrase in passphrases {
            let file = match encrypted.take() {
                Some(file) => file,
                None => match open(path)? {
                    KeyFile::Encrypted(file) => file,
                    KeyFile::Plain(file) => return Ok(Self { path, file }),
                },
            };
            match file.unlock(passphrase.expose_str()).open() {
                Ok(file) => return Ok(Self { path, file }),
                Err(error) => failure = Some(error),
            }
        }
        Err(match failure {
            Some(error) => Failure::content(path, error),
            None => Failure::usage(format!(
                "{} is encrypted: name a file with its passphrase, with --passphrase-file",
                named(path)
            )),
        })
    }

    fn sessions(&mut self) -> impl Iterator<Item = ExportedSession> {
        self.file.verdicts().filter_map(|verdict| match verdict {
            EntryVerdict::Read { exported, .. } => Some(exported),
            EntryVerdict::Failed { .. } => None,
        })
    }

    /// Sees that all of the file was what it is, and tells what was no session in it.
    fn finish(self) -> Result<Status, Failure> {
        let name = named(self.path);
        let report = self.finish_quietly()?;
        for (entry, error) in report.failures().iter().take(SHOWN) {
            eprintln!("{name}: entry {entry}: {error}");
        }
        let more = report.failed().saturating_sub(SHOWN as u64);
        if more > 0 {
            eprintln!("{name}: and {more} more");
        }
        if let Some(error) = report.ended_early() {
            eprintln!("{name}: {error}");
        }
        Ok(if report.is_everything() { Status::Good } else { Status::NotAllGood })
    }

    fn finish_quietly(self) -> Result<KeyFileReport, Failure> {
        self.file.finish().map_err(|error| Failure::content(self.path, error))
    }
}

fn open(path: &Path) -> Result<KeyFile<BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, "read", &error))?;
    KeyFile::open(BufReader::new(file), &Limits::default())
        .map_err(|error| Failure::content(path, error))
}

fn read_passphrases(files: &[PathBuf]) -> Result<Vec<SecretString>, Failure> {
    files.iter().map(|file| input::typed_in(file)).collect()
}

/// How many entries that are no sessions are named.
const SHOWN: usize = 10;
