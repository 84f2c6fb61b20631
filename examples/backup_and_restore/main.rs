//! A device backs up its sessions, is lost, and a new one gets them back with the recovery key alone.
//!
//! ```text
//! cargo run --release --example backup_and_restore
//! cargo run --release --example backup_and_restore -- \
//!     --homeserver http://127.0.0.1:8008 --access-token-file token
//! ```
//!
//! With `--homeserver` it makes a new backup version there, which stays: take a test account.
//!
//! The exit status is 0 only if every session came back equal.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock, files and sockets, which the library has not"
)]

mod export;
#[path = "../support/files.rs"]
mod files;
mod first_device;
mod second_device;
mod server;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use strongroom::session_data::ExportedSession;

use crate::server::Server;

/// Backs sessions up and restores them.
#[derive(Parser)]
struct Options {
    /// How many sessions to make.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// The address of a homeserver, `http://127.0.0.1:8008` for one, in place of one in memory.
    #[arg(long, requires = "access_token_file")]
    homeserver: Option<String>,
    /// The file with the access token of a test account on that homeserver.
    #[arg(long, requires = "homeserver")]
    access_token_file: Option<PathBuf>,
    /// Writes what was restored, as the JSON array of exported sessions that clients import.
    #[arg(long)]
    out: Option<PathBuf>,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool> {
    let (equal, restored) = round_trip(options.sessions, server(options)?)?;
    if let Some(path) = &options.out {
        export::write(path, &restored)?;
        println!("wrote      {} sessions to {}", restored.len(), path.display());
    }
    println!(
        "{}",
        if equal { "every session came back equal" } else { "NOT every session came back" }
    );
    Ok(equal)
}

fn server(options: &Options) -> Result<Server> {
    match (&options.homeserver, &options.access_token_file) {
        (Some(address), Some(token_file)) => Server::at(address, token_file),
        _ => Server::in_memory(),
    }
}

/// The main job: up, lost, and down again.
fn round_trip(count: usize, mut server: Server) -> Result<(bool, Vec<ExportedSession>)> {
    let (originals, recovery_key) = {
        let device = first_device::FirstDevice::new(count)?;
        let recovery_key = device.back_up(&mut server)?;
        (device.into_sessions(), recovery_key)
    };
    println!("recovery key: {}", recovery_key.expose_str());
    println!("the first device is lost; a second one has nothing but the recovery key");
    server.log_in("SECOND");
    let restored = second_device::restore(&mut server, recovery_key.expose_str())?;
    Ok((same_sessions(originals, &restored), restored))
}

/// Whether both are the same sessions, in whatever order.
fn same_sessions(mut originals: Vec<ExportedSession>, restored: &[ExportedSession]) -> bool {
    let mut restored = restored.to_vec();
    for sessions in [&mut originals, &mut restored] {
        sessions.sort_by_cached_key(|one| (one.room_id.clone(), one.session_id()));
    }
    originals == restored
}

/// Prints one line of figures.
fn print_rate(what: &str, count: usize, bytes: usize, elapsed: Duration) {
    let rate = count as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
    println!("{what:<10} {count} sessions, {bytes} bytes, {rate:.0} sessions per second");
}
