//! A host around a flow, whose network and disk fail when a test wants it.

use std::ops::Range;

use http::{Request, Response};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    client::{
        Backup,
        backup::{BackupOptions, Next, OfferedSession, Question, Reply},
        flow::{Flow as _, FlowError, SavedFlow, SetUp, SetUpDone, Step},
    },
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::{base64, json_object::JsonObject},
    homeserver::Homeserver,
    ids::{EventType, KeyId, SecretName},
    recovery_key::RecoveryKey,
    secret_storage::{NewKey, SecretStorage},
    secret_value::SecretValue,
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vodozemac::Ed25519SecretKey;

pub(crate) const USER: &str = "@alice:example.org";
pub(crate) const MASTER: &str = "m.cross_signing.master";
pub(crate) const BACKUP: &str = "m.megolm_backup.v1";

pub(crate) type Meddle = fn(&mut Host);

/// What goes wrong.
#[derive(Default)]
pub(crate) struct Trouble {
    /// The answer to this request is lost, counted from 0.
    pub(crate) lost_answer: Option<usize>,
    /// These requests are lost.
    pub(crate) lost_requests: Range<usize>,
    /// The host is restarted after it has written this state.
    pub(crate) restart_after: Option<usize>,
    /// The host is restarted before it has.
    pub(crate) restart_before: Option<usize>,
    /// Requests whose method and path begin like this are refused.
    pub(crate) forbidden: Option<&'static str>,
    /// Answers are late.
    pub(crate) is_slow: bool,
    /// Something that another client does before this request.
    pub(crate) meddle: Option<(usize, Meddle)>,
}

pub(crate) struct Host {
    pub(crate) homeserver: Homeserver,
    pub(crate) token: AccessToken,
    pub(crate) rng: StdRng,
    pub(crate) now: u64,
    pub(crate) trouble: Trouble,
    pub(crate) requests: Vec<String>,
    pub(crate) saves: usize,
    pub(crate) disk: Option<SavedFlow>,
    /// What was on the disk at some moment.
    pub(crate) disk_then: Option<SavedFlow>,
    pub(crate) shown: Vec<String>,
    signing: Ed25519SecretKey,
}

impl Host {
    pub(crate) fn new() -> Self {
        let mut homeserver = Homeserver::new();
        let token = AccessToken::from(homeserver.log_in(USER, "PHONE").as_str());
        Self {
            homeserver,
            token,
            rng: StdRng::seed_from_u64(7),
            now: 1_700_000_000_000,
            trouble: Trouble::default(),
            requests: Vec::new(),
            saves: 0,
            disk: None,
            disk_then: None,
            shown: Vec::new(),
            signing: Ed25519SecretKey::from_slice(&[5; 32]),
        }
    }

    pub(crate) fn backup(&self) -> Backup {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        Backup::new(USER.into(), "PHONE".into(), options, limits)
    }

