//! Writing sessions as clients import them.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::Path,
};

use strongroom::session_data::ExportedSession;

use crate::Result;

/// Writes the JSON array to a new file that its owner alone may read.
pub(crate) fn write(path: &Path, sessions: &[ExportedSession]) -> Result<()> {
    let mut file = BufWriter::new(create(path)?);
    file.write_all(b"[")?;
    for (index, session) in sessions.iter().enumerate() {
        if index > 0 {
            file.write_all(b",")?;
        }
        file.write_all(session.to_json().expose_bytes())?;
    }
    file.write_all(b"]\n")?;
    file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    Ok(())
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
