//! What is written, and what is refused.

use std::{convert::Infallible, io, io::Write};

use rand_core::{TryCryptoRng, TryRng};
use strongroom::{ids::RoomId, key_export::*};

use super::kit::*;

/// Draws one byte again and again.
struct Same(u8);

impl TryRng for Same {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Same {}

fn write(sessions: &[strongroom::session_data::ExportedSession]) -> (String, WrittenKeyFile) {
    let new =
        NewKeyFile::new_with_rng(PASSPHRASE, NewKeyFile::MIN_ROUNDS, &mut Same(0xff)).unwrap();
    let mut file = Vec::new();
    let written = new.write(&mut file, sessions).unwrap();
    (String::from_utf8(file).unwrap(), written)
}

#[test]
fn few_rounds_and_blank_passphrases_are_refused() {
    for rounds in [0, 1, 10_000, 99_999] {
        let error = NewKeyFile::new(PASSPHRASE, rounds).unwrap_err();
        assert_eq!(error, KeyFileError::TooFewRounds { rounds });
        let sentence = error.to_string();
        assert!(sentence.contains("100000") && sentence.contains("500000"), "{sentence}");
    }
    for passphrase in ["", " ", "\u{200b}"] {
        let error = NewKeyFile::new(passphrase, NewKeyFile::DEFAULT_ROUNDS).unwrap_err();
        assert_eq!(error, KeyFileError::NoNewPassphrase);
    }
    assert_eq!(NewKeyFile::DEFAULT_ROUNDS, 500_000);
}

#[test]
fn bit_63_of_the_iv_is_cleared_and_what_is_drawn_is_used_else() {
    let (file, _) = write(&sessions(1));
    let KeyFile::Encrypted(read) =
        KeyFile::from_slice(file.as_bytes(), &strongroom::Limits::default()).unwrap()
    else {
        panic!("it is encrypted");
    };
    assert_eq!(read.rounds(), NewKeyFile::MIN_ROUNDS);
    let text: String = file.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = strongroom::encoding::base64::decode(&text).unwrap();
    assert_eq!(bytes[0], 1);
    assert_eq!(bytes[1..25], [0xff; 24]);
    assert_eq!(bytes[25], 0x7f);
    assert_eq!(bytes[26..33], [0xff; 7]);
    assert_eq!(opened(PASSPHRASE, &file), json(&sessions(1)).into_bytes());
}

#[test]
fn each_file_has_a_salt_and_an_iv_of_its_own() {
    let debug = || format!("{:?}", NewKeyFile::new(PASSPHRASE, NewKeyFile::MIN_ROUNDS).unwrap());
    assert_ne!(debug(), debug());
}

#[test]
fn lines_are_those_of_element_web_whatever_the_length() {
    for count in [0, 1, 2, 3, 60] {
        let (file, _) = write(&sessions(count));
        assert!(file.ends_with(&format!("\n{END}\n")) && file.starts_with(&format!("{BEGIN}\n")));
        let lines: Vec<_> = file.lines().collect();
        let (last, full) = lines[1..lines.len() - 1].split_last().unwrap();
        assert!(full.iter().all(|line| line.len() == 128));
        assert!(last.len() <= 128 && last.len().is_multiple_of(4) && !last.is_empty());
        assert_eq!(read_whole(&file), sessions(count));
    }
}

#[test]
fn a_session_that_would_make_clients_refuse_the_file_is_left_out_and_named() {
    let mut all = sessions(4);
    all[0].room_id = RoomId::new("room");
    all[2].room_id = RoomId::new("!room\0:example.org");
    let (file, written) = write(&all);
    assert_eq!((written.sessions, written.left_out), (2, 2));
    assert_eq!(written.left_out_sessions, [all[0].session_id(), all[2].session_id()]);
    assert_eq!(read_whole(&file), [all[1].clone(), all[3].clone()]);

    let bad = vec![all[0].clone(); 3];
    let (file, written) = write(&bad);
    assert_eq!((written.sessions, written.left_out), (0, 3));
    assert_eq!(opened(PASSPHRASE, &file), b"[]");
}

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_is_full_is_an_error_and_what_was_written_is_truncated() {
    for room in [0, 20, 36, 5_000, 30_000] {
        let new = NewKeyFile::new(PASSPHRASE, NewKeyFile::MIN_ROUNDS).unwrap();
        let error = new.write(Full(room), sessions(60)).unwrap_err();
        assert_eq!(error, KeyFileError::Write(io::ErrorKind::StorageFull));
        assert!(error.to_string().contains("could not be written"));
    }
    let (file, _) = write(&sessions(60));
    let end = file.find(END).unwrap();
    assert_eq!(read(&file[..end]).unwrap_err(), KeyFileError::Truncated);
}

#[test]
fn keys_are_derived_in_slices_with_progress() {
    let mut new = NewKeyFile::new(PASSPHRASE, NewKeyFile::MIN_ROUNDS).unwrap();
    assert!(!new.advance(10_000));
    assert_eq!((new.progress().done, new.progress().at_most), (10_001, 100_000));
    while !new.advance(30_000) {}
    assert_eq!(new.progress().done, 100_000);
    let mut file = Vec::new();
    new.write(&mut file, sessions(2)).unwrap();
    assert_eq!(read_whole(&file), sessions(2));
}
