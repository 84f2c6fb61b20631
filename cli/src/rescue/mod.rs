//! `strongroom rescue`: every message key that opens, in a file that the next client imports.

mod bodies;
mod decoded;
mod keys;
mod lists;
mod nothing;
mod reason;
mod report;
mod restoring;
mod version_report;
mod words;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, ValueEnum};
use strongroom::{
    Limits,
    backup::{RestoreOptions, RestoredSession},
    ids::{RoomId, SessionId},
    saved_files::{SavedFiles, SavedPart},
    secret::SecretString,
};

use self::{
    bodies::Rescued,
    keys::{is_at_hand, needed_keys},
    lists::Lists,
    nothing::check_for_keys,
    reason::{tell_of_mistyped, why},
};
pub(crate) use self::{
    bodies::{Bodies, Versions},
    decoded::Decoded,
    keys::{fits_any, keys_at_hand, keys_typed, words},
    report::Report,
};
use crate::{
    arguments,
    failure::{Failure, Status, named, printed, tell},
    fetch::Extent,
    input::{self, Key, Loaded, Saved},
    output::{ExportPassphrase, NewFile},
};

#[derive(Args)]
#[command(group = ArgGroup::new("reports").args(["report", "json"]).multiple(true))]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// The file to write, readable by you alone.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How it is written: the encrypted file that clients import, or a JSON array of exported sessions.
    #[arg(long, value_enum, default_value_t = Format::Encrypted)]
    format: Format,
    #[command(flatten)]
    export: ExportPassphrase,
    /// Only the message keys of this room. Can be given several times.
    #[arg(long, value_name = "ID", value_parser = arguments::room_id)]
    room: Vec<RoomId>,
    /// Only this session. Can be given several times.
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
    /// Several files of at most so many message keys, with a number before the end of their names.
    #[arg(long, value_name = "N", value_parser = arguments::at_least_one)]
    split: Option<u64>,
    /// Writes what became of each version and of what failed, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Lists every failure and every warning in the report, not only the first 1,000.
    #[arg(long, requires = "reports")]
    all: bool,
    /// Only the current version of the backup, not the older ones.
    #[arg(long)]
    current_only: bool,
    /// Replaces files that exist already.
    #[arg(long)]
    force: bool,
    /// Prints the report.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Encrypted,
    Json,
}

/// Opens every session it can, and writes those that opened.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let free = |out: &Path| {
        NewFile::create(&numbered(out, options.split.map(|_| 1)), options.force).map(drop)
    };
    // Whether it can be written shows before anything is fetched.
    options.out.as_deref().map_or(Ok(()), free)?;
    let saved = read(options, &limits)?;
    let versions = Versions::new(&saved.files, options.current_only);
    if options.current_only && versions.wanted().is_empty() {
        return Err(Failure::other(
            "which version is the current one is not known: leave --current-only out, or save everything with \u{201c}strongroom \
             fetch\u{201d}",
        ));
    }
    let opens = |typed: &[SecretString]| {
        let of = versions.wanted();
        Ok((needed_keys(&saved.files, of, typed, &limits)?, typed.len()))
    };
    let ((keys, reasons), typed) =
        options.key.typed_until(&saved.files, !is_at_hand(&saved.files), opens)?;
    let mut bodies = Bodies::new(&saved, &versions, &keys)?;
    bodies.want(wanted(options));
    let reason = why(&reasons);
    if bodies.are_hopeless() && !options.json && options.report.is_none() {
        // Nobody chooses a passphrase for a file that is not written.
        return Err(Failure::other(format!("nothing was written: {reason}")));
    }
    if !bodies.are_hopeless() {
        tell_of_mistyped(&reasons, typed);
    }
    let out = input::free_place(options.out.as_deref(), "A file to write:", "--out", free)?;
    // Whether it can be written shows before the work.
    let report_file = options.report.as_ref().map(|path| NewFile::create(path, options.force));
    let report_file = report_file.transpose()?;
    let (mut report, files) = write(options, &out, &bodies)?;
    let written = files.len() as u64;
    (report.has_gaps, report.reason) = (saved.has_gaps, reason);
    finish(&mut report, files, report_file)?;
    printed(print(&mut report, options, &out, written))?;
    Ok(report.status())
}

/// Writes the report. All files are whole before the first gets its name.
fn finish(
    report: &mut Report,
    mut files: Vec<NewFile>,
    report_file: Option<NewFile>,
) -> Result<(), Failure> {
    if let Some(mut file) = report_file {
        report.write_json(&mut file).map_err(|error| file.failed(&error))?;
        file.close()?;
        files.push(file);
    }
    files.into_iter().try_for_each(NewFile::finish)
}

