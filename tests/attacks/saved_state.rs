//! Who can write the public part of a saved state decides: what is signed, made, deleted, forgotten, shown or taken for
//! what.
//!
//! Reproductions `saved_public` (a) to (d), `lockout` and `misuse` (3). The public part is a cache now, and the flows and the
//! machines of secret sharing have none at all.

use std::env;

use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, any, prop_oneof},
    proptest,
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    client::backup::{Backup, BackupOptions, Reply, SavedBackup, Stage},
    randomness::NoRandomness,
    saved_state::{SavedStateError, StateKey},
    secret::{SecretBytes, SecretVec},
};

use crate::driver::{Driver, Lied, USER, lie_about};

/// What a host can see of a machine in a week: what it was told to do, and how often it asked the homeserver.
#[derive(Debug, PartialEq)]
struct Life {
    stage: Stage,
    trusted: Option<String>,
    retired: Vec<String>,
    questions: Vec<String>,
    secrets: usize,
    signed: usize,
    /// Requests that change something on the homeserver.
    changes: Vec<String>,
    reads: usize,
}

/// Lives for some hours from this state, on a copy of the homeserver.
fn life(phone: &Driver, saved: &SavedBackup) -> Life {
    let mut copy = Driver::of(USER, "PHONE", phone.token.clone(), phone.homeserver.clone(), 9);
    copy.now = phone.now;
    copy.disk = saved.clone();
    copy.reload("PHONE");
    copy.live(LIFE_MS);
    let questions = copy
        .machine
        .open_questions()
        .map(|(_, question)| format!("{question:?}").chars().take(24).collect::<String>());
    let questions = questions.collect();
    let (changes, reads): (Vec<_>, Vec<_>) =
        copy.requests().into_iter().partition(|line| !line.starts_with("GET"));
    Life {
        stage: copy.machine.stage(),
        trusted: copy.machine.trusted().map(|backup| backup.public_key().to_base64()),
        retired: copy.machine.retired().iter().map(|key| key.to_base64()).collect(),
        questions,
        secrets: copy.secrets.len(),
        signed: changes.iter().filter(|line| line.starts_with("POST /room_keys/version")).count(),
        changes,
        reads: reads.len(),
    }
}

/// Long enough for a few checks of a backup in use, and many of one that is a question.
const LIFE_MS: u64 = 4 * 60 * 60 * 1_000;

/// What differs may be more questions about what to fetch, and more reading, which is bounded.
#[track_caller]
fn assert_only_reads_more(found: &Life, without: &Life, what: &str) {
    let Life { reads, questions, .. } = found;
    assert!(*reads <= without.reads + 200, "{what}: {reads} instead of {}", without.reads);
    let others = |life: &Life| {
        let questions = life.questions.iter().filter(|it| !it.starts_with("DecryptionKey"));
        questions.cloned().collect::<Vec<_>>()
    };
    assert_eq!(others(found), others(without), "{what}: {questions:?}");
    assert_eq!(
        (&found.stage, &found.trusted, &found.retired, found.secrets, found.signed, &found.changes),
        (
            &without.stage,
            &without.trusted,
            &without.retired,
            without.secrets,
            without.signed,
            &without.changes
        ),
        "{what}"
    );
}

/// Machines at each stage that a restart can meet, each with a homeserver.
fn phones() -> Vec<(&'static str, Driver)> {
    let running = || {
        let mut phone = Driver::new();
        phone.set_up();
        phone.has_session();
        phone.live(60_000);
        phone
    };
    let new = Driver::new();
    let mut absent = Driver::new();
    absent.run();
    let mut untrusted = Driver::new();
    untrusted.plant(&BackupDecryptionKey::generate().unwrap().public_key().to_base64());
    untrusted.run();
    let mut changed = running();
    changed.plant(&BackupDecryptionKey::generate().unwrap().public_key().to_base64());
    changed.machine.look_again();
    changed.run();
    let mut confirming = running();
    confirming.lie = lie_about("POST /room_keys/version", usize::MAX, || Lied::Nothing);
    confirming.machine.rotate();
    confirming.run();
    let mut disabling = running();
    disabling.has_storage = false;
    disabling.machine.disable();
    disabling.run();
    let mut off = Driver::new();
    off.run();
    off.reply(Reply::Stop);
    off.live(60_000);
    vec![
        ("new", new),
        ("absent", absent),
        ("untrusted", untrusted),
        ("running", running()),
        ("changed", changed),
        ("confirming", confirming),
        ("disabling", disabling),
        ("off", off),
    ]
}

