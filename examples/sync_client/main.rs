//! A client that leaves its key backup to `client::Backup`, over real HTTP.
//!
//! ```text
//! cargo run --release --example sync_client
//! cargo run --release --example sync_client -- --homeserver http://127.0.0.1:8008 --access-token-file token
//! ```
//!
//! Without arguments it serves the in-memory homeserver on a free port and talks to that. A phone sets a backup
//! up, is restarted, and uploads; a laptop finds the backup, takes its key out of the secret storage, and gets a
//! room's history; the phone rotates, and the laptop goes on with the new backup. The exit status is 0 only if
//! both have everything at the end. Use a test account: it makes backup versions there.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock, a socket, a thread and files, which the library has not"
)]

mod connection;
mod device;
mod host;
#[path = "../homeserver/serve.rs"]
mod serve;
mod storage;
mod store;
mod user;

use std::{
    error::Error, fs, net::SocketAddr, path::PathBuf, process::ExitCode, sync::mpsc, thread,
};

use clap::Parser;
use connection::Connection;
use device::Device;
use strongroom::homeserver::Homeserver;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Two devices of one user and their key backup, over HTTP.
#[derive(Parser)]
struct Options {
    /// The homeserver; without one, the in-memory homeserver is served on a free port.
    #[arg(long, requires = "access_token_file")]
    homeserver: Option<String>,
    /// A file with the access token of a test account.
    #[arg(long, requires = "homeserver")]
    access_token_file: Option<PathBuf>,
    /// How many sessions the phone has.
    #[arg(long, default_value_t = 300)]
    sessions: usize,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => {
            println!("\nBoth devices have every session, and so has the backup.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let [phone, laptop] = match (&options.homeserver, &options.access_token_file) {
        (Some(url), Some(file)) => {
            let token = fs::read_to_string(file)?;
            [Connection::new(url, token.trim())?, Connection::new(url, token.trim())?]
        }
        _ => serve_in_memory()?,
    };

    headline("The phone sets up a backup");
    let mut phone = Device::new("PHONE", phone)?;
    phone.host.store.add_new(options.sessions)?;
    phone.run()?;
    phone = phone.restarted()?;
    phone.run()?;
    phone.expect_all_stored()?;

    headline("The laptop finds it");
    let mut laptop = Device::new("LAPTOP", laptop)?;
    laptop.verifies(&phone);
    laptop.run()?;
    laptop.cannot_decrypt(&phone.host.store)?;
    laptop.run()?;
    laptop.finds_key_in(&mut phone.host.storage)?;
    laptop.run()?;
    laptop.expect_room_of(&phone.host.store)?;

    headline("The phone rotates the backup");
    phone.backup.rotate();
    phone.run()?;
    phone.expect_all_stored()?;

    headline("The laptop is told, and goes on with the new one");
    laptop.host.store.add_new(1)?;
    laptop.backup.new_sessions();
    laptop.run()?;
    laptop.expect_all_stored()?;
    let (ours, theirs) = (laptop.version(), phone.version());
    if ours == theirs { Ok(()) } else { Err("the two devices use different backups".into()) }
}

/// The in-memory homeserver on a free port of this machine, with two devices of one user.
fn serve_in_memory() -> Result<[Connection; 2]> {
    let mut homeserver = Homeserver::new();
    let tokens = ["PHONE", "LAPTOP"].map(|device| homeserver.log_in("@alice:localhost", device));
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let tell = |address: SocketAddr| {
            let _ = send.send(address);
            Ok(())
        };
        if let Err(error) = serve::serve(homeserver, any_port, 50 << 20, tell) {
            eprintln!("{error}");
        }
    });
    let url = format!("http://{}", receive.recv()?);
    let [phone, laptop] = tokens.map(|token| Connection::new(&url, &token));
    Ok([phone?, laptop?])
}

fn headline(text: &str) {
    println!("\n{text}");
}
