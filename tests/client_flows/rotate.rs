//! Everything is new, and what was stolen opens nothing.

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::flow::{FlowError, SetUp, SetUpDone},
    crypto::{ed25519::Ed25519Seed, key_material::KeyMaterial},
    encoding::base64,
    passphrase::PassphraseParameters,
    secret::SecretBytes,
    secret_storage::{ChangeError, NewKey, PlanNote, SecretStorageKey, VerifiedPublicKeys},
    secret_value::{PublicKeys, SecretValue},
};

use crate::{
    drive::{account, change},
    host::{BACKUP, Host, MASTER, Trouble, USER, new_key, secret},
    primitives::aes_hmac_sha2::{self, KeyCheck},
};

fn rotate(
    host: &mut Host,
    before: SetUpDone,
    key: &NewKey,
) -> (SecretStorageKey, Result<SetUpDone, FlowError>) {
    let SetUpDone { backup, storage_key, .. } = before;
    let old = storage_key.clone();
    let secrets = vec![secret(MASTER, 9)];
    let limits = Limits::default();
    let flow = SetUp::rotate_everything(backup, key.clone(), &[storage_key], secrets, limits);
    (old, host.set_up(flow))
}

fn check(host: &mut Host, old: &SecretStorageKey, key: &NewKey, done: &SetUpDone) {
    let storage = host.storage();
    assert_eq!(storage.default_key(), Some(key.id()));
    assert_eq!(storage.keys().map(|key| key.id().clone()).collect::<Vec<_>>(), [key.id().clone()]);
    for (name, secret) in storage.secrets() {
        assert!(secret.key_ids().all(|id| id != old.id()), "{name} opens with what was stolen");
        let mut keys = vec![key.key().clone()];
        storage.open(name, &mut keys, &PublicKeys::default()).unwrap();
    }
    assert_eq!(storage.secrets().count(), 3);
    let master = storage.open(&MASTER.into(), &mut [key.key().clone()], &PublicKeys::default());
    assert_eq!(master.unwrap().value().unwrap().value, secret(MASTER, 9), "the host has reset it");
    let stored = storage.open(&BACKUP.into(), &mut [key.key().clone()], &PublicKeys::default());
    let stored = stored.unwrap().value().unwrap().value;
    let trusted = done.backup.trusted().unwrap();
    stored.check_backup_key(trusted.public_key().as_curve25519()).unwrap();
    assert_eq!(trusted.version().as_str(), "2");
    assert_eq!(done.backup.retired().len(), 1);
    // After a crash it is shown again.
    host.shown.dedup();
    assert_eq!(host.shown.len(), 1);
    let typed = host.shown[0].clone();
    storage.unlock(&typed, &PublicKeys::default(), &Limits::default()).unwrap();
}

#[test]
fn what_was_stolen_opens_nothing_any_more() {
    let ((mut host, before), key) = (account(), new_key());
    let (old, done) = rotate(&mut host, before, &key);
    check(&mut host, &old, &key, &done.unwrap());
    assert_eq!(host.versions(), 2, "the old one goes when the sessions are uploaded again");
}

#[test]
fn an_answer_may_be_lost_and_the_host_restarted_wherever_it_is() {
    let (mut host, before) = account();
    rotate(&mut host, before, &new_key()).1.unwrap();
    let (requests, saves) = (host.requests.len(), host.saves);
    let lost =
        (0..requests).map(|number| Trouble { lost_answer: Some(number), ..Trouble::default() });
    let after =
        (0..saves).map(|number| Trouble { restart_after: Some(number), ..Trouble::default() });
    let before =
        (1..saves).map(|number| Trouble { restart_before: Some(number), ..Trouble::default() });
    for trouble in lost.chain(after).chain(before) {
        let ((mut host, before), key) = (account(), new_key());
        host.trouble = trouble;
        let (old, done) = rotate(&mut host, before, &key);
        check(&mut host, &old, &key, &done.unwrap());
        assert_eq!(host.versions(), 2);
    }
}

const NOTE: &str = "org.example.note";

/// An account whose storage has a passphrase of one round: a master key, a backup key and a note are under it.
pub(crate) fn guessable(host: &mut Host) -> Vec<SecretStorageKey> {
    let limits = Limits::default();
    let read = PassphraseParameters::from_parts(1, "salt", None, &limits).unwrap();
    let key = read.value.derive("1234");
    let rng = &mut StdRng::seed_from_u64(1);
    let check = KeyCheck::with_rng(&key, rng);
    let description = json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
        "passphrase": { "algorithm": "m.pbkdf2", "iterations": 1, "salt": "salt" },
        "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
    });
    host.put_account_data("m.secret_storage.default_key", &json!({ "key": "weak" }));
    host.put_account_data("m.secret_storage.key.weak", &description);
    for (name, text) in [(MASTER, text_of(1)), (BACKUP, text_of(2)), (NOTE, "a note".to_owned())] {
        host.put_account_data(name, &json!({ "encrypted": { "weak": entry(&key, name, &text) } }));
    }
    let keys = host.storage().unlock("1234", &PublicKeys::default(), &limits).unwrap().keys;
    assert!(keys[0].is_guessable());
    keys
}

fn entry(key: &KeyMaterial, name: &str, text: &str) -> Value {
    let rng = &mut StdRng::seed_from_u64(2);
    let sealed = aes_hmac_sha2::seal_with_rng(key, name, text.as_bytes(), rng);
    json!({
        "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
        "mac": sealed.mac.to_base64(),
    })
}