    /// Works for a flow until it ends.
    pub(crate) fn set_up(&mut self, mut flow: SetUp) -> Result<SetUpDone, FlowError> {
        for _ in 0..10_000 {
            let next = flow.next_with_rng(self.now, &mut self.rng);
            match next {
                Step::Save(saved) => {
                    let number = self.saves;
                    self.saves += 1;
                    if self.trouble.restart_before == Some(number) && self.disk.is_some() {
                        flow = self.restored();
                        continue;
                    }
                    self.disk = Some(*saved);
                    if self.trouble.restart_after == Some(number) {
                        flow = self.restored();
                    } else {
                        flow.saved();
                    }
                }
                Step::Send(operation) => {
                    let url = BaseUrl::new("https://example.org").unwrap();
                    let request = operation.to_http(&url, &self.token).unwrap();
                    let answer = self.send(&request);
                    flow.answer(operation.id(), answer, self.now).unwrap();
                }
                Step::ReadAccountData => flow.account_data(self.account_data()),
                Step::Sign(id, key) => {
                    let signed = self.sign(key.bytes());
                    flow.signed(id, &[signed]).unwrap();
                }
                Step::ShowRecoveryKey(key) => {
                    self.shown.push(key.to_text().expose_str().to_owned());
                    flow.recovery_key_saved();
                }
                Step::Wait(until) => self.now = until.unwrap().max(self.now + 1),
                Step::Done(outcome) => {
                    // Whoever fails gives the machine back.
                    assert_eq!(flow.into_backup().is_some(), outcome.is_err());
                    return *outcome;
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("it never ends: {flow:?}");
    }

    fn restored(&self) -> SetUp {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let saved = self.disk.as_ref().unwrap();
        SetUp::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap()
    }

    pub(crate) fn send(&mut self, request: &Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        let number = self.requests.len();
        let path = request.uri().path_and_query().unwrap().as_str();
        let path = path.trim_start_matches("/_matrix/client/v3");
        self.requests.push(format!("{} {path}", request.method()));
        if let Some((when, meddle)) = self.trouble.meddle
            && when == number
        {
            meddle(self);
        }
        if self.trouble.lost_requests.contains(&number) {
            return None;
        }
        if self.trouble.forbidden.is_some_and(|it| self.requests[number].starts_with(it)) {
            let body = br#"{"errcode":"M_FORBIDDEN","error":"no"}"#.to_vec();
            return Some(Response::builder().status(403).body(body).unwrap());
        }
        let response = self.homeserver.respond(request);
        if self.trouble.lost_answer == Some(number) { None } else { Some(response) }
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> (KeyId, Ed25519Signature) {
        let signature = self.signing.sign(bytes).to_base64();
        (KeyId::new("ed25519:PHONE"), Ed25519Signature::from_base64(&signature).unwrap())
    }

    /// The key that signs.
    pub(crate) fn public_key(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::from_base64(&self.signing.public_key().to_base64()).unwrap()
    }

    /// The content of one of its events.
    pub(crate) fn content(&self, event_type: &str) -> Value {
        let events = self.account_data();
        let event = events.iter().find(|(it, _)| it.as_str() == event_type);
        serde_json::from_slice(event.unwrap().1.as_bytes()).unwrap()
    }

    /// What a `/sync` of the host has by now.
    pub(crate) fn account_data(&self) -> Vec<(EventType, JsonObject)> {
        self.homeserver.account_data(&USER.into())
    }

    pub(crate) fn storage(&mut self) -> SecretStorage {
        let events = self.account_data();
        let events = events.iter().map(|(event_type, content)| (event_type, content));
        SecretStorage::from_account_data(events, &Limits::default())
    }

    /// What the homeserver says, past the flow.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = self.homeserver.log_in(USER, "OBSERVER");
        let request = Request::builder()
            .method(method)
            .uri(format!("https://example.org/_matrix/client/v3{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .body(body.to_string().into_bytes())
            .unwrap();
        let response = self.homeserver.respond(&request);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    pub(crate) fn put_account_data(&mut self, event_type: &str, content: &Value) {
        let path = format!("/user/%40alice%3Aexample.org/account_data/{event_type}");
        assert_eq!(self.ask("PUT", &path, content).0, 200);
    }

    /// The number of the newest version that was ever made.
    pub(crate) fn versions(&mut self) -> usize {
        (1..20)
            .filter(|n| self.ask("GET", &format!("/room_keys/version/{n}"), &json!({})).0 == 200)
            .count()
    }

    /// Lets the machine upload so many sessions, which the user then loses with the device.
    pub(crate) fn upload(&mut self, backup: &mut Backup, count: usize) -> Vec<ExportedSession> {
        let sessions: Vec<_> = (0..count).map(|_| self.session()).collect();
        backup.new_sessions();
        let mut left = sessions.clone();
        for _ in 0..1_000 {
            match backup.next_with_rng(self.now, &mut self.rng) {
                Next::Save(_) => backup.saved(),
                Next::Send(operation) => {
                    let url = BaseUrl::new("https://example.org").unwrap();
                    let request = operation.to_http(&url, &self.token).unwrap();
                    let answer = self.send(&request);
                    backup.answer(operation.id(), answer, self.now).unwrap();
                }
                Next::Want { .. } => {
                    let offered = std::mem::take(&mut left).into_iter().enumerate();
                    let offered = offered.map(|(number, session)| OfferedSession {
                        token: number as u64,
                        session,
                        options: Default::default(),
                        is_imported: false,
                    });
                    backup.offer_with_rng(&offered.collect::<Vec<_>>(), &mut self.rng);
                }
                Next::Stored(id, _, tokens) => {
                    backup.ack(id);
                    assert_eq!(tokens.len(), count);
                    return sessions;
                }
                Next::Ask(id, question) => match *question {
                    Question::SaveRecoveryKey { .. } => panic!("it was saved with the storage"),
                    Question::SetUp { .. } => backup.reply(id, Reply::Create).unwrap(),
                    _ => {}
                },
                Next::Wait(until) => self.now = until.unwrap(),
                other => panic!("{other:?}"),
            }
        }
        panic!("nothing is stored");
    }

    pub(crate) fn session(&mut self) -> ExportedSession {
        let mut bytes = vec![1, 0, 0, 0, 0];
        bytes.extend_from_slice(&self.rng.random::<[u8; 32]>().repeat(4));
        let id = Ed25519SecretKey::from_slice(&self.rng.random()).public_key();
        bytes.extend_from_slice(id.as_bytes());
        let session = SessionData::of_unknown_sender(SessionKey::from_bytes(&bytes).unwrap());
        ExportedSession { room_id: "!room:example.org".into(), session }
    }
}

pub(crate) fn secret(name: &str, byte: u8) -> SecretValue {
    let text = base64::encode(&[byte; 32]);
    SecretValue::kept_by_host(&SecretName::from(name), text.as_bytes()).unwrap().value
}

pub(crate) fn new_key() -> NewKey {
    NewKey::generate(None).unwrap()
}

pub(crate) fn recovery_key(key: &NewKey) -> RecoveryKey {
    key.to_recovery_key().unwrap()
}
