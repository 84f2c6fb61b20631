//! An account that a real client made, what is known of it, and what has to come of it.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use strongroom::{
    Limits,
    crypto::{
        curve25519_aes_sha2::MacScheme, ed25519::Ed25519PublicKey, key_material::KeyMaterial,
    },
    encoding::json_object::JsonObject,
    ids::{EventType, KeyId, SecretName, SecretStorageKeyId, UserId},
    passphrase::PassphraseForm,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_storage::{
        KeyStanding, OpenedSecret, SecretOpenError, SecretOrigin, SecretStorage, UnlockAttempt,
        UnlockOutcome, Unlocked,
    },
    secret_value::{PublicKeys, SecretRepair},
    signed_json::TrustedSigner,
};

/// An account with everything that is recorded of it.
#[derive(Clone)]
pub(crate) struct RecordedAccount {
    pub(crate) name: String,
    /// Contents by the types of the events, as they are written in the file.
    pub(crate) contents: BTreeMap<String, JsonObject>,
    pub(crate) keys: Vec<RecordedKey>,
    pub(crate) default_key: Option<String>,
    pub(crate) secrets: BTreeMap<String, RecordedSecret>,
    pub(crate) user_id: UserId,
    /// The master keys that the account had: today's first.
    pub(crate) masters: Vec<Ed25519PublicKey>,
    /// The public keys that the secrets belong to.
    pub(crate) public_keys: PublicKeys,
}

/// A key of the secret storage.
#[derive(Clone)]
pub(crate) struct RecordedKey {
    pub(crate) id: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) public_key: Option<String>,
    pub(crate) recovery_key: Option<String>,
    pub(crate) passphrase: Option<String>,
}

/// What a secret holds.
#[derive(Clone)]
pub(crate) enum RecordedSecret {
    /// This text.
    Text(String),
    /// A key written as a list of numbers.
    Numbers { stored: String, key: Vec<u8> },
    /// The key of the secret storage itself.
    StorageKey(Vec<u8>),
}

/// What somebody can type, and the keys that it gives.
pub(crate) struct Typed {
    pub(crate) text: String,
    pub(crate) typed_as: Option<PassphraseForm>,
    pub(crate) keys: BTreeSet<String>,
}

impl RecordedAccount {
    pub(crate) fn storage(&self) -> SecretStorage {
        self.storage_within(&Limits::default())
    }

    pub(crate) fn storage_within(&self, limits: &Limits) -> SecretStorage {
        let types = self.contents.keys().map(|name| EventType::from(name.as_str()));
        let events: Vec<_> = types.zip(self.contents.values()).collect();
        let events = events.iter().map(|(event_type, content)| (event_type, *content));
        SecretStorage::from_account_data(events, limits)
    }

    /// The content of an event, to look into.
    pub(crate) fn json(&self, event_type: &str) -> Value {
        serde_json::from_str(self.contents[event_type].as_str()).unwrap()
    }

    pub(crate) fn description(&self, id: &str) -> Value {
        self.json(&format!("m.secret_storage.key.{id}"))
    }

    pub(crate) fn has_passphrase(&self, id: &str) -> bool {
        self.description(id).get("passphrase").is_some()
    }

    /// The entries of a secret by their keys; the level `encrypted` may be missing.
    pub(crate) fn entries(&self, secret: &str) -> BTreeMap<String, Value> {
        let content = self.json(secret);
        let entries = content.get("encrypted").unwrap_or(&content).as_object().unwrap();
        entries.iter().map(|(id, entry)| (id.clone(), entry.clone())).collect()
    }

    pub(crate) fn signers(&self) -> Vec<TrustedSigner> {
        self.masters.iter().map(signer).collect()
    }

    /// Every recovery key, with all keys that it gives.
    pub(crate) fn recovery_keys(&self) -> Vec<Typed> {
        let keys = self.keys.iter().filter_map(|key| {
            let text = key.recovery_key.clone().or_else(|| recovery_key(&key.bytes))?;
            let typed_as = None;
            Some(Typed { text, typed_as, keys: self.same_keys(&key.bytes, |_| true) })
        });
        keys.collect()
    }

    /// Every passphrase, with all keys that it gives.
    pub(crate) fn passphrases(&self) -> Vec<Typed> {
        let keys = self.keys.iter().filter_map(|key| {
            let text = key.passphrase.clone()?;
            let typed_as = Some(PassphraseForm::AsTyped);
            let keys = self.same_keys(&key.bytes, |id| self.has_passphrase(id));
            Some(Typed { text, typed_as, keys })
        });
        keys.collect()
    }

