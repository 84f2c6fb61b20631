//! What must hold in the end, however it came about.

use serde_json::json;
use strongroom::{
    client::flow::{FlowError, SetUpDone},
    ids::SecretName,
    provenance::Provenance,
    secret_storage::SecretStorageKey,
    secret_value::PublicKeys,
};

use super::{Run, neighbour::MAKES_A_BACKUP};
use crate::host::{BACKUP, secret};

impl Run {
    pub(super) fn check(&mut self, outcome: &Result<SetUpDone, FlowError>) {
        let storage = self.host.storage();
        let known = self.known_keys();
        if let Some(default_key) = storage.default_key() {
            assert!(known.iter().any(|key| key.id() == default_key), "{self}: locked out");
        }
        if self.before.is_some() || outcome.is_ok() {
            self.check_secrets(&known);
        }
        match outcome {
            Ok(done) => self.check_done(done, &known),
            // What does not last stops nobody.
            Err(error) => assert!(!self.did.is_empty(), "{self}: {error:?}"),
        }
    }

    /// Each opens with what the user has, and is what somebody stored.
    fn check_secrets(&mut self, known: &[SecretStorageKey]) {
        let storage = self.host.storage();
        for (name, values) in &self.secrets {
            let mut keys = known.to_vec();
            let opened = storage.open(&SecretName::from(*name), &mut keys, &PublicKeys::default());
            let opened = opened.unwrap_or_else(|error| panic!("{self}: {name}: {error}"));
            let value = opened.value().unwrap().value;
            let is_one = values.iter().any(|byte| secret(name, *byte) == value);
            assert!(is_one, "{self}: {name} is something else");
        }
    }

    fn check_done(&mut self, done: &SetUpDone, known: &[SecretStorageKey]) {
        assert!(known.iter().any(|key| key.id() == done.storage_key.id()), "{self}: not shown");
        let made = self.did.iter().filter(|did| **did == MAKES_A_BACKUP).count();
        let limit = made + 1 + usize::from(self.before.is_some());
        assert!(self.host.versions() <= limit, "{self}: too many versions");
        assert!(self.host.requests.len() < MOST_REQUESTS, "{self}: too many requests");
        if self.did.is_empty() {
            self.check_undisturbed(done);
        }
    }

    /// Where no other device did anything, everything is new and fits.
    fn check_undisturbed(&mut self, done: &SetUpDone) {
        let (storage, new) = (self.host.storage(), &done.storage_key);
        assert_eq!(storage.default_key(), Some(new.id()), "{self}");
        let open = |name: &SecretName| {
            let opened = storage.open(name, &mut [new.clone()], &PublicKeys::default());
            opened.unwrap_or_else(|error| panic!("{self}: {name}: {error}"))
        };
        for (name, stored) in storage.secrets() {
            open(name);
            let is_old =
                self.before.iter().any(|(_, old)| stored.key_ids().any(|id| id == old.id()));
            assert!(!is_old, "{self}: the old key opens {name}");
        }
        let key = open(&BACKUP.into()).backup_key().unwrap();
        assert_eq!(key.provenance(), Provenance::AuthenticatedSecretStorage, "{self}");
        assert_eq!(done.backup.trusted().unwrap().public_key(), key.public_key(), "{self}");
        let (status, info) = self.host.ask("GET", "/room_keys/version", &json!({}));
        assert_eq!(status, 200, "{self}");
        assert_eq!(info["auth_data"]["public_key"], key.public_key().to_base64(), "{self}");
    }
}

const MOST_REQUESTS: usize = 150;
