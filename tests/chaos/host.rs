//! The loop of a host, one step at a time.

use rand::{RngExt as _, rngs::StdRng};
use strongroom::{
    api::BaseUrl,
    backup::{BackupDecryptionKey, TrustError},
    client::backup::{Next, Question, Reply, TaskId},
    encoding::json_object::JsonObject,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_value::{MEGOLM_BACKUP_V1, SecretValue},
    signed_json::ToSign,
};

use crate::world::World;

impl World {
    /// One step of one device; `false` if it has nothing to do.
    pub(crate) fn step(&mut self, index: usize, rng: &mut StdRng) -> bool {
        let now = self.now(index);
        match self.devices[index].machine.next_with_rng(now, rng) {
            Next::Save(saved) => {
                if self.chance(rng, 1, 40) {
                    self.restart(index, "restarted before it had saved");
                    return true;
                }
                if self.chance(rng, 1, 60) {
                    // The secret part is written first.
                    self.devices[index].disk.secret = saved.secret;
                    self.restart(index, "restarted between the two parts");
                    return true;
                }
                self.devices[index].disk = *saved;
                if self.chance(rng, 1, 40) {
                    self.restart(index, "restarted after it had saved");
                } else {
                    self.devices[index].machine.saved();
                }
            }
            Next::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &self.devices[index].token).unwrap();
                let response = self.exchange(&request);
                self.devices[index].in_flight.push((operation.id(), response));
                if self.is_peace || rng.random_bool(0.7) {
                    self.answer(index, rng);
                }
            }
            Next::Want { version, count, .. } => {
                let offered = self.devices[index].unsent(&version, count);
                self.devices[index].machine.offer_with_rng(&offered, rng);
            }
            Next::Stored(id, version, tokens) => {
                if self.chance(rng, 1, 60) {
                    self.restart(index, "restarted before it had marked what is stored");
                    return true;
                }
                self.devices[index].mark(&version, &tokens);
                self.devices[index].machine.ack(id);
            }
            Next::Import(id, version, sessions) => {
                self.count("imported");
                for session in sessions {
                    let session = session.into_exported();
                    let options = Default::default();
                    self.devices[index].put(session, options, true, Some(version.clone()));
                }
                self.devices[index].machine.ack(id);
            }
            Next::NotStored(_, _, failures) => panic!("{failures:?}"),
            Next::Lost(_, version) => panic!("{version:?} has lost nothing"),
            Next::Fetched(..) => self.count("fetched"),
            Next::NeedsToken { .. } => {}
            Next::RefreshSigners => {}
            Next::NotCreated(_) => self.count("not created"),
            Next::NotDeleted(_) => self.count("not deleted"),
            Next::Withdrawn(..) => self.count("withdrawn"),
            Next::PreferenceNotSet { .. } => self.count("preference not set"),
            Next::Sign(id, key) => {
                let ToSign::BackupAuthData(auth_data) = &key else { panic!("{key:?}") };
                self.own_keys.insert(auth_data.public_key().to_base64());
                let signature = self.devices[index].sign(key.bytes());
                self.devices[index].machine.signed(id, &[signature]).unwrap();
            }
            Next::StoreSecret(secret) => self.write_secret(index, Some(&secret), rng),
            Next::DeleteSecret => self.write_secret(index, None, rng),
            Next::Ask(id, question) => {
                self.shown(index, &question);
                self.questions.push((index, id, *question));
                if self.is_peace || rng.random_bool(0.5) {
                    self.user_replies(rng);
                }
            }
            Next::Wait(until) => return !self.waits(index, until, rng),
            other => panic!("{other:?}"),
        }
        true
    }

    /// The user does not want a backup to be signed by this device that is not used on it.
    pub(crate) fn withdraws(&mut self, index: usize) {
        let key_id = self.devices[index].signer().key_id().clone();
        if self.devices[index].machine.withdraw_signatures(&[key_id]) {
            self.count("withdraws");
        }
    }

    /// A machine that wants to wait has a reason to.
    fn waits(&mut self, index: usize, until: Option<u64>, rng: &mut StdRng) -> bool {
        let now = self.now(index);
        if until.is_some_and(|until| until <= now) {
            let again = self.devices[index].machine.next_with_rng(now, rng);
            let Next::Wait(until) = again else {
                panic!("it could have done that at once: {again:?}");
            };
            assert!(until.is_none_or(|until| until > now), "it turns in circles");
        }
        true
    }

    /// The oldest answer arrives at a device.
    pub(crate) fn answer(&mut self, index: usize, rng: &mut StdRng) {
        let now = self.now(index);
        let device = &mut self.devices[index];
        if device.in_flight.is_empty() {
            return;
        }
        let which = rng.random_range(0..device.in_flight.len());
        let (id, response) = device.in_flight.remove(which);
        device.machine.answer(id, response, now).unwrap();
        if self.devices[index].machine.is_paused() {
            self.count("paused");
            self.devices[index].machine.resume();
        }
    }

    /// A user replies to one of the open questions.
    pub(crate) fn user_replies(&mut self, rng: &mut StdRng) {
        if self.questions.is_empty() {
            return;
        }
        let which = rng.random_range(0..self.questions.len());
        let (index, id, question) = self.questions.remove(which);
        if let Some(reply) = self.choose(index, &question, rng) {
            self.give_reply(index, id, &question, reply);
        }
    }

    fn give_reply(&mut self, index: usize, id: TaskId, question: &Question, reply: Reply) {
        let done = self.devices[index].machine.reply(id, reply);
        if done.is_ok() && reply == Reply::Stop {
            self.count("stopped");
            self.devices[index].has_stopped = true;
        }
        if done.is_ok() && matches!((question, reply), (Question::Changed { .. }, Reply::Use)) {
            self.count("used another backup");
        }
    }

    fn choose(&mut self, index: usize, question: &Question, rng: &mut StdRng) -> Option<Reply> {
        match question {
            Question::SetUp { .. } if self.is_peace => {
                self.is_creator(index).then_some(Reply::Create)
            }
            Question::SetUp { .. } => {
                [None, Some(Reply::Create), Some(Reply::Create)][rng.random_range(0..3)]
            }
            Question::Use { found, .. } | Question::Changed { found: Some(found), .. } => {
                let is_ours = found.problem.is_none();
                match (is_ours, self.is_peace) {
                    (true, true) => Some(Reply::Use),
                    (false, true) => {
                        let is_given_up = found.problem == Some(TrustError::Retired);
                        (is_given_up || self.is_creator(index)).then_some(Reply::Create)
                    }
                    (true, false) if rng.random_bool(0.9) => Some(Reply::Use),
                    (false, false) if rng.random_bool(0.3) => Some(Reply::Create),
                    (_, false) if rng.random_ratio(9, 10) => Some(Reply::Stop),
                    _ => None,
                }
            }
            Question::Changed { found: None, .. } => {
                let creates =
                    if self.is_peace { self.is_creator(index) } else { rng.random_bool(0.3) };
                creates.then_some(Reply::Create)
            }
            Question::SaveRecoveryKey { .. } => Some(Reply::Saved),
            Question::Restore { .. } => {
                let choices = [Reply::RestoreSession, Reply::RestoreRoom, Reply::RestoreEverything];
                Some(choices[rng.random_range(0..3)])
            }
            Question::DecryptionKey { public_key, .. } => {
                if let Some(key) = self.written_down.get(&public_key.to_base64()) {
                    let key = RecoveryKey::typed_by_user(key).unwrap();
                    let key = BackupDecryptionKey::from_recovery_key(key);
                    self.devices[index].machine.give_key(key);
                }
                None
            }
            other => panic!("{other:?}"),
        }
    }

    /// In peace the user makes a backup on one device, and the others find it.
    fn is_creator(&self, index: usize) -> bool {
        self.devices.iter().position(|device| !device.has_stopped) == Some(index)
    }

    /// The user looks at a question, and the world at what is shown.
    fn shown(&mut self, index: usize, question: &Question) {
        let Question::SaveRecoveryKey { public_key, recovery_key } = question else { return };
        let in_use = self.devices[index].machine.trusted().unwrap().clone();
        assert_eq!(in_use.public_key(), public_key);
        let key = BackupDecryptionKey::from_recovery_key(recovery_key.clone());
        assert_eq!(key.public_key(), public_key, "the key opens its backup");
        let created = self.public_key_of(in_use.version());
        if let Some(created) = created {
            assert_eq!(created, public_key.to_base64(), "and the backup is this one");
        }
        let text = recovery_key.to_text().expose_str().to_owned();
        self.written_down.insert(public_key.to_base64(), text);
    }

    fn write_secret(&mut self, index: usize, secret: Option<&SecretValue>, rng: &mut StdRng) {
        if self.chance(rng, 1, 5) {
            // The user has not unlocked the storage. The machine is told later that it can be written.
            self.unwritten.push(index);
            return;
        }
        self.storage = secret.map(|secret| {
            let text = secret.to_text();
            let read = SecretValue::read(&MEGOLM_BACKUP_V1.into(), text.expose_str().as_bytes());
            read.unwrap().value
        });
        let stored = self.storage.clone();
        self.devices[index].machine.secret_read_back(stored.as_ref()).unwrap();
    }

    /// The key in the secret storage, for a device that looks there.
    pub(crate) fn stored_key(&self) -> Option<BackupDecryptionKey> {
        let key = self.storage.as_ref()?.backup_key().unwrap();
        let bytes = SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes());
        Some(BackupDecryptionKey::from_authenticated_secret_storage(bytes.unwrap()))
    }

    /// The public key of a version on the server, past all faults.
    pub(crate) fn public_key_of(&mut self, version: &impl AsRef<str>) -> Option<String> {
        let body = self.ask_server("GET", &format!("/room_keys/version/{}", version.as_ref()))?;
        let info: serde_json::Value = serde_json::from_slice(&body).unwrap();
        JsonObject::from_json(&body).unwrap();
        Some(info["auth_data"]["public_key"].as_str()?.to_owned())
    }
}
