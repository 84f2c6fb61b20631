//! The keys at hand: everything that leads to one is found, and none proves more than it did.

use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, RestoreOptions, TrustedBackup},
    client::{
        flow::EnterError,
        rescue::{BackupKeys, KeySource},
    },
    provenance::Provenance,
    secret::SecretBytes,
    secret_storage::SecretStorage,
    secrets_bundle::SecretsBundle,
};

use super::{backup_key, version, version_of};
use crate::account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};

const NAME: &str = "m.megolm_backup.v1";
const DRAFT: &str = "m.megolm_backup.v1.recovery_key";

fn generated(count: usize) -> Vec<BackupDecryptionKey> {
    (0..count).map(|_| BackupDecryptionKey::generate().unwrap()).collect()
}

fn text(key: &BackupDecryptionKey) -> String {
    key.to_base64().expose_str().to_owned()
}

fn found(keys: &BackupKeys) -> Vec<(String, &'static str, Provenance)> {
    let found = |(key, source): (&BackupDecryptionKey, &KeySource)| {
        (key.public_key().to_base64(), source.as_str(), key.provenance())
    };
    keys.iter().map(found).collect()
}

fn expected(
    key: &BackupDecryptionKey,
    source: &'static str,
    provenance: Provenance,
) -> (String, &'static str, Provenance) {
    (key.public_key().to_base64(), source, provenance)
}

fn typed(
    text: &str,
    storage: &SecretStorage,
    versions: &[&BackupVersionInfo],
) -> (BackupKeys, Result<(), EnterError>) {
    let mut keys = BackupKeys::new(&Limits::default());
    let result = keys.add_typed(text, storage, versions);
    (keys, result)
}

/// One recovery key, and all there ever was in the storage: today's key under it, an older one under the same key with
/// another ID that nothing describes any more, and a draft.
#[test]
fn a_recovery_key_gives_every_key_that_was_ever_stored_under_it() {
    let keys = generated(3);
    let mut account = Account::default().with_key(ID, KEY);
    account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
    let mut account = account.with_secret(NAME, ID, KEY, &text(&keys[0])).with_secret(
        DRAFT,
        ID,
        KEY,
        &text(&keys[2]),
    );
    account.add_entry(NAME, "lost description", KEY, &text(&keys[1]));
    account.add_entry(NAME, "of somebody else", OTHER_KEY, &text(&keys[2]));
    let versions = keys.iter().map(|key| version_of("1", key)).collect::<Vec<_>>();
    let (at_hand, result) =
        typed(&recovery_key(KEY), &account.storage(), &versions.iter().collect::<Vec<_>>());
    result.unwrap();
    let authentic = Provenance::AuthenticatedSecretStorage;
    let mut found = found(&at_hand);
    found.sort_by_key(|(key, ..)| key.clone());
    let itself = backup_key(KEY);
    let mut all = vec![
        expected(&itself, "backup_key", Provenance::TypedByUser),
        expected(&keys[0], "storage_key", authentic),
        expected(&keys[1], "older_storage_key", authentic),
        expected(&keys[2], "storage_key", authentic),
    ];
    all.sort_by_key(|(key, ..)| key.clone());
    assert_eq!(found, all);
    for (version, key) in versions.iter().zip(&keys) {
        let (of_version, source) = at_hand.of_version(version).unwrap();
        assert_eq!(of_version.public_key(), key.public_key());
        let KeySource::SecretStorage { key_id, name, is_default, is_described } = source else {
            panic!("{source:?}");
        };
        let is_lost = key_id.as_str() == "lost description";
        assert_eq!((*is_default, *is_described), (!is_lost, !is_lost));
        assert_eq!(name.as_str() == DRAFT, key.public_key() == keys[2].public_key());
    }
}

#[test]
fn account_data_without_any_description_gives_its_keys() {
    let key = &generated(1)[0];
    let account = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, &text(key));
    let mut account = account;
    account.remove("m.secret_storage.key.key");
    let info = version_of("1", key);
    let (at_hand, result) = typed(&recovery_key(KEY), &account.storage(), &[&info]);
    result.unwrap();
    let (_, source) = at_hand.of_version(&info).unwrap();
    assert!(matches!(source, KeySource::SecretStorage { is_described: false, .. }), "{source:?}");
}

