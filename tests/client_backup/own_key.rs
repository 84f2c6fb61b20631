//! Keys that nobody else has: they are kept, saved and stored, and those of others are not.

use crate::driver::{Driver, Lied, USER, lie_about, somebody_elses_key};
use http::Response;
use serde_json::json;
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    client::backup::{Backup, BackupOptions, Next, Question, Reply, SavedBackup, Stage},
    provenance::Provenance,
};

#[test]
fn the_same_key_under_another_version_is_still_to_be_saved_and_stored() {
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.run();
    phone.reply(Reply::Create);
    let key = phone.machine.trusted().unwrap().public_key().to_base64();
    // the network delivers the POST a second time
    phone.plant(&key);
    phone.machine.look_again();
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Changed);
    phone.reply(Reply::Use);
    assert_eq!(phone.machine.stage(), Stage::Running);
    let open: Vec<_> = phone.machine.open_questions().map(|(_, q)| q.clone()).collect();
    assert!(open.iter().any(|q| matches!(q, Question::SaveRecoveryKey { .. })), "{open:?}");
    assert!(phone.machine.secret_is_due());
}

#[test]
fn a_crash_between_the_two_parts_of_the_state_loses_nothing() {
    let mut phone = Driver::new();
    phone.run();
    let (id, _) = phone.asked[0].clone();
    phone.machine.reply(id, Reply::Create).unwrap();
    let mut saves: Vec<SavedBackup> = vec![phone.disk.clone()];
    let mut shown = false;
    for _ in 0..50 {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Save(s) => {
                saves.push((*s).clone());
                phone.disk = *s;
                phone.machine.saved();
            }
            Next::Wait(_) => break,
            Next::Ask(_, q) => {
                shown |= matches!(*q, Question::SaveRecoveryKey { .. });
            }
            other => phone.work(other),
        }
    }
    assert!(shown);
    for pair in saves.windows(2) {
        let torn = SavedBackup { public: pair[0].public.clone(), secret: pair[1].secret.clone() };
        let r = Backup::from_saved(
            &torn,
            USER.into(),
            "PHONE".into(),
            BackupOptions::default(),
            Limits::default(),
        );
        assert!(
            r.is_ok(),
            "{:?} with public {}",
            r.err(),
            String::from_utf8_lossy(&pair[0].public)
        );
    }
}

#[test]
fn who_changes_their_mind_gets_the_secret_back_that_was_deleted() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = lie_about("PUT /user", 1, || Lied::Nothing);
    phone.machine.disable();
    phone.run();
    assert!(matches!(phone.secrets.last(), Some(None)));
    phone.lie = None;
    phone.machine.enable();
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert!(matches!(phone.secrets.last(), Some(Some(_))), "the secret stays deleted");
}

#[test]
fn a_key_that_was_replaced_meanwhile_does_not_go_to_the_secret_storage() {
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.set_up();
    phone.live(20_000);
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.machine.set_signers(vec![phone.signer()]);
    laptop.run();
    laptop.machine.rotate();
    laptop.run();
    phone.homeserver = laptop.homeserver.clone();
    phone.has_storage = true;
    phone.secrets.clear();
    phone.now += 600_000;
    phone.machine.secret_storage_is_ready();
    phone.run();
    let current =
        phone.ask_server("GET", "/room_keys/version", &json!({})).1["auth_data"]["public_key"]
            .clone();
    if let Some(Some(s)) = phone.secrets.last() {
        let k = BackupDecryptionKey::from_base64(s.to_text().expose_str()).unwrap();
        assert_eq!(json!(k.public_key().to_base64()), current, "a secret for another version");
    }
}

#[test]
fn a_key_that_somebody_planted_does_not_take_the_place_of_ones_own() {
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.run();
    phone.reply(Reply::Create); // not saved yet, nor stored
    let own = *phone.machine.trusted().unwrap().public_key();
    let other = somebody_elses_key(9);
    let planted = phone.plant(&other.public_key().to_base64());
    phone.machine.look_again();
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Changed);
    let other = BackupDecryptionKey::from_base64(other.to_base64().expose_str()).unwrap();
    phone.machine.give_key(other);
    phone.run();
    phone.ask_server("DELETE", &format!("/room_keys/version/{planted}"), &json!({}));
    phone.machine.look_again();
    phone.run();
    phone.reply(Reply::Use);
    assert_eq!(*phone.machine.trusted().unwrap().public_key(), own);
    phone.machine.secret_storage_is_ready();
    phone.run();
    let Some(Some(s)) = phone.secrets.last() else { panic!() };
    let k = BackupDecryptionKey::from_base64(s.to_text().expose_str()).unwrap();
    assert_eq!(*k.public_key(), own, "the planted key is written to the secret storage");
}

#[test]
fn an_answer_from_before_the_user_said_so_does_not_end_disabling() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.ask_server("DELETE", "/room_keys/version/1", &json!({}));
    phone.has_storage = false;
    phone.machine.look_again();
    let Next::Send(op) = phone.machine.next_with_rng(phone.now, &mut phone.rng) else { panic!() };
    phone.machine.disable();
    let gone = Response::builder()
        .status(404)
        .body(br#"{"errcode":"M_NOT_FOUND","error":"?"}"#.to_vec())
        .unwrap();
    phone.machine.answer(op.id(), Some(gone), phone.now).unwrap();
    phone.run();
    assert!(phone.machine.secret_is_due(), "{:?}", phone.machine.stage());
}

#[test]
fn nothing_that_the_machine_says_holds_a_key() {
    let mut phone = Driver::new();
    phone.run();
    let (id, _) = phone.asked[0].clone();
    phone.machine.reply(id, Reply::Create).unwrap();
    let mut text = String::new();
    let mut key = None;
    phone.has_session();
    text += &format!("{:?}", phone.store);
    for _ in 0..100 {
        let next = phone.machine.next_with_rng(phone.now, &mut phone.rng);
        text += &format!("{next:?}");
        match next {
            Next::Ask(_, ref q) => {
                if let Question::SaveRecoveryKey { recovery_key, .. } = &**q {
                    key = Some(recovery_key.to_text().expose_str().to_owned());
                    text += &format!("{:#?}", phone.machine);
                }
            }
            Next::Wait(Some(t)) => phone.now = t,
            Next::Wait(None) => break,
            next => phone.work(next),
        }
        text += &format!("{:?}", phone.disk);
    }
    let key = key.unwrap();
    let own = phone.stored_key(Provenance::TypedByUser);
    assert!(!text.contains(own.to_base64().expose_str()));
    assert!(!text.contains(&key[..20]));
}

#[test]
fn a_backup_that_was_made_since_the_user_said_so_is_not_deleted() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.lie = Some(Box::new(|_, _| Some(Lied::Nothing))); // offline
    phone.machine.disable();
    phone.run();
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.machine.set_signers(vec![phone.signer()]);
    laptop.run();
    laptop.machine.rotate();
    laptop.has_session();
    laptop.live(7 * 86_400_000);
    phone.homeserver = laptop.homeserver.clone();
    phone.lie = None;
    phone.live(3_600_000);
    assert_eq!(
        phone.ask_server("GET", "/room_keys/version", &json!({})).0,
        200,
        "the laptop's new backup was deleted"
    );
}
