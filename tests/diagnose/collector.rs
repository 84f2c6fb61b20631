//! What a homeserver is asked for, whatever it answers.

use http::{Request, Response};
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl},
    backup::{AuthData, BackupDecryptionKey},
    client::diagnose::{Evidence, EvidenceCollector, MissingEvidence, diagnose},
    homeserver::Homeserver,
};

use crate::world::USER;

#[test]
fn versions_before_the_current_one_are_found_over_gaps() {
    let (mut server, token) = server();
    for _ in 1..=5 {
        create(&mut server, &token);
    }
    for version in ["2", "3"] {
        let call = api::delete_backup_version(&version.into());
        server.respond(&call.to_http(&base_url(), &AccessToken::from(token.as_str())).unwrap());
    }
    let (evidence, asked) = collect(&token, |request| Some(server.respond(&request)));
    assert_eq!(evidence.current().unwrap().version().as_str(), "5");
    let older: Vec<_> = evidence.older_versions.iter().map(|it| it.version().as_str()).collect();
    assert_eq!(older, ["4", "1"]);
    assert_eq!(evidence.session_count(), Some(0), "the backup is empty, and that is known");
    assert!(evidence.keys.is_some());
    let paths = ["version", "keys?version=5", "version/4", "version/3", "version/2", "version/1"];
    let paths = paths.map(|path| format!("/_matrix/client/v3/room_keys/{path}"));
    assert_eq!(asked[..6], paths);
    assert_eq!(asked[6..], ["/_matrix/client/v3/keys/query"]);
}

#[test]
fn where_there_is_no_backup_none_before_it_is_asked_for() {
    let (mut server, token) = server();
    let (evidence, asked) = collect(&token, |request| Some(server.respond(&request)));
    assert!(knows_backup(&evidence) && evidence.current().is_none());
    assert!(evidence.session_count().is_none() && evidence.older_versions.is_empty());
    assert_eq!(asked.len(), 2);
}

#[test]
fn of_ten_thousand_versions_the_last_twenty_are_asked_for() {
    let (mut server, token) = server();
    create(&mut server, &token);
    let (evidence, asked) = collect(&token, |request| {
        let answer = server.respond(&request);
        Some(answer.map(|body| {
            String::from_utf8(body)
                .unwrap()
                .replace(r#""version":"1""#, r#""version":"10000""#)
                .into()
        }))
    });
    assert_eq!(asked.len(), 1 + 1 + 20 + 1, "{evidence:?}");
}

#[test]
fn what_is_not_answered_is_not_at_hand_and_not_asked_again() {
    let failed = || Response::builder().status(500).body(Vec::new()).unwrap();
    let shapes: [fn() -> Vec<u8>; 3] = [Vec::new, || b"[]".to_vec(), || b"<html>".to_vec()];
    let mut answers: Vec<Answer> = vec![Box::new(|| None), Box::new(move || Some(failed()))];
    for shape in shapes {
        answers.push(Box::new(move || Some(Response::new(shape()))));
    }
    for answer in answers {
        let (evidence, asked) = collect("token", |_| answer());
        assert!(!knows_backup(&evidence), "{evidence:?}");
        assert!(evidence.session_count().is_none() && evidence.older_versions.is_empty());
        assert_eq!(asked.len(), 2);
    }
}

#[test]
fn a_version_without_a_name_is_told_and_not_asked_for() {
    let (evidence, asked) = collect("token", |_| Some(Response::new(b"{}".to_vec())));
    assert!(evidence.current().is_some(), "{evidence:?}");
    assert!(evidence.session_count().is_none() && evidence.older_versions.is_empty());
    assert_eq!(asked.len(), 2);
}

fn collect(
    token: &str,
    mut send: impl FnMut(Request<Vec<u8>>) -> Option<Response<Vec<u8>>>,
) -> (Evidence, Vec<String>) {
    let mut collector = EvidenceCollector::new(USER.into(), 100, Limits::default());
    let mut asked = Vec::new();
    while let Some(request) = collector.request(&base_url(), &token.into()).unwrap() {
        asked.push(request.uri().path_and_query().unwrap().to_string());
        collector.answer(send(request));
    }
    (collector.into_evidence(), asked)
}

fn server() -> (Homeserver, String) {
    let mut server = Homeserver::new();
    let token = server.log_in(USER, "PHONE");
    (server, token)
}

fn create(server: &mut Homeserver, token: &str) {
    let key = BackupDecryptionKey::generate().unwrap();
    let call = api::create_backup_version(&AuthData::new(key.public_key()));
    server.respond(&call.to_http(&base_url(), &token.into()).unwrap());
}

fn base_url() -> BaseUrl {
    "https://example.org".parse().unwrap()
}

/// What comes of a request.
/// Whether the homeserver has said which backup there is, be it none.
fn knows_backup(evidence: &Evidence) -> bool {
    let found = diagnose(evidence, None, &Limits::default());
    !found.missing().contains(&MissingEvidence::Backup)
}

type Answer = Box<dyn Fn() -> Option<Response<Vec<u8>>>>;
