//! From nothing to a backup, and to the one that is there.

use serde_json::json;
use strongroom::{
    backup::{TrustError, TrustReason},
    client::backup::{AnswerError, KeyFit, Question, Reply, Stage},
    provenance::Provenance,
};

use crate::{
    asserted::shared,
    driver::{Driver, lie_about, only_version, response, somebody_elses_key},
};

#[test]
fn without_a_backup_the_user_is_asked_and_nothing_is_made_before() {
    let mut phone = Driver::new();
    phone.run();
    assert!(matches!(phone.question(), Question::SetUp { preference: None }));
    let account_data =
        |event_type| format!("GET /user/%40alice%3Aexample.org/account_data/{event_type}");
    let preferences = ["m.key_backup", "m.org.matrix.custom.backup_disabled"].map(account_data);
    let sent = phone.requests();
    assert_eq!(sent[..2], preferences);
    assert_eq!(sent[2..], ["GET /room_keys/version"]);
    phone.live(120_000);
    assert_eq!(phone.requests().len(), 3, "it is looked for after 30, 60 and 120 seconds");
    assert_eq!(phone.machine.stage(), Stage::Absent);
}

#[test]
fn a_backup_is_signed_created_confirmed_and_only_then_its_key_is_shown() {
    let mut phone = Driver::new();
    phone.run();
    phone.requests();
    phone.reply(Reply::Create);
    let sent = phone.requests();
    let (post, get) = ("POST /room_keys/version", "GET /room_keys/version");
    assert_eq!(sent[..3], [get, post, get]);
    let preference = ["GET", "PUT"]
        .map(|method| format!("{method} /user/%40alice%3Aexample.org/account_data/m.key_backup"));
    assert_eq!((&sent[3], &sent[5]), (&preference[0], &preference[1]));
    let Question::SaveRecoveryKey { public_key, recovery_key } = phone.question() else { panic!() };
    let (_, version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    assert_eq!(version["auth_data"]["public_key"], public_key.to_base64());
    let signatures = &version["auth_data"]["signatures"]["@alice:example.org"];
    assert!(signatures["ed25519:SIGNER"].is_string());
    let key = strongroom::backup::BackupDecryptionKey::from_recovery_key(recovery_key);
    assert_eq!(*key.public_key(), public_key);
    assert!(matches!(phone.secrets[..], [Some(_)]));
    assert_eq!(
        phone.stored_key(Provenance::AuthenticatedSecretStorage).public_key(),
        key.public_key()
    );
    let preference = "/user/%40alice%3Aexample.org/account_data/m.key_backup";
    assert_eq!(phone.ask_server("GET", preference, &json!({})).1, json!({ "enabled": true }));
    phone.reply(Reply::Saved);
    assert_eq!(phone.machine.open_questions().count(), 0);
}

#[test]
fn sessions_go_up_while_the_recovery_key_is_still_to_be_saved() {
    let mut phone = Driver::new();
    phone.has_session();
    phone.run();
    phone.reply(Reply::Create);
    phone.live(60_000);
    assert!(matches!(phone.question(), Question::SaveRecoveryKey { .. }));
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
}

#[test]
fn only_a_matrix_404_says_that_there_is_no_backup() {
    for (status, body) in [
        (404, "<html>not found</html>"),
        (404, r#"{"errcode":"M_UNRECOGNIZED","error":"?"}"#),
        (200, r#"{"rooms":{}}"#),
        (500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#),
        (403, r#"{"errcode":"M_FORBIDDEN","error":"?"}"#),
    ] {
        let mut phone = Driver::new();
        phone.lie = lie_about("GET /room_keys/version", usize::MAX, move || response(status, body));
        phone.live(3_600_000);
        assert_eq!(phone.machine.stage(), Stage::Looking, "{status} {body}");
        let is_about_none = |(_, question): &_| matches!(question, Question::SetUp { .. });
        assert!(!phone.asked.iter().any(is_about_none), "{status} {body}");
        assert!((5..40).contains(&phone.requests().len()), "it waits longer each time");
    }
}

/// Row 56: what is there cannot be used, and a new backup can take its place.
#[test]
fn a_version_without_an_algorithm_or_without_anything_can_be_replaced() {
    for body in [
        "{}",
        r#"{"version":"7"}"#,
        r#"{"version":"7","algorithm":null,"auth_data":{"public_key":"?"}}"#,
        r#"{"version":7,"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2"}"#,
    ] {
        let mut phone = Driver::new();
        phone.lie = lie_about("GET /room_keys/version", 1, move || response(200, body));
        phone.has_session();
        phone.run();
        match phone.question() {
            // One without a version is never shown.
            Question::Unseen { .. } => assert_eq!(body, "{}"),
            Question::Use { found, .. } => {
                assert_eq!(found.version.as_str(), "7");
                assert!(found.public_key.is_none() && found.problem.is_some(), "{body}: {found:?}");
            }
            other => panic!("{body}: {other:?}"),
        }
        phone.reply(Reply::Create);
        phone.live(60_000);
        assert!(matches!(phone.question(), Question::SaveRecoveryKey { .. }), "{body}");
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "{body}");
    }
}

#[test]
fn a_used_backup_in_whose_place_nothing_with_a_version_is_shown_is_unseen() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = lie_about("GET /room_keys/version", usize::MAX, || response(200, "{}"));
    phone.live(2 * 3_600_000);
    assert!(matches!(phone.question(), Question::Unseen { .. }), "{:?}", phone.asked);
    phone.lie = None;
    phone.live(2 * 3_600_000);
    phone.reply(Reply::Use);
    assert_eq!(phone.machine.stage(), Stage::Running);
}

/// What the homeserver has no name for cannot be deleted, and nobody waits for it.
#[test]
fn a_version_without_a_name_does_not_keep_a_user_from_disabling_the_backup() {
    let mut phone = Driver::new();
    phone.lie = lie_about("GET /room_keys/version", usize::MAX, || response(200, "{}"));
    phone.run();
    phone.machine.disable();
    phone.live(3_600_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
}

#[test]
fn a_refusal_is_remembered_over_a_restart_and_may_be_taken_back() {
    let mut phone = Driver::new();
    phone.run();
    phone.reply(Reply::Stop);
    assert_eq!(phone.machine.stage(), Stage::Off);
    let preference = "/user/%40alice%3Aexample.org/account_data/m.key_backup";
    assert_eq!(phone.ask_server("GET", preference, &json!({})).1, json!({ "enabled": false }));
    phone.restart();
    phone.requests();
    phone.live(86_400_000);
    assert_eq!((phone.machine.stage(), phone.requests().len()), (Stage::Off, 0));
    phone.machine.enable();
    phone.run();
    assert!(matches!(phone.question(), Question::SetUp { preference: Some(true) }));
    assert_eq!(phone.ask_server("GET", preference, &json!({})).1, json!({ "enabled": true }));
}

#[test]
fn a_preference_of_another_device_is_a_fact_for_the_user() {
    for (content, preference) in [
        (json!({ "enabled": false }), Some(false)),
        (json!({ "enabled": true }), Some(true)),
        (json!({ "enabled": "no" }), None),
        (json!({}), None),
    ] {
        let mut phone = Driver::new();
        let path = "/user/%40alice%3Aexample.org/account_data/m.key_backup";
        phone.ask_server("PUT", path, &content);
        phone.run();
        let Question::SetUp { preference: found } = phone.question() else { panic!() };
        assert_eq!(found, preference);
    }
}

/// Row 44 of the malformations: both are read, and the standard one wins.
#[test]
fn row_44_the_old_preference_counts_where_the_standard_one_says_nothing() {
    let account_data =
        |event_type| format!("/user/%40alice%3Aexample.org/account_data/{event_type}");
    let standard = account_data("m.key_backup");
    let old = account_data("m.org.matrix.custom.backup_disabled");
    for (enabled, disabled, expected) in [
        (json!({}), json!({ "disabled": true }), Some(false)),
        (json!({}), json!({ "disabled": false }), Some(true)),
        (json!({ "enabled": "no" }), json!({ "disabled": true }), Some(false)),
        (json!({ "enabled": true }), json!({ "disabled": true }), Some(true)),
        (json!({ "enabled": false }), json!({ "disabled": false }), Some(false)),
        (json!({}), json!({ "disabled": 1 }), None),
    ] {
        let mut phone = Driver::new();
        phone.ask_server("PUT", &standard, &enabled);
        phone.ask_server("PUT", &old, &disabled);
        phone.run();
        let Question::SetUp { preference } = phone.question() else { panic!() };
        assert_eq!(preference, expected, "{enabled} {disabled}");
    }
}

#[test]
fn a_backup_is_not_joined_without_a_question_if_the_preference_says_no() {
    let mut laptop = Driver::new();
    laptop.set_up();
    let signer = laptop.signer();
    let path = "/user/%40alice%3Aexample.org/account_data/m.key_backup";
    laptop.ask_server("PUT", path, &json!({ "enabled": false }));
    let mut phone = Driver::on(laptop.homeserver, "TABLET", 2);
    phone.machine.set_signers(vec![signer]);
    phone.has_session();
    phone.live(60_000);
    let Question::Use { found, preference } = phone.question() else { panic!() };
    assert_eq!((found.problem, preference), (None, Some(false)));
    phone.reply(Reply::Use);
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert_eq!(phone.ask_server("GET", path, &json!({})).1, json!({ "enabled": true }));
}

#[test]
fn while_the_user_thinks_another_device_makes_a_backup() {
    let mut phone = Driver::new();
    phone.run();
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.set_up();
    phone.homeserver = laptop.homeserver.clone();
    phone.machine.set_signers(vec![laptop.signer()]);
    let (old, _) = phone.asked[0].clone();
    phone.pass(30_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert_eq!(phone.machine.reply(old, Reply::Create), Err(AnswerError::NotAwaited));
    let posts = phone.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 0);
}

#[test]
fn a_signature_of_a_trusted_key_makes_a_backup_trusted() {
    let mut laptop = Driver::new();
    laptop.set_up();
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.machine.set_signers(vec![laptop.signer()]);
    phone.run();
    let reason = phone.machine.trusted().unwrap().reason().clone();
    assert_eq!(reason, TrustReason::Signature(laptop.signer()));
    assert_eq!(phone.asked.len(), 0);
}

#[test]
fn a_backup_that_nobody_vouches_for_is_a_question_with_every_signer() {
    let mut laptop = Driver::new();
    laptop.set_up();
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.has_session();
    phone.live(60_000);
    let Question::Use { found, .. } = phone.question() else { panic!() };
    let signatures = found.signatures.clone().unwrap();
    assert_eq!(signatures.signatures()[0].0.as_str(), "ed25519:SIGNER");
    assert!(matches!(found.problem, Some(TrustError::NoTrustedSignature(_))));
    let (id, _) = phone.asked[0].clone();
    assert!(matches!(phone.machine.reply(id, Reply::Use), Err(AnswerError::NotTrusted(_))));
    assert_eq!(phone.machine.reply(id, Reply::Saved), Err(AnswerError::OtherQuestion));
    assert!(phone.requests().iter().all(|line| !line.starts_with("PUT")));

    // The user verifies the laptop.
    phone.machine.set_signers(vec![laptop.signer()]);
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
}

#[test]
fn a_key_makes_a_backup_trusted_if_its_source_is_authentic() {
    let mut laptop = Driver::new();
    laptop.set_up();
    for (source, stage) in [
        (Provenance::AuthenticatedSecretStorage, Stage::Running),
        (shared(), Stage::Running),
        (Provenance::TypedByUser, Stage::Running),
        (Provenance::Unauthenticated, Stage::Untrusted),
    ] {
        let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
        phone.run();
        let fit = if stage == Stage::Running { KeyFit::Fits } else { KeyFit::FitsUnauthenticated };
        assert_eq!(phone.machine.give_key(laptop.stored_key(source)), fit);
        phone.run();
        assert_eq!(phone.machine.stage(), stage, "{source:?}");
    }
}

#[test]
fn a_key_of_another_backup_is_said_to_be_one() {
    let mut laptop = Driver::new();
    laptop.set_up();
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run();
    phone.requests();
    let other = somebody_elses_key(7);
    let backup = *laptop.machine.trusted().unwrap().public_key();
    let key = *other.public_key();
    assert_eq!(phone.machine.give_key(other), KeyFit::OtherKey { backup, key });
    phone.run();
    assert!(only_version(&phone.requests()));
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
}

#[test]
fn a_homeserver_without_the_preference_keeps_nobody_from_a_backup() {
    let mut phone = Driver::new();
    let refusal = r#"{"errcode":"M_FORBIDDEN","error":"?"}"#;
    phone.lie = lie_about("GET /user", usize::MAX, move || response(403, refusal));
    phone.run();
    assert!(matches!(phone.question(), Question::SetUp { preference: None }));
}
