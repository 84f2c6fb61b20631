//! `strongroom generate`, which only those call who make packages: man pages, and completions for shells.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;

use crate::failure::{Failure, Status};

#[derive(Args)]
pub(crate) struct Options {
    /// The folder to write to; it is made if it does not exist.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Writes a man page for each command, and a file for each shell.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let [man, completions] = ["man", "completions"].map(|name| options.to.join(name));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, "written", &error))?;
    }
    let mut command = crate::Options::command();
    for shell in Shell::value_variants() {
        let written = clap_complete::generate_to(*shell, &mut command, crate::NAME, &completions);
        written.map_err(|error| Failure::file(&completions, "written", &error))?;
    }
    clap_mangen::generate_to(command, &man)
        .map_err(|error| Failure::file(&man, "written", &error))?;
    Ok(Status::Good)
}
