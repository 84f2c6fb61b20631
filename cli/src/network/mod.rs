//! The way to a homeserver: found by its name, encrypted, and bounded in time and size. A server that asks to wait is
//! waited for, and nothing waits in silence.

mod access;
mod address;
mod connection;
mod discovery;
mod login_file;
mod patience;
mod sentence;
mod server;
mod sign_in;
mod sso;
mod tls;
mod trouble;

pub(crate) use self::{
    access::{Access, Account, connect, connect_with},
    connection::Connection,
    login_file::Login,
    patience::now_ms,
    sign_in::{Credentials, sign_in},
    sso::random_name,
    trouble::Trouble,
};

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;

/// How a homeserver is reached.
#[derive(Args)]
pub(crate) struct Network {
    /// A file of certificates in PEM format that are trusted beside those of the system.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    ca_file: Option<PathBuf>,
    /// Talks to the homeserver without encryption: everybody on the way can read and change what is sent.
    #[arg(long, help_heading = HEADING)]
    insecure_http: bool,
    /// For how many seconds nothing may come from the homeserver before it is given up.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        value_parser = |typed: &str| crate::arguments::between(typed, 1, 3_600),
        help_heading = HEADING
    )]
    timeout: u64,
}

impl Network {
    /// Whether this is no more than what everybody gets.
    fn is_default(&self) -> bool {
        self.ca_file.is_none() && !self.insecure_http
    }
}

/// What an operation over the network ends with.
type Outcome<T> = Result<T, Failure>;

const HEADING: &str = "Homeserver";
