//! `strongroom logout`: the device of a login disappears, and the file with it.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use crate::{
    failure::{Failure, Status, named},
    network::{Login, Network, connect, connect_with},
};

#[derive(Args)]
pub(crate) struct Options {
    /// The login that `strongroom login` has written.
    #[arg(long, value_name = "FILE", required_unless_present = "access_token_file")]
    login: Option<PathBuf>,
    /// A file with an access token, which stays, or `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "homeserver", conflicts_with = "login")]
    access_token_file: Option<PathBuf>,
    /// The homeserver of the access token: its server name, or its address.
    #[arg(long, value_name = "NAME_OR_ADDRESS", requires = "access_token_file")]
    homeserver: Option<String>,
    #[command(flatten)]
    network: Network,
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let connection = match (&options.login, &options.access_token_file, &options.homeserver) {
        (Some(login), _, _) => connect(&Login::read(login)?, &options.network)?,
        (None, Some(file), Some(homeserver)) => connect_with(file, homeserver, &options.network)?,
        _ => return Err(Failure::usage("no login is named: name its file with --login")),
    };
    let ended = connection.log_out();
    let said = match &ended {
        Ok(()) => "Logged out",
        Err(trouble) if trouble.is_unauthorized() => "This login had ended before",
        Err(_) => "",
    };
    if let (Err(trouble), "") = (ended, said) {
        return Err(connection.failed(trouble).and("the login is kept"));
    }
    let mut out = io::stdout().lock();
    if let Some(login) = &options.login {
        fs::remove_file(login).map_err(|error| Failure::file(login, "removed", &error))?;
        writeln!(out, "{said}; {} is removed.", named(login))?;
    } else {
        writeln!(out, "{said}; the access token is of no use any more.")?;
    }
    Ok(Status::Good)
}
