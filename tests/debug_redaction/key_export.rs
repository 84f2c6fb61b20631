//! Key files: what is written and read, and each way to fail.

use std::io::Cursor;

use strongroom::{
    Limits,
    key_export::{
        EncryptedKeyFile, KeyFile, KeyFileAttempts, KeyFileError, KeyFileReport, KeyFileSessions,
        NewKeyFile, WrittenKeyFile,
    },
    session_data::{ExportedSession, SessionDataError},
};

use super::{Witness, run};
use crate::vault::{TOKEN, Vault};

#[test]
fn key_files_print_neither_sessions_nor_passphrases() {
    run(look);
}

pub(crate) fn look(witness: &mut Witness, vault: &Vault) {
    let file = look_at_writing(witness, vault);
    let limits = Limits::default();
    let open = || KeyFile::from_slice(&file, &limits).unwrap();
    witness.debug::<KeyFile<Cursor<&[u8]>>>(&open());
    let KeyFile::Encrypted(encrypted) = open() else { panic!("it is encrypted") };
    witness.debug::<EncryptedKeyFile<_>>(&encrypted);
    let mut attempts = encrypted.unlock(TOKEN);
    witness.debug::<KeyFileAttempts<_>>(&attempts);
    while !attempts.advance(90_000).unwrap() {
        witness.debug(&attempts);
    }
    witness.debug(&attempts);
    let mut sessions = attempts.open().unwrap();
    witness.debug::<KeyFileSessions<_>>(&sessions);
    loop {
        let Some(verdict) = sessions.verdicts().next() else { break };
        witness.debug(&verdict);
        witness.debug(&sessions);
    }
    witness.display::<KeyFileReport>(&sessions.finish().unwrap());
    look_at_lists(witness, vault);
    for file in [TOKEN, &vault.recovery_key, &vault.exported_base64(), &vault.session_json()] {
        let error = KeyFile::from_slice(file.as_bytes(), &limits).unwrap_err();
        witness.error::<KeyFileError>(error);
    }
    let KeyFile::Encrypted(encrypted) = open() else { panic!("it is encrypted") };
    witness.error(encrypted.unlock(&vault.recovery_key).open().unwrap_err());
}

fn look_at_writing(witness: &mut Witness, vault: &Vault) -> Vec<u8> {
    let session = ExportedSession::from_json(vault.session_json().as_bytes()).unwrap().value;
    let mut new = NewKeyFile::new(TOKEN, NewKeyFile::MIN_ROUNDS).unwrap();
    witness.debug::<NewKeyFile>(&new);
    new.advance(10);
    witness.debug(&new);
    let mut file = Vec::new();
    let mut elsewhere = session.clone();
    elsewhere.room_id = TOKEN.into();
    let written = new.write(&mut file, [session, elsewhere]).unwrap();
    assert_eq!(written.left_out, 1);
    witness.debug::<WrittenKeyFile>(&written);
    witness.error::<KeyFileError>(NewKeyFile::new(TOKEN, 1).unwrap_err());
    file
}

/// Lists that are not encrypted, with secrets in each place where none belongs.
fn look_at_lists(witness: &mut Witness, vault: &Vault) {
    for entry in vault.malformed_sessions() {
        let list = format!("[{entry}] {TOKEN}");
        let KeyFile::Plain(mut sessions) =
            KeyFile::from_slice(list.as_bytes(), &Limits::default()).unwrap()
        else {
            panic!("it is not encrypted");
        };
        loop {
            let Some(verdict) = sessions.verdicts().next() else { break };
            witness.debug(&verdict);
            if let Err(error) = verdict {
                witness.error::<SessionDataError>(error);
            }
        }
        witness.debug(&sessions);
        let report = sessions.finish().unwrap();
        witness.text(&serde_json::to_string(&report).unwrap());
        if let Some(error) = report.ended_early() {
            witness.error::<KeyFileError>(error.clone());
        }
        witness.display(&report);
    }
}