    fn same_keys(&self, bytes: &[u8], filter: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let same = self.keys.iter().filter(|key| key.bytes == bytes && filter(&key.id));
        same.map(|key| key.id.clone()).collect()
    }

    /// Unlocks with what somebody typed and opens every secret that is encrypted to one of the keys, in
    /// all ways that there are. Returns which key opened which secret.
    pub(crate) fn assert_opens(&self, typed: &Typed) -> BTreeSet<(String, String)> {
        let storage = self.storage();
        let unlocked = storage.unlock(&typed.text, &self.public_keys, &Limits::default());
        let mut unlocked = unlocked.unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        self.assert_unlocked(typed, &unlocked);
        let verdicts = storage.open_all(&mut unlocked.keys, &self.public_keys);
        assert!(
            verdicts.iter().map(|it| it.name.as_str()).eq(self.secrets.keys()),
            "{}",
            self.name
        );
        for verdict in &verdicts {
            let name = verdict.name.as_str();
            let entries = self.entries(name);
            match &verdict.outcome {
                Ok(opened) => {
                    self.assert_opened(name, opened);
                    let has_public_key = self.public_keys.has_one_for(&verdict.name);
                    assert_eq!(opened.belongs_to_public_key(), has_public_key);
                    let may_open = unlocked.keys.iter().find(|key| entries.contains_key(id(key)));
                    assert_eq!(Some(opened.key_id()), may_open.map(|key| key.id()));
                }
                Err(failure) => {
                    assert_eq!(failure, &SecretOpenError::OtherKeys, "{}: {name}", self.name);
                    assert!(entries.keys().all(|key| !typed.keys.contains(key)), "{name}");
                }
            }
        }
        self.assert_opens_entries(&storage, &mut unlocked)
    }

    fn assert_opens_entries(
        &self,
        storage: &SecretStorage,
        unlocked: &mut Unlocked,
    ) -> BTreeSet<(String, String)> {
        let mut opened_by = BTreeSet::new();
        for (name, secret) in storage.secrets() {
            let entries = self.entries(name.as_str());
            for key in &mut unlocked.keys {
                if !entries.contains_key(key.id().as_str()) {
                    assert_eq!(key.open(name, secret).unwrap_err(), SecretOpenError::OtherKeys);
                    continue;
                }
                let opened = key.open(name, secret);
                let opened = opened.unwrap_or_else(|e| panic!("{}: {name}: {e}", self.name));
                assert_eq!(opened.key_id(), key.id());
                assert!(!opened.belongs_to_public_key());
                self.assert_opened(name.as_str(), &opened);
                opened_by.insert((name.to_string(), key.id().to_string()));
            }
        }
        opened_by
    }

    fn assert_unlocked(&self, typed: &Typed, unlocked: &Unlocked) {
        self.assert_attempts(&unlocked.attempts, typed);
        let ids: BTreeSet<_> = unlocked.keys.iter().map(|key| key.id().to_string()).collect();
        assert_eq!(ids, typed.keys, "{}", self.name);
        assert_eq!(unlocked.keys.len(), ids.len());
        for key in &unlocked.keys {
            let recorded = self.key(key.id().as_str());
            assert_eq!(key.expose_bytes(), recorded.bytes, "{}", self.name);
            assert_eq!(key.standing(), KeyStanding::Checked, "{}", self.name);
            assert_eq!(key.is_asymmetric(), self.is_asymmetric(&recorded.id), "{}", self.name);
            let text = key.to_recovery_key().map(|key| key.to_text().expose_str().to_owned());
            assert_eq!(text, recovery_key(&recorded.bytes));
        }
    }

    /// One attempt for each key, the default key's first, and each with the outcome that it has to have.
    pub(crate) fn assert_attempts(&self, attempts: &[UnlockAttempt], typed: &Typed) {
        let ids: BTreeSet<_> = attempts.iter().map(|attempt| attempt.key_id.as_str()).collect();
        assert_eq!(attempts.len(), self.keys.len(), "{}", self.name);
        assert!(self.keys.iter().all(|key| ids.contains(key.id.as_str())), "{}", self.name);
        if let Some(default) = &self.default_key {
            assert_eq!(attempts[0].key_id.as_str(), default, "{}", self.name);
        }
        for UnlockAttempt { key_id, outcome, .. } in attempts {
            let is_passphrase = typed.typed_as.is_some();
            let expected = if typed.keys.contains(key_id.as_str()) {
                UnlockOutcome::Fits(typed.typed_as, KeyStanding::Checked)
            } else if is_passphrase && !self.has_passphrase(key_id.as_str()) {
                UnlockOutcome::NoPassphrase
            } else {
                UnlockOutcome::DoesNotFit
            };
            assert_eq!(outcome, &expected, "{}: {key_id}", self.name);
        }
    }

