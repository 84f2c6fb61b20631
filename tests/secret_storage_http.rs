//! A secret storage is created, changed, rotated and migrated over HTTP: on the in-memory homeserver, and on
//! a real one if `STRONGROOM_SYNAPSE` names it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

#[path = "support/account.rs"]
mod account;
#[path = "support/account_client.rs"]
mod account_client;
#[path = "support/primitives.rs"]
mod primitives;
mod support;

use account::{ASYMMETRIC_ID, Account, KEY, recovery_key};
use account_client::Client;
use strongroom::{
    Limits,
    homeserver::Homeserver,
    ids::EventType,
    secret_storage::{Change, ChangeError, NewKey, SecretStorageKey, VerifiedPublicKeys},
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, PublicKeys},
};
use support::{asserted::StoreText as _, synapse::Synapse};

#[test]
fn a_storage_is_created_and_changed_in_memory() {
    Client::in_memory(&mut Homeserver::new()).creates_and_changes();
}

#[test]
fn an_old_account_is_migrated_in_memory() {
    Client::in_memory(&mut Homeserver::new()).migrates();
}

#[test]
fn a_storage_is_created_changed_and_migrated_on_a_real_homeserver() {
    let Some(synapse) = Synapse::from_environment("secret storage over HTTP") else { return };
    Client::on(&synapse).creates_and_changes();
    Client::on(&synapse).migrates();
}

/// What a client does with its secret storage.
trait Uses {
    fn creates_and_changes(&mut self);
    fn notices_another_client(&mut self, keys: &[SecretStorageKey]);
    fn migrates(&mut self);
    fn change(
        &mut self,
        keys: &[SecretStorageKey],
        change: impl Fn(&mut Change<'_>) -> Result<(), ChangeError>,
    );
    fn opens(&mut self, keys: &[SecretStorageKey], secrets: &[(&str, &str)]);
    fn unlock(&mut self, typed: &str) -> Vec<SecretStorageKey>;
}

impl Uses for Client<'_> {
    fn creates_and_changes(&mut self) {
        let key = NewKey::from_passphrase("caf\u{e9} au lait", Some("\u{1f511} mine")).unwrap();
        self.change(&[], |change| {
            change.create(&key)?;
            change.store_text(&CROSS_SIGNING_MASTER.into(), MASTER)?;
            change.store_text(&"org.example.\u{e4}/+ #".into(), "gr\u{fc}\u{df}e")
        });
        let keys = self.unlock("cafe\u{301} au lait");
        self.opens(
            &keys,
            &[(CROSS_SIGNING_MASTER, MASTER), ("org.example.\u{e4}/+ #", "gr\u{fc}\u{df}e")],
        );

        let other = NewKey::generate(None).unwrap();
        self.change(&keys, |change| {
            change.store_text(&"org.example.\u{e4}/+ #".into(), "")?;
            change.add_key(&other)?;
            change.delete(&CROSS_SIGNING_MASTER.into())
        });
        let other_keys = self.unlock(other.to_recovery_key().unwrap().to_text().expose_str());
        self.opens(&other_keys, &[("org.example.\u{e4}/+ #", "")]);

        let rotated = NewKey::generate(Some("rotated")).unwrap();
        self.change(&keys, |change| change.rotate(key.id(), &rotated));
        let storage = self.storage();
        assert_eq!(storage.default_key(), Some(rotated.id()));
        assert!(storage.key(key.id()).is_none() && storage.key(other.id()).is_some());
        let rotated_keys = self.unlock(rotated.to_recovery_key().unwrap().to_text().expose_str());
        self.opens(&rotated_keys, &[("org.example.\u{e4}/+ #", "")]);
        self.opens(&other_keys, &[("org.example.\u{e4}/+ #", "")]);

        self.notices_another_client(&rotated_keys);
    }

    fn notices_another_client(&mut self, keys: &[SecretStorageKey]) {
        let name = EventType::from("org.example.raced");
        let limits = Limits::default();
        let plan = |client: &mut Self| {
            let change =
                |change: &mut Change<'_>| change.store_text(&"org.example.raced".into(), "ours");
            client.storage().plan(keys, &limits, change).unwrap()
        };
        let early = plan(self);
        self.change(keys, |change| change.store_text(&"org.example.raced".into(), "theirs"));
        let there = self.get(&name);
        assert_eq!(early.check_before(there.as_ref()), Err(ChangeError::ChangedBefore));
        let again = plan(self);
        assert_eq!(again.check_before(there.as_ref()), Ok(()));
        assert_eq!(again.clone().read_back(there.as_ref()), Err(ChangeError::NotWritten));
    }

    fn migrates(&mut self) {
        let mut account = Account::default()
            .with_asymmetric_key(ASYMMETRIC_ID, KEY)
            .with_asymmetric_secret(CROSS_SIGNING_MASTER, ASYMMETRIC_ID, KEY, MASTER);
        let passthrough = format!(r#"{{"{ASYMMETRIC_ID}":{{"passthrough":true}}}}"#);
        account.put_text(MEGOLM_BACKUP_V1, &passthrough);
        account
            .put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ASYMMETRIC_ID}"}}"#));
        for (event_type, content) in account.events() {
            self.put(&event_type, content);
        }
        let keys = self.unlock(&recovery_key(KEY));
        let new_key = NewKey::generate(None).unwrap();
        let nobody = VerifiedPublicKeys::none(self.user_id.clone());
        let accepted = [CROSS_SIGNING_MASTER.into(), MEGOLM_BACKUP_V1.into()];
        self.change(&keys, |change| change.migrate(&new_key, &nobody, &accepted));
        let keys = self.unlock(new_key.to_recovery_key().unwrap().to_text().expose_str());
        let backup_key = strongroom::encoding::base64::encode(KEY);
        self.opens(&keys, &[(CROSS_SIGNING_MASTER, MASTER), (MEGOLM_BACKUP_V1, &backup_key)]);
        let storage = self.storage();
        assert_eq!(storage.keys().count(), 1, "the old key is gone");
        assert!(storage.findings().is_empty());
    }

    /// Plans a change and carries it out, then finds that there is nothing left to do.
    fn change(
        &mut self,
        keys: &[SecretStorageKey],
        change: impl Fn(&mut Change<'_>) -> Result<(), ChangeError>,
    ) {
        let limits = Limits::default();
        let plan = self.storage().plan(keys, &limits, &change).unwrap();
        self.carry_out(plan);
    }

    fn opens(&mut self, keys: &[SecretStorageKey], secrets: &[(&str, &str)]) {
        let storage = self.storage();
        assert_eq!(storage.secrets().count(), secrets.len());
        for (name, text) in secrets {
            let mut keys = keys.to_vec();
            let opened = storage.open(&(*name).into(), &mut keys, &PublicKeys::default()).unwrap();
            assert_eq!(opened.text().expose_str(), *text);
            assert!(opened.is_authenticated());
        }
    }

    fn unlock(&mut self, typed: &str) -> Vec<SecretStorageKey> {
        let storage = self.storage();
        storage.unlock(typed, &PublicKeys::default(), &Limits::default()).unwrap().keys
    }
}

const MASTER: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
