//! What is read: a file, or a stream that does not come twice and may lie in a private file meanwhile.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek as _, Write as _},
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::failure::{Failure, is_standard_input, named, words};

/// What a path names.
pub(crate) enum Input {
    /// A file, which can be read again.
    File(File),
    /// Standard input, or a pipe that has a name.
    Stream(Box<dyn Read>),
}

impl Input {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if is_standard_input(path) {
            return Ok(Self::Stream(Box::new(io::stdin())));
        }
        let file = File::open(path)?;
        let kind = file.metadata()?;
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(if kind.is_file() { Self::File(file) } else { Self::Stream(Box::new(file)) })
    }

    /// How long it is, if that is known.
    pub(crate) fn length(&self) -> usize {
        let Self::File(file) = self else { return 0 };
        file.metadata().map_or(0, |it| usize::try_from(it.len()).unwrap_or(usize::MAX))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stream(stream) => stream.read(buffer),
        }
    }
}

/// Keeps a stream of which the `beginning` was read already, in a private file. It must be encrypted.
pub(crate) fn keep(path: &Path, beginning: &[u8], rest: &mut impl Read) -> Result<File, Failure> {
    let mut file = private_file().map_err(|error| not_kept(&error))?;
    file.write_all(beginning).map_err(|error| not_kept(&error))?;
    let mut piece = [0; 1 << 16];
    loop {
        let read = match rest.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::file(path, "read", &error)),
        };
        file.write_all(piece.get(..read).unwrap_or_default()).map_err(|error| not_kept(&error))?;
    }
    file.rewind().map_err(|error| not_kept(&error))?;
    Ok(file)
}

/// What does not come twice could not be kept.
pub(crate) fn not_kept(error: &io::Error) -> Failure {
    Failure::other(format!(
        "the folder for temporary files, {}, could not be written: {}; name another one in TMPDIR",
        named(&std::env::temp_dir()),
        words(error)
    ))
}

/// Makes a file in the folder for temporary files, for its owner alone. It goes when it is closed, even if the program is killed.
pub(crate) fn private_file() -> io::Result<File> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("strongroom.{}.{number}.tmp", process::id()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, FILE_FLAG_DELETE_ON_CLOSE);
    let file = options.open(&path)?;
    if cfg!(unix) {
        fs::remove_file(&path)?;
    }
    Ok(file)
}

#[cfg(windows)]
const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
