//! `strongroom logout`: the device of a login disappears, and the file with it.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use crate::{
    failure::{Failure, Status, named},
    network::{Login, Network, connect},
};

#[derive(Args)]
pub(crate) struct Options {
    /// The login that `strongroom login` has written.
    #[arg(long, value_name = "FILE")]
    login: PathBuf,
    #[command(flatten)]
    network: Network,
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let connection = connect(&Login::read(&options.login)?, &options.network)?;
    let ended = connection.log_out();
    let said = match &ended {
        Ok(()) => "Logged out",
        Err(trouble) if trouble.is_unauthorized() => "This login had ended before",
        Err(_) => "",
    };
    if let (Err(trouble), "") = (ended, said) {
        return Err(connection.failed(trouble).and("the login is kept"));
    }
    fs::remove_file(&options.login)
        .map_err(|error| Failure::file(&options.login, "removed", &error))?;
    writeln!(io::stdout().lock(), "{said}; {} is removed.", named(&options.login))?;
    Ok(Status::Good)
}
