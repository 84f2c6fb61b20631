//! Writing sessions as clients import them.

use std::path::Path;

use strongroom::session_data::ExportedSession;

use crate::{Result, files::SessionsFile};

/// Writes the JSON array whole or not at all, so that its owner alone may read it.
pub(crate) fn write(path: &Path, sessions: &[ExportedSession]) -> Result<()> {
    let mut file = SessionsFile::create(path)?;
    for session in sessions {
        file.push(session)?;
    }
    Ok(file.finish()?)
}