fn text_of(byte: u8) -> String {
    base64::encode(&[byte; 32])
}

fn pinned(byte: u8) -> VerifiedPublicKeys {
    let seed = Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| bytes.fill(byte)));
    VerifiedPublicKeys::with_master(USER.into(), seed.public_key())
}

fn opens(host: &mut Host, key: &NewKey, name: &str) -> bool {
    let mut keys = [key.key().clone()];
    host.storage().open(&name.into(), &mut keys, &PublicKeys::default()).is_ok()
}

#[test]
fn what_is_believed_leaves_a_guessable_key_over_a_restart_too() {
    for restart_after in [None, Some(1), Some(2), Some(4), Some(8)] {
        let (mut host, key) = (Host::new(), new_key());
        host.trouble.restart_after = restart_after;
        let old = guessable(&mut host);
        let limits = Limits::default();
        let mut flow =
            SetUp::rotate_everything(host.backup(), key.clone(), &old, Vec::new(), limits);
        flow.believe(&pinned(1), &[NOTE.into()]);
        let done = host.set_up(flow).unwrap();
        assert_eq!(done.notes, [], "{restart_after:?}");
        let storage = host.storage();
        assert!(storage.key(&"weak".into()).is_none());
        assert!(
            storage.secrets().all(|(_, secret)| secret.key_ids().all(|id| id.as_str() != "weak"))
        );
        assert!([MASTER, BACKUP, NOTE].iter().all(|name| opens(&mut host, &key, name)));
    }
}

#[test]
fn what_nobody_vouches_for_stays_under_a_guessable_key() {
    for (public_keys, accepted, moves) in [
        (None, vec![], vec![]),
        (Some(pinned(9)), vec![], vec![]),
        (Some(pinned(1)), vec![], vec![MASTER]),
        (Some(pinned(9)), vec![NOTE.into()], vec![NOTE]),
    ] {
        let (mut host, key) = (Host::new(), new_key());
        let old = guessable(&mut host);
        let limits = Limits::default();
        let mut flow =
            SetUp::rotate_everything(host.backup(), key.clone(), &old, Vec::new(), limits);
        if let Some(public_keys) = &public_keys {
            flow.believe(public_keys, &accepted);
        }
        let done = host.set_up(flow).unwrap();
        for name in [MASTER, NOTE] {
            let is_noted = done.notes.iter().any(
                |note| matches!(note, PlanNote::NeedsAcceptance(of, _) if of.as_str() == name),
            );
            assert_eq!(opens(&mut host, &key, name), moves.contains(&name), "{name}");
            assert_eq!(is_noted, !moves.contains(&name), "{name}: {:?}", done.notes);
        }
        assert!(host.storage().key(&"weak".into()).is_some());
    }
}

/// The user accepts the name; of two values under it, that which only the user can have stored is taken.
#[test]
fn what_is_accepted_by_name_does_not_push_out_what_the_user_has_stored() {
    let (mut host, key, strong) = (Host::new(), new_key(), new_key());
    let mut old = guessable(&mut host);
    change(&mut host, &[], |change| change.create(&strong));
    let weak = KeyMaterial::from_slice(old[0].expose_bytes()).unwrap();
    let material = KeyMaterial::from_slice(strong.key().expose_bytes()).unwrap();
    let mut entries = json!({ "weak": entry(&weak, NOTE, "planted") });
    entries[strong.id().as_str()] = entry(&material, NOTE, "the user\u{2019}s");
    host.put_account_data(NOTE, &json!({ "encrypted": entries }));
    old.push(strong.key().clone());
    let limits = Limits::default();
    let mut flow = SetUp::rotate_everything(host.backup(), key.clone(), &old, Vec::new(), limits);
    flow.believe(&pinned(1), &[NOTE.into()]);
    host.set_up(flow).unwrap();
    let mut keys = [key.key().clone()];
    let opened = host.storage().open(&NOTE.into(), &mut keys, &PublicKeys::default()).unwrap();
    assert_eq!(opened.text().expose_str(), "the user\u{2019}s");
}

/// A seed that another device has shared, say.
#[test]
fn a_seed_that_is_the_users_for_sure_is_stored_and_another_one_ends_it_before_anything_is_written()
{
    let seed = SecretValue::read(&MASTER.into(), text_of(1).as_bytes()).unwrap().value;
    for (public_keys, is_stored) in
        [(None, false), (Some(pinned(9)), false), (Some(pinned(1)), true)]
    {
        let (mut host, key) = (Host::new(), new_key());
        let (secrets, limits) = (vec![seed.clone()], Limits::default());
        let mut flow = SetUp::bootstrap(host.backup(), key.clone(), secrets, limits);
        if let Some(public_keys) = &public_keys {
            flow.believe(public_keys, &[]);
        }
        let done = host.set_up(flow);
        assert_eq!(opens(&mut host, &key, MASTER), is_stored);
        if !is_stored {
            let expected = FlowError::Change(ChangeError::Unauthenticated(MASTER.into()));
            assert_eq!(done.unwrap_err(), expected);
            assert!(
                host.requests.iter().all(|line| line.starts_with("GET")),
                "{:?}",
                host.requests
            );
        }
    }
}
