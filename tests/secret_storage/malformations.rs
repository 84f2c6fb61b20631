//! What real clients have left in the account data of a secret storage, and what a server could put
//! there: one test or more for each row of the list of malformations that concerns a whole account.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use crate::account;
use crate::account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};
use serde_json::json;
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::{
        curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme, key_material::KeyMaterial,
    },
    encoding::{base64, format::FormatProblem},
    ids::{SecretName, SecretStorageKeyId},
    passphrase::{PassphraseError, PassphraseForm, PassphraseProgress},
    recovery_key::RecoveryKeyError,
    secret::SecretBytes,
    secret_storage::{
        KeyStanding, OpenedSecret, SecretOpenError, SecretOrigin, SecretStorage,
        SecretStorageFinding, SecretStorageKey, UnlockError, UnlockFailure, UnlockOutcome,
        Unlocked,
    },
    secret_value::{
        CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys,
        SecretRepair,
    },
};

#[test]
fn row_7_a_key_of_an_unknown_algorithm_is_named_and_survives() {
    let description = r#"{ "algorithm":"m.secret_storage.v3.kyber","x":[1.50],"passphrase":7}"#;
    let mut account =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    account.put_text(&format!("m.secret_storage.key.{OTHER_ID}"), description);
    let storage = account.storage();
    let key = storage.key(&OTHER_ID.into()).unwrap();
    assert_eq!((key.algorithm(), key.is_supported()), ("m.secret_storage.v3.kyber", false));
    assert_eq!(key.as_json(), description);
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    let outcome = outcome(&unlocked, OTHER_ID);
    assert!(
        matches!(&outcome, UnlockOutcome::Unsupported(name) if name.as_str() == "m.secret_storage.v3.kyber")
    );
    assert_eq!(
        outcome.to_string(),
        "it uses the algorithm \u{201c}m.secret_storage.v3.kyber\u{201d}, which this client does not know"
    );
    assert_eq!(text(&open(&storage, &unlocked, "org.example.a")), "text");
}

#[test]
fn row_13_members_that_are_not_known_survive_in_descriptions_and_secrets() {
    let mut account =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    account.key_mut(ID)["org.example.extra"] = json!({"deep": [1, "\u{1f511}"]});
    account.secret_mut("org.example.a")["org.example.beside"] = json!(1);
    account.secret_mut("org.example.a")["encrypted"]["org.example.other"] = json!("no object");
    let storage = account.storage();
    let key = storage.key(&ID.into()).unwrap();
    assert_eq!(key.as_json(), account.content(&format!("m.secret_storage.key.{ID}")));
    let secret = storage.secret(&"org.example.a".into()).unwrap();
    assert_eq!(secret.as_json().as_str(), account.content("org.example.a"));
    assert_eq!(serde_json::to_string(secret).unwrap(), account.content("org.example.a"));
    let no_object = FormatProblem::NotAnObject.of("the encrypted data");
    assert!(secret.unreadable().eq([(&"org.example.other".into(), &no_object)]));
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    assert_eq!(text(&open(&storage, &unlocked, "org.example.a")), "text");
}