#[test]
fn several_texts_a_bundle_and_what_the_host_has_are_all_tried() {
    let keys = generated(4);
    let account = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY).with_secret(
        NAME,
        ID,
        KEY,
        &text(&keys[0]),
    );
    let mut account = account;
    account.add_entry(NAME, OTHER_ID, OTHER_KEY, &text(&keys[1]));
    let infos: Vec<_> = keys.iter().map(|key| version_of("1", key)).collect();
    let infos: Vec<_> = infos.iter().collect();
    let seeds = json!({
        "master_key": text(&keys[0]), "self_signing_key": text(&keys[0]),
        "user_signing_key": text(&keys[0]),
    });
    let bundle = json!({
        "cross_signing": seeds,
        "backup": {
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "key": text(&keys[2]), "backup_version": "1",
        },
    });
    let bundle = SecretsBundle::read(bundle.to_string().as_bytes(), &Limits::default()).unwrap();
    let mut at_hand = BackupKeys::new(&Limits::default());
    at_hand.add_typed(&recovery_key(OTHER_KEY), &account.storage(), &infos).unwrap();
    at_hand.add_typed(&recovery_key(KEY), &account.storage(), &infos).unwrap();
    at_hand.add_bundle(&bundle);
    at_hand.add(keys[3].clone(), KeySource::Host);
    for info in infos {
        assert!(at_hand.of_version(info).is_some());
    }
    assert_eq!(at_hand.iter().count(), 6, "the two texts are keys themselves");
}

#[test]
fn the_passphrase_of_an_older_version_is_found_although_it_unlocks_the_storage_as_well() {
    let parameters = json!({"algorithm": "m.pbkdf2", "salt": "aBcD", "iterations": 10_000});
    let derived = |salt: &str| {
        let parameters = strongroom::passphrase::PassphraseParameters::from_parts(
            10_000,
            salt,
            None,
            &Limits::default(),
        );
        let derived = parameters.unwrap().value.derive("correct horse");
        <[u8; 32]>::try_from(derived.expose_bytes()).unwrap()
    };
    let storage_key = derived("aBcD");
    let (today, old) = (generated(1).remove(0), backup_key(&derived("eFgH")));
    let mut account = Account::default().with_key(ID, &storage_key).with_secret(
        NAME,
        ID,
        &storage_key,
        &text(&today),
    );
    account.key_mut(ID)["passphrase"] = parameters;
    let old_info = version(
        "1",
        json!({
            "public_key": old.public_key().to_base64(),
            "private_key_salt": "eFgH", "private_key_iterations": 10_000,
        }),
    );
    let today_info = version_of("2", &today);
    let (at_hand, result) = typed("correct horse", &account.storage(), &[&today_info, &old_info]);
    result.unwrap();
    assert_eq!(at_hand.of_version(&today_info).unwrap().1.as_str(), "older_storage_key");
    assert_eq!(*at_hand.of_version(&old_info).unwrap().1, KeySource::BackupPassphrase);
}

#[test]
fn a_text_that_leads_nowhere_has_its_reason_and_what_it_found_is_kept() {
    let (stored, other) = (generated(1).remove(0), generated(1).remove(0));
    let info = version_of("1", &other);
    let account = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, &text(&stored));
    let (at_hand, result) = typed(&recovery_key(KEY), &account.storage(), &[&info]);
    assert!(matches!(result, Err(EnterError::NotOpened(_))), "{result:?}");
    assert_eq!(at_hand.iter().count(), 2, "they may open what another version holds");
    let (at_hand, result) = typed("a passphrase", &account.storage(), &[&info]);
    assert!(matches!(result, Err(EnterError::NotUnlocked(_))), "{result:?}");
    assert_eq!(at_hand.iter().count(), 0);
    assert!(at_hand.restore(Some(&info), RestoreOptions::default()).is_none());
    let account = Account::default().with_key(ID, KEY);
    let (_, result) = typed(&recovery_key(KEY), &account.storage(), &[&info]);
    assert_eq!(result, Err(EnterError::NotStored));
    let unusable = version("1", json!({"public_key": 1}));
    let (_, result) = typed(&recovery_key(KEY), &account.storage(), &[&unusable]);
    assert!(matches!(result, Err(EnterError::AuthData(_))), "{result:?}");
}

