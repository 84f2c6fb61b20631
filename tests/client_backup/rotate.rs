//! A new key in place of the old one.

use serde_json::json;
use strongroom::{
    client::{
        backup::{Question, Reply, Stage},
        flow::FlowError,
    },
    provenance::Provenance,
};

use crate::driver::{Driver, Lied, lie_about, response};

#[test]
fn a_rotation_makes_a_version_rewrites_the_secret_and_uploads_again() {
    let mut phone = Driver::new();
    phone.set_up();
    for _ in 0..3 {
        phone.has_session();
    }
    phone.live(20_000);
    let before = *phone.machine.trusted().unwrap().public_key();
    phone.machine.rotate();
    phone.live(20_000);
    let after = phone.machine.trusted().unwrap().clone();
    assert_eq!((after.version().as_str(), phone.machine.retired()), ("2", &[before][..]));
    let stored = phone.stored_key(Provenance::AuthenticatedSecretStorage);
    assert_eq!((stored.public_key(), phone.secrets.len()), (after.public_key(), 2));
    assert!(matches!(phone.question(), Question::SaveRecoveryKey { .. }));
    assert!(phone.store.values().all(|(_, stored)| stored.as_ref() == Some(after.version())));
    assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).1["count"], 3);
}

#[test]
fn the_secret_that_was_not_written_is_written_after_a_restart() {
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.set_up();
    assert_eq!(phone.secrets.len(), 1);
    phone.live(86_400_000);
    assert_eq!(phone.secrets.len(), 1, "once, until the host says that it can");
    phone.restart();
    assert_eq!(phone.secrets.len(), 2);
    phone.has_storage = true;
    phone.machine.secret_storage_is_ready();
    phone.run();
    assert_eq!(phone.secrets.len(), 3);
    phone.restart();
    assert_eq!((phone.secrets.len(), phone.machine.secret_is_due()), (3, false));
}

#[test]
fn a_secret_that_is_read_back_otherwise_is_not_written() {
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.set_up();
    let mut other = Driver::on(Default::default(), "PHONE", 2);
    other.set_up();
    let Some(Some(others)) = other.secrets.first() else { panic!() };
    assert!(phone.machine.secret_read_back(Some(others)).is_err());
    assert!(phone.machine.secret_read_back(None).is_err());
    let Some(Some(ours)) = phone.secrets.first().cloned() else { panic!() };
    phone.machine.secret_read_back(Some(&ours)).unwrap();
    assert!(!phone.machine.secret_is_due());
}

#[test]
fn uploads_to_the_old_version_go_on_while_the_new_key_waits_to_be_signed() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.machine.rotate();
    use strongroom::client::backup::Next;
    let sign = loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Save(_) => phone.machine.saved(),
            Next::Sign(id, _) => break id,
            other => panic!("{other:?}"),
        }
    };
    phone.has_session();
    phone.live(60_000);
    let versions: Vec<_> = phone.store.values().map(|(_, stored)| stored.clone()).collect();
    assert_eq!(versions, [Some("1".into())]);
    assert_eq!(phone.machine.stage(), Stage::Signing);
    phone.machine.signed(sign, &[]).unwrap();
    phone.live(60_000);
    assert_eq!(phone.machine.trusted().unwrap().version().as_str(), "2");
}

#[test]
fn a_public_key_that_was_retired_stays_refused_whoever_signed_it() {
    let mut phone = Driver::new();
    phone.machine.set_signers(vec![phone.signer()]);
    phone.set_up();
    let (_, old) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    phone.machine.rotate();
    phone.live(20_000);
    // The server serves the old one again, with its valid signature.
    phone.lie = Some(Box::new(move |request, _| {
        let is_it =
            request.method() == "GET" && request.uri().path().ends_with("/room_keys/version");
        let mut replayed = old.clone();
        replayed["version"] = json!("3");
        is_it.then(|| response(200, &replayed.to_string()))
    }));
    phone.machine.look_again();
    phone.run();
    let open: Vec<_> =
        phone.machine.open_questions().map(|(id, question)| (id, question.clone())).collect();
    let changed = open.iter().find(|(_, question)| matches!(question, Question::Changed { .. }));
    let Some((id, Question::Changed { found: Some(found), .. })) = changed else {
        panic!("{open:?}")
    };
    assert_eq!(found.problem, Some(strongroom::backup::TrustError::Retired));
    assert!(phone.machine.reply(*id, Reply::Use).is_err());
}