#[test]
fn row_14_a_lone_surrogate_costs_its_own_entry() {
    let mut account =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    account.put_text(
        "org.example.b",
        &format!(r#"{{"encrypted":{{"{ID}":{{"iv":"\ud800","ciphertext":"AA","mac":"AA"}}}}}}"#),
    );
    account.put_text(&format!("m.secret_storage.key.{OTHER_ID}"), r#"{"algorithm":"m.\udfff"}"#);
    let storage = account.storage();
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    let verdicts = storage.open_all(&mut unlocked.keys.clone(), &PublicKeys::default());
    assert_eq!(verdicts.len(), 2);
    assert_eq!(text(verdicts[0].outcome.as_ref().unwrap()), "text");
    let missing = SecretOpenError::Entry(FormatProblem::Missing("iv").of("the encrypted data"));
    assert_eq!(failure(&verdicts[1].outcome), SecretOpenError::Keys(vec![(ID.into(), missing)]));
    assert!(matches!(
        storage.findings(),
        [SecretStorageFinding::Key(id, _)] if id.as_str() == OTHER_ID
    ));
}

#[test]
fn row_30_what_is_wrong_with_a_recovery_key_is_said_precisely() {
    let storage = Account::default().with_key(ID, KEY).storage();
    let right = recovery_key(KEY);
    let wrong_at = |typed: &str| match unlock(&storage, typed).unwrap_err() {
        UnlockError {
            reason: UnlockFailure::RecoveryKey(_) | UnlockFailure::Mistyped(_),
            recovery_key: Some(error),
            ..
        } => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(wrong_at(&right.replacen('E', "0", 1)), RecoveryKeyError::Character { position: 1 });
    assert_eq!(wrong_at(&right[..right.len() - 1]), RecoveryKeyError::Length { found: 47 });
    assert_eq!(wrong_at(&right[..29]), RecoveryKeyError::Length { found: 24 });
    assert_eq!(wrong_at(&right.replacen("Es", "Fs", 1)), RecoveryKeyError::Prefix);
    let last = if right.ends_with('2') { "3" } else { "2" };
    assert_eq!(wrong_at(&format!("{}{last}", &right[..right.len() - 1])), RecoveryKeyError::Parity);
    let error = unlock(&storage, "no such key").unwrap_err();
    assert_eq!(error.reason, UnlockFailure::RecoveryKeyExpected, "no key has a passphrase");
    assert_eq!(error.recovery_key, Some(RecoveryKeyError::Length { found: 9 }));
    assert_eq!(error.attempts[0].outcome, UnlockOutcome::NoPassphrase);
    for typed in [right.clone(), right.replace(' ', ""), right.replace(' ', "\t\u{a0}\r\n")] {
        assert_eq!(unlock(&storage, &typed).unwrap().keys[0].standing(), KeyStanding::Checked);
    }
}

#[test]
fn row_30_the_key_of_the_backup_is_not_that_of_secret_storage() {
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(public_key(OTHER_KEY));
    let checked = Account::default().with_key(ID, KEY);
    let mut unchecked = checked.clone().with_secret("org.example.a", ID, KEY, "text");
    unchecked.remove_check(ID);
    let mut empty = checked.clone();
    empty.remove_check(ID);
    for account in [checked.clone(), unchecked, empty, Account::default()] {
        let storage = account.storage();
        let error = storage.unlock(&recovery_key(OTHER_KEY), &public_keys, &Limits::default());
        let error = error.unwrap_err();
        assert_eq!(error.reason, UnlockFailure::BackupKey);
        assert_eq!(
            error.to_string(),
            "this is the key of the backup itself, not the recovery key of your key storage"
        );
    }
    let error = unlock(&checked.storage(), &recovery_key(OTHER_KEY)).unwrap_err();
    assert_eq!(error.reason, UnlockFailure::RecoveryKeyDoesNotFit);
    let both = checked.with_asymmetric_key(ASYMMETRIC_ID, OTHER_KEY).storage();
    let unlocked = both.unlock(&recovery_key(OTHER_KEY), &public_keys, &Limits::default()).unwrap();
    assert_eq!(unlocked.keys[0].id().as_str(), ASYMMETRIC_ID, "one key may be both");
}

#[test]
fn row_31_a_useless_ephemeral_key_is_damage_and_a_useless_public_key_fits_nobody() {
    let mut account = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_asymmetric_secret("org.example.a", ASYMMETRIC_ID, KEY, "text");
    account.secret_mut("org.example.a")["encrypted"][ASYMMETRIC_ID]["ephemeral"] =
        json!(base64::encode(&[0; 32]));
    let storage = account.storage();
    let error =
        storage.open(&"org.example.a".into(), &mut fitting(&storage), &PublicKeys::default());
    let reason = SecretOpenError::Keys(vec![(ASYMMETRIC_ID.into(), SecretOpenError::Damaged)]);
    assert_eq!(error.unwrap_err(), reason);
    account.key_mut(ASYMMETRIC_ID)["pubkey"] = json!(base64::encode(&[0; 32]));
    let error = unlock(&account.storage(), &recovery_key(KEY)).unwrap_err();
    assert_eq!(error.attempts[0].outcome, UnlockOutcome::DoesNotFit);
}

#[test]
fn row_32_the_mac_of_an_asymmetric_secret_has_8_bytes() {
    let account = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_asymmetric_secret("org.example.a", ASYMMETRIC_ID, KEY, "text");
    for found in (1..=32).filter(|length| *length != 8) {
        let mut account = account.clone();
        account.secret_mut("org.example.a")["encrypted"][ASYMMETRIC_ID]["mac"] =
            json!(base64::encode(&vec![0; found]));
        let storage = account.storage();
        let secret = storage.secret(&"org.example.a".into()).unwrap();
        let expected = FormatProblem::MemberLength { member: "mac", expected: 8, found }
            .of("the encrypted data");
        assert!(secret.unreadable().eq([(&ASYMMETRIC_ID.into(), &expected)]));
    }
}

#[test]
fn row_33_a_key_check_with_an_iv_of_32_bytes_unlocks() {
    let mut account = Account::default().with_key(ID, KEY);
    let iv = base64::decode(account.key_mut(ID)["iv"].as_str().unwrap()).unwrap();
    account.key_mut(ID)["iv"] = json!(base64::encode(&[iv, vec![0xa5; 16]].concat()));
    let unlocked = unlock(&account.storage(), &recovery_key(KEY)).unwrap();
    assert_eq!(unlocked.keys[0].standing(), KeyStanding::Checked);
}

#[test]
fn row_34_empty_contents_are_deleted_events() {
    let mut account =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    account.put_text("m.secret_storage.default_key", "{}");
    account.put_text("org.example.a", "{ }");
    account.put_text(CROSS_SIGNING_MASTER, "{}");
    account.put_text(&format!("m.secret_storage.key.{OTHER_ID}"), "{}");
    let storage = account.storage();
    assert_eq!(storage.default_key(), None);
    assert_eq!(storage.keys().count(), 1);
    assert_eq!(storage.secrets().count(), 0);
    assert_eq!(storage.findings(), []);
}

#[test]
fn row_34_a_later_event_replaces_an_earlier_one() {
    let account =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    let mut events = account.events();
    let deleted = account::object("{}");
    let types: Vec<_> = events.iter().map(|(event_type, _)| event_type.clone()).collect();
    events.extend(types.into_iter().map(|event_type| (event_type, deleted.clone())));
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    let storage = SecretStorage::from_account_data(events, &Limits::default());
    assert_eq!((storage.keys().count(), storage.secrets().count()), (0, 0));
    assert_eq!(storage.default_key(), None);
}

#[test]
fn row_35_a_key_without_a_check_is_unverifiable_until_it_has_opened_something() {
    let mut account = Account::default().with_key(ID, KEY);
    account.remove_check(ID);
    let empty = account.storage();
    assert!(!empty.key(&ID.into()).unwrap().can_be_checked());
    assert_eq!(empty.findings(), []);
    for key in [KEY, OTHER_KEY] {
        let unlocked = unlock(&empty, &recovery_key(key)).unwrap();
        assert_eq!(unlocked.keys[0].standing(), KeyStanding::Unverifiable);
        let fits = UnlockOutcome::Fits(None, KeyStanding::Unverifiable);
        assert_eq!(outcome(&unlocked, ID), fits);
    }
    let storage = account.with_secret("org.example.a", ID, KEY, "text").storage();
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    assert_eq!(unlocked.keys[0].standing(), KeyStanding::Proven);
    let error = unlock(&storage, &recovery_key(OTHER_KEY)).unwrap_err();
    assert_eq!(error.reason, UnlockFailure::RecoveryKeyDoesNotFit);
    assert_eq!(error.attempts[0].outcome, UnlockOutcome::OpensNothing);
}

#[test]
fn row_35_a_check_that_cannot_be_read_is_as_good_as_none() {
    let check = |member: &str, value: serde_json::Value| {
        let mut account = Account::default().with_key(ID, KEY);
        account.key_mut(ID)[member] = value;
        let storage = account.storage();
        assert!(!storage.key(&ID.into()).unwrap().can_be_checked());
        let unlocked = unlock(&storage, &recovery_key(OTHER_KEY)).unwrap();
        assert_eq!(unlocked.keys[0].standing(), KeyStanding::Unverifiable);
        storage.findings().to_vec()
    };
    let unreadable = |id: &str, problem: FormatProblem| {
        vec![SecretStorageFinding::KeyCheck(id.into(), problem.of("it"))]
    };
    assert_eq!(check("mac", json!(7)), unreadable(ID, FormatProblem::Unusable("mac")));
    assert_eq!(check("iv", json!(null)), unreadable(ID, FormatProblem::Unusable("iv")));
    let short = FormatProblem::MemberLength { member: "mac", expected: 32, found: 1 };
    assert_eq!(check("mac", json!("AA")), unreadable(ID, short));
    assert_eq!(check("mac", json!(null)), [], "nothing to compare with");
    let mut account = Account::default().with_asymmetric_key(ASYMMETRIC_ID, KEY);
    for (value, expected) in [
        (json!(null), vec![]),
        (json!([7]), unreadable(ASYMMETRIC_ID, FormatProblem::Unusable("pubkey"))),
        (
            json!("AA"),
            unreadable(
                ASYMMETRIC_ID,
                FormatProblem::MemberLength { member: "pubkey", expected: 32, found: 1 },
            ),
        ),
    ] {
        account.key_mut(ASYMMETRIC_ID)["pubkey"] = value;
        let storage = account.storage();
        assert!(!storage.key(&ASYMMETRIC_ID.into()).unwrap().can_be_checked());
        assert_eq!(storage.findings(), expected);
    }
}

#[test]
fn row_36_the_event_decides_which_key_is_default_and_a_name_of_a_draft_is_a_finding() {
    let mut account = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY);
    account.key_mut(ID)["name"] = json!("m.default");
    let by_name = |id: &str| SecretStorageFinding::DefaultByName(id.into());
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{OTHER_ID}"}}"#));
    let storage = account.storage();
    assert_eq!(storage.default_key(), Some(&OTHER_ID.into()));
    assert_eq!(storage.findings(), [by_name(ID)]);
    account.key_mut(OTHER_ID)["name"] = json!("m.default");
    let storage = account.storage();
    assert_eq!(storage.default_key(), Some(&OTHER_ID.into()));
    assert_eq!(storage.findings().len(), 2);
    account.remove("m.secret_storage.default_key");
    let storage = account.storage();
    assert_eq!(storage.default_key(), None, "two of them decide nothing");
    account.key_mut(OTHER_ID)["name"] = json!("another");
    let storage = account.storage();
    assert_eq!(storage.default_key(), Some(&ID.into()));
    assert_eq!(storage.findings(), [by_name(ID)]);
}

#[test]
fn row_36_a_default_key_that_is_not_there_is_a_finding() {
    let mut account = Account::default().with_key(ID, KEY);
    account.put_text("m.secret_storage.default_key", r#"{"key":"gone"}"#);
    let storage = account.storage();
    assert_eq!(storage.default_key(), Some(&"gone".into()));
    assert_eq!(storage.findings(), [SecretStorageFinding::DefaultKeyMissing("gone".into())]);
    for content in [r#"{"key":7}"#, r#"{"kez":"a"}"#, r#"{"key":["a"]}"#] {
        account.put_text("m.secret_storage.default_key", content);
        let storage = account.storage();
        assert_eq!(storage.default_key(), None);
        assert_eq!(storage.findings(), [SecretStorageFinding::DefaultKeyUnreadable]);
    }
}

#[test]
fn row_37_every_key_that_fits_is_used_and_a_subset_opened_is_success() {
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_key(OTHER_ID, OTHER_KEY)
        .with_secret("org.example.default", ID, KEY, "under the default key")
        .with_secret("org.example.other", OTHER_ID, OTHER_KEY, "under the other")
        .with_secret("org.example.both", ID, KEY, "under both");
    account.add_entry("org.example.both", OTHER_ID, OTHER_KEY, "under both");
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ID}"}}"#));
    let storage = account.storage();
    let unlocked = unlock(&storage, &recovery_key(OTHER_KEY)).unwrap();
    assert_eq!(unlocked.keys.len(), 1);
    assert_eq!(outcome(&unlocked, ID), UnlockOutcome::DoesNotFit);
    let verdicts = storage.open_all(&mut unlocked.keys.clone(), &PublicKeys::default());
    let texts = verdicts.iter().map(|verdict| verdict.outcome.as_ref().map(text));
    let texts: Vec<_> = texts.map(|text| text.map_err(Clone::clone)).collect();
    let expected =
        [Ok("under both".into()), Err(SecretOpenError::OtherKeys), Ok("under the other".into())];
    assert_eq!(texts, expected);
    assert_eq!(SecretOpenError::OtherKeys.to_string(), "the secret is encrypted with other keys");
}

#[test]
fn row_37_a_damaged_entry_under_one_key_does_not_hide_a_good_one_under_another() {
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_asymmetric_key(FIRST_ID, KEY)
        .with_secret("org.example.a", ID, KEY, "new");
    account.add_asymmetric_entry("org.example.a", FIRST_ID, KEY, "old");
    assert!(FIRST_ID < ID);
    let opened = |account: &Account| {
        let storage = account.storage();
        let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
        assert_eq!(unlocked.keys.len(), 2, "one key under two IDs");
        open(&storage, &unlocked, "org.example.a")
    };
    assert_eq!(text(&opened(&account)), "new", "what is authenticated comes first");
    account.secret_mut("org.example.a")["encrypted"][ID]["mac"] = json!(base64::encode(&[0; 32]));
    let old = opened(&account);
    assert_eq!((text(&old), old.key_id().as_str()), ("old".to_owned(), FIRST_ID));
    assert!(!old.is_authenticated());
}

#[test]
fn row_38_passthrough_is_the_backup_key_under_an_asymmetric_key_and_nothing_else() {
    let account = Account::default().with_key(ID, KEY).with_asymmetric_key(ASYMMETRIC_ID, KEY);
    let passthrough = json!({"passthrough": true});
    for (name, id, is_read) in [
        (MEGOLM_BACKUP_V1, ASYMMETRIC_ID, true),
        (MEGOLM_BACKUP_V1_RECOVERY_KEY, ASYMMETRIC_ID, true),
        (MEGOLM_BACKUP_V1, ID, false),
        (CROSS_SIGNING_MASTER, ASYMMETRIC_ID, false),
        ("org.example.a", ASYMMETRIC_ID, false),
    ] {
        for content in [json!({"encrypted": {id: passthrough}}), json!({id: passthrough})] {
            let mut account = account.clone();
            account.put_text(name, &content.to_string());
            let storage = account.storage();
            let secret = storage.secret(&name.into()).unwrap();
            assert!(secret.key_ids().eq([&id.into()]) && secret.unreadable().next().is_none());
            let opened = storage.open(&name.into(), &mut fitting(&storage), &PublicKeys::default());
            assert_eq!(unlock(&storage, &recovery_key(KEY)).is_ok(), is_read);
            if is_read {
                let opened = opened.unwrap();
                assert_eq!(opened.origin(), SecretOrigin::Passthrough);
                assert!(!opened.is_authenticated());
                assert_eq!(text(&opened), base64::encode(KEY));
            } else {
                let reason = (id.into(), SecretOpenError::PassthroughRefused);
                assert_eq!(opened.unwrap_err(), SecretOpenError::Keys(vec![reason]));
            }
        }
    }
}

#[test]
fn row_38_a_passthrough_is_the_member_true_and_proves_no_key() {
    let mut account = Account::default().with_asymmetric_key(ASYMMETRIC_ID, KEY);
    for entry in [json!({"passthrough": "true"}), json!({"passthrough": 1})] {
        account
            .put_text(MEGOLM_BACKUP_V1, &json!({"encrypted": {ASYMMETRIC_ID: entry}}).to_string());
        let storage = account.storage();
        let secret = storage.secret(&MEGOLM_BACKUP_V1.into()).unwrap();
        let unknown = FormatProblem::UnknownForm.of("the encrypted data");
        assert!(secret.unreadable().eq([(&ASYMMETRIC_ID.into(), &unknown)]));
    }
    let entry = json!({"encrypted": {ASYMMETRIC_ID: {"passthrough": true}}});
    account.put_text(MEGOLM_BACKUP_V1, &entry.to_string());
    account.key_mut(ASYMMETRIC_ID)["pubkey"] = json!(null);
    let unlocked = unlock(&account.storage(), &recovery_key(OTHER_KEY)).unwrap();
    assert_eq!(unlocked.keys[0].standing(), KeyStanding::Unverifiable);
}

#[test]
fn row_38_an_asymmetric_secret_is_read_and_not_authenticated() {
    let storage = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_asymmetric_secret("org.example.a", ASYMMETRIC_ID, KEY, "text")
        .storage();
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    let opened = open(&storage, &unlocked, "org.example.a");
    assert_eq!(text(&opened), "text");
    assert_eq!(opened.origin(), SecretOrigin::Curve25519AesSha2(MacScheme::EmptyString));
    assert!(!opened.is_authenticated() && unlocked.keys[0].is_asymmetric());
}

#[test]
fn row_38_an_entry_of_the_other_algorithm_is_not_opened() {
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_secret("org.example.a", ASYMMETRIC_ID, KEY, "text")
        .with_asymmetric_secret("org.example.b", ID, KEY, "text");
    let storage = account.storage();
    assert!(unlock(&storage, &recovery_key(KEY)).is_err());
    for (name, id) in [("org.example.a", ASYMMETRIC_ID), ("org.example.b", ID)] {
        let error = storage.open(&name.into(), &mut fitting(&storage), &PublicKeys::default());
        let reason = (id.into(), SecretOpenError::OtherAlgorithm);
        assert_eq!(error.unwrap_err(), SecretOpenError::Keys(vec![reason]));
    }
    account.remove_check(ID);
    let account = account.with_asymmetric_secret("org.example.c", ASYMMETRIC_ID, KEY, "text");
    let unlocked = unlock(&account.storage(), &recovery_key(KEY)).unwrap();
    let standing =
        |id: &str| unlocked.keys.iter().find(|key| key.id().as_str() == id).unwrap().standing();
    assert_eq!(
        standing(ID),
        KeyStanding::Unverifiable,
        "what everybody can encrypt proves nothing"
    );
    assert_eq!(standing(ASYMMETRIC_ID), KeyStanding::Checked);
}

#[test]
fn row_39_and_40_old_names_and_lists_of_numbers_are_repaired() {
    let list = KEY.map(|byte| byte.to_string()).join(",");
    let storage = Account::default()
        .with_key(ID, KEY)
        .with_secret(MEGOLM_BACKUP_V1_RECOVERY_KEY, ID, KEY, &list)
        .storage();
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(public_key(KEY));
    let name = SecretName::from(MEGOLM_BACKUP_V1_RECOVERY_KEY);
    let opened = storage.open(&name, &mut unlocked.keys.clone(), &public_keys).unwrap();
    assert!(opened.belongs_to_public_key());
    assert_eq!((opened.name(), text(&opened)), (&name, list));
    let read = opened.value().unwrap();
    assert_eq!(read.repairs, [SecretRepair::NameOfADraft, SecretRepair::NumberList]);
    assert_eq!(read.value.name().as_str(), MEGOLM_BACKUP_V1);
    public_keys.backup = Some(public_key(OTHER_KEY));
    assert!(storage.open(&name, &mut unlocked.keys.clone(), &public_keys).is_err());
}

#[test]
fn row_41_too_many_rounds_are_refused_before_any_work_and_few_are_a_finding() {
    let passphrase = |iterations: i64| json!({"algorithm": "m.pbkdf2", "iterations": iterations, "salt": "salt"});
    let mut account = Account::default().with_key(ID, KEY).with_key(OTHER_ID, &derive("pass", 3));
    account.key_mut(ID)["passphrase"] = passphrase(4_294_967_295);
    account.key_mut(OTHER_ID)["passphrase"] = passphrase(3);
    let storage = account.storage();
    let unlocked = unlock(&storage, "pass").unwrap();
    let refused = PassphraseError::TooManyRounds { asked: 4_294_967_295, limit: 10_000_000 };
    assert_eq!(outcome(&unlocked, ID), UnlockOutcome::Passphrase(refused));
    let typed_as = Some(PassphraseForm::AsTyped);
    assert_eq!(outcome(&unlocked, OTHER_ID), UnlockOutcome::Fits(typed_as, KeyStanding::Checked));
    let read = storage.key(&OTHER_ID.into()).unwrap().passphrase().unwrap().unwrap();
    assert_eq!((read.value.rounds(), read.value.is_guessable()), (3, true));
    for iterations in [0, -5] {
        account.key_mut(ID)["passphrase"] = passphrase(iterations);
        let unlocked = unlock(&account.storage(), "pass").unwrap();
        let refused = UnlockOutcome::Passphrase(PassphraseError::NoRounds);
        assert_eq!(outcome(&unlocked, ID), refused);
    }
    account.remove(&format!("m.secret_storage.key.{OTHER_ID}"));
    assert_eq!(unlock(&account.storage(), "pass").unwrap_err().reason, UnlockFailure::NothingToTry);
}

#[test]
fn row_41_the_rounds_of_all_keys_together_are_limited() {
    let mut account = Account::default();
    for index in 0..10 {
        let id = format!("key{index}");
        account = account.with_key(&id, KEY);
        account.key_mut(&id)["passphrase"] =
            json!({"algorithm": "m.pbkdf2", "iterations": 100, "salt": format!("{}", index % 8)});
    }
    account.put_text("m.secret_storage.default_key", r#"{"key":"key9"}"#);
    let mut limits = Limits::default();
    (limits.unlock_rounds, limits.guessable_keys) = (350, 10);
    let storage = account.storage();
    let unlock = storage.start_unlock("pass", &PublicKeys::default(), &limits);
    assert_eq!(unlock.progress(), PassphraseProgress { done: 0, at_most: 300 });
    let error = unlock.finish().unwrap_err();
    assert_eq!(error.reason, UnlockFailure::PassphraseDoesNotFit);
    let tried = error.attempts.iter().filter(|it| it.outcome == UnlockOutcome::DoesNotFit);
    let tried: Vec<_> = tried.map(|attempt| attempt.key_id.as_str()).collect();
    assert_eq!(
        tried,
        ["key9", "key0", "key1", "key2", "key8"],
        "the default key comes first, equal salts cost once"
    );
    let composed = storage.start_unlock("\u{e9}", &PublicKeys::default(), &limits);
    assert_eq!(composed.progress().at_most, 200, "one key in two normal forms");
    let skipped = UnlockOutcome::TooMuchWork { rounds: 100 };
    assert_eq!(error.attempts.iter().filter(|it| it.outcome == skipped).count(), 5);
}

/// A thousand findings with names of 30,000 bytes took seconds to be told apart.
#[test]
fn an_event_that_no_request_can_name_is_not_looked_at() {
    let prefix = "m.secret_storage.key.";
    let id = |length: usize| "k".repeat(length - prefix.len());
    let account = Account::default().with_key(&id(1_024), KEY).with_key(&id(1_025), KEY);
    let account = account.with_secret(&"s".repeat(1_025), &id(1_024), KEY, "a secret");
    let storage = account.storage();
    let found: Vec<_> = storage.keys().map(|key| key.id().as_str().to_owned()).collect();
    assert_eq!(found, [id(1_024)]);
    assert_eq!(storage.secrets().count(), 0);
}

/// The public half of what was typed is derived once, and each description is compared with it.
#[test]
fn a_typed_key_is_tried_on_each_asymmetric_key() {
    let mut account = Account::default();
    for (id, key) in [("a", OTHER_KEY), ("b", KEY), ("c", OTHER_KEY), ("d", KEY)] {
        account = account.with_asymmetric_key(id, key);
    }
    let unlocked = unlock(&account.storage(), &recovery_key(KEY)).unwrap();
    let fits = UnlockOutcome::Fits(None, KeyStanding::Checked);
    let outcomes: Vec<_> = unlocked.attempts.into_iter().map(|it| it.outcome).collect();
    let wrong = UnlockOutcome::DoesNotFit;
    assert_eq!(outcomes, [wrong.clone(), fits.clone(), wrong, fits]);
}

/// Each takes its share of memory and time, however few rounds it asks for.
#[test]
fn row_41_no_more_than_a_thousand_passphrases_are_tried() {
    let mut account = Account::default();
    for index in 0..1_002 {
        let id = format!("key{index}");
        account = account.with_key(&id, KEY);
        account.key_mut(&id)["passphrase"] =
            json!({"algorithm": "m.pbkdf2", "iterations": 1, "salt": format!("{index}")});
    }
    let mut limits = Limits::default();
    (limits.guessable_keys, limits.passphrase_keys) = (usize::MAX, usize::MAX);
    let unlocked = account.storage().unlock("pass", &PublicKeys::default(), &limits);
    let attempts = unlocked.unwrap_err().attempts;
    let skipped = UnlockOutcome::TooMuchWork { rounds: 1 };
    assert_eq!(attempts.iter().filter(|it| it.outcome == skipped).count(), 2);
    let tried = attempts.iter().filter(|it| it.outcome == UnlockOutcome::DoesNotFit);
    assert_eq!(tried.count(), 1_000);
}

/// However many keys a server describes, and however many secrets are encrypted to them.
#[test]
fn a_typed_key_is_tried_in_slices() {
    let mut account = Account::default();
    for index in 0..50 {
        let id = format!("key{index}");
        account = account.with_key(&id, KEY);
        account.key_mut(&id)["passphrase"] =
            json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": ""});
        account.remove_check(&id);
        account = account.with_secret(&format!("org.example.{index}"), &id, KEY, "a secret");
    }
    let storage = account.storage();
    for (typed, fits) in [(&*recovery_key(KEY), 50), ("a passphrase", 0)] {
        let mut unlock = storage.start_unlock(typed, &PublicKeys::default(), &Limits::default());
        let slices = std::iter::from_fn(|| (!unlock.advance(1)).then_some(())).count();
        assert!(slices >= 100, "{typed}: {slices}");
        let keys = unlock.finish().map_or(0, |unlocked| unlocked.keys.len());
        assert_eq!(keys, fits, "{typed}");
    }
}

#[test]
fn row_41_an_asymmetric_key_has_256_bits() {
    let mut account = Account::default().with_asymmetric_key(ASYMMETRIC_ID, KEY);
    account.key_mut(ASYMMETRIC_ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 1, "salt": "", "bits": 512});
    let error = unlock(&account.storage(), "pass").unwrap_err();
    assert_eq!(error.attempts[0].outcome, UnlockOutcome::Length(64));
}

#[test]
fn row_42_a_passphrase_in_another_normal_form_unlocks() {
    let (composed, decomposed) = ("\u{fc}n\u{ef}c\u{f6}de ", "u\u{308}ni\u{308}co\u{308}de ");
    for (stored, typed, form) in [
        (composed, composed, PassphraseForm::AsTyped),
        (composed, decomposed, PassphraseForm::Nfc),
        (decomposed, composed, PassphraseForm::Nfd),
    ] {
        let mut account = Account::default().with_key(ID, &derive(stored, 10_000));
        account.key_mut(ID)["passphrase"] =
            json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": "salt"});
        let unlocked = unlock(&account.storage(), typed).unwrap();
        let fits = UnlockOutcome::Fits(Some(form), KeyStanding::Checked);
        assert_eq!(outcome(&unlocked, ID), fits);
        let error = unlock(&account.storage(), typed.trim_end()).unwrap_err();
        assert_eq!(error.reason, UnlockFailure::PassphraseDoesNotFit, "never trimmed");
        account.remove_check(ID);
        let account = account.with_secret("org.example.a", ID, &derive(stored, 10_000), "text");
        let unlocked = unlock(&account.storage(), typed).unwrap();
        assert_eq!(unlocked.keys[0].standing(), KeyStanding::Proven);
        assert_eq!(outcome(&unlocked, ID), UnlockOutcome::Fits(Some(form), KeyStanding::Proven));
    }
}

#[test]
fn row_43_a_secret_that_is_not_text_costs_itself_and_an_empty_one_is_fine() {
    let mut account =
        Account::default().with_key(ID, KEY).with_secret("org.example.empty", ID, KEY, "");
    account.put_bytes("org.example.bytes", ID, KEY, &[0xff, 0xfe]);
    let storage = account.storage();
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    assert_eq!(text(&open(&storage, &unlocked, "org.example.empty")), "");
    let error = storage.open(
        &"org.example.bytes".into(),
        &mut unlocked.keys.clone(),
        &PublicKeys::default(),
    );
    let reason = (ID.into(), SecretOpenError::NotUtf8);
    assert_eq!(error.unwrap_err(), SecretOpenError::Keys(vec![reason]));
}

#[test]
fn what_is_no_secret_is_ignored_unless_its_name_says_that_it_should_be_one() {
    let mut account = Account::default().with_key(ID, KEY);
    account.put_text("m.direct", r#"{"@a:b": ["!c"], "key": {"passthrough": false}}"#);
    account.put_text("m.push_rules", r#"{"global": {}}"#);
    account.put_text(CROSS_SIGNING_MASTER, r#"{"encryptet": {"key": 1}}"#);
    account.put_text("org.example.a", r#"{"encrypted": "text"}"#);
    account.put_text("m.secret_storage.key.", r#"{"name": "no algorithm"}"#);
    let storage = account.storage();
    assert_eq!(storage.secrets().count(), 0);
    let secret = |name: &str| {
        SecretStorageFinding::Secret(
            name.into(),
            FormatProblem::Unusable("encrypted").of("the secret"),
        )
    };
    let key = SecretStorageFinding::Key("".into(), FormatProblem::Missing("algorithm").of("it"));
    assert_eq!(storage.findings(), [secret(CROSS_SIGNING_MASTER), key, secret("org.example.a")]);
    let mut limits = Limits::default();
    limits.findings = 1;
    let events = account.events();
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    assert_eq!(SecretStorage::from_account_data(events, &limits).findings().len(), 1);
}

#[test]
fn an_account_without_secret_storage_says_so() {
    let storage = Account::default().storage();
    for typed in ["passphrase", "", &recovery_key(KEY)] {
        let error = unlock(&storage, typed).unwrap_err();
        assert_eq!(error.reason, UnlockFailure::NoKeys);
        assert_eq!(error.attempts, []);
    }
}

#[test]
fn a_secret_under_a_wrong_name_does_not_open() {
    let mut account =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    let moved = account.content("org.example.a");
    account.put_text("org.example.b", &moved);
    let storage = account.storage();
    let unlocked = unlock(&storage, &recovery_key(KEY)).unwrap();
    let error =
        storage.open(&"org.example.b".into(), &mut unlocked.keys.clone(), &PublicKeys::default());
    let failure = error.unwrap_err();
    assert_eq!(failure, SecretOpenError::Keys(vec![(ID.into(), SecretOpenError::WrongKey)]));
    assert!(failure.to_string().starts_with("the secret does not open: "));
}

/// The ID of a key that comes before the others.
const FIRST_ID: &str = "a key";

fn unlock(storage: &SecretStorage, typed: &str) -> Result<Unlocked, UnlockError> {
    storage.unlock(typed, &PublicKeys::default(), &Limits::default())
}

/// The key under each ID whose description it fits, whether or not it opens anything.
fn fitting(storage: &SecretStorage) -> Vec<SecretStorageKey> {
    let key = KeyMaterial::from_slice(KEY).unwrap();
    storage.keys().filter_map(|description| description.accept(&key).ok()).collect()
}

fn open(storage: &SecretStorage, unlocked: &Unlocked, name: &str) -> OpenedSecret {
    let mut keys = unlocked.keys.clone();
    storage.open(&name.into(), &mut keys, &PublicKeys::default()).unwrap()
}

fn text(opened: &OpenedSecret) -> String {
    opened.text().expose_str().to_owned()
}

fn failure(outcome: &Result<OpenedSecret, SecretOpenError>) -> SecretOpenError {
    outcome.as_ref().unwrap_err().clone()
}

fn outcome(unlocked: &Unlocked, id: &str) -> UnlockOutcome {
    let id = SecretStorageKeyId::from(id);
    unlocked.attempts.iter().find(|attempt| attempt.key_id == id).unwrap().outcome.clone()
}

fn public_key(key: &[u8; 32]) -> Curve25519PublicKey {
    *BackupDecryptionKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *key))
        .public_key()
        .as_curve25519()
}

fn derive(passphrase: &str, rounds: u32) -> [u8; 32] {
    pbkdf2::pbkdf2_hmac_array::<sha2::Sha512, 32>(passphrase.as_bytes(), b"salt", rounds)
}
