//! The command line of `strongroom`: thin commands over the library of that name.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program has a clock, files and sockets, which the library has not"
)]

mod apply;
mod arguments;
mod at_end;
mod beginning;
mod bundle;
mod content;
mod demo;
mod diagnose;
mod failure;
mod fetch;
mod file;
mod folder;
#[cfg(feature = "generate")]
mod generate;
mod input;
mod interrupt;
mod key;
mod login;
mod logout;
mod migrate;
mod network;
mod output;
mod progress;
mod rehearse;
mod repair;
mod rescue;
mod secrets;
mod spool;
mod terminal;
mod to_apply;
mod typed;
mod upload;
mod verify_device;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    arguments::Refused,
    failure::{Failure, Status},
};

/// The keys of Matrix users: backed up, and brought back.
#[derive(Parser)]
#[command(name = NAME, version, arg_required_else_help = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the main job on an in-memory homeserver: back up, lose the device, recover, compare.
    Demo(demo::Options),
    /// Logs in, and keeps the login in a file.
    Login(login::Options),
    /// Ends a login, and removes its file.
    Logout(logout::Options),
    /// Saves what a homeserver has of an account, in a folder.
    Fetch(fetch::Options),
    /// Opens every message key it can, and writes them to a file that the next client imports.
    Rescue(rescue::Options),
    /// Puts message keys into the backup of an account, and replaces none that is better.
    Upload(upload::Options),
    /// Tries what would come back if all devices were lost today, and what only a device has.
    Rehearse(rehearse::Options),
    /// Says what is wrong with an account, from what was saved of it, and what helps.
    Diagnose(diagnose::Options),
    /// Says which keys fit the key storage of an account, and opens the secrets in it.
    Secrets(secrets::Options),
    /// Plans how a key storage that older clients wrote comes into today's form.
    Migrate(migrate::Options),
    /// Plans what mends an account, with everything that there is kept beside it; deletes nothing.
    Repair(repair::Options),
    /// Does what a migration or a repair has planned, and reads all of it back.
    Apply(apply::Options),
    /// Hands all secrets of an account over to its next device, in a file, and checks such a file.
    Bundle(bundle::Options),
    /// Makes another device of yours trusted, with the recovery key and the fingerprint that the device shows.
    VerifyDevice(verify_device::Options),
    /// Encrypts, decrypts, merges, compares and filters files of exported message keys.
    File(file::Options),
    /// Checks a recovery key.
    Key(key::Options),
    /// Writes man pages and completions.
    #[cfg(feature = "generate")]
    #[command(hide = true)]
    Generate(generate::Options),
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let command = match arguments::read::<Options>() {
        Ok(options) => options.command,
        Err((Refused::Shown(error), _)) => error.exit(),
        Err((Refused::Said(failure), json)) => {
            tell(&failure, json);
            return failure.exit_code();
        }
    };
    interrupt::watch();
    let (result, json) = match &command {
        Command::Demo(options) => {
            let told = demo::run(options).map_err(Failure::from);
            (told.map(|equal| if equal { Status::Good } else { Status::Failed }), false)
        }
        Command::Login(options) => (login::run(options), false),
        Command::Logout(options) => (logout::run(options), false),
        Command::Fetch(options) => (fetch::run(options), false),
        Command::Rescue(options) => (rescue::run(options), options.json),
        Command::Upload(options) => (upload::run(options), options.json),
        Command::File(options) => (file::run(options), false),
        Command::Rehearse(options) => (rehearse::run(options), options.json),
        Command::Diagnose(options) => (diagnose::run(options), options.json),
        Command::Secrets(options) => (secrets::run(options), options.json),
        Command::Migrate(options) => (migrate::run(options), false),
        Command::Repair(options) => (repair::run(options), false),
        Command::Apply(options) => (apply::run(options), false),
        Command::Bundle(options) => (bundle::run(options), false),
        Command::VerifyDevice(options) => (verify_device::run(options), options.json),
        #[cfg(feature = "generate")]
        Command::Generate(options) => (generate::run(options), false),
        Command::Key(options) => (key::run(options), options.json()),
    };
    match result {
        Ok(status) => status.into(),
        Err(failure) => {
            tell(&failure, json);
            failure.exit_code()
        }
    }
}

/// One sentence on standard error, or an object on standard output for programs.
fn tell(failure: &Failure, json: bool) {
    if failure.is_closed_pipe() {
        return;
    }
    if json {
        let error = serde_json::json!({
            "error": { "code": failure.code(), "message": failure.to_string() }
        });
        // Where nobody reads it the exit status is all there is.
        let _ = failure::print_json(&error);
    } else {
        failure::tell(format_args!("error: {failure}"));
    }
}

const NAME: &str = "strongroom";
