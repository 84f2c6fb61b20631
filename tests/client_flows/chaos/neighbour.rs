//! Another device of the user, in the middle of it.

use crate::asserted::StoreText as _;
use rand::RngExt as _;
use serde_json::json;
use strongroom::{
    backup::BackupDecryptionKey,
    secret_storage::{NewKey, SecretStorageKey},
};

use super::Run;
use crate::{
    drive::change,
    host::{MASTER, secret},
};

pub(super) const SELF_SIGNING: &str = "m.cross_signing.self_signing";
pub(super) const MAKES_A_BACKUP: &str = "makes a backup";

impl Run {
    /// The other device does something, or nothing.
    pub(super) fn neighbour(&mut self) {
        let may = self.has_neighbour && self.did.len() < MOST_DEEDS;
        if !may || !self.dice.random_bool(0.04) {
            return;
        }
        let what = match self.dice.random_range(0..4) {
            0 => self.stores(SELF_SIGNING, 40),
            1 => self.stores(MASTER, 41),
            2 => self.makes_a_backup(),
            _ => self.sets_a_default_key(),
        };
        if let Some(what) = what {
            self.note(format!("the other device {what}"));
            self.did.push(what);
        }
    }

    /// The keys of the storage that the user has: the one before, and those that were shown.
    pub(super) fn known_keys(&self) -> Vec<SecretStorageKey> {
        let is_shown = |key: &&NewKey| {
            let text = key.to_recovery_key().unwrap().to_text();
            self.host.shown.iter().any(|shown| shown == text.expose_str())
        };
        let shown = self.keys.iter().filter(is_shown).map(|key| key.key().clone());
        self.before.iter().map(|(_, key)| key.clone()).chain(shown).collect()
    }

    /// Under the default key, if the user has it.
    fn stores(&mut self, name: &'static str, byte: u8) -> Option<&'static str> {
        let (storage, known) = (self.host.storage(), self.known_keys());
        let default_key = storage.default_key()?;
        known.iter().find(|key| key.id() == default_key)?;
        let value = secret(name, byte);
        self.secrets.entry(name).or_default().insert(byte);
        change(&mut self.host, &known, |change| {
            change.store_text(value.name(), value.to_text().expose_str())
        });
        Some("stores a secret")
    }

    fn makes_a_backup(&mut self) -> Option<&'static str> {
        let key = BackupDecryptionKey::generate_with_rng(&mut self.dice);
        let body = json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": { "public_key": key.public_key().to_base64(), "signatures": {} },
        });
        assert_eq!(self.host.ask("POST", "/room_keys/version", &body).0, 200);
        Some(MAKES_A_BACKUP)
    }

    fn sets_a_default_key(&mut self) -> Option<&'static str> {
        let key = NewKey::generate_with_rng(None, &mut self.dice);
        let known = self.known_keys();
        change(&mut self.host, &known, |change| change.create(&key));
        let shown = key.to_recovery_key().unwrap().to_text();
        self.host.shown.push(shown.expose_str().to_owned());
        self.keys.push(key);
        Some("sets another default key")
    }
}

const MOST_DEEDS: usize = 3;
