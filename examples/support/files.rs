//! Files of secrets: written whole or not at all, so that their owner alone may read them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use strongroom::session_data::ExportedSession;

/// A file that appears under its name, in place of what was there, when it is finished.
pub(crate) struct NewFile {
    file: Option<BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part)?;
        Ok(Self { file: Some(BufWriter::new(file)), part, path: path.to_owned() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.into_inner()?.sync_all()?;
        }
        fs::rename(&self.part, &self.path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.part);
    }
}

/// Sessions as clients import them: a JSON array, written one after the other.
pub(crate) struct SessionsFile {
    file: NewFile,
    count: u64,
}

impl SessionsFile {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut file = NewFile::create(path)?;
        file.write(b"[")?;
        Ok(Self { file, count: 0 })
    }

    /// Adds a session; one with which other clients would refuse the whole file is left out, and named.
    pub(crate) fn push(&mut self, session: &ExportedSession) -> io::Result<()> {
        let json = match session.to_json() {
            Ok(json) => json,
            Err(error) => {
                eprintln!("A session is left out: {error}.");
                return Ok(());
            }
        };
        if self.count > 0 {
            self.file.write(b",\n")?;
        }
        self.count += 1;
        self.file.write(json.expose_bytes())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.write(b"]\n")?;
        self.file.finish()
    }
}
