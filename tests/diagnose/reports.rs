//! Accounts as public bug reports of other clients describe them: what is found in each, and what is never said.

use std::fs;

use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    client::diagnose::{
        Comparison, Diagnosis, DiagnosisVerdict, Evidence, Finding, MissingEvidence, Remedy,
        Severity, diagnose,
    },
    encoding::{base64, json_object::JsonObject},
    ids::EventType,
};

use crate::{
    account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_KEY, recovery_key},
    world::{BACKUP, BACKUP_KEY, USER_SIGNING, World, info_of},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/reports");

/// What is found in each, most severe first and without what is as it should be.
const FOUND: [(&str, &[&str]); 13] = [
    ("01_empty_encrypted_usk", &["secret.missing"]),
    ("02_encrypted_null", &["secret.missing"]),
    ("02c_entry_empty", &["secret.missing"]),
    ("16_typed_empty", &["input.fits_nothing"]),
    ("16b_typed_empty_pw", &["input.fits_nothing"]),
    ("19_description_gone", &["storage.description_gone"]),
    ("20_full_good", &[]),
    ("21_user_signing_encrypted_empty", &["secret.missing"]),
    (
        "22_no_published_xsign",
        &[
            "identity.not_published",
            "identity.not_published",
            "identity.not_published",
            "backup.unverified_signer",
        ],
    ),
    (
        "24_only_master_published",
        &["identity.not_published", "identity.not_published", "backup.unverified_signer"],
    ),
    (
        "26_everything_braces",
        &[
            "input.fits_nothing",
            "backup.no_key",
            "storage.absent",
            "backup.unverified_signer",
            "backup.unverified_signer",
        ],
    ),
    ("min_description_gone", &["storage.description_gone"]),
    // A homeserver that has the same account, and nothing of the secrets.
    ("20_full_good without account data", &["input.fits_nothing", "backup.no_key"]),
];

