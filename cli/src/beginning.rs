//! How a saved file begins: as much of it as has to be in memory.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use strongroom::{Limits, saved_files::SavedPart, secret::SecretVec};

use crate::{
    failure::Failure,
    spool::{self, Input},
};

/// All of a file, or of a large response with sessions its beginning, and then the whole. A response is encrypted, so one that
/// cannot be read twice may lie in a private file.
pub(crate) fn beginning_of(
    path: &Path,
    limits: &Limits,
) -> Result<(SecretVec, Option<File>), Failure> {
    let failed = |error: io::Error| Failure::file(path, "read", &error);
    let mut input = Input::open(path).map_err(failed)?;
    let mut bytes = SecretVec::with_capacity(input.length().min(FIRST_BYTES));
    if read_up_to(FIRST_BYTES, &mut input, &mut bytes).map_err(failed)? {
        return Ok((bytes, None));
    }
    let parts = SavedPart::read_all(bytes.expose_bytes(), limits);
    if matches!(parts.as_deref(), Ok([SavedPart::RoomKeys(_)])) {
        let whole = match input {
            Input::File(file) => file,
            Input::Stream(mut stream) => spool::keep(path, bytes.expose_bytes(), &mut stream)?,
        };
        return Ok((bytes, Some(whole)));
    }
    if read_up_to(MAX_BYTES, &mut input, &mut bytes).map_err(failed)? {
        return Ok((bytes, None));
    }
    Err(Failure::content(
        path,
        format!(
            "this is longer than the {} MiB that all but message keys may have",
            MAX_BYTES >> 20
        ),
    ))
}

/// Reads until there are so many bytes, and returns whether the end was reached.
pub(crate) fn read_up_to(
    limit: usize,
    input: &mut impl Read,
    bytes: &mut SecretVec,
) -> io::Result<bool> {
    let mut input = input.take(limit.saturating_sub(bytes.expose_bytes().len()) as u64);
    let mut piece = [0; 1 << 16];
    while input.limit() > 0 {
        match input.read(&mut piece) {
            Ok(0) => return Ok(true),
            Ok(read) => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Of a response with sessions, enough to see which key opens it, and for a diagnosis.
const FIRST_BYTES: usize = 2 << 20;

/// More than all account data has.
const MAX_BYTES: usize = 64 << 20;
