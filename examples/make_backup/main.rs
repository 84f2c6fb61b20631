//! Makes a backup of any size to try things on: what a server would return, its recovery key, and the truth.
//!
//! ```text
//! cargo run --release --example make_backup -- --sessions 20000 --out target/backup
//! cargo run --release --example make_backup -- --sessions 20000 --out target/broken --broken 0.2
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "an example has files, which the library has not, and knows the JSON that it changes"
)]

mod backup;
#[path = "../support/files.rs"]
mod files;
#[path = "../../tests/support/primitives.rs"]
mod primitives;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Makes a backup with real sealed sessions.
///
/// In DIR it writes room_keys.json (the body of `GET /room_keys/keys`), backup_info.json (the body of `GET
/// /room_keys/version`), recovery_key.txt and sessions.json (every session that can be restored). Files of
/// these names are replaced.
#[derive(Parser)]
struct Options {
    /// How many sessions to make.
    #[arg(long)]
    sessions: usize,
    /// The folder to write to; it is made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The share of sessions, from 0 to 1, that are malformed in one of the ways met in real backups, of
    /// which some can be restored all the same and some cannot. The verdicts that they must get are written to expected.json.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    broken: Option<f64>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "the rate is a number from 0 to 1".to_owned())
}

fn main() -> ExitCode {
    let Options { sessions, out, broken } = Options::parse();
    match backup::make(&out, sessions, broken) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}
