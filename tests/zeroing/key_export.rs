//! Key files: what is written, read, given up and refused.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use sha2::Sha512;
use strongroom::{
    Limits,
    encoding::base64,
    key_export::{KeyFile, KeyFileAttempts, KeyFileError, NewKeyFile},
    session_data::ExportedSession,
};

use crate::{
    freed_with,
    vault::{EPHEMERAL, FixedRng, TOKEN, UNKNOWN_MEMBER, Vault},
};

/// A file with two sessions of the vault, and the 64 bytes that are its keys.
fn write(vault: &Vault) -> (Vec<u8>, [u8; 64]) {
    let session = ExportedSession::from_json(vault.session_json().as_bytes()).unwrap().value;
    let mut rng = FixedRng(EPHEMERAL);
    let new = NewKeyFile::new_with_rng(TOKEN, NewKeyFile::MIN_ROUNDS, &mut rng).unwrap();
    let mut file = Vec::new();
    assert_eq!(new.write(&mut file, [&session, &session]).unwrap().sessions, 2);
    let text: String =
        str::from_utf8(&file).unwrap().lines().filter(|line| !line.starts_with('-')).collect();
    let salt = &base64::decode(&text).unwrap()[1..17];
    let keys =
        pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(TOKEN.as_bytes(), salt, NewKeyFile::MIN_ROUNDS);
    (file, keys)
}

#[track_caller]
fn leaves_nothing(vault: &Vault, keys: &[u8; 64], scenario: impl FnOnce()) {
    let ratchet = vault.ratchet_base64();
    let words: Vec<_> = keys
        .as_chunks()
        .0
        .iter()
        .flat_map(|word| u64::from_be_bytes(*word).to_ne_bytes())
        .collect();
    let secrets: [(_, &[u8]); 6] = [
        ("the passphrase", TOKEN.as_bytes()),
        ("the keys of the file", keys),
        ("the state of their derivation", &words),
        ("the session key", vault.ratchet()),
        ("the session key in base64", ratchet.as_bytes()),
        ("an unknown member", UNKNOWN_MEMBER.as_bytes()),
    ];
    let freed = freed_with(&secrets, scenario);
    assert!(freed.is_empty(), "freed blocks with secrets in them: {freed:?}");
}

/// Gives so many bytes at a time.
struct InPieces<'a>(Cursor<&'a [u8]>, usize);

impl Read for InPieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buffer.len());
        self.0.read(&mut buffer[..length])
    }
}

impl Seek for InPieces<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn attempts<'a>(file: &'a [u8], piece: usize, typed: &str) -> KeyFileAttempts<InPieces<'a>> {
    match KeyFile::open(InPieces(Cursor::new(file), piece), &Limits::default()).unwrap() {
        KeyFile::Encrypted(file) => file.unlock(typed),
        KeyFile::Plain(_) => panic!("it is encrypted"),
    }
}

#[test]
fn writing_a_key_file_leaves_nothing_given_up_or_not() {
    let vault = Vault::new();
    let ((_, keys), json) = (write(&vault), vault.session_json());
    leaves_nothing(&vault, &keys, || {
        let session = ExportedSession::from_json(json.as_bytes()).unwrap().value;
        let new = || {
            let mut rng = FixedRng(EPHEMERAL);
            NewKeyFile::new_with_rng(TOKEN, NewKeyFile::MIN_ROUNDS, &mut rng).unwrap()
        };
        let mut file = Vec::new();
        new().write(&mut file, vec![session.clone(); 40]).unwrap();
        // A disk that is full, and a derivation that is given up.
        assert!(new().write(Cursor::new([0; 5_000].as_mut_slice()), vec![session; 40]).is_err());
        assert!(!new().advance(10_000));
        let mut finished = new();
        assert!(finished.advance(u32::MAX));
    });
}

#[test]
fn reading_a_key_file_leaves_nothing_given_up_or_not() {
    let vault = Vault::new();
    let (file, keys) = write(&vault);
    let mut damaged = file.clone();
    let at = damaged.len() - 100;
    damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
    let spaced = format!(" {TOKEN}\n");
    leaves_nothing(&vault, &keys, || {
        for piece in [100, 100_000] {
            for typed in [TOKEN, &spaced] {
                let (sessions, report) =
                    attempts(&file, piece, typed).open().unwrap().read_all().unwrap();
                assert!(report.is_everything() && sessions.len() == 2);
            }
            // Given up: while the keys are derived, once they are there, and among the sessions.
            let mut begun = attempts(&file, piece, TOKEN);
            assert!(!begun.advance(50_000).unwrap());
            drop(begun);
            let mut found = attempts(&file, piece, TOKEN);
            assert!(found.advance(u32::MAX).unwrap());
            drop(found.into_file());
            let mut sessions = attempts(&file, piece, TOKEN).open().unwrap();
            drop(sessions.verdicts().next().unwrap());
            drop(sessions);
        }
        let error = attempts(&damaged, 100_000, TOKEN).open().unwrap_err();
        assert_eq!(error, KeyFileError::WrongPassphrase);
    });
}

#[test]
fn a_list_that_is_not_encrypted_leaves_nothing_however_it_is_broken() {
    let vault = Vault::new();
    let good = vault.session_json();
    let mut lists = vec![
        format!("[{good},{good}]"),
        format!("[{good},{good}"),
        format!("[{good},{}", &good[..good.len() - 9]),
        format!("{{\"errcode\":\"{TOKEN}\"}}").replace(TOKEN, "M_X"),
        format!("{{\"rooms\":{good}}}"),
        good.clone(),
        vault.exported_base64(),
        vault.recovery_key.clone(),
    ];
    let malformed = vault.malformed_sessions();
    lists.extend(malformed.iter().map(|entry| format!("[{entry},{good}]")));
    leaves_nothing(&vault, &[0x5a; 64], || {
        for list in &lists {
            for piece in [7, 1_000_000] {
                let input = InPieces(Cursor::new(list.as_bytes()), piece);
                if let Ok(KeyFile::Plain(sessions)) = KeyFile::open(input, &Limits::default()) {
                    drop(sessions.read_all().unwrap());
                }
            }
        }
    });
}
