//! `strongroom file`: files of exported message keys, encrypted or not.

mod reader;
mod refusal;
mod source;

use std::{
    cell::{Cell, RefCell},
    io::{self, Write as _},
    path::{Path, PathBuf},
    slice,
};

use clap::{Args, Subcommand};
use strongroom::{
    ids::RoomId,
    key_export::NewKeyFile,
    secret::SecretString,
    session_data::{BestCopies, ExportedSession},
};

pub(crate) use self::{refusal::Purpose, source::Source};
use crate::{
    arguments,
    failure::{Failure, Status, shown},
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
    /// The key file, or `-` for standard input.
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
    /// A JSON array of exported sessions, or `-` for standard input.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Merge {
    /// Key files, or JSON arrays of exported sessions; one of them can be `-` for standard input.
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
    /// Key files, or JSON arrays of exported sessions: A, and B; one of them can be `-` for standard input.
    #[arg(value_name = "FILE", required = true, num_args = 2)]
    inputs: Vec<PathBuf>,
    /// Files with the passphrases of the key files: each is tried on each. Can be given several times.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
}

#[derive(Args)]
struct Filter {
    /// A key file, or a JSON array of exported sessions, or `-` for standard input.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The message keys of this room are kept. Can be given several times.
    #[arg(long, value_name = "ID", required = true, value_parser = arguments::room_id)]
    room: Vec<RoomId>,
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
    let passphrases =
        read_passphrases(slice::from_ref(&options.input), &options.passphrase_file, None)?;
    let file = NewFile::create(&options.out, options.force)?;
    let mut source = Source::open(&options.input, Purpose::Work)?;
    let mut input = source.read(&passphrases)?;
    let file = file.json(input.sessions())?;
    let status = input.finish()?;
    file.finish()?;
    Ok(status)
}

fn encrypt(options: &Encrypt) -> Result<Status, Failure> {
    read_passphrases(slice::from_ref(&options.input), &[], Some(&options.output))?;
    select((&options.input, Purpose::Encryption), &[], &options.output, |_| true)
}

fn filter(options: &Filter) -> Result<Status, Failure> {
    let passphrases = read_passphrases(
        slice::from_ref(&options.input),
        &options.passphrase_file,
        Some(&options.output),
    )?;
    let wanted = |session: &ExportedSession| options.room.contains(&session.room_id);
    select((&options.input, Purpose::Work), &passphrases, &options.output, wanted)
}

/// Writes those of the sessions that are wanted. Where there are some and none is wanted, nothing is written.
fn select(
    (path, purpose): (&Path, Purpose),
    passphrases: &[SecretString],
    output: &Output,
    is_wanted: impl Fn(&ExportedSession) -> bool,
) -> Result<Status, Failure> {
    let file = output.create()?;
    let mut source = Source::open(path, purpose)?;
    let mut input = source.read(passphrases)?;
    let (seen, taken) = (Cell::new(0_u64), Cell::new(0_u64));
    let sessions = input.sessions().filter(|session| {
        seen.set(seen.get() + 1);
        let is_wanted = is_wanted(session);
        taken.set(taken.get() + u64::from(is_wanted));
        is_wanted
    });
    let file = file.encrypted(output.start()?, sessions)?;
    let status = input.finish()?;
    if seen.get() > 0 && taken.get() == 0 {
        return Err(Failure::other(format!(
            "none of the {} message keys is of a room that was named, and nothing was written: check --room",
            seen.get()
        )));
    }
    file.finish()?;
    Ok(status)
}

/// Which copy is better shows when all were seen: so all files are read twice, and only ranks are kept.
fn merge(options: &Merge) -> Result<Status, Failure> {
    let passphrases =
        read_passphrases(&options.inputs, &options.passphrase_file, Some(&options.output))?;
    let file = options.output.create()?;
    let mut sources = open_all(&options.inputs)?;
    let mut best = BestCopies::default();
    for (place, source) in sources.iter_mut().enumerate() {
        source.make_readable_twice()?;
        let mut input = source.read(&passphrases)?;
        input.sessions().for_each(|session| best.see(place, &session));
        input.finish_quietly()?;
    }
    let inputs = sources.iter_mut().map(|source| source.read(&passphrases));
    let mut inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let best = &RefCell::new(best);
    let sessions = inputs.iter_mut().enumerate().flat_map(|(place, input)| {
        input.sessions().filter(move |session| best.borrow_mut().take(place, session))
    });
    let file = file.encrypted(options.output.start()?, sessions)?;
    let mut status = Status::Good;
    for input in inputs {
        status = status.and(input.finish()?);
    }
    file.finish()?;
    Ok(status)
}

/// What the second file has and the first one lacks, or has from a later message on.
fn diff(options: &Diff) -> Result<Status, Failure> {
    let passphrases = read_passphrases(&options.inputs, &options.passphrase_file, None)?;
    let mut sources = open_all(&options.inputs)?;
    let [ours, theirs] = sources.as_mut_slice() else {
        return Err(Failure::usage("two files are compared: name both"));
    };
    let mut known = BestCopies::default();
    let mut input = ours.read(&passphrases)?;
    input.sessions().for_each(|session| known.see(0, &session));
    let mut status = input.finish()?;
    let mut out = io::stdout().lock();
    let mut input = theirs.read(&passphrases)?;
    for session in input.sessions().filter(|session| !known.has(session)) {
        status = Status::NotAllGood;
        let (room, id) = (shown(session.room_id.as_str()), session.session_id());
        writeln!(out, "session {} in room {room}", shown(id.as_str()))?;
    }
    Ok(status.and(input.finish()?))
}

fn open_all(paths: &[PathBuf]) -> Result<Vec<Source<'_>>, Failure> {
    paths.iter().map(|path| Source::open(path, Purpose::Work)).collect()
}

/// Standard input can be one of all files that a command reads.
fn read_passphrases(
    inputs: &[PathBuf],
    files: &[PathBuf],
    output: Option<&Output>,
) -> Result<Vec<SecretString>, Failure> {
    let new = output.and_then(|output| output.export.file());
    input::check_standard_input(inputs.iter().chain(files).chain(new))?;
    files.iter().map(|file| input::secret_in(file, input::Wanted::PassphraseOfFile)).collect()
}
