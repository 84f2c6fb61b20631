//! What must hold for any bytes that come as a key file: the fuzz target and `tests/stream_corpus.rs` check it.
//!
//! The first byte of an input says into which pieces the rest is cut.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use strongroom::{
    Limits,
    key_export::{KeyFile, KeyFileError, KeyFileReport},
    session_data::{ExportedSession, Repair, SessionDataError},
};

/// The passphrase of the corpus.
const PASSPHRASE: &str = "correct horse";

const BEGIN: &[u8] = b"-----BEGIN MEGOLM SESSION DATA-----";

type EntryVerdict =
    Result<strongroom::encoding::read::Read<ExportedSession, Repair>, SessionDataError>;

type Outcome = Result<(Vec<EntryVerdict>, KeyFileReport), KeyFileError>;

/// Checks every law on one input.
pub(crate) fn check(input: &[u8]) {
    let Some((seed, file)) = input.split_first() else { return };
    for limits in [few_rounds(), tight()] {
        let whole = read(file, usize::MAX, &limits);
        assert_eq!(whole, read(file, 1 + usize::from(*seed), &limits), "in pieces");
        match &whole {
            Ok((verdicts, report)) => adds_up(verdicts, report),
            Err(KeyFileError::Changed | KeyFileError::Read(_)) => {
                panic!("nothing changed, and all can be read: {whole:?}")
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    check_cut(file, file.len() * usize::from(*seed) / 256);
}

/// Of a file that is cut nothing is made up: its sessions are the first ones of the whole file.
pub(crate) fn check_cut(file: &[u8], cut: usize) {
    let (limits, part) = (few_rounds(), &file[..cut]);
    // Without its first line, what is cut may be another thing.
    let is_framed = |file: &[u8]| file.windows(BEGIN.len()).any(|window| window == BEGIN);
    let outcomes = (read(file, 9, &limits), read(part, 9, &limits));
    if let (Ok((whole, _)), Ok((part_of_it, _))) = outcomes
        && is_framed(file) == is_framed(part)
    {
        assert!(whole.starts_with(&part_of_it), "{part_of_it:?} of {whole:?}");
    }
}

fn read(file: &[u8], piece: usize, limits: &Limits) -> Outcome {
    let input = InPieces { inner: Cursor::new(file), piece };
    let mut sessions = match KeyFile::open(input, limits)? {
        KeyFile::Encrypted(file) => file.unlock(PASSPHRASE).open()?,
        KeyFile::Plain(sessions) => sessions,
    };
    let verdicts = sessions.verdicts().collect();
    Ok((verdicts, sessions.finish()?))
}

fn adds_up(verdicts: &[EntryVerdict], report: &KeyFileReport) {
    let read = verdicts.iter().filter(|verdict| verdict.is_ok());
    assert_eq!(report.total(), verdicts.len() as u64);
    assert_eq!(report.read(), read.count() as u64);
    assert_eq!(report.total(), report.read() + report.failed());
    assert!(report.failures().len() as u64 <= report.failed());
}

/// A round takes time, and there is nothing to be found in it.
fn few_rounds() -> Limits {
    let mut limits = Limits::default();
    limits.pbkdf2_rounds = 100;
    limits
}

fn tight() -> Limits {
    let mut limits = few_rounds();
    limits.session_bytes = 12;
    limits.response_depth = 3;
    limits.findings = 1;
    limits
}

struct InPieces<'a> {
    inner: Cursor<&'a [u8]>,
    piece: usize,
}

impl Read for InPieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.piece.min(buffer.len());
        self.inner.read(&mut buffer[..length])
    }
}

impl Seek for InPieces<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
