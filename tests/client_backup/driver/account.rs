//! What the user, another client and the homeserver do around the host.

use http::Request;
use rand::RngExt as _;
use serde_json::{Value, json};
use strongroom::{
    backup::BackupDecryptionKey,
    client::backup::{KeyFit, OfferedSession, Question, Reply, Stage},
    provenance::Provenance,
    secret::SecretBytes,
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vodozemac::Ed25519SecretKey;

use super::Driver;
use crate::asserted::Asserted as _;

impl Driver {
    /// The one question that is open.
    #[track_caller]
    pub(crate) fn question(&self) -> Question {
        let open: Vec<_> = self.machine.open_questions().collect();
        assert_eq!(open.len(), 1, "{open:?}");
        open[0].1.clone()
    }

    /// Replies to the question that takes this reply, and goes on.
    #[track_caller]
    pub(crate) fn reply(&mut self, reply: Reply) {
        let open: Vec<_> = self.machine.open_questions().map(|(id, _)| id).collect();
        let taken = open.iter().any(|id| self.machine.reply(*id, reply).is_ok());
        assert!(taken, "no question takes {reply:?}: {:?}", self.asked);
        self.run();
    }

    /// Sets a backup up, and saves its recovery key.
    pub(crate) fn set_up(&mut self) {
        self.run();
        self.reply(Reply::Create);
        self.reply(Reply::Saved);
        assert_eq!(self.machine.stage(), Stage::Running);
    }

    /// A new session of this device.
    pub(crate) fn has_session(&mut self) -> ExportedSession {
        let session = self.session();
        self.has(session.clone(), false);
        session
    }

    pub(crate) fn has(&mut self, session: ExportedSession, is_imported: bool) -> u64 {
        let token = self.store.len() as u64;
        let options = Default::default();
        let offered = OfferedSession { token, session, options, is_imported };
        self.store.insert(token, (offered, None));
        self.machine.new_sessions();
        token
    }

    pub(crate) fn session(&mut self) -> ExportedSession {
        let mut bytes = vec![1, 0, 0, 0, 0];
        bytes.extend_from_slice(&self.rng.random::<[u8; 32]>().repeat(4));
        let id = Ed25519SecretKey::from_slice(&self.rng.random()).public_key();
        bytes.extend_from_slice(id.as_bytes());
        let session = SessionData::of_unknown_sender(SessionKey::from_bytes(&bytes).unwrap());
        ExportedSession { room_id: "!room".into(), session }
    }

    /// The requests that were sent, since they were looked at last.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter().map(|(line, _)| line).collect()
    }

    /// What the homeserver says, past the machine.
    pub(crate) fn ask_server(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://example.org/_matrix/client/v3{path}"))
            .header("Authorization", format!("Bearer {}", self.token))
            .body(body.to_string().into_bytes())
            .unwrap();
        let response = self.homeserver.respond(&request);
        let status = response.status().as_u16();
        (status, serde_json::from_slice(response.body()).unwrap_or_default())
    }

    /// Somebody else makes a backup version with this public key, which nobody signed.
    pub(crate) fn plant(&mut self, public_key: &str) -> String {
        let body = json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": { "public_key": public_key },
        });
        let (status, answer) = self.ask_server("POST", "/room_keys/version", &body);
        assert_eq!(status, 200);
        answer["version"].as_str().unwrap().to_owned()
    }

    /// The decryption key that the machine was given.
    pub(crate) fn machine_key(&self) -> BackupDecryptionKey {
        self.given.clone().unwrap()
    }

    pub(crate) fn give_key(&mut self, key: BackupDecryptionKey) -> KeyFit {
        self.given = Some(key.clone());
        self.machine.give_key(key)
    }

    /// The decryption key of the backup in use, as it went to the secret storage.
    pub(crate) fn stored_key(&self, source: Provenance) -> BackupDecryptionKey {
        let Some(Some(secret)) = self.secrets.last() else { panic!("none was stored") };
        BackupDecryptionKey::asserted_base64(secret.to_text().expose_str(), source).unwrap()
    }
}

pub(crate) fn somebody_elses_key(byte: u8) -> BackupDecryptionKey {
    let bytes = SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
    BackupDecryptionKey::typed_by_user(bytes)
}

pub(crate) fn only_version(sent: &[String]) -> bool {
    sent.iter().all(|line| line == "GET /room_keys/version")
}
