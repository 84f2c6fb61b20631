//! A file that changes between the passes, or cannot be read any more.

use std::{
    cell::RefCell,
    io::{self, Cursor, Read, Seek, SeekFrom},
    rc::Rc,
};

use strongroom::key_export::*;

use super::kit::*;

/// A file that somebody else can write to.
#[derive(Clone)]
struct Shared(Rc<RefCell<Option<Vec<u8>>>>, u64);

impl Shared {
    fn new(file: &str) -> Self {
        Self(Rc::new(RefCell::new(Some(file.as_bytes().to_vec()))), 0)
    }

    fn change(&self, file: Option<String>) {
        *self.0.borrow_mut() = file.map(String::into_bytes);
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.0.borrow();
        let file = file.as_ref().ok_or(io::ErrorKind::StaleNetworkFileHandle)?;
        let mut cursor = Cursor::new(file);
        cursor.set_position(self.1);
        let length = cursor.read(buffer)?;
        self.1 += length as u64;
        Ok(length)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(place) = to else { return Ok(self.1) };
        self.1 = place;
        Ok(place)
    }
}

fn changed(file: &str, at: usize) -> String {
    let mut bytes = file.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Enough that the buffers do not hold all of it.
fn long_file() -> String {
    file_with(&sessions(400))
}

#[test]
fn a_file_that_changed_between_the_passes_has_no_report() {
    let file = long_file();
    let other = framed(&sealed(PASSPHRASE, 1, [9; 16], json(&sessions(400)).as_bytes()));
    let body = BEGIN.len() + 1;
    for (how, new) in [
        ("its version", changed(&file, body)),
        ("its salt", changed(&file, body + 9)),
        ("its ciphertext", changed(&file, body + 4_000)),
        ("its last entries", changed(&file, file.len() - 300)),
        ("its code", changed(&file, file.len() - 50)),
        ("it is truncated", file[..file.len() / 2].to_owned()),
        ("it is empty", String::new()),
        ("it is another one of the same passphrase", other),
        ("it is another one of the same header", file_with(&sessions(1))),
        ("it has a wrong character", file.replacen("A", "!", 1)),
    ] {
        let shared = Shared::new(&file);
        let mut sessions = open(shared.clone(), PASSPHRASE).unwrap();
        shared.change(Some(new.clone()));
        let verdicts = sessions.verdicts().count();
        if how == "it is another one of the same header" {
            // Everything fits: it is what somebody wrote who knows the passphrase.
            assert_eq!((verdicts, sessions.finish().is_ok()), (1, true), "{how}");
        } else {
            assert_eq!(sessions.finish().unwrap_err(), KeyFileError::Changed, "{how}");
        }
        // The same without taking a verdict.
        let shared = Shared::new(&file);
        let sessions = open(shared.clone(), PASSPHRASE).unwrap();
        shared.change(Some(new.clone()));
        if how != "it is another one of the same header" {
            assert_eq!(sessions.read_all().unwrap_err(), KeyFileError::Changed, "{how}");
        }
    }
}

#[test]
fn a_file_that_changes_while_its_sessions_are_read_has_no_report() {
    let file = long_file();
    let shared = Shared::new(&file);
    let mut reading = open(shared.clone(), PASSPHRASE).unwrap();
    let first: Vec<_> = reading.verdicts().take(3).collect();
    assert_eq!(exported(&first), sessions(3));
    shared.change(Some(changed(&file, file.len() - 400)));
    assert_eq!(reading.finish().unwrap_err(), KeyFileError::Changed);
}

#[test]
fn a_file_that_changed_before_it_was_authenticated_is_not_opened() {
    let file = long_file();
    let limits = strongroom::Limits::default();
    for new in [file[..file.len() / 2].to_owned(), changed(&file, 40), String::new()] {
        let shared = Shared::new(&file);
        let KeyFile::Encrypted(read) = KeyFile::open(shared.clone(), &limits).unwrap() else {
            panic!("it is encrypted");
        };
        shared.change(Some(new));
        assert_eq!(read.unlock(PASSPHRASE).open().unwrap_err(), KeyFileError::Changed);
    }
    let shared = Shared::new(&file);
    let KeyFile::Encrypted(read) = KeyFile::open(shared.clone(), &limits).unwrap() else {
        panic!("it is encrypted");
    };
    shared.change(Some(changed(&file, file.len() / 2)));
    assert_eq!(read.unlock(PASSPHRASE).open().unwrap_err(), KeyFileError::WrongPassphrase);
}

#[test]
fn a_file_that_cannot_be_read_says_so_wherever_it_happens() {
    let gone = KeyFileError::Read(io::ErrorKind::StaleNetworkFileHandle);
    let shared = Shared::new("");
    shared.change(None);
    assert_eq!(open(shared, PASSPHRASE).unwrap_err(), gone);
    for file in [long_file(), json(&sessions(400))] {
        let shared = Shared::new(&file);
        let mut sessions = open(shared.clone(), PASSPHRASE).unwrap();
        assert!(sessions.verdicts().next().is_some());
        shared.change(None);
        assert!(sessions.verdicts().count() < 400);
        assert_eq!(sessions.finish().unwrap_err(), gone);
    }
    assert!(gone.to_string().contains("could not be read"));
}

#[test]
fn a_file_begins_where_the_input_stands() {
    let file = file_with(&sessions(2));
    let before = "-----BEGIN MEGOLM SESSION DATA-----";
    let mut cursor = Cursor::new(format!("{before}{file}"));
    cursor.set_position(before.len() as u64);
    let (verdicts, report) = read_with(cursor, PASSPHRASE).unwrap();
    assert!(report.is_everything());
    assert_eq!(exported(&verdicts), sessions(2));
}
