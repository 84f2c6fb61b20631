//! Rotating everything where things go wrong: what was stolen opens nothing, and nobody is locked out.

use crate::asserted::StoreText as _;
use http::Response;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::flow::{Flow as _, FlowError, SetUp, SetUpDone},
    encoding::json_object::JsonObject,
    ids::{EventType, SecretStorageKeyId},
    secret_storage::{NewKey, PlanNote, SecretStorageKey},
    secret_value::PublicKeys,
};

use crate::{
    drive::{Control, End, Tear, USER_SIGNING, account, change, drive, restored, run},
    host::{BACKUP, Host, MASTER, new_key, secret},
};

const SELF_SIGNING: &str = "m.cross_signing.self_signing";
const OTHERS_BACKUP: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo";

fn rotate(before: SetUpDone, key: &NewKey) -> (SecretStorageKey, SetUp) {
    let SetUpDone { backup, storage_key, .. } = before;
    let (keys, limits) = ([storage_key.clone()], Limits::default());
    let flow = SetUp::rotate_everything(backup, key.clone(), &keys, Vec::new(), limits);
    (storage_key, flow)
}

fn opens(host: &mut Host, name: &str, key: &SecretStorageKey) -> bool {
    host.storage().open(&name.into(), &mut [key.clone()], &PublicKeys::default()).is_ok()
}

fn version_of(done: &SetUpDone) -> &str {
    done.backup.trusted().unwrap().version().as_str()
}

fn default_key(host: &mut Host) -> SecretStorageKeyId {
    host.storage().default_key().unwrap().clone()
}

#[test]
fn a_second_key_that_was_stolen_opens_nothing_that_was_at_hand() {
    let (mut host, before) = account();
    let stolen = new_key();
    change(&mut host, std::slice::from_ref(&before.storage_key), |change| change.add_key(&stolen));
    assert!(opens(&mut host, MASTER, stolen.key()));
    let key = new_key();
    let (_, mut flow) = rotate(before, &key);
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    for name in [MASTER, USER_SIGNING, BACKUP] {
        assert!(!opens(&mut host, name, stolen.key()), "{name}");
        assert!(opens(&mut host, name, key.key()), "{name}");
    }
    assert_eq!((host.storage().keys().count(), done.notes), (1, Vec::new()));
    assert_eq!(done.replaced, Some("1".into()));
}

#[test]
fn a_refused_rotation_that_is_taken_up_later_does_not_end_with_the_old_backup() {
    let (mut host, before) = account();
    let (_, mut flow) = rotate(before, &new_key());
    host.trouble.forbidden = Some("POST /room_keys/version");
    let refused = run(&mut host, &mut flow, Control::default());
    assert!(matches!(refused, Err(FlowError::Refused(_))), "{refused:?}");
    assert_eq!(host.shown, Vec::<String>::new());
    host.trouble.forbidden = None;
    let mut flow = restored(&host);
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    assert_eq!(version_of(&done), "2");
}

#[test]
fn a_backup_that_the_homeserver_never_shows_is_not_taken_for_made() {
    let (mut host, before) = account();
    let (old, mut flow) = rotate(before, &new_key());
    let control = Control {
        tamper: Box::new(|host, name, answer| {
            if name == "POST /_matrix/client/v3/room_keys/version" {
                host.ask("DELETE", "/room_keys/version/2", &json!({}));
            }
            answer
        }),
        ..Control::default()
    };
    assert_eq!(run(&mut host, &mut flow, control).unwrap_err(), FlowError::NotShown);
    assert_eq!(default_key(&mut host), *old.id());
    assert_eq!(host.shown, Vec::<String>::new());
}

#[test]
fn a_torn_save_costs_nothing() {
    torn_save(None);
}

#[test]
fn a_torn_save_and_a_crash_while_the_backup_is_made_cost_nothing() {
    torn_save(Some(("POST", "/room_keys/version")));
}

