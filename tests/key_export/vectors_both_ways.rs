//! Files of matrix-js-sdk are read, and what they hold is written so that the specification's steps read it.

use strongroom::{
    Limits,
    key_export::{KeyFile, NewKeyFile},
    passphrase::PassphraseForm,
    session_data::ExportedSession,
};

use super::{
    kit::{self, opened, read_with},
    support::vectors,
};

/// The account, the name of each file with its passphrase and its rounds, and how many sessions it has.
fn files() -> Vec<(String, String, String, u64, u64)> {
    let mut files = Vec::new();
    for account in ["passphrase", "random"] {
        let described = vectors::fixture(&format!("js-sdk/{account}.megolm-export.json"));
        for (name, file) in described.member("files").as_object().unwrap() {
            let number = |member: &str| file[member].as_u64().unwrap();
            files.push((
                account.to_owned(),
                format!("js-sdk/{name}"),
                file["passphrase"].as_str().unwrap().to_owned(),
                number("rounds"),
                number("sessions"),
            ));
        }
    }
    assert!(!files.is_empty());
    files
}

/// The sessions that the account really had.
fn truth(account: &str) -> Vec<ExportedSession> {
    let account = vectors::fixture(&format!("js-sdk/{account}.json"));
    let sessions = account.member("exported_room_keys").as_array().unwrap().iter();
    let read = sessions.map(|session| {
        ExportedSession::from_json(&serde_json::to_vec(session).unwrap()).unwrap().value
    });
    read.collect()
}

fn sorted(mut sessions: Vec<ExportedSession>) -> Vec<ExportedSession> {
    sessions.sort_by_key(|session| session.session_id().as_str().to_owned());
    sessions
}

#[test]
fn files_of_a_real_client_give_the_sessions_that_it_had() {
    for (account, name, passphrase, rounds, count) in files() {
        let file = vectors::bytes(&name);
        let KeyFile::Encrypted(read) = KeyFile::from_slice(&file, &Limits::default()).unwrap()
        else {
            panic!("{name} is encrypted");
        };
        assert_eq!(u64::from(read.rounds()), rounds, "{name}");
        let (sessions, report) = read.unlock(&passphrase).open().unwrap().read_all().unwrap();
        assert!(report.is_everything() && report.repaired() == 0, "{name}: {report}");
        assert_eq!(report.form(), Some(PassphraseForm::AsTyped));
        assert_eq!(report.total(), count, "{name}");
        assert_eq!(sorted(sessions), sorted(truth(&account)), "{name}");
    }
}

#[test]
fn what_is_written_is_what_the_specification_says_to_the_last_byte() {
    let sessions = truth("passphrase");
    let mut file = Vec::new();
    let new = NewKeyFile::new(" p\u{e4}ss ", NewKeyFile::MIN_ROUNDS).unwrap();
    let written = new.write(&mut file, &sessions).unwrap();
    assert_eq!((written.sessions, written.left_out), (sessions.len() as u64, 0));
    let text = String::from_utf8(file.clone()).unwrap();
    assert_eq!(opened(" p\u{e4}ss ", &text), kit::json(&sessions).into_bytes());

    let (verdicts, report) = read_with(std::io::Cursor::new(&file), " p\u{e4}ss ").unwrap();
    assert!(report.is_everything() && report.repaired() == 0, "{report}");
    assert_eq!(kit::exported(&verdicts), sessions);
}