fn with_public(phone: &Driver, public: Vec<u8>) -> SavedBackup {
    SavedBackup { public, secret: phone.disk.secret.clone() }
}

/// Members that meant something in a public part once, with values that did harm.
fn harmful() -> Vec<Value> {
    let key = BackupDecryptionKey::generate().unwrap().public_key().to_base64();
    let auth_data =
        json!({ "public_key": key, "usage": ["self_signing"], "keys": { "ed25519:x": "x" } });
    let stages = [
        "looking",
        "absent",
        "untrusted",
        "changed",
        "signing",
        "creating",
        "confirming",
        "running",
        "disabling",
        "off",
    ];
    let mut harmful: Vec<_> = stages.iter().map(|stage| json!({ "stage": stage })).collect();
    let draft = json!({
        "auth_data": auth_data, "public_key": key, "before": "1", "replaces": key, "created": "9",
        "signatures": [],
    });
    harmful.extend([
        json!({ "draft": draft }),
        json!({ "stage": "signing", "draft": draft }),
        json!({ "stage": "confirming", "draft": draft }),
        json!({ "clock": { "last_ms": null, "elapsed_ms": u64::MAX } }),
        json!({ "clock": { "last_ms": u64::MAX, "elapsed_ms": u64::MAX } }),
        json!({ "preference": { "was_read": true, "enabled": false, "write": false } }),
        json!({ "restore_choice": "nothing" }),
        json!({ "restore_choice": "everything" }),
        json!({ "wanted": ["everything"] }),
        json!({ "wanted": [{ "room": "!a" }, { "room": "!b" }] }),
        json!({ "wanted": (0..10_000).map(|n| json!({ "room": format!("!{n}") })).collect::<Vec<_>>() }),
        json!({ "wanted": (0..100).map(|n| json!({ "session": ["!a", n.to_string()] })).collect::<Vec<_>>() }),
        json!({ "used": { "version": "1", "public_key": key } }),
        json!({ "retired": [key] }),
        json!({ "disabling": "1" }),
        json!({ "recovery_key_unsaved": false }),
        json!({ "secret": "delete" }),
        json!({ "format": 99 }),
        json!({ "user_id": "@mallory:example.org" }),
        json!({ "part": "backup secrets" }),
    ]);
    harmful
}

#[test]
fn whoever_writes_the_public_part_can_have_something_fetched_again_and_nothing_else() {
    for (name, phone) in phones() {
        let without = life(&phone, &with_public(&phone, Vec::new()));
        let public: Value = serde_json::from_slice(&phone.disk.public).unwrap();
        assert_only_reads_more(&life(&phone, &phone.disk), &without, name);
        for change in harmful() {
            let mut public = public.clone();
            for (member, value) in change.as_object().unwrap() {
                public[member] = value.clone();
            }
            let saved = with_public(&phone, public.to_string().into_bytes());
            assert_only_reads_more(&life(&phone, &saved), &without, &format!("{name}: {change}"));
        }
        for member in public.as_object().unwrap().keys() {
            for value in [Value::Null, json!(7), json!("x"), json!([]), json!({})] {
                let mut public = public.clone();
                public[member] = value;
                let saved = with_public(&phone, public.to_string().into_bytes());
                assert_only_reads_more(
                    &life(&phone, &saved),
                    &without,
                    &format!("{name}: {member}"),
                );
            }
        }
    }
}

