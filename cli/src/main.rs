//! The command line of `strongroom`: thin commands over the library of that name.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program has a clock, files and sockets, which the library has not"
)]

mod demo;

use std::{error::Error, io, process::ExitCode};

use clap::{Parser, Subcommand};

/// The keys of Matrix users: backed up, and brought back.
#[derive(Parser)]
#[command(name = "strongroom", version, arg_required_else_help = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the main job on an in-memory homeserver: back up, lose the device, recover, compare.
    Demo(demo::Options),
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let result = match Options::parse().command {
        Command::Demo(options) => demo::run(&options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of the output has gone, as `head` does when it has enough.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
