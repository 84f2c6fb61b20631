//! Whoever chooses a name decides: a state that cannot be restored, a request that cannot be made.

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl, RequestError},
    backup::BackupDecryptionKey,
    client::{
        backup::{Backup, BackupOptions, Reply, SavedBackup, Stage},
        flow::{Flow as _, SavedFlow, SetUp, Step},
    },
    crypto::curve25519::Curve25519PublicKey,
    encoding::base64,
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, OwnDevice, OwnDevices, Receipt, Requester, SECRET_SEND,
    },
    secret_storage::NewKey,
    secret_value::{PublicKeys, SecretValue},
};

use crate::{
    driver::{Driver, response},
    house::{ALGORITHM, BACKUP, USER, auth_data, evil, master, public},
};

fn restore(saved: &SavedBackup, user: &str, device: &str) -> Option<Backup> {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::from_saved(saved, user.into(), device.into(), options, limits).ok()
}

/// A key whose text is known to a homeserver that plants it.
fn planted() -> BackupDecryptionKey {
    BackupDecryptionKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = [66; 32]))
}

/// The places of names that somebody else chooses, in a saved state.
fn names(state: &Value, pointer: String, found: &mut Vec<String>) {
    let is_name = |name: &str| NAMES.contains(&name);
    match state {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                names(element, format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = format!("{pointer}/{name}");
                match member {
                    Value::String(_) if is_name(name) => found.push(pointer),
                    _ => names(member, pointer, found),
                }
            }
        }
        _ => {}
    }
}

/// Gives each name of the state the text, the names of the user and of this device included, and restores it.
fn takes_every_name(
    state: &SecretVec,
    text: &str,
    restores: impl Fn(&SecretVec, &str, &str) -> bool,
) {
    let state: Value = serde_json::from_slice(state.expose_bytes()).unwrap();
    assert!(state.to_string().contains(text), "it is one of its keys: {state}");
    let mut pointers = Vec::new();
    names(&state, String::new(), &mut pointers);
    assert!(pointers.len() >= 2, "{pointers:?}");
    for pointer in pointers {
        let mut state = state.clone();
        *state.pointer_mut(&pointer).unwrap() = text.into();
        let name = |member: &str| state[member].as_str().unwrap().to_owned();
        let saved = SecretVec::from(state.to_string().as_bytes());
        assert!(restores(&saved, &name("user_id"), &name("device_id")), "{pointer}");
    }
}

#[test]
fn no_name_that_somebody_else_chooses_makes_a_state_unreadable() {
    let text = planted().to_base64().expose_str().to_owned();
    // As the text of a secret is saved.
    let encoded = base64::encode(text.as_bytes());

    let mut phone = Driver::new();
    phone.set_up();
    let mut state: Value = serde_json::from_slice(phone.disk.secret.expose_bytes()).unwrap();
    state["disabling"] = "1".into();
    let its_key = state["keys"][0]["key"].as_str().unwrap();
    let kept = SecretVec::from(state.to_string().as_bytes());
    takes_every_name(&kept, its_key, |secret, user, device| {
        let saved = SavedBackup { public: Vec::new(), secret: secret.clone() };
        restore(&saved, user, device).is_some()
    });

    let secret = SecretValue::kept_by_host(&BACKUP.into(), text.as_bytes()).unwrap().value;
    let kept = secret.save(&USER.into(), &"PHONE".into());
    takes_every_name(&kept, &encoded, |saved, user, device| {
        SecretValue::from_saved(saved, &user.into(), &device.into()).is_ok()
    });

    let (machine, limits) = (Driver::new().machine, Limits::default());
    let new_key = NewKey::generate(None).unwrap();
    let mut flow = SetUp::bootstrap(machine, new_key, vec![secret], limits);
    let saved = loop {
        match flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(saved) => break saved,
            Step::ReadAccountData => flow.account_data(Vec::new()),
            other => panic!("{other:?}"),
        }
    };
    let mut state: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
    state["before"] = json!({ "version": "1", "public_key": null, "default_key": "old" });
    let kept = SecretVec::from(state.to_string().as_bytes());
    takes_every_name(&kept, &encoded, |secret, user, device| {
        let mut backup: Value = serde_json::from_slice(saved.backup.secret.expose_bytes()).unwrap();
        (backup["user_id"], backup["device_id"]) = (user.into(), device.into());
        let secret_part = SecretVec::from(backup.to_string().as_bytes());
        let backup = SavedBackup { secret: secret_part, public: Vec::new() };
        let saved = SavedFlow { secret: secret.clone(), backup };
        let options = BackupOptions::default();
        SetUp::from_saved(&saved, user.into(), device.into(), options, limits).is_ok()
    });

    let requester = requester_with(&text, "LAPTOP");
    takes_every_name(&requester.save(), &encoded, |saved, user, device| {
        Requester::from_saved(saved, user.into(), device.into()).is_ok()
    });
}