#[test]
fn what_others_can_have_planted_proves_nothing_and_what_proves_it_elsewhere_still_does() {
    let key = generated(1).remove(0);
    let info = version_of("1", &key);
    let planted = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_asymmetric_secret(NAME, ASYMMETRIC_ID, KEY, &text(&key));
    let trusts = |keys: &BackupKeys| {
        let (key, _) = keys.of_version(&info).unwrap();
        TrustedBackup::by_decryption_key(&info, key, &[]).is_ok()
    };
    let (mut at_hand, result) = typed(&recovery_key(KEY), &planted.storage(), &[&info]);
    result.unwrap();
    assert!(!trusts(&at_hand));
    // The same from nowhere changes nothing, and the user's own word does.
    at_hand.add(BackupDecryptionKey::from_base64(&text(&key)).unwrap(), KeySource::Host);
    assert!(!trusts(&at_hand));
    let own = key.to_recovery_key().to_text();
    at_hand.add_typed(own.expose_str(), &SecretStorage::default(), &[&info]).unwrap();
    assert!(trusts(&at_hand));
    at_hand.add(BackupDecryptionKey::from_base64(&text(&key)).unwrap(), KeySource::Host);
    assert!(trusts(&at_hand), "what proves nothing does not take its place");
}

#[test]
fn a_guessable_passphrase_of_a_version_makes_every_copy_of_its_key_prove_nothing() {
    let key = generated(1).remove(0);
    let info = version(
        "1",
        json!({
            "public_key": key.public_key().to_base64(),
            "private_key_salt": "eFgH", "private_key_iterations": 1,
        }),
    );
    let own = key.to_recovery_key().to_text();
    let (at_hand, result) = typed(own.expose_str(), &SecretStorage::default(), &[&info]);
    result.unwrap();
    assert_eq!(at_hand.of_version(&info).unwrap().0.provenance(), Provenance::Unauthenticated);
}

#[test]
fn a_thousand_planted_keys_take_the_place_of_none_that_the_user_has() {
    let limits = Limits::default();
    let mut account = Account::default().with_asymmetric_key("0", KEY).with_asymmetric_secret(
        NAME,
        "0",
        KEY,
        &text(&generated(1)[0]),
    );
    for number in 1..1_000 {
        let id = number.to_string();
        account = account.with_asymmetric_key(&id, KEY);
        let planted = backup_key(&[u8::try_from(number % 251).unwrap(); 32]);
        account.add_asymmetric_entry(NAME, &id, KEY, &text(&planted));
    }
    let later = generated(2);
    let mut at_hand = BackupKeys::new(&limits);
    at_hand.add_typed(&recovery_key(KEY), &account.storage(), &[]).unwrap_err();
    assert_eq!(at_hand.iter().count(), limits.backup_keys);
    assert!(at_hand.left_out() > 200);
    let own = later[0].to_recovery_key().to_text();
    at_hand
        .add_typed(own.expose_str(), &SecretStorage::default(), &[&version_of("1", &later[0])])
        .unwrap();
    at_hand.add(
        BackupDecryptionKey::kept_by_host(SecretBytes::init_with(|it| *it = [7; 32])),
        KeySource::Host,
    );
    assert_eq!(at_hand.iter().count(), limits.backup_keys);
    assert!(at_hand.of_version(&version_of("1", &later[0])).is_some());
    let first: Vec<_> = at_hand.iter().map(|(_, source)| source.as_str()).take(3).collect();
    assert_eq!(first, ["backup_key", "backup_key", "host"]);
}
