//! Everything that takes foreign input.

use std::convert::Infallible;

use http::Response;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{AuthData, BackupDecryptionKey, BackupVersionInfo, RestoreOptions, restore_slice},
    client::{
        backup::{Backup, BackupOptions, Next, Operation, Scope},
        diagnose::{Evidence, Remedy, RepairParts, RepairPlan, diagnose},
        flow::{Flow as _, Recover, SetUp, Step},
        rescue::BackupKeys,
    },
    crypto::{ed25519::Ed25519Seed, key_material::KeyMaterial},
    encoding::{base64, json_object::JsonObject},
    ids::{EventType, SecretName, SecretStorageKeyId, SessionId},
    recovery_key::RecoveryKey,
    saved_files::SavedPart,
    secret::{SecretBytes, SecretVec},
    secret_storage::{
        Change, ChangeError, NewKey, Plan, PlanStep, SecretStorage, SecretStorageKey,
        VerifiedPublicKeys,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
};

use super::{Entry, Work, sharing};
use crate::{
    asserted::StoreText as _,
    primitives::aes_hmac_sha2::{KeyCheck, seal_with_rng},
};

pub(crate) const USER: &str = "@alice:example.org";

pub(crate) const ALL: &[Entry] = &[
    Entry { name: "/keys/query: keys that are none", of: query_of_nothing, times: 12 },
    Entry { name: "/keys/query: devices", of: query_of_devices, times: 16 },
    Entry { name: "saved file: sessions that are none", of: refused_sessions, times: 24 },
    Entry { name: "saved file: members of all kinds", of: members, times: 24 },
    Entry { name: "/room_keys/keys: too short for sessions", of: short_sessions, times: 4 },
    Entry { name: "/room_keys/keys: rooms that are none", of: broken_rooms, times: 4 },
    Entry { name: "/room_keys/keys: sessions", of: sessions, times: 4 },
    Entry { name: "/sync: messages to devices", of: sync, times: 16 },
    Entry { name: "restore", of: restored, times: 4 },
    Entry { name: "diagnosis: a sample", of: sample, times: 4 },
    Entry { name: "auth_data: members", of: auth_data, times: 24 },
    Entry { name: "storage: descriptions of keys", of: descriptions, times: 24 },
    Entry { name: "storage: unlocking keys that nothing checks", of: unlocking, times: 24 },
    Entry { name: "storage: a long passphrase for many keys", of: passphrases, times: 24 },
    Entry { name: "storage: opening secrets", of: opening, times: 24 },
    Entry { name: "rescue: a key under many storage keys", of: stored_again, times: 40 },
    Entry { name: "plan: a secret with many entries", of: entries, times: 40 },
    Entry { name: "plan: storing many secrets", of: storing, times: 40 },
    Entry { name: "plan: rotating many secrets", of: rotating, times: 40 },
    Entry { name: "plan: migrating a secret with many keys at hand", of: migrating_one, times: 60 },
    Entry { name: "plan: migrating many secrets with many keys at hand", of: migrating, times: 60 },
    Entry {
        name: "plan: adding a key to many with many keys at hand",
        of: adding_a_key,
        times: 60,
    },
    Entry { name: "plan: a new key for many secrets and keys", of: replacing_all, times: 60 },
    Entry { name: "plan: the default key of many", of: making_default, times: 60 },
    Entry { name: "diagnosis: many keys at hand and secrets", of: diagnosing_all, times: 60 },
    Entry { name: "diagnosis: many findings", of: finding_much, times: 60 },
    Entry { name: "repair: signing beside bad signatures", of: signing, times: 60 },
    Entry { name: "diagnosis: a typed key that nothing checks", of: diagnosing_typed, times: 40 },
    Entry { name: "diagnosis: devices and keys that are none", of: diagnosis, times: 40 },
    Entry { name: "machine: messages that cannot be decrypted", of: undecryptable, times: 40 },
    Entry { name: "machine: rooms that are fetched", of: fetched_rooms, times: 40 },
    Entry {
        name: "machine: sessions that the backup does not have",
        of: absent_sessions,
        times: 60,
    },
    Entry { name: "machine: waiting for many sessions", of: waiting, times: 60 },
    Entry { name: "machine: restored", of: machine_restored, times: 40 },
    Entry { name: "sharing: which devices are trusted", of: sharing::trusted, times: 1 },
    Entry { name: "sharing: asking many devices", of: sharing::requesting, times: 40 },
    Entry { name: "sharing: asked by many devices", of: sharing::responding, times: 40 },
    Entry { name: "flow: answers with secrets", of: sharing::sharing_in, times: 40 },
    Entry { name: "flow: setting up beside many events", of: set_up, times: 60 },
    Entry { name: "flow: recovering from many events", of: recover, times: 40 },
];

