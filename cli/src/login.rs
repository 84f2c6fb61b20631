//! `strongroom login`: a device of its own, whose access token is kept in a file.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    at_end::AtEnd,
    failure::{Failure, Status, named, shown},
    input,
    network::{Credentials, Network, sign_in},
    output::NewFile,
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    network: Network,
    /// The file to write the login to, readable by you alone.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Replaces a file that exists already. A login in it is not logged out.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let free = |path: &Path| NewFile::create(path, options.force).map(drop);
    let to = input::free_place(options.to.as_deref(), "A file for the login:", "--to", free)?;
    // Whether it can be written shows before anybody logs in.
    let file = NewFile::create(&to, options.force)?;
    let (connection, login) = sign_in(&options.credentials, &options.network)?;
    // A login that nobody can use any more would be there for ever.
    let log_out = AtEnd::new(move || {
        let _ = connection.log_out();
    });
    login.write(file)?;
    log_out.forget();
    let name = named(&to);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} is logged in at {}, as the device {}.",
        shown(login.user_id.as_str()),
        shown(&login.homeserver),
        shown(login.device_id.as_str())
    )?;
    writeln!(
        out,
        "Whoever has {name} acts for you. When you are done: strongroom logout --login {name}"
    )?;
    Ok(Status::Good)
}