#[test]
fn a_rotation_whose_answer_is_lost_ends_with_one_new_version() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = Some({
        let mut lost = 0;
        Box::new(move |request, homeserver| {
            let is_it = request.method() == "POST" && lost < 2;
            lost += usize::from(is_it);
            is_it.then(|| {
                if lost == 2 {
                    homeserver.respond(request);
                }
                Lied::Nothing
            })
        })
    });
    phone.machine.rotate();
    phone.live(60_000);
    let (_, version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    assert_eq!((version["version"].as_str(), phone.machine.stage()), (Some("2"), Stage::Running));
}

#[test]
fn a_rotation_right_after_a_restart_looks_first_and_then_rotates() {
    let mut phone = Driver::new();
    phone.set_up();
    let before = *phone.machine.trusted().unwrap().public_key();
    phone.reload("PHONE");
    phone.machine.rotate();
    phone.live(20_000);
    let trusted = phone.machine.trusted().unwrap();
    assert_eq!((trusted.version().as_str(), phone.machine.retired()), ("2", &[before][..]));
}

#[test]
fn the_key_before_the_rotation_still_opens_what_only_the_old_version_has() {
    let mut phone = Driver::new();
    phone.set_up();
    let session = phone.has_session();
    phone.live(20_000);
    phone.store.clear();
    phone.machine.rotate();
    phone.live(20_000);
    phone.restart();
    phone.ask_server("DELETE", "/room_keys/version/2", &json!({}));
    phone.machine.look_again();
    phone.run();
    let scope = strongroom::client::backup::Scope::Session("!room".into(), session.session_id());
    phone.machine.fetch(scope, phone.now);
    phone.live(20_000);
    assert_eq!(phone.imported, [session]);
}

/// What was asked for and did not happen is told, with its reason.
#[test]
fn a_rotation_whose_version_is_never_shown_is_told_and_the_one_in_use_stays() {
    let mut phone = Driver::new();
    phone.set_up();
    let before = *phone.machine.trusted().unwrap().public_key();
    phone.lie = lie_about("POST", usize::MAX, || response(200, r#"{"version":"2"}"#));
    phone.machine.rotate();
    phone.live(86_400_000);
    assert_eq!(phone.not_created, [FlowError::NotShown]);
    let trusted = phone.machine.trusted().unwrap();
    assert_eq!((*trusted.public_key(), phone.machine.stage()), (before, Stage::Running));
}

/// A user who has asked for a new one is asked before the old one is used again.
#[test]
fn a_backup_that_was_gone_and_is_back_while_a_new_one_is_made_is_a_question() {
    for is_rotation in [false, true] {
        let mut phone = Driver::new();
        phone.set_up();
        let mut is_posted = false;
        phone.lie = Some(Box::new(move |request, _| {
            is_posted |= request.method() == "POST";
            if request.method() == "POST" {
                return Some(response(500, r#"{"errcode":"M_UNKNOWN","error":""}"#));
            }
            let is_version = request.uri().path().ends_with("/room_keys/version");
            let gone = || response(404, r#"{"errcode":"M_NOT_FOUND","error":""}"#);
            (is_version && !is_posted).then(gone)
        }));
        if is_rotation {
            phone.reload("PHONE");
            phone.machine.rotate();
        } else {
            phone.machine.look_again();
            phone.live(60_000);
            phone.reply(Reply::Create);
        }
        phone.live(86_400_000);
        assert_eq!(phone.not_created, [FlowError::OtherDevice], "{is_rotation}");
        phone.has_session();
        phone.live(86_400_000);
        let Question::Changed { used, found: Some(found), .. } = phone.question() else {
            panic!("{:?}", phone.asked)
        };
        assert_eq!((used.0, found.problem), (found.version, None));
        assert!(phone.store.values().all(|(_, stored)| stored.is_none()));
        phone.lie = None;
        phone.reply(Reply::Use);
        phone.live(60_000);
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
    }
}