pub(crate) fn join(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(",")
}

fn read<T: 'static>(endpoint: api::Request<T>, body: String) -> Work {
    let length = body.len();
    let response = Response::new(body.into_bytes());
    let mut limits = Limits::default();
    limits.response_bytes = usize::MAX;
    (length, Box::new(move || drop(endpoint.read_response(&response, &limits).unwrap())))
}

fn query_of_nothing(count: usize) -> Work {
    let keys = join(count, |n| format!(r#""{n}":0"#));
    read(api::query_keys([], None), format!(r#"{{"device_keys":{{"{USER}":{{{keys}}}}}}}"#))
}

fn saved_file(text: String) -> Work {
    let length = text.len();
    let run = move || drop(SavedPart::read_all(text.as_bytes(), &Limits::default()).unwrap());
    (length, Box::new(run))
}

fn refused_sessions(count: usize) -> Work {
    saved_file(format!(r#"[{{"session_key":0}},{}]"#, join(count * 20, |_| "0".to_owned())))
}

/// An object that is account data, since its first member is an event.
fn members(count: usize) -> Work {
    saved_file(format!(r#"{{"m.a":{{}},{}}}"#, join(count * 8, |n| format!(r#""{n}":0"#))))
}

fn devices(count: usize) -> String {
    let seed = Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| *bytes = [1; 32]));
    let key = seed.public_key().to_base64();
    join(count, |n| {
        format!(
            r#""D{n}":{{"user_id":"{USER}","device_id":"D{n}","algorithms":[],"keys":{{"ed25519:D{n}":"{key}"}}}}"#
        )
    })
}

fn query_of_devices(count: usize) -> Work {
    let devices = devices(count);
    read(api::query_keys([], None), format!(r#"{{"device_keys":{{"{USER}":{{{devices}}}}}}}"#))
}

fn short_sessions(count: usize) -> Work {
    let sessions = join(count, |n| format!(r#""{n}":{{}}"#));
    let body = format!(r#"{{"rooms":{{"!r":{{"sessions":{{{sessions}}}}}}}}}"#);
    read(api::get_room_keys(&"1".into()), body)
}

fn broken_rooms(count: usize) -> Work {
    let rooms = join(count, |n| format!(r#""{n}":0"#));
    read(api::get_room_keys(&"1".into()), format!(r#"{{"rooms":{{{rooms}}}}}"#))
}

/// Sessions as long as the shortest that is one.
fn room_keys(count: usize) -> String {
    let sessions = join(count, |n| {
        format!(
            r#""{n}":{{"first_message_index":0,"forwarded_count":0,"is_verified":false,"session_data":{{"ciphertext":"","mac":"","ephemeral":""}}}}"#
        )
    });
    format!(r#"{{"rooms":{{"!r":{{"sessions":{{{sessions}}}}}}}}}"#)
}

fn sessions(count: usize) -> Work {
    read(api::get_room_keys(&"1".into()), room_keys(count))
}

fn sync(count: usize) -> Work {
    let events = join(count, |_| r#"{"type":"a","sender":"b","content":{}}"#.to_owned());
    let body = format!(r#"{{"next_batch":"x","to_device":{{"events":[{events}]}}}}"#);
    read(api::get_sync(), body)
}

fn restored(count: usize) -> Work {
    let (body, key) = (room_keys(count), BackupDecryptionKey::generate().unwrap());
    (
        body.len(),
        Box::new(move || {
            let limits = Limits::default();
            let options = RestoreOptions::default();
            let each = |_, _| Ok::<_, Infallible>(());
            let report = restore_slice(&key, body.as_bytes(), options, &limits, each).unwrap();
            assert!(!report.is_everything());
        }),
    )
}

fn sample(count: usize) -> Work {
    let body = room_keys(count);
    (
        body.len(),
        Box::new(move || {
            let mut evidence = Evidence::new("@a:b.org".into());
            evidence.take_room_keys(body.as_bytes(), usize::MAX, &Limits::default());
        }),
    )
}

fn auth_data(count: usize) -> Work {
    let members = join(count, |n| format!(r#""m{n}":0"#));
    let key = BackupDecryptionKey::generate().unwrap().public_key().to_base64();
    let text = format!(r#"{{"public_key":"{key}",{members}}}"#);
    let mut limits = Limits::default();
    limits.signed_object_bytes = usize::MAX;
    (text.len(), Box::new(move || drop(AuthData::from_json(&text, &limits).unwrap())))
}

type Events = Vec<(EventType, JsonObject)>;

pub(crate) fn event(event_type: &str, content: &Value) -> (EventType, JsonObject) {
    (event_type.into(), JsonObject::from_json(content.to_string().as_bytes()).unwrap())
}

fn length(events: &Events) -> usize {
    events.iter().map(|(name, content)| name.as_str().len() + content.as_bytes().len()).sum()
}

fn storage(events: &Events) -> SecretStorage {
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    SecretStorage::from_account_data(events, &Limits::default())
}

/// Keys that nothing checks, each described with a signature by nobody.
fn key_events(count: usize) -> Events {
    let signature = "A".repeat(86);
    let description = json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
        "signatures": { USER: { "ed25519:X": signature } },
    });
    let each = |n| event(&format!("m.secret_storage.key.k{n}"), &description);
    (0..count).map(each).collect()
}

fn descriptions(count: usize) -> Work {
    let events = key_events(count);
    (length(&events), Box::new(move || drop(storage(&events))))
}

fn unlocking(count: usize) -> Work {
    let events = key_events(count);
    let storage = storage(&events);
    let typed = BackupDecryptionKey::generate().unwrap().to_recovery_key().to_text();
    (
        length(&events),
        Box::new(move || {
            let typed = typed.expose_str();
            drop(storage.unlock(typed, &PublicKeys::default(), &Limits::default()).unwrap());
        }),
    )
}

/// Keys of one round each, and a text that has another form in each normal form.
fn passphrases(count: usize) -> Work {
    let each = |n| {
        let passphrase =
            json!({ "algorithm": "m.pbkdf2", "iterations": 1, "salt": format!("{n}") });
        let algorithm = "m.secret_storage.v1.aes-hmac-sha2";
        let content = json!({ "algorithm": algorithm, "passphrase": passphrase });
        event(&format!("m.secret_storage.key.k{n}"), &content)
    };
    let events: Events = (0..count).map(each).collect();
    let (storage, typed) = (storage(&events), "e\u{301}\u{e9}".repeat(5_000));
    let run = move || {
        let (public_keys, limits) = (PublicKeys::default(), Limits::default());
        let mut unlock = storage.start_unlock(&typed, &public_keys, &limits);
        assert!(!unlock.advance(1_000), "1,000 rounds are not all");
    };
    (length(&events), Box::new(run))
}

/// A storage with so many secrets, each under the one key.
fn account(count: usize) -> (NewKey, Events) {
    let key = NewKey::generate(None).unwrap();
    let plan = stored(&key, count);
    let step = |step: &PlanStep| (step.event_type.clone(), step.content.clone());
    (key, plan.steps().iter().map(step).collect())
}

fn stored(key: &NewKey, count: usize) -> Plan {
    let plan = SecretStorage::default().plan(&[], &Limits::default(), |change| {
        change.create(key)?;
        (0..count).try_for_each(|n| {
            change.store_text(&SecretName::from(format!("org.example.{n}").as_str()), "a secret")
        })
    });
    plan.unwrap()
}

fn storing(count: usize) -> Work {
    let key = NewKey::generate(None).unwrap();
    (count * 150, Box::new(move || assert!(stored(&key, count).steps().len() > count)))
}

fn opening(count: usize) -> Work {
    let (key, events) = account(count);
    let storage = storage(&events);
    (
        length(&events),
        Box::new(move || {
            let mut keys = [key.key().clone()];
            assert_eq!(storage.open_all(&mut keys, &PublicKeys::default()).len(), count);
        }),
    )
}

/// One recovery key, and as many descriptions and entries of it as a homeserver likes.
fn stored_again(count: usize) -> Work {
    let material = KeyMaterial::from_slice(&[7; 32]).unwrap();
    let rng = &mut StdRng::seed_from_u64(7);
    let check = KeyCheck::with_rng(&material, rng);
    let description = json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
        "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
    });
    let mut encrypted = serde_json::Map::new();
    let mut events: Events = Vec::new();
    for n in 0..count {
        let text = base64::encode(&rng.random::<[u8; 32]>());
        let entry = seal_with_rng(&material, MEGOLM_BACKUP_V1, text.as_bytes(), rng);
        let entry = json!({
            "iv": entry.iv.to_base64(),
            "ciphertext": base64::encode(&entry.ciphertext),
            "mac": entry.mac.to_base64(),
        });
        encrypted.insert(format!("k{n}"), entry);
        events.push(event(&format!("m.secret_storage.key.k{n}"), &description));
    }
    events.push(event(MEGOLM_BACKUP_V1, &json!({ "encrypted": encrypted })));
    let storage = storage(&events);
    let typed = RecoveryKey::from_bytes(SecretBytes::init_with(|it| *it = [7; 32])).to_text();
    (
        length(&events),
        Box::new(move || {
            let mut keys = BackupKeys::new(&Limits::default());
            keys.add_typed(typed.expose_str(), &storage, &[]).unwrap_err();
            assert_eq!(keys.left_out(), count + 1 - Limits::default().backup_keys);
        }),
    )
}

fn entries(count: usize) -> Work {
    let (key, mut events) = account(1);
    let secret = events.iter_mut().find(|(name, _)| name.as_str() == "org.example.0").unwrap();
    let mut content: Value = serde_json::from_slice(secret.1.as_bytes()).unwrap();
    let entry = content["encrypted"][key.id().as_str()].clone();
    for n in 0..count {
        content["encrypted"][format!("e{n}")] = entry.clone();
    }
    *secret = event("org.example.0", &content);
    let storage = storage(&events);
    (
        length(&events),
        Box::new(move || {
            let keys = [key.key().clone()];
            let name = SecretName::from("org.example.0");
            let store = storage.plan(&keys, &Limits::default(), |it| it.store_text(&name, "other"));
            assert_eq!(store.unwrap().steps().len(), 1);
            let ids: Vec<_> =
                (0..count).map(|n| SecretStorageKeyId::from(format!("e{n}").as_str())).collect();
            let taken = storage.plan(&keys, &Limits::default(), |it| it.delete_under(&name, &ids));
            assert_eq!(taken.unwrap().steps().len(), 1);
        }),
    )
}

fn rotating(count: usize) -> Work {
    let (key, events) = account(count);
    let storage = storage(&events);
    let new_key = NewKey::generate(None).unwrap();
    (
        length(&events),
        Box::new(move || {
            let keys = [key.key().clone()];
            let plan = storage.plan(&keys, &Limits::default(), |it| it.rotate(key.id(), &new_key));
            assert!(plan.unwrap().steps().len() > count);
        }),
    )
}

fn diagnosis(count: usize) -> Work {
    let body = format!(r#"{{"device_keys":{{"{USER}":{{{}}}}}}}"#, devices(count));
    let response = Response::new(body.clone().into_bytes());
    let limits = Limits::default();
    let events = key_events(count);
    let key = BackupDecryptionKey::generate().unwrap().public_key().to_base64();
    let signatures = join(100, |n| format!(r#""ed25519:D{n}":"{}""#, "A".repeat(86)));
    let info = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","count":3,"etag":"1","auth_data":{{"public_key":"{key}","signatures":{{"{USER}":{{{signatures}}}}}}}}}"#
    );
    let mut evidence = Evidence::new(USER.into());
    evidence.keys = Some(api::query_keys([], None).read_response(&response, &limits).unwrap());
    evidence.storage = Some(storage(&events));
    let info = BackupVersionInfo::from_json(info.as_bytes(), &limits).unwrap();
    evidence.take_current_backup(Some(info));
    let length = body.len() + length(&events);
    (length, Box::new(move || drop(diagnose(&evidence, None, &limits))))
}

fn undecryptable(count: usize) -> Work {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let mut machine = Backup::new(USER.into(), "PHONE".into(), options, limits);
    (
        count * 10,
        Box::new(move || {
            for n in 0..count {
                let session = SessionId::from(format!("s{n}").as_str());
                machine.undecryptable("!r".into(), session, 1);
            }
            drop(machine.save());
        }),
    )
}

/// Each with an ID that is as long as can be asked for, and the host saves whenever it is told to.
fn fetched_rooms(count: usize) -> Work {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let mut machine = Backup::new(USER.into(), "PHONE".into(), options, limits);
    let run = move || {
        let rng = &mut StdRng::seed_from_u64(1);
        let name = "r".repeat(900);
        for n in 0..count {
            machine.fetch(Scope::Room(format!("!{n}{name}").as_str().into()), 1);
            if let Next::Save(_) = machine.next_with_rng(1, rng) {
                machine.saved();
            }
        }
    };
    (count * 900, Box::new(run))
}

/// A machine that has a backup, its key and so many sessions to fetch, each in a room of its own and with an ID that a
/// proxy could spoil.
fn fetching(count: usize) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let mut machine = Backup::new(USER.into(), "PHONE".into(), options, limits);
    let key = BackupDecryptionKey::generate().unwrap();
    let info = json!({
        "version": "1", "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "etag": "1", "count": count,
        "auth_data": { "public_key": key.public_key().to_base64() },
    });
    machine.give_key(key);
    let info =
        vec![("version".into(), JsonObject::from_json(info.to_string().as_bytes()).unwrap())];
    turns(&mut machine, 20, |operation| answer(operation, &info));
    assert!(machine.has_key());
    for n in 0..count {
        machine.fetch(Scope::Session(format!("!{n}").as_str().into(), "a/b".into()), 1);
    }
    machine
}

fn turns(machine: &mut Backup, count: usize, answer: impl Fn(&Operation) -> Response<Vec<u8>>) {
    let (mut now, rng) = (1, &mut StdRng::seed_from_u64(1));
    for _ in 0..count {
        match machine.next_with_rng(now, rng) {
            Next::Save(_) => machine.saved(),
            Next::Send(operation) => {
                machine.answer(operation.id(), Some(answer(&operation)), now).unwrap();
            }
            Next::Want { .. } => machine.offer_with_rng(&[], rng),
            Next::Wait(until) => now = until.unwrap_or(now + 1).max(now + 1),
            _ => {}
        }
    }
}

fn absent_sessions(count: usize) -> Work {
    let count = count / 10;
    let mut machine = fetching(count);
    let rooms_fail = |operation: &Operation| match answer(operation, &Vec::new()) {
        // The request for a room is read as a stream.
        answer if !operation.is_streamed() => answer,
        _ => Response::builder().status(500).body(Vec::new()).unwrap(),
    };
    (count * 500, Box::new(move || turns(&mut machine, count * 3, rooms_fail)))
}

/// The homeserver fails, and each answer is as long as may be.
fn waiting(count: usize) -> Work {
    let mut machine = fetching(100);
    let flows = join(count, |_| r#"{"stages":["a"]}"#.to_owned());
    let body = format!(r#"{{"flows":[{flows}]}}"#);
    let input = body.len();
    let run = move || {
        let failing = |_: &Operation| {
            Response::builder().status(401).body(body.clone().into_bytes()).unwrap()
        };
        turns(&mut machine, 4, failing);
        for _ in 0..100 {
            drop(machine.next_with_rng(1, &mut StdRng::seed_from_u64(1)));
            drop(machine.waiting_for());
        }
    };
    (input, Box::new(run))
}

/// A saved state in which so many things stand in each list of both parts.
fn machine_restored(count: usize) -> Work {
    // Between two powers of two, so that a list has about as much room to spare whether it is short or long.
    let count = count + count / 5;
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let mut saved = Backup::new(USER.into(), "PHONE".into(), options, limits).save();
    let keys: Vec<_> =
        (0..count.min(100)).map(|_| BackupDecryptionKey::generate().unwrap()).collect();
    let key = |n: usize| &keys[n % keys.len()];
    let mut secret: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
    let signer =
        Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| *bytes = [1; 32])).public_key();
    let saved_key =
        |n| json!({ "key": key(n).to_base64().expose_str(), "provenance": "generated" });
    let proof = |n| match n % 2 {
        0 => json!({ "signed_by_device": signer.to_base64() }),
        _ => json!({ "decryption_key": "typed_by_user" }),
    };
    secret["stage"] = "running".into();
    secret["used"] = json!({
        "version": "1", "public_key": key(0).public_key().to_base64(),
        "proofs": (0..count).map(proof).collect::<Vec<_>>(),
    });
    secret["retired"] = (0..count).map(|n| key(n).public_key().to_base64()).collect();
    secret["keys"] = (0..count / 10).map(saved_key).collect();
    let mut public: Value = serde_json::from_slice(&saved.public).unwrap();
    public["wanted"] = (0..count).map(|n| json!({ "room": format!("!room{n}") })).collect();
    saved.secret = SecretVec::from(secret.to_string().as_bytes());
    saved.public = public.to_string().into_bytes();
    let input = saved.secret.expose_bytes().len() + saved.public.len();
    let run = move || {
        let machine = Backup::from_saved(&saved, USER.into(), "PHONE".into(), options, limits);
        let (mut machine, rng) = (machine.unwrap(), &mut StdRng::seed_from_u64(1));
        for now in 1..20 {
            match machine.next_with_rng(now, rng) {
                Next::Save(_) => machine.saved(),
                Next::Send(operation) => {
                    let answer = answer(&operation, &Vec::new());
                    machine.answer(operation.id(), Some(answer), now).unwrap();
                }
                _ => {}
            }
        }
        drop(machine.save());
    };
    (input, Box::new(run))
}

pub(crate) fn answer(operation: &Operation, events: &Events) -> Response<Vec<u8>> {
    let url = api::BaseUrl::new("https://example.org").unwrap();
    let token = api::AccessToken::from("token");
    let request = operation.to_http(&url, &token).unwrap();
    let name = request.uri().path().rsplit('/').next().unwrap();
    let found = events.iter().find(|(event_type, _)| event_type.as_str() == name);
    match found {
        Some((_, content)) if request.method() == "GET" => {
            Response::new(content.as_bytes().to_vec())
        }
        _ if request.method() == "GET" => {
            let body = br#"{"errcode":"M_NOT_FOUND","error":""}"#.to_vec();
            Response::builder().status(404).body(body).unwrap()
        }
        _ => Response::new(b"{}".to_vec()),
    }
}

/// A hundred steps of it beside so many events of others.
fn set_up(count: usize) -> Work {
    let events: Events =
        (0..count).map(|n| event(&format!("org.example.{n}"), &json!({ "n": n }))).collect();
    let limits = Limits::default();
    let backup = Backup::new(USER.into(), "PHONE".into(), BackupOptions::default(), limits);
    let key = NewKey::generate(None).unwrap();
    let mut flow = SetUp::bootstrap(backup, key, Vec::new(), limits);
    let input = length(&events);
    let run = move || {
        let (mut now, rng) = (1, &mut StdRng::seed_from_u64(1));
        for _ in 0..100 {
            match flow.next_with_rng(now, rng) {
                Step::Save(_) => flow.saved(),
                Step::ReadAccountData => flow.account_data(events.clone()),
                Step::Send(operation) => {
                    let answer = answer(&operation, &Vec::new());
                    flow.answer(operation.id(), Some(answer), now).unwrap();
                }
                Step::Wait(until) => now = until.unwrap_or(now + 1),
                _ => {}
            }
        }
    };
    (input, Box::new(run))
}

fn recover(count: usize) -> Work {
    let (key, events) = account(count);
    let limits = Limits::default();
    let backup = Backup::new(USER.into(), "PHONE".into(), BackupOptions::default(), limits);
    let mut flow = Recover::new(backup, VerifiedPublicKeys::none(USER.into()), limits);
    let typed = key.to_recovery_key().unwrap().to_text();
    let input = length(&events);
    let run = move || {
        let (mut now, rng) = (1, &mut StdRng::seed_from_u64(1));
        for _ in 0..100 {
            match flow.next_with_rng(now, rng) {
                Step::Save(_) => flow.saved(),
                Step::ReadAccountData => flow.account_data(events.clone()),
                Step::Secrets(_) => {}
                Step::EnterKey => drop(flow.enter(typed.expose_str(), now)),
                Step::Send(operation) => {
                    let answer = answer(&operation, &Vec::new());
                    flow.answer(operation.id(), Some(answer), now).unwrap();
                }
                Step::Wait(until) => now = until.unwrap_or(now + 1),
                _ => {}
            }
        }
    };
    (input, Box::new(run))
}

/// Rounds with which others can guess a key, so that it is replaced, and with which they cannot, so that it may be used.
const FEW: u32 = 1;
const ENOUGH: u32 = 10_000;

/// So many keys at hand, half of them of the old algorithm, none of them default but by its name, and so many secrets,
/// each encrypted to one of them. Their passphrases have so many rounds.
fn many(count: usize, rounds: u32) -> (Vec<SecretStorageKey>, Events) {
    let bytes = |n: usize| {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        KeyMaterial::from_slice(&bytes).unwrap()
    };
    let rng = &mut StdRng::seed_from_u64(2);
    let (mut keys, mut events) = (Vec::new(), Events::new());
    for n in 0..count {
        let material = bytes(n);
        let id = format!("k{n}");
        let description = if n % 2 == 0 {
            // Nothing is encrypted to it, since that would measure curves.
            json!({ "algorithm": "m.secret_storage.v1.curve25519-aes-sha2", "name": "m.default" })
        } else {
            let check = KeyCheck::with_rng(&material, rng);
            json!({
                "algorithm": "m.secret_storage.v1.aes-hmac-sha2", "name": "m.default",
                "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
                "passphrase": { "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "s" },
            })
        };
        let description = event(&format!("m.secret_storage.key.{id}"), &description);
        let read = storage(&vec![description.clone()]);
        keys.push(read.key(&id.as_str().into()).unwrap().accept(&material).unwrap());
        events.push(description);
        let name = format!("org.example.{n}");
        let entries = json!({ format!("k{}", n | 1): entry(&name, &bytes(n | 1), rng) });
        events.push(event(&name, &json!({ "encrypted": entries })));
    }
    (keys, events)
}

fn entry(name: &str, key: &KeyMaterial, rng: &mut StdRng) -> Value {
    let sealed = seal_with_rng(key, name, b"a secret", rng);
    json!({
        "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
        "mac": sealed.mac.to_base64(),
    })
}

/// One secret that is encrypted to as many keys as there are.
fn one_for_all(count: usize, rounds: u32) -> (Vec<SecretStorageKey>, Events) {
    let (keys, mut events) = many(count, rounds);
    events.retain(|(name, _)| !name.as_str().starts_with("org.example."));
    let rng = &mut StdRng::seed_from_u64(3);
    let each = |key: &SecretStorageKey| {
        let material = KeyMaterial::from_slice(key.expose_bytes()).unwrap();
        (key.id().as_str().to_owned(), entry("org.example.0", &material, rng))
    };
    let entries: serde_json::Map<_, _> = keys.iter().map(each).collect();
    events.push(event("org.example.0", &json!({ "encrypted": entries })));
    (keys, events)
}

fn planned(
    (keys, events): (Vec<SecretStorageKey>, Events),
    change: impl FnOnce(&mut Change<'_>, &NewKey) -> Result<(), ChangeError> + 'static,
) -> Work {
    let (storage, new_key) = (storage(&events), NewKey::generate(None).unwrap());
    let run = move || {
        let plan = storage.plan(&keys, &Limits::default(), |it| change(it, &new_key)).unwrap();
        assert!(plan.steps().len() > 1);
    };
    (length(&events), Box::new(run))
}

fn migrate(
    change: &mut Change<'_>,
    new_key: &NewKey,
    accepted: &[SecretName],
) -> Result<(), ChangeError> {
    change.migrate(new_key, &VerifiedPublicKeys::none(USER.into()), accepted)
}

/// Nobody vouches for what keys of few rounds open, so all of it is accepted.
fn accepted(count: usize) -> Vec<SecretName> {
    (0..count).map(|n| SecretName::from(format!("org.example.{n}").as_str())).collect()
}

fn migrating_one(count: usize) -> Work {
    planned(one_for_all(count, FEW), move |it, new_key| migrate(it, new_key, &accepted(1)))
}

fn migrating(count: usize) -> Work {
    planned(many(count, FEW), move |it, new_key| migrate(it, new_key, &accepted(count)))
}

fn adding_a_key(count: usize) -> Work {
    planned(many(count, ENOUGH), move |it, new_key| {
        it.believe(&VerifiedPublicKeys::none(USER.into()), &accepted(count));
        it.create(new_key)
    })
}

/// Each secret is stored under all of the keys, and then the new key takes the place of one.
fn replacing_all(count: usize) -> Work {
    let ids: Vec<_> = (0..count).filter(|n| n % 2 == 1).map(|n| format!("k{n}")).collect();
    planned(one_for_all(count, ENOUGH), move |it, new_key| {
        it.believe(&VerifiedPublicKeys::none(USER.into()), &accepted(1));
        let ids: Vec<_> = ids.iter().map(|id| SecretStorageKeyId::from(id.as_str())).collect();
        it.store_text_under(&"org.example.0".into(), "other", &ids)?;
        it.rotate(&"k1".into(), new_key)
    })
}

fn making_default(count: usize) -> Work {
    planned(many(count, ENOUGH), move |it, new_key| {
        it.believe(&VerifiedPublicKeys::none(USER.into()), &accepted(count));
        (0..count).filter(|n| n % 2 == 1).try_for_each(|n| {
            it.set_default(&SecretStorageKeyId::from(format!("k{n}").as_str()))
        })?;
        it.create(new_key)
    })
}

fn diagnosing_all(count: usize) -> Work {
    let (keys, events) = many(count, FEW);
    let mut evidence = Evidence::new(USER.into());
    (evidence.storage, evidence.storage_keys) = (Some(storage(&events)), keys);
    (length(&events), Box::new(move || drop(diagnose(&evidence, None, &Limits::default()))))
}

/// Each key is a finding, and the caller wants all of them.
fn finding_much(count: usize) -> Work {
    let events = key_events(count);
    let mut evidence = Evidence::new(USER.into());
    evidence.storage = Some(storage(&events));
    let mut limits = Limits::default();
    limits.findings = usize::MAX;
    let run = move || assert!(diagnose(&evidence, None, &limits).findings().len() > count);
    (length(&events), Box::new(run))
}

fn signing(count: usize) -> Work {
    let key = BackupDecryptionKey::generate().unwrap();
    let signatures = join(count, |n| format!(r#""ed25519:{n:010}":"none""#));
    let text = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","count":0,"etag":"1","auth_data":{{"public_key":"{}","signatures":{{"{USER}":{{{signatures}}}}}}}}}"#,
        key.public_key().to_base64(),
    );
    let mut limits = Limits::default();
    (limits.signed_object_bytes, limits.signatures) = (usize::MAX, usize::MAX);
    let info = BackupVersionInfo::from_json(text.as_bytes(), &limits).unwrap();
    let mut evidence = Evidence::new(USER.into());
    evidence.take_current_backup(Some(info));
    let typed = key.to_recovery_key();
    evidence.backup_key = Some(BackupDecryptionKey::typed_by_user(typed.as_secret().clone()));
    let diagnosis = diagnose(&evidence, None, &limits);
    let run = move || {
        let (remedy, rng) = (Remedy::SignBackup("1".into()), &mut StdRng::seed_from_u64(1));
        let plan = diagnosis.repair(&remedy, &RepairParts::default(), rng);
        assert!(matches!(plan, Ok(RepairPlan::Sign(..))));
    };
    (text.len(), Box::new(run))
}

/// The keys are symmetric, and each of them has a secret.
fn diagnosing_typed(count: usize) -> Work {
    let mut events = key_events(count);
    let (_, secrets) = account(count);
    let secrets = secrets.into_iter().filter(|(name, _)| name.as_str().starts_with("org."));
    events.extend(secrets.enumerate().map(|(n, (name, content))| {
        let mut content: Value = serde_json::from_slice(content.as_bytes()).unwrap();
        let entries = content["encrypted"].as_object_mut().unwrap();
        let entry = entries.values().next().unwrap().clone();
        *entries = [(format!("k{n}"), entry)].into_iter().collect();
        event(name.as_str(), &content)
    }));
    let mut evidence = Evidence::new(USER.into());
    evidence.storage = Some(storage(&events));
    let typed = BackupDecryptionKey::generate().unwrap().to_recovery_key().to_text();
    let run = move || drop(diagnose(&evidence, Some(typed.expose_str()), &Limits::default()));
    (length(&events), Box::new(run))
}
