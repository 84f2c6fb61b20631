//! Writing sessions as clients import them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::Path,
};

use strongroom::session_data::ExportedSession;

use crate::Result;

/// Writes the JSON array whole or not at all, so that its owner alone may read it.
pub(crate) fn write(path: &Path, sessions: &[ExportedSession]) -> Result<()> {
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let written = write_new(&beside, sessions).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    Ok(written?)
}

fn write_new(path: &Path, sessions: &[ExportedSession]) -> io::Result<()> {
    let mut file = BufWriter::new(create(path)?);
    file.write_all(b"[")?;
    for (index, session) in sessions.iter().enumerate() {
        if index > 0 {
            file.write_all(b",")?;
        }
        file.write_all(session.to_json().expose_bytes())?;
    }
    file.write_all(b"]\n")?;
    file.into_inner()?.sync_all()
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
