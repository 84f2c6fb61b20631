//! Adding what is missing, and turning key storage off, on a network and a host that fail at random, beside another device.

use std::fmt;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Backup,
        backup::{BackupOptions, SavedBackup, Stage},
        flow::{Flow, FlowError, SetUp, Step, TurnOff},
    },
    ids::SecretName,
    secret_storage::{NewKey, SecretStorageKey},
    secret_value::{PublicKeys, SecretValue},
};

use super::{neighbour::SELF_SIGNING, seeds, trouble::refusal};
use crate::{
    drive::{USER_SIGNING, change},
    host::{BACKUP, Host, MASTER, USER, secret},
};

const NOTE: &str = "org.example.note";

/// One history.
pub(super) struct Life {
    seed: u64,
    pub(super) host: Host,
    dice: StdRng,
    troubles: usize,
    /// What the other device may still do.
    deeds: usize,
    /// The keys of the storage that the user has.
    known: Vec<SecretStorageKey>,
    did: Vec<&'static str>,
    log: Vec<String>,
}

impl Life {
    /// An account with a storage, a backup and a machine.
    pub(super) fn new(seed: u64) -> (Self, SavedBackup) {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut host = Host::new();
        host.rng = StdRng::seed_from_u64(seed);
        let key = NewKey::generate_with_rng(None, &mut dice);
        let secrets = vec![secret(MASTER, 1), secret(USER_SIGNING, 3)];
        let flow = SetUp::bootstrap(host.backup(), key, secrets, Limits::default());
        let done = host.set_up(flow).unwrap();
        host.requests.clear();
        host.shown.clear();
        let life = Self {
            seed,
            host,
            troubles: dice.random_range(0..12),
            deeds: if dice.random_bool(0.5) { 0 } else { 2 },
            known: vec![done.storage_key],
            did: Vec::new(),
            log: Vec::new(),
            dice,
        };
        (life, done.backup.save())
    }

    fn goes_wrong(&mut self, what: &str, probability: f64) -> bool {
        let wrong = self.troubles > 0 && self.dice.random_bool(probability);
        if wrong {
            self.troubles -= 1;
            self.log.push(what.to_owned());
        }
        wrong
    }

    /// The other device stores a secret, or makes a backup.
    fn neighbour(&mut self) {
        if self.deeds == 0 || !self.dice.random_bool(0.05) {
            return;
        }
        self.deeds -= 1;
        let (storage, known) = (self.host.storage(), self.known.clone());
        let is_default = |key: &&SecretStorageKey| Some(key.id()) == storage.default_key();
        let what = match known.iter().find(is_default) {
            Some(_) if self.dice.random_bool(0.5) => {
                change(&mut self.host, &known, |change| change.store(&secret(SELF_SIGNING, 40)));
                "stores a secret"
            }
            _ => {
                let body = json!({
                    "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
                    "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
                });
                self.host.ask("POST", "/room_keys/version", &body);
                "makes a backup"
            }
        };
        self.log.push(format!("the other device {what}"));
        self.did.push(what);
    }

    /// Works for a flow until it ends, from what was saved last after each crash.
    pub(super) fn run<F: Flow>(&mut self, begin: impl Fn(Option<&F::Saved>) -> F) -> F::Outcome {
        let (mut disk, mut flow) = (None, begin(None));
        for _ in 0..20_000 {
            match flow.next_with_rng(self.host.now, &mut self.host.rng) {
                Step::Save(_) if self.goes_wrong("crash before the state is saved", 0.1) => {
                    flow = begin(disk.as_ref());
                }
                Step::Save(saved) => {
                    disk = Some(*saved);
                    if self.goes_wrong("crash after the state is saved", 0.1) {
                        flow = begin(disk.as_ref());
                    } else {
                        flow.saved();
                    }
                }
                Step::Send(operation) => {
                    let url = BaseUrl::new("https://example.org").unwrap();
                    let request = operation.to_http(&url, &self.host.token).unwrap();
                    self.log.push(format!("{} {}", request.method(), request.uri().path()));
                    self.neighbour();
                    let answer = if self.goes_wrong("the request is lost", 0.05) {
                        None
                    } else if self.goes_wrong("the homeserver refuses", 0.05) {
                        Some(refusal(&mut self.dice))
                    } else {
                        let answer = self.host.send(&request);
                        let is_lost = self.goes_wrong("the answer is lost", 0.07);
                        if is_lost { None } else { answer }
                    };
                    if self.goes_wrong("crash before the answer is read", 0.03) {
                        flow = begin(disk.as_ref());
                    } else {
                        flow.answer(operation.id(), answer, self.host.now).unwrap();
                    }
                }
                Step::ReadAccountData => flow.account_data(self.host.account_data()),
                Step::Sign(id, key) => {
                    let signed = self.host.sign(key.bytes());
                    flow.signed(id, &[signed]).unwrap();
                }
                Step::ShowRecoveryKey(key) => {
                    self.host.shown.push(key.to_text().expose_str().to_owned());
                    flow.recovery_key_saved();
                }
                Step::NeedsToken { .. } => flow.resume(),
                Step::Wait(until) => {
                    assert!(!flow.waiting_for().is_empty(), "{self}: it waits in silence");
                    self.host.now = until.unwrap().max(self.host.now + 1);
                }
                Step::Done(outcome) => return *outcome,
                other => panic!("{self}: {other:?}"),
            }
        }
        panic!("{self}: it never ends: {flow:?}");
    }

