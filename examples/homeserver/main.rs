//! The in-memory homeserver behind a socket, so that any client can be pointed at it.
//!
//! ```text
//! cargo run --example homeserver -- --listen 127.0.0.1:8008 --users 2 --token-file token
//! curl -H "Authorization: Bearer $(cat token)" http://127.0.0.1:8008/_matrix/client/v3/account/whoami
//! ```
//!
//! It is for tests: nothing is encrypted on the way, and everything is forgotten when it stops (Ctrl-C).

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a socket and files, which the library has not"
)]

mod serve;

use std::{
    error::Error,
    fs::OpenOptions,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use getrandom::{SysRng, rand_core::TryRng as _};
use strongroom::homeserver::{Homeserver, HomeserverOptions};

/// Serves an in-memory homeserver for tests.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, default_value = "127.0.0.1:8008")]
    listen: SocketAddr,
    /// How many users to make: user1, user2, …, each with a device, an access token and a password.
    #[arg(long, default_value_t = 1)]
    users: usize,
    /// What stands behind the colon in their user IDs.
    #[arg(long, default_value = "localhost")]
    server_name: String,
    /// Lets anybody register more users.
    #[arg(long)]
    registration: bool,
    /// Takes other cross-signing keys without asking for the password.
    #[arg(long)]
    no_password_for_cross_signing: bool,
    /// Takes strings as `auth_data` and `session_data`, as test suites for Synapse send them.
    #[arg(long)]
    strings_in_backups: bool,
    /// The largest request body, in bytes.
    #[arg(long, default_value_t = 50 << 20)]
    max_request_bytes: usize,
    /// Writes the access token of the first user to a file, for its owner alone.
    #[arg(long)]
    token_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut allowed = HomeserverOptions::default();
    allowed.server_name.clone_from(&options.server_name);
    allowed.registration = options.registration;
    allowed.password_for_cross_signing = !options.no_password_for_cross_signing;
    allowed.strings_in_backups = options.strings_in_backups;
    allowed.request_bytes = options.max_request_bytes;
    let mut homeserver = Homeserver::with_options(allowed);

    let mut users = Vec::new();
    for number in 1..=options.users {
        users.push(add_user(&mut homeserver, &format!("@user{number}:{}", options.server_name))?);
    }
    if let (Some(path), Some(user)) = (&options.token_file, users.first()) {
        write_privately(path, &user.token)?;
    }
    serve::serve(homeserver, options.listen, options.max_request_bytes, |address| {
        let mut out = io::stdout().lock();
        for User { id, password, token } in &users {
            writeln!(out, "{id}  device {DEVICE}  password {password}  access token {token}")?;
        }
        writeln!(out, "listening on http://{address}")
    })
}

struct User {
    id: String,
    password: String,
    token: String,
}

fn add_user(homeserver: &mut Homeserver, id: &str) -> Result<User, Box<dyn Error>> {
    let user = User { id: id.to_owned(), password: random_name()?, token: random_name()? };
    homeserver.add_user(id, user.password.as_str());
    homeserver.log_in_with_token(id, DEVICE, user.token.as_str());
    Ok(user)
}

/// 128 random bits in hexadecimal.
fn random_name() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{text}")
}

/// The device of each user that is made at the start.
const DEVICE: &str = "DEVICE";
