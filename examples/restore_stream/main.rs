//! Restores a backup of any size, as a client would while the response arrives.
//!
//! ```text
//! cargo run --release --example make_backup -- --sessions 20000 --out target/backup
//! cargo run --release --example restore_stream -- --from target/backup --out target/restored.json
//! ```
//!
//! Prints one line of JSON. The exit status is 0 if everything was restored, 3 if something was not, and 1
//! if there is no backup or no key that fits it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock and files, which the library has not"
)]

#[path = "../support/files.rs"]
mod files;
mod restore;

use std::{path::PathBuf, process::ExitCode, thread};

use clap::{Parser, value_parser};
use strongroom::{excerpt::Excerpt, ids::RoomId};

use restore::{Outcome, Result};

/// Restores the backup that make_backup, or a server, left in a folder.
///
/// DIR holds room_keys.json (the body of `GET /room_keys/keys`), backup_info.json (the body of `GET
/// /room_keys/version`) and recovery_key.txt.
#[derive(Parser)]
struct Options {
    /// The folder with the backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Writes what is restored, as the JSON array of exported sessions that clients import.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How many threads open sessions; as many as there are cores unless said otherwise.
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_THREADS))]
    threads: Option<u16>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(outcome) => {
            println!("{}", outcome.line());
            explain(&outcome);
            if outcome.report.is_everything() { ExitCode::SUCCESS } else { ExitCode::from(3) }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Outcome> {
    let threads = match options.threads {
        Some(threads) => threads.into(),
        None => thread::available_parallelism()?.get(),
    };
    restore::restore(&options.from, options.out.as_deref(), threads)
}

/// Says what was not restored.
fn explain(Outcome { report, .. }: &Outcome) {
    if let Some(error) = report.wrong_key() {
        eprintln!("{error}");
    } else {
        for failed in report.failures().iter().take(SHOWN) {
            eprintln!("{failed}");
        }
        let more = report.failed().saturating_sub(SHOWN as u64);
        if more > 0 {
            eprintln!("and {more} more");
        }
    }
    for room_id in report.broken_rooms().iter().take(SHOWN).map(RoomId::as_str).map(Excerpt::new) {
        eprintln!("room {room_id}: the homeserver returned no sessions for this room");
    }
    if let Some(error) = report.ended_early() {
        eprintln!("there may be more sessions: {error}");
    }
}

/// More than any machine has cores; far more would only wait for each other.
const MAX_THREADS: i64 = 1024;

/// How many failures are named.
const SHOWN: usize = 10;