/// A requester that keeps a text from a device of this name.
fn requester_with(text: &str, device_id: &str) -> Requester {
    let identity = |id: &str, byte, key: SigningKey| DeviceIdentity {
        device_id: id.into(),
        curve25519: Curve25519PublicKey::from_bytes([byte; 32]),
        ed25519: public(&key),
    };
    let theirs = identity(device_id, 3, evil());
    let device =
        OwnDevice { identity: theirs.clone(), verified: true, blocked: false, dehydrated: false };
    let devices = OwnDevices::new(USER.into(), identity("PHONE", 9, master())).with_device(device);
    let mut requester = Requester::new(USER.into(), "PHONE".into());
    let asked = requester.request(BACKUP.into(), None, &devices, 0).unwrap();
    let id = asked.request().request_id.as_str();
    let content = json!({ "request_id": id, "secret": text }).to_string();
    let sent = DecryptedToDevice::from_checked_parts(
        USER.into(),
        theirs.curve25519,
        theirs.ed25519,
        SECRET_SEND,
        SecretVec::from(content.as_bytes()),
    );
    let limits = Limits::default();
    let receipt = requester.receive(&sent, &devices, &PublicKeys::default(), &limits, 1);
    assert!(matches!(receipt, Receipt::Kept { .. }), "{receipt:?}");
    requester
}

#[test]
fn a_device_that_is_called_like_the_secret_it_sends_locks_nobody_out() {
    let text = planted().to_base64().expose_str().to_owned();
    for name in [text.clone(), base64::encode(text.as_bytes())] {
        let saved = requester_with(&text, &name).save();
        assert!(Requester::from_saved(&saved, USER.into(), "PHONE".into()).is_ok());
    }
}

/// The homeserver plants a key, and gives the new version its name.
#[test]
fn a_version_that_is_called_like_a_key_is_used_after_a_restart() {
    let name = planted().to_base64().expose_str().to_owned();
    let mut phone = Driver::new();
    phone.has_storage = false;
    phone.lie = Some(calls_versions(name, auth_data(&planted())));
    phone.run();
    phone.machine.give_key(planted());
    phone.run();
    phone.reply(Reply::Create);
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.restart();
    assert_eq!(phone.machine.stage(), Stage::Running);
}

/// A homeserver that shows a backup of its own, and calls the one that is made after it like this.
fn calls_versions(name: String, first: Value) -> crate::driver::Lie {
    let mut made: Option<Value> = None;
    Box::new(move |request, _| {
        if !request.uri().path().ends_with("/room_keys/version") {
            return None;
        }
        if request.method() == "POST" {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            made = Some(body["auth_data"].clone());
            return Some(response(200, &json!({ "version": name }).to_string()));
        }
        let (version, auth_data) = match &made {
            Some(made) => (name.as_str(), made),
            None => ("0", &first),
        };
        let shown = json!({
            "version": version, "algorithm": ALGORITHM, "auth_data": auth_data, "count": 0, "etag": "0",
        });
        Some(response(200, &shown.to_string()))
    })
}