/// The host crashes while it saves, and then before it reads the answer to this request.
fn torn_save(crash_at: Option<(&'static str, &'static str)>) {
    for tear in [Tear::OldMachine, Tear::OldFlow] {
        let mut torn = 0;
        for number in 2.. {
            let (mut host, before) = account();
            let key = new_key();
            let (old, mut flow) = rotate(before, &key);
            let control = Control { crash_after: Some((number, tear)), ..Control::default() };
            if !matches!(drive(&mut host, &mut flow, control), End::Crashed) {
                break;
            }
            let mut flow = restored(&host);
            let control = Control { crash_at, ..Control::default() };
            let end = drive(&mut host, &mut flow, control);
            let done = if let End::Done(done) = end {
                *done
            } else {
                let mut flow = restored(&host);
                run(&mut host, &mut flow, Control::default())
            };
            let done = done.unwrap();
            assert_eq!((version_of(&done), host.versions()), ("2", 2), "save {number}");
            for name in [MASTER, USER_SIGNING, BACKUP] {
                let (by_new, by_old) =
                    (opens(&mut host, name, key.key()), opens(&mut host, name, &old));
                assert!(by_new && !by_old, "save {number}: {name}");
            }
            torn += 1;
        }
        assert!(torn > 5, "{torn}");
    }
}

#[test]
fn until_the_new_key_is_saved_the_old_one_opens_what_it_opened() {
    let (mut host, before) = account();
    let (old, mut flow) = rotate(before, &new_key());
    let control = Control { stops_at_key: true, ..Control::default() };
    assert!(matches!(drive(&mut host, &mut flow, control), End::Shown));
    for name in [MASTER, USER_SIGNING, BACKUP] {
        assert!(opens(&mut host, name, &old), "{name}");
    }
    assert_eq!(default_key(&mut host), *old.id());
}

#[test]
fn one_that_fails_in_the_middle_has_shown_its_key() {
    let (mut host, before) = account();
    let key = new_key();
    let (old, mut flow) = rotate(before, &key);
    let path =
        format!("PUT /user/%40alice%3Aexample.org/account_data/m.secret_storage.key.{}", old.id());
    host.trouble.forbidden = Some(path.leak());
    let failed = run(&mut host, &mut flow, Control::default());
    assert!(matches!(failed, Err(FlowError::Refused(_))), "{failed:?}");
    assert_eq!(host.shown.len(), 1);
    assert_eq!(flow.new_key().id(), key.id());
    for name in [MASTER, USER_SIGNING, BACKUP] {
        assert!(opens(&mut host, name, key.key()), "{name}");
    }
}

#[test]
fn the_key_of_a_newer_backup_of_another_device_is_not_overwritten() {
    let (mut host, before) = account();
    let (_, mut flow) = rotate(before, &new_key());
    let mut is_done = false;
    let control = Control {
        before: Box::new(move |host, name| {
            if !is_done && name.starts_with("PUT") && name.contains("m.cross_signing") {
                is_done = true;
                let body = json!({
                    "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
                    "auth_data": { "public_key": OTHERS_BACKUP },
                });
                host.ask("POST", "/room_keys/version", &body);
                host.put_account_data(
                    BACKUP,
                    &json!({ "encrypted": { "theirs": { "is": "theirs" } } }),
                );
            }
        }),
        ..Control::default()
    };
    let ended = run(&mut host, &mut flow, control).unwrap_err();
    assert_eq!(ended, FlowError::OtherDevice);
    let storage = host.storage();
    assert!(storage.secret(&BACKUP.into()).unwrap().key_ids().any(|id| id.as_str() == "theirs"));
}

#[test]
fn the_default_key_of_another_device_is_not_overwritten() {
    let (mut host, before) = account();
    let (_, mut flow) = rotate(before, &new_key());
    let control = Control { stops_at_key: true, ..Control::default() };
    assert!(matches!(drive(&mut host, &mut flow, control), End::Shown));
    host.put_account_data("m.secret_storage.default_key", &json!({ "key": "theirs" }));
    let mut flow = restored(&host);
    let ended = run(&mut host, &mut flow, Control::default()).unwrap_err();
    assert_eq!(ended, FlowError::OtherDevice);
    assert_eq!(default_key(&mut host), "theirs".into());
}

