//! What cannot be had for one session, or at one place, keeps nothing else waiting.

use strongroom::client::backup::{NotStored, Stage};

use crate::driver::{Driver, Lied, lie_about, response};

const HOUR: u64 = 60 * 60 * 1_000;

fn running() -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone
}

fn stored(phone: &Driver) -> usize {
    phone.store.values().filter(|(_, version)| version.is_some()).count()
}

/// What a homeserver, or something before it, answers for ever to one kind of request.
const ANSWERS: [Option<(u16, &str)>; 5] = [
    None,
    Some((429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":""}"#)),
    Some((403, r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","error":""}"#)),
    Some((500, "")),
    Some((301, "")),
];

fn answer(answer: Option<(u16, &str)>) -> Lied {
    answer.map_or(Lied::Nothing, |(status, body)| response(status, body))
}

#[test]
fn a_stored_session_that_cannot_be_looked_at_keeps_no_other_waiting() {
    for says in ANSWERS {
        let mut phone = running();
        for _ in 0..3 {
            let session = phone.session();
            phone.has(session, true);
        }
        for _ in 0..5 {
            phone.has_session();
        }
        phone.lie = lie_about("GET /room_keys/keys/", usize::MAX, move || answer(says));
        phone.live(HOUR);
        assert_eq!(stored(&phone), 5, "{says:?}");
        // What comes later is stored, too.
        phone.has_session();
        phone.live(2 * HOUR);
        assert_eq!(stored(&phone), 6, "{says:?}");
        assert!(phone.not_stored.iter().all(|(_, reason)| *reason == NotStored::Failing));
        let mut told: Vec<_> = phone.not_stored.iter().map(|(token, _)| *token).collect();
        told.sort();
        told.dedup();
        assert_eq!(told, [0, 1, 2], "{says:?}");
        // The server recovers.
        phone.lie = None;
        phone.live(2 * HOUR);
        assert_eq!(stored(&phone), 9, "{says:?}");
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}

#[test]
fn a_session_whose_upload_gets_no_answer_is_told_and_keeps_no_other_waiting() {
    for says in [ANSWERS[0], ANSWERS[1], ANSWERS[3]] {
        let mut phone = running();
        let session = phone.session();
        let id = session.session_id();
        phone.has(session, false);
        for _ in 0..5 {
            phone.has_session();
        }
        phone.lie = Some(Box::new(move |request, _| {
            let is_it = String::from_utf8_lossy(request.body()).contains(id.as_str());
            is_it.then(|| answer(says))
        }));
        phone.live(2 * HOUR);
        assert_eq!(stored(&phone), 5, "{says:?}");
        assert_eq!(phone.not_stored.first(), Some(&(0, NotStored::Failing)));
        phone.has_session();
        phone.live(2 * HOUR);
        assert_eq!(stored(&phone), 6, "{says:?}");
        assert!(phone.sent.len() < 80, "{says:?}: {}", phone.sent.len());
    }
}

/// Nobody knows that a session is to blame while nothing gets an answer.
#[test]
fn a_day_without_a_network_gives_no_session_up() {
    let mut phone = running();
    let session = phone.session();
    phone.has(session, true);
    phone.has_session();
    phone.lie = Some(Box::new(|_, _| Some(Lied::Nothing)));
    phone.live(24 * HOUR);
    assert_eq!(phone.not_stored, []);
    phone.lie = None;
    phone.live(HOUR);
    assert_eq!(stored(&phone), 2);
}

#[test]
fn a_preference_that_cannot_be_read_keeps_a_restarted_machine_from_nothing() {
    for says in ANSWERS {
        let mut phone = running();
        phone.reload("PHONE");
        phone.lie = lie_about("GET /user/", usize::MAX, move || answer(says));
        phone.has_session();
        phone.live(HOUR);
        assert_eq!((phone.machine.stage(), stored(&phone)), (Stage::Running, 1), "{says:?}");
    }
}

#[test]
fn a_preference_that_cannot_be_written_keeps_nobody_from_disabling() {
    for says in ANSWERS {
        let mut phone = running();
        phone.lie = lie_about("PUT /user/", usize::MAX, move || answer(says));
        phone.machine.disable();
        phone.live(2 * HOUR);
        assert_eq!(phone.machine.stage(), Stage::Off, "{says:?}");
        assert_eq!(phone.preference_not_set, [(false, false)], "{says:?}");
    }
}
