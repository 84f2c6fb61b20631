//! A file, or a stream with its beginning.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
};

use strongroom::secret::SecretVec;

/// Can be read again from its beginning; a stream only as long as it was not read beyond its own.
pub(super) enum Reader {
    File(BufReader<File>),
    Stream { beginning: Cursor<SecretVec>, rest: Box<dyn Read> },
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stream { beginning, rest } => {
                let position = usize::try_from(beginning.position()).unwrap_or(usize::MAX);
                let bytes = beginning.get_ref().expose_bytes().get(position..).unwrap_or_default();
                if bytes.is_empty() {
                    return rest.read(buffer);
                }
                let length = (&*bytes).read(buffer)?;
                beginning.set_position((position + length) as u64);
                Ok(length)
            }
        }
    }
}

impl Seek for Reader {
    /// The beginning of a stream is there until more than that is read, and nobody asks for it then.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (self, to) {
            (Self::File(file), to) => file.seek(to),
            (Self::Stream { beginning, .. }, SeekFrom::Start(position)) => {
                beginning.set_position(position);
                Ok(position)
            }
            (Self::Stream { beginning, .. }, SeekFrom::Current(0)) => Ok(beginning.position()),
            (Self::Stream { .. }, _) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}