#[test]
fn a_secret_that_the_hosts_sync_did_not_have_is_moved_too() {
    let (mut host, before) = account();
    let out_of_date = host.account_data();
    let keys = [before.storage_key.clone()];
    let text = secret(SELF_SIGNING, 4).to_text();
    change(&mut host, &keys, |change| change.store_text(&SELF_SIGNING.into(), text.expose_str()));
    let key = new_key();
    let (old, mut flow) = rotate(before, &key);
    let control = Control { account_data: Some(out_of_date), ..Control::default() };
    let done = run(&mut host, &mut flow, control).unwrap();
    assert!(opens(&mut host, SELF_SIGNING, key.key()));
    assert!(!opens(&mut host, SELF_SIGNING, &old));
    assert_eq!(done.notes, Vec::new());
}

#[test]
fn a_secret_that_is_stored_under_the_old_key_meanwhile_is_moved_too() {
    let (mut host, before) = account();
    let old = before.storage_key.clone();
    let key = new_key();
    let (_, mut flow) = rotate(before, &key);
    let (mut is_done, keys) = (false, [old.clone()]);
    let control = Control {
        before: Box::new(move |host, name| {
            // All secrets that the plan knows of are moved.
            if !is_done && name.starts_with("PUT") && name.contains("m.secret_storage.default_key")
            {
                is_done = true;
                let name = SELF_SIGNING.into();
                let text = secret(SELF_SIGNING, 4).to_text();
                change(host, &keys, |change| {
                    change.store_text_under(&name, text.expose_str(), &[keys[0].id().clone()])
                });
            }
        }),
        ..Control::default()
    };
    let done = run(&mut host, &mut flow, control).unwrap();
    assert!(opens(&mut host, SELF_SIGNING, key.key()));
    assert!(!opens(&mut host, SELF_SIGNING, &old));
    assert_eq!(done.notes, Vec::new());
}

#[test]
fn an_old_key_whose_description_is_unreadable_opens_all_the_same() {
    let (mut host, before) = account();
    let key = new_key();
    let (old, mut flow) = rotate(before, &key);
    let description = format!("m.secret_storage.key.{}", old.id());
    host.put_account_data(&description, &json!({ "algorithm": 1 }));
    let control = Control { stops_at_key: true, ..Control::default() };
    assert!(matches!(drive(&mut host, &mut flow, control), End::Shown));
    // After a restart, too.
    let mut flow = restored(&host);
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    for name in [MASTER, USER_SIGNING, BACKUP] {
        assert!(opens(&mut host, name, key.key()) && !opens(&mut host, name, &old), "{name}");
    }
    assert_eq!(done.notes, Vec::new());
    let path = format!("/user/%40alice%3Aexample.org/account_data/{description}");
    assert_eq!(host.ask("GET", &path, &json!({})).1, json!({}));
}

#[test]
fn a_backup_that_another_device_makes_while_the_user_writes_the_key_down_stays() {
    let (mut host, before) = account();
    let (old, mut flow) = rotate(before, &new_key());
    let control = Control { stops_at_key: true, ..Control::default() };
    assert!(matches!(drive(&mut host, &mut flow, control), End::Shown));
    let body = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": OTHERS_BACKUP },
    });
    host.ask("POST", "/room_keys/version", &body);
    let mut flow = restored(&host);
    let ended = run(&mut host, &mut flow, Control::default()).unwrap_err();
    assert_eq!((ended, host.versions()), (FlowError::OtherDevice, 3));
    assert_eq!(default_key(&mut host), *old.id());
}

#[test]
fn what_is_stored_while_the_user_writes_the_key_down_is_moved_too() {
    let (mut host, before) = account();
    let key = new_key();
    let (old, mut flow) = rotate(before, &key);
    let control = Control { stops_at_key: true, ..Control::default() };
    assert!(matches!(drive(&mut host, &mut flow, control), End::Shown));
    let name = "org.example.secret";
    change(&mut host, std::slice::from_ref(&old), |change| change.store_text(&name.into(), "new"));
    flow.recovery_key_saved();
    run(&mut host, &mut flow, Control::default()).unwrap();
    assert!(opens(&mut host, name, key.key()) && !opens(&mut host, name, &old));
}

