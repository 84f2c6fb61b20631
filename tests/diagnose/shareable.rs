//! What is shown to strangers names nothing of the account, whatever is found.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};
use strongroom::client::diagnose::{Diagnosis, Finding, ShareableFinding};

use crate::{
    account::{Account, KEY, OTHER_KEY, recovery_key},
    table::ALL,
    world::{OLD_BACKUP_KEY, World, backup_public_key, public_key, version},
};

#[test]
fn no_finding_shows_strangers_an_id_a_key_a_name_or_a_text_of_the_account() {
    let (mut wrong, mut met, mut controls) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for case in ALL.iter().flat_map(|(_, cases)| cases.iter()) {
        let mut world = case.world();
        mark(&mut world);
        let (diagnosis, markers) = (world.diagnose(), markers(&world));
        for (finding, shareable) in diagnosis.findings().iter().zip(diagnosis.shareable()) {
            assert_eq!(finding.code(), shareable.code());
            assert_eq!(finding.severity(), shareable.severity());
            met.insert(finding.code());
            let shown = shown(&shareable);
            let told = markers.iter().filter(|marker| shown.contains(*marker));
            wrong.extend(told.map(|marker| format!("{marker:?} in {shown}")));
            let plain = format!("{finding} {:?}", finding.arguments());
            if markers.iter().any(|marker| plain.contains(marker)) {
                controls.insert(finding.code());
            }
        }
        assert_eq!(diagnosis.findings().len(), diagnosis.shareable().len());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(met, Finding::codes().collect());
    // Without names in the place of others most of them would have been seen.
    assert!(controls.len() > 45, "{} {controls:?}", controls.len());
}

#[test]
fn what_is_not_named_is_said_as_it_is() {
    for case in ALL.iter().flat_map(|(_, cases)| cases.iter()) {
        let diagnosis = case.diagnose();
        for (finding, shareable) in diagnosis.findings().iter().zip(diagnosis.shareable()) {
            let names: Vec<_> = shareable.arguments().iter().map(|(name, _)| *name).collect();
            let same: Vec<_> = finding.arguments().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, same);
            let remedy = finding.remedy().map(|remedy| remedy.code());
            assert_eq!(shareable.remedy().map(|(code, _)| code), remedy);
            if finding.arguments().is_empty() {
                assert_eq!(shareable.to_string(), finding.to_string());
            }
            let sentence = shareable.to_string();
            assert!(sentence.ends_with('.') && !sentence.contains(".."), "{sentence}");
        }
    }
}

#[test]
fn one_thing_has_one_name_in_all_of_a_report() {
    let mut world = World::well();
    world.older.push(version("1", OLD_BACKUP_KEY));
    world.retired = vec![8];
    world.backup()["auth_data"]["signatures"]["@alice:example.org"]["ed25519:GONE"] = json!("!");
    world.backup()["auth_data"]["signatures"]["@alice:example.org"]["ed25519:LOST"] = json!("!");
    let diagnosis = world.diagnose();
    let argument = |code: &str, name: &str| -> BTreeSet<String> {
        let found = diagnosis.shareable();
        let found = found.iter().filter(|finding| finding.code() == code);
        let values = found.flat_map(|finding| finding.arguments().to_vec());
        values.filter(|(it, _)| *it == name).map(|(_, value)| value).collect()
    };
    let current = argument("backup.retired", "version");
    assert_eq!(current, ["version 1".to_owned()].into());
    assert_eq!(argument("backup.unusable_signature", "version"), current);
    assert_eq!(argument("backup.older_versions", "versions"), ["version 2".to_owned()].into());
    assert_eq!(argument("backup.unusable_signature", "signer").len(), 2);
    assert_eq!(diagnosis.shareable(), diagnosis.shareable());
    let sentences = sentences(&diagnosis);
    assert!(sentences.contains("The backup (version 1) has the key \u{201c}key "), "{sentences}");
    assert!(sentences.contains("(versions: 2)"), "{sentences}");
}