/// Reads everything, in which there must be message keys.
fn read(options: &Options, limits: &Limits) -> Result<Loaded, Failure> {
    let inputs = options.key.files().chain(options.export.file());
    let wanted = if options.current_only { Extent::CurrentVersion } else { Extent::Everything };
    let saved = options.saved.read(inputs, wanted, limits)?;
    check_for_keys(&saved)?;
    if saved.files.parts().iter().any(is_key_file) {
        tell(format_args!(
            "Message keys that were exported already are not opened again: put them together with what is rescued by \
             \u{201c}strongroom file merge\u{201d}."
        ));
    }
    tell_of_nameless_rooms(&saved.files);
    Ok(saved)
}

pub(crate) fn is_key_file(part: &SavedPart) -> bool {
    matches!(part, SavedPart::Sessions { .. } | SavedPart::EncryptedKeyFile(_))
}

pub(crate) fn tell_of_nameless_rooms(saved: &SavedFiles) {
    if saved.parts().iter().any(|part| matches!(part, SavedPart::KeysOfRoom(_))) {
        tell(
            "A response for one room was passed over, since it does not name its room: save that of /room_keys/keys, which has \
             all rooms.",
        );
    }
}

fn print(report: &mut Report, options: &Options, path: &Path, files: u64) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if options.json {
        return report.write_json(&mut out);
    }
    report.print(&mut out)?;
    if report.restored() > 0 {
        next_step(&mut out, options, path, files)
    } else if report.failed() > 0 {
        writeln!(out, "Nothing was written: {}", report.reason)
    } else {
        Ok(())
    }
}

/// Where the files are imported.
fn next_step(
    out: &mut impl io::Write,
    options: &Options,
    path: &Path,
    files: u64,
) -> io::Result<()> {
    let name = |number| named(&numbered(path, options.split.map(|_| number)));
    let (first, last) = (name(1), name(files));
    let (names, are, them, their) = if files > 1 {
        (format!("{first} to {last}"), "are", "them", "their")
    } else {
        (first.clone(), "is", "it", "its")
    };
    if options.format == Format::Json {
        return writeln!(
            out,
            "\n{names} {are} not encrypted: whoever has {them} can read your messages."
        );
    }
    let one_by_one = if files > 1 { ", one after the other" } else { "" };
    writeln!(
        out,
        "\nNext: import {names} into your client{one_by_one}, with the passphrase that you have just chosen."
    )?;
    writeln!(out, "  Element Web and Desktop: Settings > Encryption > Advanced > Import keys")?;
    let more = if files > 1 { format!(" \u{2026} --in {last}") } else { String::new() };
    writeln!(
        out,
        "  Element X imports no files: put {them} into the backup with \u{201c}strongroom upload {} --in {first}{more}\u{201d}, \
         and Element X reads {them} from there.",
        options.saved.account()
    )?;
    writeln!(
        out,
        "Delete {names} when your messages are back: whoever has {them} and {their} passphrase can read them."
    )
}

fn wanted(options: &Options) -> RestoreOptions {
    if options.room.is_empty() && options.session.is_empty() {
        return RestoreOptions::default();
    }
    let rooms = options.room.iter().cloned();
    let wanted = rooms.fold(RestoreOptions::nothing(), RestoreOptions::with_room);
    options
        .session
        .iter()
        .fold(wanted, |wanted, id| wanted.with_session_of_any_room(SessionId::from(id.as_str())))
}

/// Writes one file, or several, which have no names yet, and says what became of everything.
fn write(
    options: &Options,
    out: &Path,
    bodies: &Bodies<'_>,
) -> Result<(Report, Vec<NewFile>), Failure> {
    let passphrase = match options.format {
        Format::Encrypted => Some(options.export.chosen()?),
        Format::Json => None,
    };
    let at_most = options.split.unwrap_or(u64::MAX);
    let (mut sessions, mut files) = (None, Vec::new());
    for number in 1.. {
        // Whether it can be written shows before the work.
        let file = NewFile::create(&numbered(out, options.split.map(|_| number)), options.force)?;
        let lists = if options.all && number == 1 { Some(Lists::new()?) } else { None };
        let sessions = sessions.get_or_insert_with(|| bodies.rescue(lists));
        let before = sessions.written();
        let share = sessions.by_ref().take(usize::try_from(at_most).unwrap_or(usize::MAX));
        let exported = share.map(RestoredSession::into_exported);
        let mut file = match &passphrase {
            Some(passphrase) => file.encrypted(options.export.start(passphrase)?, exported)?,
            None => file.json(exported)?,
        };
        let written = sessions.written() - before;
        if written > 0 {
            file.close()?;
            files.push(file);
        }
        if written < at_most {
            break;
        }
    }
    Ok((sessions.map(Rescued::into_report).transpose()?.unwrap_or_default(), files))
}

/// `keys.txt`, or `keys.2.txt`.
fn numbered(path: &Path, number: Option<u64>) -> PathBuf {
    let Some(number) = number else { return path.to_owned() };
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
