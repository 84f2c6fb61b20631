//! One's signature is withdrawn from a backup that is not used.

use serde_json::{Value, json};
use strongroom::{
    client::{
        Awaited, RequestFailure, RequestKind,
        backup::{Reply, Stage},
    },
    ids::KeyId,
};

use crate::driver::{Driver, lie_about, response, somebody_elses_key};

const DAY: u64 = 24 * 60 * 60 * 1_000;

fn own() -> [KeyId; 1] {
    [KeyId::new("ed25519:PHONE")]
}

fn body() -> Value {
    json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": {
            "public_key": somebody_elses_key(9).public_key().to_base64(),
            "signatures": {
                "@alice:example.org": { "ed25519:PHONE": "mine", "ed25519:LAPTOP": "theirs" },
                "@bob:example.org": { "ed25519:PHONE": "his" },
            },
            "org.example.more": [1, { "a": null }],
        },
    })
}

/// A device that meets a backup which it does not trust.
fn untrusting() -> Driver {
    let mut phone = Driver::new();
    phone.ask_server("POST", "/room_keys/version", &body());
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
    phone.sent.clear();
    phone
}

fn auth_data(phone: &mut Driver) -> Value {
    phone.ask_server("GET", "/room_keys/version", &json!({})).1["auth_data"].clone()
}

fn puts(phone: &mut Driver) -> usize {
    phone.requests().iter().filter(|line| line.starts_with("PUT /room_keys/version")).count()
}

#[test]
fn it_goes_and_everything_else_stays_as_it_is() {
    let mut phone = untrusting();
    assert!(phone.machine.withdraw_signatures(&own()));
    phone.live(1_000);
    let mut expected = body()["auth_data"].clone();
    expected["signatures"]["@alice:example.org"].as_object_mut().unwrap().remove("ed25519:PHONE");
    assert_eq!(auth_data(&mut phone), expected);
    assert_eq!(phone.withdrawn, [Ok(())]);
    let lines = phone.requests();
    let lines: Vec<_> = lines.iter().filter(|line| line.contains("/room_keys/version")).collect();
    assert_eq!(
        lines,
        ["GET /room_keys/version", "PUT /room_keys/version/1", "GET /room_keys/version"]
    );
    assert!(!phone.machine.withdraw_signatures(&own()), "there is none any more");
}

#[test]
fn nothing_is_written_where_there_is_nothing_to_withdraw_or_the_backup_is_used() {
    let mut phone = Driver::new();
    assert!(!phone.machine.withdraw_signatures(&own()));
    phone.set_up();
    assert!(!phone.machine.withdraw_signatures(&own()), "it is in use");
    let mut phone = untrusting();
    assert!(!phone.machine.withdraw_signatures(&[KeyId::new("ed25519:OTHER")]));
    assert!(!phone.machine.withdraw_signatures(&[]));
    phone.live(1_000);
    assert_eq!(puts(&mut phone), 0);
}

#[test]
fn a_backup_that_has_changed_meanwhile_is_not_written() {
    let changes: [fn(&mut Driver); 3] = [
        |phone| {
            let mut changed = body();
            changed["version"] = json!("1");
            changed["auth_data"]["org.example.more"] = json!(2);
            let (status, _) = phone.ask_server("PUT", "/room_keys/version/1", &changed);
            assert_eq!(status, 200);
        },
        |phone| drop(phone.ask_server("POST", "/room_keys/version", &body())),
        |phone| drop(phone.ask_server("DELETE", "/room_keys/version/1", &json!({}))),
    ];
    for change in changes {
        let mut phone = untrusting();
        change(&mut phone);
        let before = auth_data(&mut phone);
        assert!(phone.machine.withdraw_signatures(&own()));
        phone.live(1_000);
        assert_eq!(phone.withdrawn, [Err(RequestFailure::OtherBackup)]);
        assert_eq!((puts(&mut phone), auth_data(&mut phone)), (0, before));
    }
}

#[test]
fn a_refusal_ends_it_and_so_does_one_that_takes_it_without_effect() {
    for (status, answer) in [(403, r#"{"errcode":"M_FORBIDDEN","error":"no"}"#), (200, "{}")] {
        let mut phone = untrusting();
        assert!(phone.machine.withdraw_signatures(&own()));
        phone.lie =
            lie_about("PUT /room_keys/version/1", usize::MAX, move || response(status, answer));
        for _ in 0..(7 * 24) {
            phone.live(DAY / 24);
        }
        let [Err(error)] = &phone.withdrawn[..] else { panic!("{:?}", phone.withdrawn) };
        assert!(!matches!(error, RequestFailure::OtherBackup), "{error:?}");
        assert!(puts(&mut phone) < 30, "{}", puts(&mut phone));
        let is_own = |what| what == Awaited::Request(RequestKind::UpdateVersion);
        assert!(!phone.machine.waiting_for().iter().any(|waiting| is_own(waiting.what)));
    }
}

#[test]
fn whoever_begins_to_use_the_backup_keeps_its_signatures() {
    let mut phone = Driver::new();
    phone.set_up();
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.run();
    assert_eq!(laptop.machine.stage(), Stage::Untrusted);
    assert!(laptop.machine.withdraw_signatures(&[phone.signer().key_id().clone()]));
    laptop.machine.set_signers(vec![phone.signer()]);
    laptop.run();
    let open: Vec<_> = laptop.machine.open_questions().map(|(id, _)| id).collect();
    open.into_iter().for_each(|id| drop(laptop.machine.reply(id, Reply::Use)));
    laptop.live(60_000);
    assert_eq!(puts(&mut laptop), 0);
}

#[test]
fn a_backup_that_the_user_says_is_to_be_used_stays_signed() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.ask_server("POST", "/room_keys/version", &body());
    phone.machine.look_again();
    phone.live(10_000);
    phone.give_key(somebody_elses_key(9));
    phone.live(10_000);
    assert_eq!(phone.machine.stage(), Stage::Changed);
    phone.sent.clear();
    assert!(phone.machine.withdraw_signatures(&own()));
    phone.lie = lie_about("PUT /room_keys/version", 1, || response(500, "{}"));
    phone.run();
    phone.reply(Reply::Use);
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.live(600_000);
    assert_eq!(puts(&mut phone), 1);
    assert_eq!(auth_data(&mut phone), body()["auth_data"]);
    assert_eq!(phone.withdrawn, [Err(RequestFailure::OtherBackup)]);
}