    fn has_few_rounds(&self, key_id: &str) -> bool {
        let storage = self.storage();
        let passphrase =
            storage.key(&key_id.into()).and_then(|key| key.passphrase().ok().flatten());
        passphrase.is_some_and(|read| read.value.is_guessable())
    }

    /// Whether a secret is what was stored, says how it was stored, and is read as its name asks for.
    pub(crate) fn assert_opened(&self, name: &str, opened: &OpenedSecret) {
        assert_eq!(opened.name(), &SecretName::from(name));
        let recorded = &self.secrets[name];
        assert_eq!(opened.text().expose_str(), recorded.text(), "{}: {name}", self.name);
        let origin = origin_of(&self.entries(name)[opened.key_id().as_str()]);
        assert_eq!(opened.origin(), origin, "{}: {name}", self.name);
        let is_symmetric = origin == SecretOrigin::AesHmacSha2;
        // What a passphrase with few rounds gave is not authenticated, what was typed as a recovery key is.
        let is_either = self.has_few_rounds(opened.key_id().as_str());
        assert!(opened.is_authenticated() == is_symmetric || is_symmetric && is_either);
        let read = opened.value().unwrap_or_else(|error| panic!("{}: {name}: {error}", self.name));
        assert_eq!(read.repairs, recorded.repairs(), "{}: {name}", self.name);
        assert_eq!(read.value.name().as_str(), name);
        assert!(read.value.dehydrated_device_key().is_none(), "{}: {name}", self.name);
        match (read.value.backup_key(), read.value.cross_signing_seed()) {
            (Some(key), _) => {
                assert_eq!(
                    key.to_base64().expose_str(),
                    strongroom::encoding::base64::encode(&recorded.key())
                );
            }
            (None, Some(seed)) => {
                assert_eq!(seed.as_secret().expose_bytes().as_slice(), recorded.key());
            }
            (None, None) => assert_eq!(read.value.to_text().expose_str(), recorded.text()),
        }
    }

    pub(crate) fn key(&self, id: &str) -> &RecordedKey {
        self.keys.iter().find(|key| key.id == id).unwrap()
    }

    pub(crate) fn is_asymmetric(&self, id: &str) -> bool {
        self.description(id)["algorithm"] == "m.secret_storage.v1.curve25519-aes-sha2"
    }
}

impl RecordedKey {
    pub(crate) fn material(&self) -> KeyMaterial {
        KeyMaterial::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn key_id(&self) -> SecretStorageKeyId {
        self.id.as_str().into()
    }
}

impl RecordedSecret {
    /// What [`OpenedSecret::text`] is.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Numbers { stored: text, .. } => text.clone(),
            Self::StorageKey(key) => strongroom::encoding::base64::encode(key),
        }
    }

    /// The key that it is.
    pub(crate) fn key(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => super::base64::decode(text).unwrap(),
            Self::Numbers { key, .. } | Self::StorageKey(key) => key.clone(),
        }
    }

    pub(crate) fn repairs(&self) -> &[SecretRepair] {
        match self {
            Self::Numbers { .. } => &[SecretRepair::NumberList],
            Self::Text(_) | Self::StorageKey(_) => &[],
        }
    }
}

/// A master key, under the label that it has everywhere.
pub(crate) fn signer(key: &Ed25519PublicKey) -> TrustedSigner {
    TrustedSigner::new(KeyId::new(format!("ed25519:{}", key.to_base64())), *key)
}

/// The text form of a key; only keys of 32 bytes have one.
pub(crate) fn recovery_key(bytes: &[u8]) -> Option<String> {
    let key = RecoveryKey::from_bytes(SecretBytes::from_slice(bytes)?);
    Some(key.to_text().expose_str().to_owned())
}

/// Every client that encrypted asymmetrically did so with libolm, whose code covers nothing.
fn origin_of(entry: &Value) -> SecretOrigin {
    let has = |member| entry.get(member).is_some();
    match (has("iv"), has("ephemeral"), has("passthrough")) {
        (true, false, false) => SecretOrigin::AesHmacSha2,
        (false, true, false) => SecretOrigin::Curve25519AesSha2(MacScheme::EmptyString),
        (false, false, true) => SecretOrigin::Passthrough,
        _ => panic!("an entry of another form"),
    }
}

fn id(key: &strongroom::secret_storage::SecretStorageKey) -> &str {
    key.id().as_str()
}
