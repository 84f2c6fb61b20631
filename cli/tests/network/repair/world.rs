//! Accounts in which something does not fit, and what of them can be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::Path,
    sync::OnceLock,
};

use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::PutRoomKeys,
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, SealOptions, SessionSealer,
        TrustedBackup, restore_all,
    },
    encoding::json_object::JsonObject,
    homeserver::Homeserver,
    ids::EventType,
    recovery_key::RecoveryKey,
    secret_storage::{Change, ChangeError, NewKey, SecretStorage, SecretStorageKey},
    secret_value::{PublicKeys, SecretValue},
    session_data::{ExportedSession, SessionKey},
};
use vodozemac::megolm::{ExportedSessionKey, InboundGroupSession, SessionConfig};

use crate::{
    account::{Account, PASSWORD},
    kit::{Folder, fixture, run},
    server::Server,
};

pub(crate) const BACKUP: &str = "m.megolm_backup.v1";

/// An account, and what its owner has.
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) login: String,
    /// The files with what they know.
    keys: Vec<String>,
}

/// A version, and its key.
pub(crate) struct Info(pub(crate) BackupDecryptionKey, pub(crate) BackupVersionInfo);

impl Info {
    /// Sessions as they are put into the version.
    pub(crate) fn sealed(&self, sessions: &[ExportedSession], is_verified: bool) -> Value {
        let Self(key, info) = self;
        let backup = TrustedBackup::by_decryption_key(info, &typed(key), &[]).unwrap();
        let mut options = SealOptions::default();
        options.is_verified = is_verified;
        let sessions: Vec<_> =
            sessions.iter().map(|it| (&it.room_id, &it.session, options)).collect();
        let sealed = SessionSealer::new(&backup).seal(&sessions).unwrap();
        let put = PutRoomKeys::new(&backup, sealed).unwrap().request();
        serde_json::from_slice(put.body()).unwrap()
    }
}

/// Sessions by ID, with their keys.
pub(crate) type Sessions = BTreeMap<String, String>;

impl World {
    pub(crate) fn new(name: &str) -> Self {
        Self::of(name, "@alice:example.org")
    }

    pub(crate) fn of(name: &str, user: &str) -> Self {
        let mut homeserver = Homeserver::new();
        homeserver.add_user(user, PASSWORD);
        let token = homeserver.log_in(user, "CLIENT");
        let folder = Folder::new(&format!("repair-{name}"));
        let server = Server::start(homeserver);
        let login = json!({
            "homeserver": server.url(), "user_id": user, "device_id": "CLIENT", "access_token": &token,
        });
        let login = folder.write("login.json", login.to_string().as_bytes());
        let account = Account { server, folder, user: user.to_owned(), token };
        Self { account, login, keys: Vec::new() }
    }

    /// A key storage with these keys of backups in it, whose recovery key the owner has.
    pub(crate) fn with_storage(mut self, secrets: &[(&str, &BackupDecryptionKey)]) -> Self {
        let key = NewKey::generate(None).unwrap();
        self.change(&[], |change| change.create(&key));
        self.knows(&key.to_recovery_key().unwrap());
        secrets.iter().for_each(|(name, key)| self.store(name, key));
        self
    }

    /// Stores the key of a backup.
    pub(crate) fn store(&self, name: &str, key: &BackupDecryptionKey) {
        let storage = SecretStorage::from_account_data(self.account_data(), &Limits::default());
        let texts = self.texts("");
        let unlocked = texts.iter().filter_map(|text| {
            storage.unlock(text, &PublicKeys::default(), &Limits::default()).ok()
        });
        let keys: Vec<_> = unlocked.flat_map(|unlocked| unlocked.keys).collect();
        let text = key.to_base64();
        let value = SecretValue::kept_by_host(&name.into(), text.expose_str().as_bytes());
        self.change(&keys, |change| change.store(&value.unwrap().value));
    }