#[test]
fn an_old_public_part_that_is_put_back_does_no_more_than_none() {
    let mut phone = Driver::new();
    let mut old = vec![phone.disk.public.clone()];
    phone.set_up();
    old.push(phone.disk.public.clone());
    phone.machine.fetch(strongroom::client::backup::Scope::Everything, phone.now);
    phone.run();
    old.push(phone.disk.public.clone());
    phone.machine.rotate();
    phone.run();
    old.push(phone.disk.public.clone());
    phone.machine.disable();
    phone.live(60_000);
    old.push(phone.disk.public.clone());
    let without = life(&phone, &with_public(&phone, Vec::new()));
    for public in old {
        assert_only_reads_more(
            &life(&phone, &with_public(&phone, public)),
            &without,
            "rolled back",
        );
    }
}

#[test]
fn a_machine_that_fails_waits_as_long_whatever_stands_in_the_public_part() {
    let mut phone = Driver::new();
    phone.set_up();
    let count = |public: Vec<u8>| {
        let mut copy = Driver::of(USER, "PHONE", phone.token.clone(), phone.homeserver.clone(), 9);
        copy.disk = with_public(&phone, public);
        copy.reload("PHONE");
        copy.lie = Some(Box::new(|_, _| Some(Lied::Nothing)));
        copy.live(600_000);
        copy.requests().len()
    };
    let without = count(Vec::new());
    let public: Value = serde_json::from_slice(&phone.disk.public).unwrap();
    for change in harmful() {
        let mut public = public.clone();
        for (member, value) in change.as_object().unwrap() {
            public[member] = value.clone();
        }
        let requests = count(public.to_string().into_bytes());
        assert!(requests <= 2 * without + 20, "{change}: {requests} instead of {without}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("signing")),
        Just(json!("off")),
        Just(json!("everything")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((prop_oneof![Just("room".to_owned()), ".{0,5}"], inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_public_part_of_any_shape_changes_nothing_but_what_is_fetched(
        members in vec((prop_oneof![
            Just("wanted".to_owned()), Just("stage".to_owned()), Just("draft".to_owned()),
            Just("format".to_owned()), Just("clock".to_owned()), Just("preference".to_owned()), ".{0,6}",
        ], any_json()), 0..5),
        cut in any::<proptest::sample::Index>(), flips in vec(any::<proptest::sample::Index>(), 0..3),
    ) {
        let mut phone = Driver::new();
        phone.set_up();
        let without = life(&phone, &with_public(&phone, Vec::new()));
        let mut public: Value = serde_json::from_slice(&phone.disk.public).unwrap();
        for (name, value) in members {
            public[&name] = value;
        }
        let mut bytes = public.to_string().into_bytes();
        for flip in flips {
            let index = flip.index(bytes.len());
            bytes[index] ^= 1;
        }
        assert_only_reads_more(&life(&phone, &with_public(&phone, bytes.clone())), &without, "random");
        bytes.truncate(cut.index(bytes.len()));
        assert_only_reads_more(&life(&phone, &with_public(&phone, bytes)), &without, "cut");
    }
}

/// The machine goes on from a state that says that there were so many backups before.
fn has_retired(phone: &mut Driver, count: usize) {
    let mut secret: Value = serde_json::from_slice(phone.disk.secret.expose_bytes()).unwrap();
    let retired = secret["retired"].as_array_mut().unwrap();
    let key = || BackupDecryptionKey::generate().unwrap().public_key().to_base64();
    retired.extend((0..count).map(|_| key().into()));
    phone.disk.secret = SecretVec::from(secret.to_string().as_bytes());
    phone.reload("PHONE");
    phone.machine.set_signers(vec![phone.signer()]);
    phone.run();
}

/// The worst that can be in it: nothing of it grows with the account or by the will of a homeserver.
#[test]
fn the_secret_part_has_64_kib_at_most() {
    let mut phone = Driver::new();
    phone.machine.set_signers(vec![phone.signer()]);
    phone.set_up();
    let rotations = env::var("STRONGROOM_ROTATIONS").map_or(60, |count| count.parse().unwrap());
    has_retired(&mut phone, 1_050_usize.saturating_sub(rotations));
    let long = "v".repeat(255);
    for round in 0..rotations {
        phone.machine.rotate();
        phone.run();
        phone.reply(Reply::Saved);
        if round % 100 == 0 {
            for room in 0..200 {
                let room = format!("!{}{room}", "r".repeat(200)).as_str().into();
                phone.machine.fetch(strongroom::client::backup::Scope::Room(room), phone.now);
            }
        }
    }
    phone.machine.fetch(strongroom::client::backup::Scope::Everything, phone.now);
    let answer = json!({ "version": long }).to_string();
    phone.lie = lie_about("POST /room_keys/version", usize::MAX, move || {
        crate::driver::response(200, &answer)
    });
    phone.machine.rotate();
    phone.live(60_000);
    assert_eq!(phone.machine.retired().len(), 1_000);
    let saved = phone.machine.save();
    let length = saved.secret.expose_bytes().len();
    assert!((45_000..=64 << 10).contains(&length), "{length}");
    let mut few = Driver::new();
    few.set_up();
    let length = few.machine.save().secret.expose_bytes().len();
    assert!(length < 2 << 10, "{length}");
}

/// For hosts whose keychain holds 2.5 KB, or that have none.
#[test]
fn a_sealed_state_opens_with_its_key_as_it_was_and_with_no_other() -> Result<(), NoRandomness> {
    let mut phone = Driver::new();
    phone.set_up();
    let key = StateKey::generate()?;
    let sealed = key.seal(&phone.disk.secret)?;
    assert_ne!(sealed, key.seal(&phone.disk.secret)?, "each has a nonce of its own");
    assert_eq!(sealed.len(), phone.disk.secret.expose_bytes().len() + 41);
    let kept = SecretBytes::from_slice(key.as_secret().expose_bytes()).unwrap();
    let opened = StateKey::from_bytes(kept).open(&sealed).unwrap();
    assert_eq!(opened, phone.disk.secret);
    assert_eq!(StateKey::generate()?.open(&sealed), Err(SavedStateError::Sealed));
    for index in (0..sealed.len()).step_by(7) {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        assert_eq!(key.open(&changed), Err(SavedStateError::Sealed), "{index}");
        assert_eq!(key.open(&sealed[..index]), Err(SavedStateError::Sealed), "{index}");
    }
    // What is opened says whose it is.
    let saved = SavedBackup { public: Vec::new(), secret: opened };
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let other =
        Backup::from_saved(&saved, "@bob:example.org".into(), "PHONE".into(), options, limits);
    assert_eq!(other.unwrap_err(), SavedStateError::OtherAccount);
    assert!(Backup::from_saved(&saved, USER.into(), "PHONE".into(), options, limits).is_ok());
    Ok(())
}

/// A secret part without the public one is the state, at each stage.
#[test]
fn a_machine_starts_from_the_secret_part_alone() {
    for (name, phone) in phones() {
        let saved = with_public(&phone, Vec::new());
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let machine = Backup::from_saved(&saved, USER.into(), "PHONE".into(), options, limits);
        let machine = machine.unwrap();
        assert_eq!(
            machine.save().secret,
            Backup::from_saved(&phone.disk, USER.into(), "PHONE".into(), options, limits)
                .unwrap()
                .save()
                .secret,
            "{name}"
        );
        let empty = SavedBackup { public: phone.disk.public.clone(), secret: SecretVec::default() };
        let error =
            Backup::from_saved(&empty, USER.into(), "PHONE".into(), options, limits).unwrap_err();
        assert_eq!(error, SavedStateError::Damaged, "{name}");
    }
}