#[test]
fn a_key_that_the_user_has_saved_is_not_shown_again() {
    let (mut host, before) = account();
    let (_, mut flow) = rotate(before, &new_key());
    // It is saved before anything else is written.
    let control = Control {
        before: Box::new(|host, name| {
            if name.starts_with("PUT") && name.contains("m.secret_storage") {
                host.disk_then = host.disk_then.take().or_else(|| host.disk.clone());
            }
        }),
        ..Control::default()
    };
    run(&mut host, &mut flow, control).unwrap();
    host.disk = host.disk_then.take();
    let mut flow = restored(&host);
    run(&mut host, &mut flow, Control::default()).unwrap();
    assert_eq!(host.shown.len(), 1);
}

#[test]
fn a_homeserver_that_lags_is_waited_for() {
    let (mut host, before) = account();
    let key = new_key();
    let (_, mut flow) = rotate(before, &key);
    let (mut lags, mut last_put, begun) = (0, String::new(), host.now);
    let control = Control {
        tamper: Box::new(|_, name, answer| {
            if let Some(path) = name.strip_prefix("PUT ") {
                last_put = path.to_owned();
            } else if name.strip_prefix("GET ") == Some(&*last_put) && lags < 6 {
                lags += 1;
                let body = br#"{"errcode":"M_NOT_FOUND","error":"not yet"}"#.to_vec();
                return Some(Response::builder().status(404).body(body).unwrap());
            }
            answer
        }),
        ..Control::default()
    };
    run(&mut host, &mut flow, control).unwrap();
    assert_eq!(lags, 6);
    assert!(host.now - begun > 2_000, "{}", host.now - begun);
    assert!(opens(&mut host, MASTER, key.key()));
}

#[test]
fn data_that_no_request_can_name_is_in_nobodys_way() {
    let (mut host, before) = account();
    let mut events = host.account_data();
    let entry = json!({ "encrypted": { "other": { "iv": "A", "ciphertext": "A", "mac": "A" } } });
    let entry = JsonObject::from_json(entry.to_string().as_bytes()).unwrap();
    events.extend(["..", ".", ""].map(|name| (EventType::from(name), entry.clone())));
    let (_, mut flow) = rotate(before, &new_key());
    let control = Control { account_data: Some(events), ..Control::default() };
    run(&mut host, &mut flow, control).unwrap();
}

#[test]
fn what_nothing_at_hand_opens_stays_with_its_key_and_a_note() {
    let (mut host, before) = account();
    let (other, name) = (new_key(), "org.example.secret");
    let keys = [before.storage_key.clone(), other.key().clone()];
    change(&mut host, &keys, |change| {
        change.add_key(&other)?;
        change.store_text_under(&name.into(), "theirs", &[other.id().clone()])
    });
    let (_, mut flow) = rotate(before, &new_key());
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    let stays = PlanNote::KeyStays(other.id().clone());
    assert_eq!(done.notes, [PlanNote::NotOpened(name.into()), stays]);
    assert!(opens(&mut host, name, other.key()));
    assert!(!opens(&mut host, MASTER, other.key()));
}

#[test]
fn what_everybody_could_have_stored_waits_for_the_user() {
    let recorded = include_str!("../vectors/legacy-ssss/bootstrap.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let recorded = &recorded["vectors"][0];
    let mut host = Host::new();
    for (event_type, content) in recorded["account_data"].as_object().unwrap() {
        host.put_account_data(event_type, content);
    }
    let typed = recorded["recovery_key"].as_str().unwrap();
    let unlocked = host.storage().unlock(typed, &PublicKeys::default(), &Limits::default());
    let keys = unlocked.unwrap().keys;
    let (backup, key) = (host.backup(), new_key());
    let mut flow =
        SetUp::rotate_everything(backup, key.clone(), &keys, Vec::new(), Limits::default());
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    let waits = |note: &&PlanNote| matches!(note, PlanNote::NeedsAcceptance(..));
    assert!(done.notes.iter().filter(waits).count() >= 3, "{:?}", done.notes);
    assert!(opens(&mut host, MASTER, &keys[0]) && !opens(&mut host, MASTER, key.key()));
    assert!(opens(&mut host, BACKUP, key.key()));
}
