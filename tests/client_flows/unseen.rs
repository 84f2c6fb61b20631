//! A homeserver that does not say which backup there is: what can be had without is had soon, and the end names the failure.

use http::Response;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        RequestFailure,
        flow::{Flow as _, Recover, Recovered, Step},
    },
};

use crate::{
    host::new_key,
    recover::{account, nobody, tablet},
};

const HOUR: u64 = 60 * 60 * 1_000;

type Answer = Option<Response<Vec<u8>>>;

/// What `GET /room_keys/version` answers for good.
const LASTING: [(&str, Option<(u16, &str)>); 7] = [
    ("429", Some((429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?"}"#))),
    (
        "429 for ten years",
        Some((429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":315360000000}"#)),
    ),
    ("429 of a proxy", Some((429, "<html>slow down</html>"))),
    ("401", Some((401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?"}"#))),
    ("401 of a proxy", Some((401, "<html>who are you</html>"))),
    ("500", Some((500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#))),
    ("no answer", None),
];

/// How a recovery went.
struct Went {
    asked_ms: u64,
    secrets: usize,
    ended_ms: u64,
    is_given_up: bool,
    recovered: Recovered,
}

/// Recovers while that is what is answered. The host gets a new token each time, or never.
fn recover(says: Option<(u16, &str)>, renews: bool) -> Went {
    let (mut host, _) = account(&new_key());
    let typed = host.shown[0].clone();
    let mut flow = Recover::new(tablet(None), nobody(), Limits::default());
    let begin = host.now;
    let (mut asked_ms, mut secrets, mut is_given_up) = (u64::MAX, 0, false);
    for _ in 0..10_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let is_it = request.uri().path().ends_with("/room_keys/version");
                let answer = if is_it { lie(says) } else { host.send(&request) };
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::NeedsToken { .. } if renews => flow.resume(),
            Step::NeedsToken { .. } => {}
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::EnterKey => {
                asked_ms = asked_ms.min(host.now - begin);
                let _ = flow.enter(&typed, host.now).unwrap();
            }
            Step::Secrets(opened) => secrets = opened.len(),
            Step::Wait(until) => {
                let end = begin + 24 * HOUR;
                if until.is_none_or(|until| until > end) {
                    (is_given_up, host.now) = (true, end);
                    flow.give_up();
                } else {
                    host.now = until.unwrap().max(host.now + 1);
                }
            }
            Step::Done(recovered) => {
                let (ended_ms, recovered) = (host.now - begin, *recovered);
                return Went { asked_ms, secrets, ended_ms, is_given_up, recovered };
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

fn lie(says: Option<(u16, &str)>) -> Answer {
    let (status, body) = says?;
    Some(Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
}

#[test]
fn the_key_is_asked_for_as_soon_as_it_opens_the_secrets_whatever_is_said_of_the_backup() {
    for (name, says) in LASTING {
        for renews in [true, false] {
            let went = recover(says, renews);
            assert!(went.asked_ms < 60_000, "{name}: after {} ms", went.asked_ms);
            assert_eq!(went.secrets, 2, "{name}");
        }
    }
}

#[test]
fn a_recovery_without_a_backup_to_see_ends_and_names_what_has_failed() {
    for (name, says) in LASTING {
        for renews in [true, false] {
            let went = recover(says, renews);
            assert!(went.recovered.fetched.is_none(), "{name}");
            match (went.recovered.failure, says) {
                (Some(RequestFailure::NoAnswer), None) => {}
                (Some(RequestFailure::Api(error)), Some((status, _))) => {
                    assert_eq!(error.status().unwrap_or(200), status, "{name}");
                }
                (other, _) => panic!("{name}: {other:?}"),
            }
            // No flow ends because the network is down or the token is gone: the host knows better how long to wait.
            let waits = says.is_none() || name == "401" && !renews;
            assert_eq!(went.is_given_up, waits, "{name}");
            let bound = if name == "429 for ten years" { 12 * HOUR } else { HOUR };
            assert!(waits || went.ended_ms < bound, "{name}: after {} ms", went.ended_ms);
        }
    }
}

/// The answer that comes late is used, and the user may have typed the key of the backup itself.
#[test]
fn the_key_of_the_backup_itself_is_taken_once_the_backup_is_seen() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let typed = crate::recover::text_of_backup_key(&mut host, &key);
    let mut flow = Recover::new(tablet(None), nobody(), Limits::default());
    let (mut refused, mut looks, mut imported) = (0, 0, 0);
    for _ in 0..1_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let is_look = request.uri().path().ends_with("/room_keys/version");
                looks += usize::from(is_look);
                let answer = if is_look && looks <= 6 { lie(None) } else { host.send(&request) };
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::EnterKey => {
                // The user types for a minute.
                host.now += 60_000;
                refused += usize::from(flow.enter(&typed, host.now).is_err());
                assert!(refused < 4, "the backup is never looked at again");
            }
            Step::Import(id, _, sessions) => {
                imported += sessions.len();
                flow.ack(id);
            }
            Step::Wait(until) => host.now = until.unwrap().max(host.now + 1),
            Step::Done(recovered) => {
                assert!(recovered.fetched.is_some() && recovered.failure.is_none());
                assert_eq!((imported, refused > 0), (sessions.len(), true));
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends");
}
