//! What the command line says, and what is wrong with it: one sentence, or JSON for programs.

use std::{
    env,
    error::Error as _,
    ffi::{OsStr, OsString},
    num::ParseIntError,
    path::Path,
};

use clap::{
    Error, Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use strongroom::ids::RoomId;

use crate::failure::{Failure, shown, visible};

/// Why nothing was called.
pub(crate) enum Refused {
    /// It has a sentence of ours.
    Said(Failure),
    /// Help that was asked for, or an error that `clap` shows with the usage.
    Shown(Error),
}

/// Reads the arguments of this program.
pub(crate) fn read<T: Parser>() -> Result<T, (Refused, bool)> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    T::try_parse().map_err(|error| {
        // Help is asked for by people.
        let json = error.use_stderr() && arguments.iter().any(|argument| argument == "--json");
        let refused = match said(&error, &arguments) {
            Some(sentence) => Refused::Said(Failure::usage(sentence)),
            None if json => Refused::Said(Failure::usage(first_paragraph(&error))),
            None => Refused::Shown(error),
        };
        (refused, json)
    })
}

/// A whole number that is not 0.
pub(crate) fn at_least_one(typed: &str) -> Result<u64, String> {
    match typed.parse() {
        Ok(number @ 1..) => Ok(number),
        Ok(0) => Err("0 is too few; at least 1".into()),
        Err(_) => Err(format!("\u{201c}{}\u{201d} is no whole number; at least 1", shown(typed))),
    }
}

/// A whole number between two that are named.
pub(crate) fn between(typed: &str, least: u64, most: u64) -> Result<u64, String> {
    match typed.parse::<u64>() {
        Ok(number) if number < least => Err(format!("{number} is too few; at least {least}")),
        Ok(number) if number > most => Err(format!("{number} is too much; at most {most}")),
        Ok(number) => Ok(number),
        Err(_) => Err(format!(
            "\u{201c}{}\u{201d} is no whole number; from {least} to {most}",
            shown(typed)
        )),
    }
}

/// Our own sentence, where `clap` would say less or could repeat a secret.
fn said(error: &Error, arguments: &[OsString]) -> Option<String> {
    if !error.use_stderr() {
        return None;
    }
    let command = arguments.first().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(sentence) = arguments.iter().find_map(|argument| secret(argument, command)) {
        return Some(sentence);
    }
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = named(ContextKind::InvalidArg)?;
    match error.kind() {
        ErrorKind::UnknownArgument if !argument.starts_with('-') => Some(alone(argument, command)),
        ErrorKind::ValueValidation => {
            let flag = argument.split(' ').next().unwrap_or_default();
            let source = error.source()?;
            let value = shown(named(ContextKind::InvalidValue).unwrap_or_default());
            Some(if source.is::<ParseIntError>() {
                format!("{flag}: \u{201c}{value}\u{201d} is no whole number")
            } else {
                format!("{flag}: {source}")
            })
        }
        _ => None,
    }
}

/// Refuses a secret on the command line, and does not repeat it.
fn secret(argument: &OsStr, command: &str) -> Option<String> {
    let argument = argument.to_str()?;
    let flag = argument.split_once('=').map_or(argument, |(flag, _)| flag);
    let (_, what, file) = SECRETS.iter().find(|(name, _, _)| *name == flag)?;
    let file = if command == "key" { "--file" } else { file };
    Some(format!(
        "{flag} is no flag, since others can read what stands on a command line: write {what} into a file, and name that with \
         {file}"
    ))
}

/// A room ID as somebody types it.
pub(crate) fn room_id(typed: &str) -> Result<RoomId, String> {
    if typed.starts_with('!') {
        return Ok(typed.into());
    }
    Err(format!(
        "\u{201c}{}\u{201d} is no room ID, which begins with \u{201c}!\u{201d}: a client shows it in the settings of the room, under \
         Advanced",
        shown(typed)
    ))
}

/// An argument without a flag. Only the name of a file is repeated: it could be a secret.
fn alone(argument: &str, command: &str) -> String {
    let flag = match command {
        "rescue" | "diagnose" | "secrets" | "migrate" | "rehearse" | "repair" | "verify-device" => {
            "--from"
        }
        "upload" | "file" => "--in",
        "fetch" | "logout" => "--login",
        "login" => "--to",
        "key" => "--file",
        _ => return "there is an argument without a flag before it: see --help".into(),
    };
    if Path::new(argument).exists() {
        format!("\u{201c}{}\u{201d} stands alone: put {flag} before it", visible(argument))
    } else {
        format!(
            "there is an argument without a flag before it: put {flag} before a file\u{2019}s name"
        )
    }
}

/// What `clap` says, without the usage and in one line.
fn first_paragraph(error: &Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What somebody may try, what it is, and the flag that there is instead.
const SECRETS: [(&str, &str, &str); 7] = [
    ("--recovery-key", "the recovery key", "--recovery-key-file"),
    ("--passphrase", "the passphrase", "--passphrase-file"),
    ("--export-passphrase", "the passphrase", "--export-passphrase-file"),
    ("--password", "the password", "--password-file"),
    ("--token", "the access token", "--access-token-file"),
    ("--access-token", "the access token", "--access-token-file"),
    ("--key", "the recovery key", "--recovery-key-file"),
];