    fn change(
        &self,
        keys: &[SecretStorageKey],
        change: impl FnOnce(&mut Change<'_>) -> Result<(), ChangeError>,
    ) {
        let storage = SecretStorage::from_account_data(self.account_data(), &Limits::default());
        for step in storage.plan(keys, &Limits::default(), change).unwrap().steps() {
            self.put(step.event_type.as_str(), &parsed(&step.content));
        }
    }

    /// A key storage with the key of a backup under the name that it had in a draft, under which nothing here writes.
    pub(crate) fn with_draft(name: &str) -> (Self, BackupDecryptionKey) {
        let mut world = Self::new(name);
        world.put("m.secret_storage.default_key", &json!({ "key": "key" }));
        let description = json!({
            "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
            "iv": "gxN3MgRlAvMn6ZVkgX4dmg",
            "mac": "ND+qGt/34ONuCSaFPWRobgiwktTrSZTlLEMkrKYzGzQ",
        });
        world.put("m.secret_storage.key.key", &description);
        let entry = json!({
            "iv": "Pa1T+92QBudsW/kPSgysWQ",
            "ciphertext": "cCbirQDP1iqHmUA3ax0PS0ODvdGwEoVvHIKkVrt6fj+29TPYoQPMyEVLlQ",
            "mac": "utoRg4OD1Ucq0Tc/ZRlNGhrIBlVX6FdzcEqmdVujmuY",
        });
        world.put("m.megolm_backup.v1.recovery_key", &json!({ "encrypted": { "key": entry } }));
        let text = "EsTb ZLfa G715 w1Si CH48 q6Ch Cq53 bQmi dXH8 xHJW cLjY E9rn";
        world.knows(&RecoveryKey::typed_by_user(text).unwrap());
        let stored = world.stored("").into_iter().next().unwrap();
        (world, BackupDecryptionKey::from_base64(&stored).unwrap())
    }

    /// An account of that time, and the key of a backup that is stored in it.
    pub(crate) fn of_2019(name: &str, row: usize) -> (Self, BackupDecryptionKey) {
        let path = "/../tests/vectors/legacy-ssss/bootstrap.json";
        let bytes = fs::read(env!("CARGO_MANIFEST_DIR").to_owned() + path).unwrap();
        let file: Value = serde_json::from_slice(&bytes).unwrap();
        let row = &file["vectors"][row];
        let mut world = Self::of(name, row["user_id"].as_str().unwrap());
        for (event_type, content) in row["account_data"].as_object().unwrap() {
            world.put(event_type, content);
        }
        let key = RecoveryKey::typed_by_user(row["recovery_key"].as_str().unwrap()).unwrap();
        world.knows(&key);
        let opened = world.opened("");
        let (_, stored) = opened.iter().find(|(name, _)| name == BACKUP).unwrap();
        (world, BackupDecryptionKey::from_base64(stored).unwrap())
    }

    /// The owner has this, too.
    pub(crate) fn knows(&mut self, key: &RecoveryKey) {
        let name = format!("key{}.txt", self.keys.len());
        let text = key.to_text();
        self.keys.push(self.account.folder.write(&name, text.expose_str().as_bytes()));
    }

    pub(crate) fn and_knows(mut self, key: &BackupDecryptionKey) -> Self {
        self.knows(&key.to_recovery_key());
        self
    }

    /// A version with these sessions of the fixture.
    pub(crate) fn with_version(self, key: &BackupDecryptionKey, sessions: Range<usize>) -> Self {
        let version = self.create_version(key);
        self.with_sessions(version.version().as_str(), key, sessions)
    }

    /// The same in a version that is there, whatever its key is.
    pub(crate) fn with_sessions(
        self,
        version: &str,
        key: &BackupDecryptionKey,
        sessions: Range<usize>,
    ) -> Self {
        let info = Info(key.clone(), info(version, key));
        self.put_sessions(version.parse().unwrap(), &info, &exported()[sessions], false);
        self
    }

    /// Puts sessions into a version, sealed to the key of this one or of another.
    pub(crate) fn put_sessions(
        &self,
        version: u32,
        sealed_for: &Info,
        sessions: &[ExportedSession],
        is_verified: bool,
    ) {
        let body = sealed_for.sealed(sessions, is_verified);
        self.account.put(&format!("room_keys/keys?version={version}"), &body);
    }

    /// A version with nothing in it.
    pub(crate) fn create_version(&self, key: &BackupDecryptionKey) -> BackupVersionInfo {
        let Account { server, token, .. } = &self.account;
        let body: Value = serde_json::from_str(&described(key)).unwrap();
        let made = server.send(Method::POST, "room_keys/version", token, &body);
        info(made["version"].as_str().unwrap(), key)
    }

    pub(crate) fn send(&self, method: Method, path: &str) -> Value {
        self.account.server.send(method, path, &self.account.token, &Value::Null)
    }

    pub(crate) fn put(&self, event_type: &str, content: &Value) {
        self.account.put(&format!("user/{}/account_data/{event_type}", self.account.user), content);
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.account.file(name)
    }

    /// Plans a repair.
    pub(crate) fn repair(&self, to: &str, more: &[&str]) -> (i32, String, String) {
        let mut arguments = vec!["repair", "--login", &self.login, "--to", to];
        self.keys.iter().for_each(|key| arguments.extend(["--recovery-key-file", key]));
        run(&[&arguments, more].concat(), None)
    }

    pub(crate) fn apply(&self, folder: &str) -> (i32, String, String) {
        run(&["apply", folder, "--login", &self.login, "--yes"], None)
    }

    /// Every session that opens, whichever version it is in, with what the owner knows and what lies in a folder.
    pub(crate) fn readable(&self, folder: &str) -> Sessions {
        let keys = self.backup_keys(folder);
        let mut sessions = Sessions::new();
        for version in (1..=self.current()).filter(|version| self.has(*version)) {
            sessions.extend(self.sessions_of(version, &keys));
        }
        sessions
    }

    /// Every session of the current version that opens with the key in the key storage.
    pub(crate) fn restored(&self, folder: &str) -> Sessions {
        let stored = self.opened(folder);
        // An old key of the storage may open what was there before.
        let key = stored.iter().filter(|(name, _)| name == BACKUP);
        let keys = key.filter_map(|(_, text)| BackupDecryptionKey::from_base64(text).ok());
        self.sessions_of(self.current(), &keys.collect::<Vec<_>>())
    }

    /// The values of what is stored and opens; padded or not, a key is the same.
    pub(crate) fn stored(&self, folder: &str) -> BTreeSet<String> {
        let opened = self.opened(folder).into_iter();
        opened.map(|(_, text)| text.trim_end_matches('=').to_owned()).collect()
    }

    fn opened(&self, folder: &str) -> BTreeSet<(String, String)> {
        let storage = SecretStorage::from_account_data(self.account_data(), &Limits::default());
        let mut stored = BTreeSet::new();
        for text in self.texts(folder) {
            let unlocked = storage.unlock(&text, &PublicKeys::default(), &Limits::default());
            let Ok(mut unlocked) = unlocked else { continue };
            for verdict in storage.open_all(&mut unlocked.keys, &PublicKeys::default()) {
                if let Ok(opened) = verdict.outcome {
                    stored.insert((
                        verdict.name.as_str().to_owned(),
                        opened.text().expose_str().to_owned(),
                    ));
                }
            }
        }
        stored
    }

    pub(crate) fn account_data(&self) -> Vec<(EventType, JsonObject)> {
        let sync = self.send(Method::GET, "sync");
        let events = sync["account_data"]["events"].as_array().unwrap().iter();
        let events = events.map(|event| {
            let content = event["content"].to_string();
            let content = JsonObject::from_json(content.as_bytes()).unwrap();
            (event["type"].as_str().unwrap().into(), content)
        });
        events.collect()
    }

    /// Whether a version is there yet.
    fn has(&self, version: u32) -> bool {
        let path = format!("https://example.org/_matrix/client/v3/room_keys/version/{version}");
        let token = format!("Bearer {}", self.account.token);
        let request = Request::get(path).header("Authorization", token).body(Vec::new()).unwrap();
        self.account.server.homeserver().respond(&request).status().is_success()
    }

    pub(crate) fn current(&self) -> u32 {
        let info = self.send(Method::GET, "room_keys/version");
        info["version"].as_str().unwrap().parse().unwrap()
    }

    fn sessions_of(&self, version: u32, keys: &[BackupDecryptionKey]) -> Sessions {
        let path = format!("room_keys/keys?version={version}");
        let body = self.send(Method::GET, &path).to_string();
        let opened = keys.iter().flat_map(|key| restore_all(key, body.as_bytes()).0);
        let opened = opened.map(|session| identity(session.exported()));
        opened.collect()
    }

    /// All keys of backups.
    fn backup_keys(&self, folder: &str) -> Vec<BackupDecryptionKey> {
        let typed = self.texts(folder).into_iter().filter_map(|text| {
            Some(BackupDecryptionKey::from_recovery_key(RecoveryKey::typed_by_user(&text).ok()?))
        });
        let stored = self.stored(folder).into_iter();
        let stored = stored.filter_map(|text| BackupDecryptionKey::from_base64(&text).ok());
        typed.chain(stored).collect()
    }

    fn texts(&self, folder: &str) -> Vec<String> {
        let inside = ["recovery_key.txt", "backup_key.txt"];
        let inside = inside.iter().map(|name| Path::new(folder).join(name));
        let files = self.keys.iter().map(Into::into).chain(inside);
        files.filter_map(|path| fs::read_to_string(path).ok()).collect()
    }
}

pub(crate) fn key() -> BackupDecryptionKey {
    BackupDecryptionKey::generate().unwrap()
}

/// A version with this key, as it is made.
fn described(key: &BackupDecryptionKey) -> String {
    let auth_data = AuthData::new(key.public_key());
    let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
    format!(r#"{{"algorithm":"{algorithm}","auth_data":{}}}"#, auth_data.as_json())
}

fn info(version: &str, key: &BackupDecryptionKey) -> BackupVersionInfo {
    let mut info: Value = serde_json::from_str(&described(key)).unwrap();
    info["version"] = json!(version);
    let info = info.to_string();
    BackupVersionInfo::from_json(info.as_bytes(), &Limits::default()).unwrap()
}

fn typed(key: &BackupDecryptionKey) -> BackupDecryptionKey {
    let text = key.to_recovery_key().to_text();
    let key = RecoveryKey::typed_by_user(text.expose_str()).unwrap();
    BackupDecryptionKey::from_recovery_key(key)
}

pub(crate) fn parsed(content: &JsonObject) -> Value {
    serde_json::from_str(content.as_str()).unwrap()
}

fn identity(exported: &ExportedSession) -> (String, String) {
    let key = exported.session.session_key().to_base64();
    (exported.session_id().as_str().to_owned(), key.expose_str().to_owned())
}

/// Sessions of a real client.
pub(crate) fn exported() -> &'static [ExportedSession] {
    static ALL: OnceLock<Vec<ExportedSession>> = OnceLock::new();
    ALL.get_or_init(|| {
        let fixture = fixture("random");
        let sessions = fixture["exported_room_keys"].as_array().unwrap().iter();
        let read = |it: &Value| ExportedSession::from_json(it.to_string().as_bytes());
        sessions.map(|it| read(it).unwrap().value).collect()
    })
}

/// A copy that opens fewer messages.
pub(crate) fn beginning_at(session: &ExportedSession, index: u32) -> ExportedSession {
    let key = session.session.session_key().to_base64();
    let key = ExportedSessionKey::from_base64(key.expose_str()).unwrap();
    let mut session_of = InboundGroupSession::import(&key, SessionConfig::version_1());
    with_key(session, &session_of.export_at(index).unwrap().to_base64())
}

/// What has the ID of a session, and is none.
pub(crate) fn of_another_ratchet(session: &ExportedSession) -> ExportedSession {
    let mut bytes = *session.session.session_key().expose_bytes();
    bytes[5..133].fill(7);
    with_key(session, SessionKey::from_bytes(&bytes).unwrap().to_base64().expose_str())
}

fn with_key(session: &ExportedSession, key: &str) -> ExportedSession {
    let mut json: Value =
        serde_json::from_slice(session.to_json().unwrap().expose_bytes()).unwrap();
    json["session_key"] = key.into();
    ExportedSession::from_json(json.to_string().as_bytes()).unwrap().value
}
