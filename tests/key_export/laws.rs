//! What holds for any sessions, any pieces and any damage.

use proptest::{collection::vec, prelude::*, sample::Index};
use strongroom::{
    crypto::curve25519::Curve25519PublicKey,
    ids::RoomId,
    key_export::*,
    session_data::{ExportedSession, SessionData},
};

use super::kit::*;

fn any_session() -> impl Strategy<Value = ExportedSession> {
    let chain = vec(any::<[u8; 32]>(), 0..3);
    ("![\\PC&&[^\0]]{0,20}", any::<u32>(), any::<bool>(), any::<bool>(), chain).prop_map(
        |(room_id, number, is_known, shared, chain)| {
            let like = session(number).session;
            let session = match is_known {
                true => like,
                false => SessionData::of_unknown_sender(like.session_key().clone()),
            };
            let chain = chain.into_iter().map(Curve25519PublicKey::from_bytes).collect();
            let session = session.with_shared_history(shared).with_forwarding_chain(chain);
            ExportedSession { room_id: RoomId::new(room_id), session }
        },
    )
}

/// Entries of a list, good ones and others.
fn any_list() -> impl Strategy<Value = String> {
    let entry = prop_oneof![
        any_session().prop_map(|session| entry(&session)),
        Just("null".to_owned()),
        Just("{\"room_id\":\"!r\"}".to_owned()),
        Just("[[[1.5e3, \"\\u00e9\"]]]".to_owned()),
        "[{}\\[\\]\",:0-9a-z ]{0,8}",
    ];
    vec(entry, 0..6).prop_map(|entries| format!("[{}]", entries.join(",")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_sessions_come_back_as_they_were_written(sessions in vec(any_session(), 0..8), passphrase in "\\PC{0,10}x\\PC{0,10}") {
        let mut file = Vec::new();
        let new = NewKeyFile::new(&passphrase, NewKeyFile::MIN_ROUNDS).unwrap();
        let written = new.write(&mut file, &sessions).unwrap();
        prop_assert_eq!((written.sessions, written.left_out), (sessions.len() as u64, 0));
        let (read, report) = open(std::io::Cursor::new(&file), &passphrase).unwrap().read_all().unwrap();
        prop_assert!(report.is_everything() && report.repaired() == 0, "{}", report);
        prop_assert_eq!(read, sessions);
    }
}

proptest! {
    #[test]
    fn any_pieces_of_the_input_give_the_same_verdicts(list in any_list(), piece in 1_usize..300, breaks in any::<bool>()) {
        let file = file_of(&list);
        let file = if breaks { file.replace("AAA", "A\r\nAA") } else { file };
        for file in [file.as_bytes(), list.as_bytes()] {
            let whole = read(file).unwrap();
            prop_assert_eq!(whole.1.total(), whole.0.len() as u64);
            prop_assert_eq!(&whole, &read_with(InPieces::new(file, piece), PASSPHRASE).unwrap());
            prop_assert_eq!(&whole, &read_with(InPieces::new(file, 1), PASSPHRASE).unwrap());
        }
    }

    #[test]
    fn any_byte_that_is_flipped_is_refused_unless_nothing_of_the_file_changes(at in any::<Index>(), flip in 1_u8..=255) {
        let expected = sessions(2);
        let mut file = file_with(&expected).into_bytes();
        let at = at.index(file.len());
        file[at] ^= flip;
        let end = file.len() - 1 - END.len();
        // Line ends may be other white space, and bits that are not used any others.
        let may_change = file[at].is_ascii_whitespace()
            || at == file.len() - 1
            || (end - 5..end).contains(&at);
        match read(&file) {
            Ok((verdicts, report)) => {
                prop_assert!(may_change, "byte {} became {}", at, file[at]);
                prop_assert!(report.is_everything());
                prop_assert_eq!(exported(&verdicts), expected);
            }
            Err(KeyFileError::Changed | KeyFileError::Read(_) | KeyFileError::BlankPassphrase) => {
                prop_assert!(false, "it did not change while it was read");
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_file_that_is_cut_is_truncated_or_no_key_file(at in any::<Index>()) {
        let file = file_with(&sessions(2));
        let at = at.index(file.trim_end().len());
        let error = read(&file.as_bytes()[..at]).unwrap_err();
        let is_named = error == KeyFileError::Truncated
            || (at < 6 && error.is_of_other_file());
        prop_assert!(is_named, "{}: {}", at, error);
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(bytes in vec(any::<u8>(), 0..200), text in "[-A-Za-z0-9+/= \n]{0,200}", piece in 1_usize..50) {
        for file in [
            bytes.clone(),
            [b"[".as_slice(), &bytes].concat(),
            [BEGIN.as_bytes(), &bytes].concat(),
            [BEGIN.as_bytes(), &bytes, END.as_bytes()].concat(),
            [BEGIN.as_bytes(), text.as_bytes(), END.as_bytes()].concat(),
        ] {
            let whole = read(&file);
            prop_assert_eq!(&whole, &read_with(InPieces::new(&file, piece), PASSPHRASE));
            if let Err(error) = whole {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_plaintext_is_answered_without_a_panic(plaintext in "[\\[{]?[\\[{\\]}\",:0-9tfn\\\\e\u{e9} ]{0,60}") {
        let file = file_of(&plaintext);
        let (verdicts, report) = read(&file).unwrap();
        prop_assert_eq!(report.total(), verdicts.len() as u64);
        let is_list = serde_json::from_str::<Vec<serde_json::Value>>(&plaintext);
        if let Ok(list) = is_list {
            prop_assert_eq!((report.ended_early(), report.total()), (None, list.len() as u64));
        }
    }
}
