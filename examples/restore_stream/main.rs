//! Restores a backup of any size, as a client would while the response arrives.
//!
//! ```text
//! cargo run --release --example make_backup -- --sessions 20000 --out target/backup
//! cargo run --release --example restore_stream -- --from target/backup --out target/restored.json
//! ```
//!
//! Prints one line of JSON. The exit status is 0 if everything was restored, 3 if something was not, and 1
//! if nothing could be.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock and files, which the library has not"
)]

#[path = "../support/files.rs"]
mod files;
mod restore;

use std::{num::NonZero, path::PathBuf, process::ExitCode, thread};

use clap::Parser;
use strongroom::ids::RoomId;

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
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(outcome) => {
            println!("{}", outcome.line());
            explain(&outcome);
            if outcome.is_everything() { ExitCode::SUCCESS } else { ExitCode::from(3) }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Outcome> {
    let threads = match options.threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism()?.get(),
    };
    restore::restore(&options.from, options.out.as_deref(), threads)
}

/// Says what was not restored.
fn explain(Outcome { report, .. }: &Outcome) {
    for failed in report.failures().iter().take(SHOWN) {
        eprintln!("{} in {}: {}", failed.session_id, failed.room_id, failed.error);
    }
    let more = report.failed().saturating_sub(SHOWN as u64);
    if more > 0 {
        eprintln!("and {more} more");
    }
    for room_id in report.broken_rooms().iter().take(SHOWN).map(RoomId::as_str) {
        eprintln!("{room_id}: the homeserver returned no sessions for this room");
    }
    if let Some(error) = report.ended_early() {
        eprintln!("there may be more sessions: {error}");
    }
}

/// How many failures are named.
const SHOWN: usize = 10;