fn sentences(diagnosis: &Diagnosis) -> String {
    diagnosis.shareable().iter().map(|finding| format!("{finding}\n")).collect()
}

fn shown(finding: &ShareableFinding) -> String {
    format!("{finding} {:?} {:?} {finding:?}", finding.arguments(), finding.remedy())
}

/// Gives the keys of the storage and the versions names that are found nowhere else.
fn mark(world: &mut World) {
    for info in world.backup.iter_mut().chain(&mut world.older) {
        if let Some(version) = info.get_mut("version") {
            *version = json!(format!("VERSION-{}", version.as_str().unwrap()));
        }
    }
    world.held = world.held.map(|(id, key)| (&*marked(id).leak(), key));
    world.storage = world.storage.take().map(|account| {
        let mut all = Account::default();
        for (event_type, content) in account.events() {
            let content = serde_json::to_value(&content).unwrap();
            let (event_type, content) = marked_event(event_type.as_str(), content);
            all.put_text(&event_type, &content.to_string());
        }
        all
    });
}

fn marked_event(event_type: &str, mut content: Value) -> (String, Value) {
    let prefix = "m.secret_storage.key.";
    if let Some(entries) = content.get_mut("encrypted").and_then(Value::as_object_mut) {
        let marked_entries = entries.iter().map(|(id, entry)| (marked(id), entry.clone()));
        *entries = marked_entries.collect();
    }
    if event_type == "m.secret_storage.default_key"
        && let Some(id) = content["key"].as_str().map(marked)
    {
        content["key"] = json!(id);
    }
    match event_type.strip_prefix(prefix) {
        Some(id) => (format!("{prefix}{}", marked(id)), content),
        None => (event_type.to_owned(), content),
    }
}

fn marked(id: &str) -> String {
    format!("{id}-STORAGE")
}

/// Every text of the account that the specification does not have, and its keys; of a long one, what an excerpt shows.
fn markers(world: &World) -> HashSet<String> {
    let mut texts = BTreeSet::new();
    for (event_type, content) in world.storage.iter().flat_map(Account::events) {
        texts.insert(event_type.as_str().to_owned());
        texts.insert(event_type.as_str().replace("m.secret_storage.key.", ""));
        collect(&serde_json::to_value(&content).unwrap(), &mut texts);
    }
    let known = [&world.backup, &world.keys];
    known.into_iter().flatten().chain(&world.older).for_each(|it| collect(it, &mut texts));
    let room_keys = world.room_keys.iter().flat_map(|body| serde_json::from_str(body));
    room_keys.for_each(|body: Value| collect(&body, &mut texts));
    for byte in 0..=99 {
        texts.insert(strongroom::encoding::base64::encode(&[byte; 32]));
        texts.extend([public_key(byte).to_base64(), backup_public_key(byte).to_base64()]);
    }
    texts.extend([recovery_key(KEY), recovery_key(OTHER_KEY)]);
    texts.extend(world.typed.clone());
    texts.retain(|text| text.len() > 2 && !OF_THE_SPECIFICATION.contains(&text.as_str()));
    texts.iter().map(|text| text.chars().take(40).collect()).collect()
}

/// The names of members, and the texts.
fn collect(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            texts.insert(name.clone());
            texts.extend(name.split_once(':').map(|(_, key)| key.to_owned()));
            collect(value, texts);
        }),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::String(text) => drop(texts.insert(text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What is in an account and tells nothing of it. Whatever else a case has is looked for.
const OF_THE_SPECIFICATION: &[&str] = &[
    "m.cross_signing.master",
    "m.cross_signing.self_signing",
    "m.cross_signing.user_signing",
    "m.dehydrated_device",
    "m.megolm_backup.v1",
    "m.megolm_backup.v1.recovery_key",
    "algorithm",
    "ciphertext",
    "count",
    "device_id",
    "encrypted",
    "key",
    "keys",
    "mac",
    "master",
    "name",
    "passphrase",
    "rooms",
    "self_signing",
    "sessions",
    "signatures",
    "usage",
    "user_id",
    "user_signing",
    "version",
];