    /// What the user's keys open under this name.
    fn opened(&mut self, name: &str) -> Option<SecretValue> {
        let mut keys = self.known.clone();
        let opened = self.host.storage().open(&name.into(), &mut keys, &PublicKeys::default());
        Some(opened.ok()?.value().ok()?.value)
    }
}

pub(super) fn restored(saved: &SavedBackup) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap()
}

#[test]
fn whatever_happens_what_is_missing_is_added_and_nothing_is_taken_away() {
    for seed in seeds() {
        let (mut life, machine) = Life::new(seed);
        let old = life.known[0].clone();
        let without_storage = life.dice.random_bool(0.5);
        let (saved, key) = if without_storage {
            for name in [MASTER, USER_SIGNING, BACKUP, "m.secret_storage.default_key"] {
                life.host.put_account_data(name, &json!({}));
            }
            let description = format!("m.secret_storage.key.{}", old.id().as_str());
            life.host.put_account_data(&description, &json!({}));
            let key = NewKey::generate_with_rng(None, &mut life.dice);
            life.known = vec![key.key().clone()];
            (machine, key)
        } else {
            life.host.ask("DELETE", "/room_keys/version/1", &json!({}));
            let storage = life.host.storage();
            let key = NewKey::resume(storage.key(old.id()).unwrap(), &old).unwrap();
            (life.host.backup().save(), key)
        };
        let note = SecretValue::kept_by_host(&NOTE.into(), b"a note").unwrap().value;
        let outcome = life.run(|disk| match disk {
            Some(disk) => {
                let (options, limits) = (BackupOptions::default(), Limits::default());
                SetUp::from_saved(disk, USER.into(), "PHONE".into(), options, limits).unwrap()
            }
            None => {
                let secrets = vec![note.clone()];
                SetUp::complete(restored(&saved), key.clone(), secrets, Limits::default())
            }
        });
        if !without_storage {
            assert_eq!(life.opened(MASTER), Some(secret(MASTER, 1)), "{life}");
            assert_eq!(life.opened(USER_SIGNING), Some(secret(USER_SIGNING, 3)), "{life}");
        }
        let storage = life.host.storage();
        let is_default = storage.default_key() == Some(key.id());
        assert!(
            !(without_storage && is_default && life.host.shown.is_empty()),
            "{life}: locked out"
        );
        match outcome {
            Ok(done) => {
                assert_eq!(life.opened(NOTE), Some(note), "{life}");
                let stored = life.opened(BACKUP).unwrap_or_else(|| panic!("{life}"));
                if life.did.is_empty() {
                    let key = done.backup.trusted().unwrap().public_key().as_curve25519();
                    assert!(stored.check_backup_key(key).is_ok(), "{life}");
                }
            }
            Err(error) => assert!(!life.did.is_empty(), "{life}: {error:?}"),
        }
    }
}

#[test]
fn whatever_happens_key_storage_is_turned_off_and_what_was_not_named_stays() {
    for seed in seeds() {
        let (mut life, machine) = Life::new(seed);
        let begin = |saved: &SavedBackup, versions: &[&str], names: &[&str]| {
            let versions: Vec<_> = versions.iter().map(|it| (*it).into()).collect();
            let names: Vec<SecretName> = names.iter().map(|it| (*it).into()).collect();
            TurnOff::new(restored(saved), &versions, &names, Limits::default())
        };
        let named = [MASTER, USER_SIGNING, BACKUP];
        let outcome = life.run(|disk| begin(disk.unwrap_or(&machine), &["1"], &named));
        let makes_backup = life.did.contains(&"makes a backup");
        let stores = life.did.contains(&"stores a secret");
        if stores {
            assert_eq!(life.opened(SELF_SIGNING), Some(secret(SELF_SIGNING, 40)), "{life}");
        }
        if makes_backup {
            let (status, _) = life.host.ask("GET", "/room_keys/version/2", &json!({}));
            assert_eq!(status, 200, "{life}");
        }
        let backup = match outcome {
            Ok(done) => done.backup,
            Err(FlowError::WouldLose { .. } | FlowError::OtherDevice) if !life.did.is_empty() => {
                restored(&machine)
            }
            Err(error) => panic!("{life}: {error:?}"),
        };
        // With everything named, all of it goes.
        life.deeds = 0;
        let saved = backup.save();
        let named = [MASTER, USER_SIGNING, BACKUP, SELF_SIGNING];
        let versions = ["1", "2", "3"];
        let outcome = life.run(|disk| begin(disk.unwrap_or(&saved), &versions, &named));
        let done = outcome.unwrap_or_else(|error| panic!("{life}: {error:?}"));
        assert_eq!((done.backup.stage(), done.left), (Stage::Off, None), "{life}");
        let storage = life.host.storage();
        let left = (storage.secrets().count(), storage.keys().count(), storage.default_key());
        assert_eq!(left, (0, 0, None), "{life}");
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "STRONGROOM_CHAOS_SEED={}", self.seed)
    }
}