#[test]
fn every_report_gets_the_right_verdict() {
    let mut wrong = Vec::new();
    for (name, expected) in FOUND {
        let mut report = read(name.trim_end_matches(" without account data"));
        if name.ends_with(" without account data") {
            report.as_object_mut().unwrap().remove("account_data");
        }
        let found = look(&report);
        let least = if name.contains("without") { Severity::Failure } else { Severity::Notice };
        let findings = found.findings().iter().filter(|finding| finding.severity() <= least);
        let codes: Vec<_> = findings.map(Finding::code).collect();
        let verdict =
            if expected.is_empty() { DiagnosisVerdict::Well } else { DiagnosisVerdict::Ill };
        if codes != expected || found.verdict() != verdict {
            wrong.push(format!("{name}: {codes:?} {:?}, not {expected:?}", found.verdict()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_remedy_replaces_an_identity_whose_seeds_are_stored() {
    let good = read("20_full_good");
    let members = ["master_keys", "self_signing_keys", "user_signing_keys"];
    let names = ["master", "self_signing", "user_signing"];
    // Every combination of what is published and what is stored.
    for mask in 0..64_usize {
        let mut report = good.clone();
        for (place, (member, name)) in members.iter().zip(names).enumerate() {
            if mask & (1 << place) != 0 {
                report["keys_query"][member] = serde_json::json!({});
            }
            if mask & (8 << place) != 0 {
                let name = format!("m.cross_signing.{name}");
                report["account_data"][name] = serde_json::json!({ "encrypted": {} });
            }
        }
        for typed in [true, false] {
            if !typed {
                report.as_object_mut().unwrap().remove("recovery_key");
            }
            let found = look(&report);
            let (codes, remedies) = (codes(&found), found.remedies());
            let stored: Vec<_> = (0..3).filter(|place| mask & (8 << place) == 0).collect();
            let published: Vec<_> = (0..3).filter(|place| mask & (1 << place) == 0).collect();
            let unpublished = stored.iter().filter(|place| !published.contains(place)).count();
            let count = |code| codes.iter().filter(|it| **it == code).count();
            assert_eq!(count("identity.not_published"), unpublished, "{mask:b} {codes:?}");
            let is_new = remedies.contains(&Remedy::SetUpCrossSigning);
            assert_eq!(is_new, stored.is_empty() && published.is_empty(), "{mask:b} {remedies:?}");
            let missing = published.iter().filter(|place| !stored.contains(place)).count();
            assert!(count("secret.missing") >= missing, "{mask:b} {codes:?}");
            let is_whole = stored.len() == 3 && published.len() == 3;
            assert_eq!(found.verdict() != DiagnosisVerdict::Ill, is_whole, "{mask:b} {codes:?}");
        }
    }
}

#[test]
fn nothing_is_well_that_was_not_looked_at() {
    let good = read("20_full_good");
    let without = |names: &[&str]| {
        let mut report = good.clone();
        names.iter().for_each(|name| drop(report.as_object_mut().unwrap().remove(*name)));
        look(&report)
    };
    let whole = without(&[]);
    assert!(whole.compared().contains(&Comparison::StoredWithPublished));
    assert_eq!(whole.missing(), [MissingEvidence::Sessions]);
    let locked = without(&["recovery_key"]);
    assert_eq!(locked.verdict(), DiagnosisVerdict::Unknown);
    assert!(locked.missing().starts_with(&[MissingEvidence::Key, MissingEvidence::StorageKey]));
    let nothing = without(&["recovery_key", "account_data", "keys_query", "room_keys_version"]);
    assert_eq!((nothing.verdict(), nothing.compared()), (DiagnosisVerdict::Unknown, Vec::new()));
    let storage_alone = without(&["keys_query", "room_keys_version"]);
    assert_eq!(storage_alone.verdict(), DiagnosisVerdict::Well);
    assert!(storage_alone.missing().contains(&MissingEvidence::Backup));
    assert!(!storage_alone.compared().contains(&Comparison::KeyWithBackup));
}

/// A server that could not be asked, or an answer about somebody else, publishes nothing and denies nothing.
#[test]
fn keys_of_others_say_nothing_of_what_is_published() {
    for answer in [
        serde_json::json!({ "device_keys": {}, "failures": { "localhost": {} } }),
        serde_json::json!({ "device_keys": { "@other:localhost": {} } }),
    ] {
        let mut report = read("20_full_good");
        report["keys_query"] = answer;
        let found = look(&report);
        let codes = codes(&found);
        assert!(!codes.iter().any(|code| code.starts_with("identity.")), "{codes:?}");
        assert!(found.missing().contains(&MissingEvidence::PublishedKeys));
    }
}

/// Numbers that are integers by value have a test of their own; here nothing may be said to be well by default.
#[test]
fn a_passphrase_that_cannot_be_tried_is_never_well() {
    for name in ["06_iter_float", "07_bits_float"] {
        let found = look(&read(name));
        let opens = codes(&found).contains(&"input.storage_key_fits");
        assert_eq!(found.verdict() == DiagnosisVerdict::Well, opens, "{name}: {found:#?}");
    }
}

fn read(name: &str) -> Value {
    let text = fs::read_to_string(format!("{FOLDER}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn look(report: &Value) -> Diagnosis {
    let limits = Limits::default();
    let user_id = report["user_id"].as_str().unwrap_or("@random1-254c91:localhost");
    let mut evidence = Evidence::new(user_id.into());
    if let Some(account_data) = report.get("account_data") {
        let events = account_data.as_object().unwrap().iter().map(|(event_type, content)| {
            let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
            (EventType::from(event_type.as_str()), content)
        });
        let events: Vec<_> = events.collect();
        let events = events.iter().map(|(event_type, content)| (event_type, content));
        evidence.take_account_data(events, &limits);
    }
    if let Some(info) = report.get("room_keys_version") {
        evidence.take_current_backup(Some(info_of(info)));
    }
    if let Some(keys) = report.get("keys_query") {
        let response = http::Response::new(keys.to_string());
        evidence.keys = Some(api::query_keys([], None).read_response(&response, &limits).unwrap());
    }
    let typed = report.get("typed").or_else(|| report.get("recovery_key"));
    diagnose(&evidence, typed.map(|typed| typed.as_str().unwrap()), &limits)
}

fn codes(found: &Diagnosis) -> Vec<&'static str> {
    found.findings().iter().map(Finding::code).collect()
}

#[test]
fn of_a_cached_secret_that_differs_it_is_said_which_one_fits_and_what_to_do() {
    let text = |byte: u8| base64::encode(&[byte; 32]);
    let differs = |name: &str, stored: &str, cached: &str, has_keys: bool| {
        let mut world = World::well();
        let storage = std::mem::take(&mut world.storage).unwrap();
        world.storage = Some(storage.with_secret(name, ID, KEY, stored));
        world.cache(name, cached);
        if !has_keys {
            world.keys = None;
        }
        let found = world.diagnose();
        assert!(found.compared().contains(&Comparison::CachedWithStored));
        let is_it = |it: &&Finding| it.code() == "secret.cached_differs";
        let finding = found.findings().iter().find(is_it).unwrap().clone();
        let [_, (_, fits)] = &finding.arguments()[..] else { panic!("{finding:?}") };
        (fits.clone(), finding.severity(), finding.remedy().unwrap().code())
    };
    let differs = |name, stored, cached, has_keys| {
        let (fits, severity, remedy) = differs(name, &text(stored), &text(cached), has_keys);
        format!("{fits} {} {remedy}", severity.code())
    };
    let (of_user, of_device) = (USER_SIGNING, "org.matrix.msc3814");
    assert_eq!(differs(of_user, 3, 33, true), "key_storage warning use_stored_secret");
    assert_eq!(differs(of_user, 33, 3, true), "this_device failure store_secret");
    assert_eq!(differs(of_user, 33, 34, true), "neither failure ask_other_device");
    assert_eq!(differs(of_user, 3, 33, false), "unknown warning ask_other_device");
    assert_eq!(differs(BACKUP, 9, 8, false), "this_device failure store_secret");
    assert_eq!(differs(of_device, 3, 33, true), "unknown warning ask_other_device");
}

#[test]
fn a_planted_secret_is_not_recommended_in_the_place_of_the_one_that_this_device_has() {
    // Whoever knows the public half of the key has stored it, and made a backup for it.
    let text = |byte: u8| base64::encode(&[byte; 32]);
    let mut world = World::well();
    let mut storage = Account::default().with_asymmetric_key(ASYMMETRIC_ID, OTHER_KEY);
    storage.put_json("m.secret_storage.default_key", json!({ "key": ASYMMETRIC_ID }));
    let planted = text(BACKUP_KEY);
    world.storage =
        Some(storage.with_asymmetric_secret(BACKUP, ASYMMETRIC_ID, OTHER_KEY, &planted));
    world.typed = Some(recovery_key(OTHER_KEY));
    world.cache(BACKUP, &text(BACKUP_KEY + 1));
    let found = world.diagnose();
    let is_it = |it: &&Finding| it.code() == "secret.cached_differs";
    let finding = found.findings().iter().find(is_it).unwrap();
    assert_eq!(finding.remedy().unwrap().code(), "ask_other_device", "{finding:?}");
}
