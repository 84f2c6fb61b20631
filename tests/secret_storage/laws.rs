//! Laws of secret storage: what was put in comes out, what was changed is refused alone, nothing hides
//! the rest, and slices do not matter.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    primitives::{
        aes_hmac_sha2::{self, KeyCheck},
        curve25519_aes_sha2,
    },
    support::recorded_rng::RecordedRng,
};
use proptest::{
    array::uniform32,
    collection::{btree_map, vec},
    prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest},
    prop_assert, prop_assert_eq, prop_assert_ne,
    sample::{Index, select},
    test_runner::TestCaseError,
};
use serde_json::{Value, json};
use sha2::Sha512;
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::{
        curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme, ed25519::Ed25519Seed,
        key_material::KeyMaterial,
    },
    encoding::{base64, json_object::JsonObject},
    ids::EventType,
    passphrase::candidates,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_storage::{
        KeyStanding, SecretOpenError, SecretOrigin, SecretStorage, UnlockAttempt, UnlockError,
        UnlockFailure, Unlocked,
    },
    secret_value::{PublicKeys, SecretCheckError},
};

proptest! {
    #[test]
    fn what_was_put_into_an_account_comes_out(account in account()) {
        let storage = storage(&account.events());
        prop_assert_eq!(storage.findings(), []);
        let default = account.keys.keys().next().map(String::as_str);
        prop_assert_eq!(storage.default_key().map(|id| id.as_str()), default);
        let mut opened = BTreeSet::new();
        for (id, key) in &account.keys {
            let is_used = account.secrets.values().any(|secret| secret.under.contains(id));
            let unlocked = unlock(&storage, &recovery_key(&key.bytes));
            if let Err(UnlockError { reason: UnlockFailure::OlderKey { key, .. }, .. }) = &unlocked {
                prop_assert!(!is_used && key.as_str() == id);
                let is_empty = account.secrets.values().all(|secret| secret.under.is_empty());
                prop_assert!(!is_empty || default != Some(id.as_str()));
                continue;
            }
            let unlocked = unlocked.unwrap();
            let fitting = unlocked.keys.iter().find(|fitting| fitting.id().as_str() == id).unwrap();
            prop_assert_eq!(fitting.standing(), KeyStanding::Checked);
            prop_assert_eq!(fitting.expose_bytes(), &key.bytes);
            let mut keys = vec![fitting.clone()];
            for verdict in storage.open_all(&mut keys, &PublicKeys::default()) {
                let (name, secret) = (verdict.name.as_str(), &account.secrets[verdict.name.as_str()]);
                let Ok(verdict) = verdict.outcome else {
                    prop_assert!(!secret.under.contains(id));
                    continue;
                };
                prop_assert!(secret.under.contains(id));
                prop_assert_eq!(verdict.text().expose_str(), &secret.text);
                prop_assert_eq!(verdict.is_authenticated(), key.scheme.is_none());
                let origin = key.scheme.map_or(
                    SecretOrigin::AesHmacSha2,
                    SecretOrigin::Curve25519AesSha2,
                );
                prop_assert_eq!(verdict.origin(), origin);
                opened.insert(name.to_owned());
            }
        }
        prop_assert!(opened.iter().eq(account.secrets.keys()));
    }

    #[test]
    fn a_flipped_bit_costs_its_own_secret(
        key in uniform32(any::<u8>()), texts in btree_map("[a-z]{1,8}", ".{1,100}", 1..5),
        which: Index, bit: Index, member in select(vec!["ciphertext", "mac"]),
    ) {
        let mut account = symmetric_account(&key, &texts);
        let name = texts.keys().nth(which.index(texts.len())).unwrap();
        flip(&mut account.get_mut(name).unwrap()["encrypted"]["key"][member], bit);
        let storage = storage(&account);
        prop_assert_eq!(unlock(&storage, &recovery_key(&key)).is_ok(), texts.len() > 1);
        let material = KeyMaterial::from_slice(&key).unwrap();
        let mut keys = [storage.key(&"key".into()).unwrap().accept(&material).unwrap()];
        for verdict in storage.open_all(&mut keys, &PublicKeys::default()) {
            match verdict.outcome {
                Ok(opened) => {
                    prop_assert_ne!(verdict.name.as_str(), name);
                    prop_assert_eq!(opened.text().expose_str(), &texts[verdict.name.as_str()]);
                }
                Err(failure) => {
                    prop_assert_eq!(verdict.name.as_str(), name);
                    let reasons = vec![("key".into(), SecretOpenError::WrongKey)];
                    prop_assert_eq!(failure, SecretOpenError::Keys(reasons));
                }
            }
        }
    }

    #[test]
    fn a_flipped_bit_of_the_iv_is_noticed_where_the_public_key_is_given(
        key in uniform32(any::<u8>()), value in uniform32(any::<u8>()), bit: Index,
        name in select(vec!["m.megolm_backup.v1", "m.cross_signing.master", "m.cross_signing.self_signing",
            "m.cross_signing.user_signing"]),
    ) {
        let texts = BTreeMap::from([(name.to_owned(), base64::encode(&value))]);
        let mut account = symmetric_account(&key, &texts);
        let public_keys = public_keys(&value);
        let open = |account: &Events| {
            let storage = storage(account);
            let mut unlocked = unlock(&storage, &recovery_key(&key)).unwrap();
            storage.open(&name.into(), &mut unlocked.keys, &public_keys)
        };
        let opened = open(&account).unwrap();
        prop_assert!(opened.belongs_to_public_key());
        flip(&mut account.get_mut(name).unwrap()["encrypted"]["key"]["iv"], bit);
        let Err(SecretOpenError::Keys(reasons)) = open(&account) else {
            return Err(TestCaseError::fail("a flipped bit was not noticed"));
        };
        prop_assert_eq!(reasons.len(), 1);
        let belongs_not = [SecretCheckError::BackupKey, SecretCheckError::CrossSigningKey];
        let is_expected = match reasons[0].1 {
            // What the other keystream gives is hardly ever text, and still less base64.
            SecretOpenError::NotUtf8 | SecretOpenError::Value(_) => true,
            SecretOpenError::PublicKey(error) => belongs_not.contains(&error),
            _ => false,
        };
        prop_assert!(is_expected, "{:?}", reasons);
    }

    #[test]
    fn nothing_that_stands_beside_it_hides_a_good_secret(
        key in uniform32(any::<u8>()), text: String,
        beside in btree_map(event_type(), content(), 0..6), entries in btree_map(".{0,6}", value(), 0..4),
        typed in ".{0,60}",
    ) {
        let texts = BTreeMap::from([("org.example.good".to_owned(), text.clone())]);
        let good = symmetric_account(&key, &texts);
        let mut account = beside;
        account.extend(good);
        for (id, entry) in entries {
            let entries = &mut account.get_mut("org.example.good").unwrap()["encrypted"];
            if entries.get(&id).is_none() {
                entries[id] = entry;
            }
        }
        let storage = storage(&account);
        for (name, secret) in storage.secrets() {
            prop_assert_eq!(secret.as_json().as_str(), account[name.as_str()].to_string());
        }
        for described in storage.keys() {
            let name = format!("m.secret_storage.key.{}", described.id());
            prop_assert_eq!(described.as_json(), account[&name].to_string());
        }
        let mut unlocked = unlock(&storage, &recovery_key(&key)).unwrap();
        let verdicts = storage.open_all(&mut unlocked.keys, &PublicKeys::default());
        let good = verdicts.into_iter().find(|it| it.name.as_str() == "org.example.good").unwrap();
        let opened = good.outcome.unwrap();
        prop_assert_eq!(opened.text().expose_str(), text);
        prop_assert_eq!(opened.key_id().as_str(), "key");
        let mut limits = Limits::default();
        (limits.pbkdf2_rounds, limits.unlock_rounds) = (20, 100);
        if let Err(error) = storage.unlock(&typed, &public_keys(&key), &limits) {
            let keys = storage.keys().count() + storage.undescribed_keys().count();
            prop_assert_eq!(error.attempts.len(), keys);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn slices_of_any_size_unlock_like_one_go(
        described in vec(with_passphrase(), 0..5),
        typed in select(FORMS.to_vec()), slices in vec(0..20_u32, 0..30), allowed in 0..200_u64,
    ) {
        let events = passphrase_account(&described);
        let storage = storage(&events);
        let mut limits = Limits::default();
        limits.unlock_rounds = allowed;
        let public_keys = PublicKeys::default();
        let whole = storage.unlock(typed, &public_keys, &limits);
        let mut sliced = storage.start_unlock(typed, &public_keys, &limits);
        let mut before = sliced.progress();
        prop_assert_eq!(before.done, 0);
        prop_assert!(before.at_most <= allowed);
        for slice in slices {
            let is_finished = sliced.advance(slice);
            let now = sliced.progress();
            prop_assert!(now.done <= now.at_most, "{:?}", now);
            prop_assert!(now.done >= before.done && now.at_most <= before.at_most);
            // The first round of a form is run when it is started, whatever the slice.
            let forms = u64::try_from(FORMS.len() * described.len()).unwrap();
            prop_assert!(now.done <= before.done + u64::from(slice) + forms);
            prop_assert!(!is_finished || now.done == now.at_most, "{:?}", now);
            before = now;
        }
        let sliced = sliced.finish();
        prop_assert_eq!(summary(&sliced), summary(&whole));
        if let Some(expected) = fitting(&described, typed, allowed) {
            let keys = whole.map(|whole| whole.keys).unwrap_or_default();
            let ids: BTreeSet<_> = keys.iter().map(|key| key.id().to_string()).collect();
            prop_assert_eq!(ids, expected);
        }
    }
}

type Events = BTreeMap<String, Value>;

/// An account with what it is known to hold.
#[derive(Debug, Clone)]
struct Account {
    keys: BTreeMap<String, Key>,
    secrets: BTreeMap<String, Secret>,
    randomness: [u8; 32],
}

/// A key: asymmetric, if it has a MAC scheme.
#[derive(Debug, Clone)]
struct Key {
    bytes: [u8; 32],
    scheme: Option<MacScheme>,
}

#[derive(Debug, Clone)]
struct Secret {
    text: String,
    under: BTreeSet<String>,
}

impl Account {
    fn events(&self) -> Events {
        let mut events = Events::new();
        for (id, key) in &self.keys {
            events.entry("m.secret_storage.default_key".into()).or_insert(json!({"key": id}));
            let description = match key.scheme {
                None => described(&material(&key.bytes)),
                Some(_) => json!({
                    "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
                    "pubkey": asymmetric(&key.bytes).to_base64(),
                }),
            };
            events.insert(format!("m.secret_storage.key.{id}"), description);
        }
        for (name, secret) in &self.secrets {
            let entry = |id: &String| (id.clone(), self.entry(&self.keys[id], name, &secret.text));
            let entries: serde_json::Map<_, _> = secret.under.iter().map(entry).collect();
            events.insert(name.clone(), json!({"encrypted": entries}));
        }
        events
    }

    fn entry(&self, key: &Key, name: &str, text: &str) -> Value {
        let Some(scheme) = key.scheme else {
            return symmetric_entry(&material(&key.bytes), name, text);
        };
        let (public, mut rng) = (asymmetric(&key.bytes), RecordedRng::new(&self.randomness));
        curve25519_aes_sha2::seal_with_rng(&public, text.as_bytes(), scheme, &mut rng).to_value()
    }
}

fn account() -> impl Strategy<Value = Account> {
    let scheme = prop_oneof![
        Just(None),
        Just(Some(MacScheme::EmptyString)),
        Just(Some(MacScheme::Ciphertext)),
    ];
    let key = (uniform32(any::<u8>()), scheme).prop_map(|(bytes, scheme)| Key { bytes, scheme });
    let secret = (any::<String>(), any::<[bool; 4]>(), any::<Index>());
    let parts = (
        btree_map(".{0,8}", key, 1..4),
        btree_map("s[.].{0,8}", secret, 0..5),
        uniform32(any::<u8>()),
    );
    parts.prop_map(|(keys, secrets, randomness)| {
        let under = |chosen: [bool; 4], one: Index| {
            let one = one.index(keys.len());
            let ids = keys.keys().enumerate();
            let chosen = ids.filter(|(index, _)| *index == one || chosen[*index]);
            chosen.map(|(_, id)| id.clone()).collect()
        };
        let secrets = secrets
            .into_iter()
            .map(|(name, (text, chosen, one))| (name, Secret { text, under: under(chosen, one) }));
        Account { secrets: secrets.collect(), keys, randomness }
    })
}

/// An account with one symmetric key, whose ID is `key`, and secrets under it.
fn symmetric_account(key: &[u8; 32], texts: &BTreeMap<String, String>) -> Events {
    let key = material(key);
    let secrets = texts.iter().map(|(name, text)| {
        (name.clone(), json!({"encrypted": {"key": symmetric_entry(&key, name, text)}}))
    });
    let mut events: Events = secrets.collect();
    events.insert("m.secret_storage.key.key".into(), described(&key));
    events
}

/// A key that comes from a passphrase.
#[derive(Debug, Clone)]
struct WithPassphrase {
    rounds: u32,
    salt: &'static str,
    /// Whether its description has a check; if not, there is a secret to prove it by.
    has_check: bool,
    passphrase: &'static str,
}

fn with_passphrase() -> impl Strategy<Value = WithPassphrase> {
    let parts = (1..30_u32, select(vec!["salt", "salz"]), any::<bool>(), select(FORMS.to_vec()));
    parts.prop_map(|(rounds, salt, has_check, passphrase)| WithPassphrase {
        rounds,
        salt,
        has_check,
        passphrase,
    })
}

fn passphrase_account(keys: &[WithPassphrase]) -> Events {
    let mut events = Events::new();
    for (id, key) in keys.iter().enumerate() {
        let (passphrase, salt) = (key.passphrase.as_bytes(), key.salt.as_bytes());
        let derived = pbkdf2::pbkdf2_hmac_array::<Sha512, 32>(passphrase, salt, key.rounds);
        let derived = KeyMaterial::from_slice(&derived).unwrap();
        let mut description = described(&derived);
        if !key.has_check {
            description.as_object_mut().unwrap().remove("mac");
        }
        description["passphrase"] =
            json!({"algorithm": "m.pbkdf2", "iterations": key.rounds, "salt": key.salt});
        events.insert(format!("m.secret_storage.key.{id}"), description);
        let name = format!("org.example.{id}");
        let entry = symmetric_entry(&derived, &name, "text");
        events.insert(name, json!({"encrypted": {id.to_string(): entry}}));
    }
    events
}

/// The keys that a passphrase gives; nothing if not all of them can be tried.
fn fitting(keys: &[WithPassphrase], typed: &str, allowed: u64) -> Option<BTreeSet<String>> {
    let forms = candidates(typed);
    let distinct: BTreeSet<_> = keys.iter().map(|key| (key.rounds, key.salt)).collect();
    let once: u64 = distinct.iter().map(|(rounds, _)| u64::from(*rounds)).sum();
    if once * u64::try_from(forms.len()).unwrap() > allowed {
        return None;
    }
    // What others can guess is not tried on secrets, so that without a check any text may be the right one.
    let fits = |key: &WithPassphrase| {
        !key.has_check || forms.iter().any(|(_, text)| text.expose_str() == key.passphrase)
    };
    let fitting = keys.iter().enumerate().filter(|(_, key)| fits(key));
    Some(fitting.map(|(id, _)| id.to_string()).collect())
}

type Summary = Result<(Vec<(String, Vec<u8>, KeyStanding)>, Vec<UnlockAttempt>), UnlockError>;

fn summary(unlocked: &Result<Unlocked, UnlockError>) -> Summary {
    let Unlocked { keys, attempts, .. } = unlocked.clone()?;
    let keys =
        keys.iter().map(|key| (key.id().to_string(), key.expose_bytes().to_vec(), key.standing()));
    Ok((keys.collect(), attempts))
}

/// What an event may be called that stands beside others.
fn event_type() -> impl Strategy<Value = String> {
    let known = vec![
        "m.secret_storage.default_key",
        "m.secret_storage.key.",
        "m.megolm_backup.v1",
        "m.cross_signing.master",
        "org.example.other",
    ];
    prop_oneof![
        ".{0,12}",
        select(known).prop_map(str::to_owned),
        "m[.]secret_storage[.]key[.][a-z]{1,3}",
    ]
}

/// Any JSON, which often has members and texts that mean something.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        select(TEXTS.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let name = prop_oneof![".{0,6}", select(MEMBERS.to_vec()).prop_map(str::to_owned)];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name, inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The content of an event: any object, or almost a description, or almost a secret.
fn content() -> impl Strategy<Value = Value> {
    let member = || (select(MEMBERS.to_vec()), value());
    let changed = |good: Value| {
        vec(member(), 0..3).prop_map(move |members| {
            let mut content = good.clone();
            members.into_iter().for_each(|(name, value)| content[name] = value);
            content
        })
    };
    let zeros = material(&[0; 32]);
    let symmetric = described(&zeros);
    let mut with_passphrase = symmetric.clone();
    with_passphrase["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 3, "salt": "salt"});
    let asymmetric = json!({
        "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
        "pubkey": asymmetric(&[0; 32]).to_base64(),
    });
    let entry = changed(symmetric_entry(&zeros, "m.megolm_backup.v1", "text"));
    prop_oneof![
        value().prop_map(|value| {
            if value.is_object() { value } else { json!({"encrypted": value}) }
        }),
        changed(symmetric),
        changed(with_passphrase),
        changed(asymmetric),
        (entry, value())
            .prop_map(|(entry, other)| json!({"encrypted": {"key": entry, "b": other}})),
    ]
}

fn described(key: &KeyMaterial) -> Value {
    let check = KeyCheck::with_rng(key, &mut RecordedRng::new(&[7; 16]));
    json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
        "iv": check.iv.to_base64(),
        "mac": check.mac.to_base64(),
    })
}

fn symmetric_entry(key: &KeyMaterial, name: &str, text: &str) -> Value {
    let secret = aes_hmac_sha2::seal(key, name, text.as_bytes());
    json!({
        "iv": secret.iv.to_base64(),
        "ciphertext": base64::encode(&secret.ciphertext),
        "mac": secret.mac.to_base64(),
    })
}

fn storage(events: &Events) -> SecretStorage {
    let events = events.iter().map(|(event_type, content)| {
        let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
        (EventType::from(event_type.as_str()), content)
    });
    let events: Vec<_> = events.collect();
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    SecretStorage::from_account_data(events, &Limits::default())
}

fn unlock(storage: &SecretStorage, typed: &str) -> Result<Unlocked, UnlockError> {
    storage.unlock(typed, &PublicKeys::default(), &Limits::default())
}

/// The public keys of one secret, whatever it is.
fn public_keys(secret: &[u8; 32]) -> PublicKeys {
    let seed = Ed25519Seed::from_bytes(secret_bytes(secret));
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(asymmetric(secret));
    public_keys.master = Some(seed.public_key());
    public_keys.self_signing = Some(seed.public_key());
    public_keys.user_signing = Some(seed.public_key());
    public_keys
}

fn recovery_key(bytes: &[u8; 32]) -> String {
    RecoveryKey::from_bytes(secret_bytes(bytes)).to_text().expose_str().to_owned()
}

fn asymmetric(bytes: &[u8; 32]) -> Curve25519PublicKey {
    *BackupDecryptionKey::from_bytes(secret_bytes(bytes)).public_key().as_curve25519()
}

fn material(bytes: &[u8; 32]) -> KeyMaterial {
    KeyMaterial::from_slice(bytes).unwrap()
}

fn secret_bytes(bytes: &[u8; 32]) -> SecretBytes<32> {
    SecretBytes::from_slice(bytes).unwrap()
}

/// Flips a bit of what stands in base64.
fn flip(member: &mut Value, bit: Index) {
    let mut bytes = base64::decode(member.as_str().unwrap()).unwrap();
    let bit = bit.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    *member = base64::encode(&bytes).into();
}

/// Passphrases of which some are forms of others.
const FORMS: &[&str] = &["abc", "\u{e9}", "e\u{301}", "e\u{301}\u{e9}", "\u{e9}\u{e9}"];

const MEMBERS: &[&str] = &[
    "algorithm",
    "bits",
    "ciphertext",
    "encrypted",
    "ephemeral",
    "iterations",
    "iv",
    "key",
    "mac",
    "name",
    "passphrase",
    "passthrough",
    "pubkey",
    "salt",
    "signatures",
];

const TEXTS: &[&str] = &[
    "m.secret_storage.v1.aes-hmac-sha2",
    "m.secret_storage.v1.curve25519-aes-sha2",
    "m.pbkdf2",
    "m.default",
    "AAAAAAAAAAA",
    "BwcHBwcHBwcHBwcHBwcHBw",
    "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
];