/// A room's member sends an event that says which session it is of.
#[test]
fn no_session_id_of_a_room_member_makes_a_request_that_cannot_be_sent() {
    for id in ["+".repeat(60_000), "+".repeat(2_000), "x".repeat(60_000), "..".to_owned()] {
        let mut phone = Driver::new();
        phone.set_up();
        phone.live(60_000);
        phone.machine.undecryptable("!room".into(), "first".into(), phone.now);
        phone.run();
        phone.reply(Reply::RestoreSession);
        phone.live(60_000);
        phone.machine.undecryptable("!room".into(), id.as_str().into(), phone.now);
        phone.machine.undecryptable(id.as_str().into(), "session".into(), phone.now);
        // The driver makes each request of the machine.
        phone.live(86_400_000);
        let requests = phone.requests();
        assert!(requests.iter().all(|line| line.len() < 1_000), "{}", requests.len());
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}

/// 1,000 such IDs weighed 60 MB, as long as the machine lived.
#[test]
fn no_session_id_of_a_room_member_fills_the_memory() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(60_000);
    let dropped = phone.machine.dropped_wants();
    for n in 0..100 {
        let id = format!("{n}{}", "x".repeat(60_000));
        phone.machine.undecryptable("!room".into(), id.as_str().into(), phone.now);
    }
    assert_eq!(phone.machine.dropped_wants(), dropped + 100, "before the user has chosen");
    phone.machine.undecryptable("!room".into(), "first".into(), phone.now);
    phone.run();
    phone.reply(Reply::RestoreRoom);
    phone.run();
    for n in 0..100 {
        let id = format!("{n}{}", "x".repeat(60_000));
        phone.machine.undecryptable("!room".into(), id.as_str().into(), phone.now);
    }
    assert_eq!(phone.machine.dropped_wants(), dropped + 200, "and after");
}

/// A version of this name can be used, and never be deleted.
#[test]
fn a_version_whose_name_no_request_can_have_is_not_used() {
    for name in ["", ".", ".."] {
        let mut phone = Driver::new();
        phone.has_storage = false;
        phone.lie = Some(calls_versions(name.to_owned(), auth_data(&planted())));
        phone.run();
        phone.reply(Reply::Create);
        phone.live(3_600_000);
        assert_ne!(phone.machine.stage(), Stage::Running, "{name:?}");
        phone.machine.disable();
        phone.live(3_600_000);
        assert!(phone.machine.trusted().is_none(), "{name:?}");
    }
}

#[test]
fn an_id_that_no_request_can_have_is_refused_by_each_and_a_long_one_alike() {
    let (long, longest) = ("x".repeat(1_025), "+".repeat(1_024));
    let url = BaseUrl::new("https://example.org").unwrap();
    let token = AccessToken::from("token");
    let session = |room: &str, session: &str, version: &str| {
        let call = api::get_room_keys_for_session(&version.into(), &room.into(), &session.into());
        call.to_http(&url, &token).map(drop)
    };
    assert_eq!(session(&longest, &longest, "1"), Ok(()));
    assert_eq!(session(&long, "session", "1"), Err(RequestError::TooLong("roomId")));
    assert_eq!(session("!room", &long, "1"), Err(RequestError::TooLong("sessionId")));
    let event = api::get_account_data(&USER.into(), &long.as_str().into());
    assert_eq!(event.to_http(&url, &token).map(drop), Err(RequestError::TooLong("type")));
}

/// The names of the members whose text is a name of somebody else's choice.
const NAMES: [&str; 11] = [
    "user_id",
    "device_id",
    "version",
    "before",
    "created",
    "disabling",
    "default_key",
    "key_id",
    "id",
    "request_id",
    "name",
];
