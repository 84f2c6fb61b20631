//! A host that does what its machine wants, and remembers all of it.
#![allow(dead_code, reason = "each test includes it and uses a part")]

mod account;
mod lies;

use std::collections::{BTreeMap, VecDeque};

use http::{Request, Response};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    backup::{BackupDecryptionKey, RestoreReport},
    client::{
        RequestFailure,
        backup::{
            AnswerError, Backup, BackupOptions, Next, NotStored, OfferedSession, Operation,
            Question, SavedBackup, Scope, TaskId,
        },
        flow::FlowError,
    },
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    homeserver::Homeserver,
    ids::{BackupVersion, KeyId},
    secret_value::SecretValue,
    session_data::ExportedSession,
    signed_json::TrustedSigner,
};
use vodozemac::Ed25519SecretKey;

#[allow(unused_imports, reason = "each test uses a part")]
pub(crate) use self::{
    account::{only_version, somebody_elses_key},
    lies::{Lie, Lied, lie_about, response},
};

pub(crate) const USER: &str = "@alice:example.org";

pub(crate) struct Driver {
    user: String,
    pub(crate) machine: Backup,
    pub(crate) homeserver: Homeserver,
    pub(crate) token: String,
    pub(crate) now: u64,
    pub(crate) rng: StdRng,
    signing: Ed25519SecretKey,
    /// What the host has to upload, with the version in which it is stored.
    pub(crate) store: BTreeMap<u64, (OfferedSession, Option<BackupVersion>)>,
    pub(crate) imported: Vec<ExportedSession>,
    pub(crate) fetched: Vec<(Scope, Result<Box<RestoreReport>, RequestFailure>)>,
    pub(crate) not_stored: Vec<(u64, NotStored)>,
    pub(crate) upload_refused: usize,
    pub(crate) signers_asked: usize,
    pub(crate) not_created: Vec<FlowError>,
    pub(crate) not_deleted: usize,
    pub(crate) withdrawn: Vec<Result<(), RequestFailure>>,
    /// How many times the homeserver has lost sessions.
    pub(crate) lost: usize,
    /// What the homeserver did not take, and whether it refused it.
    pub(crate) preference_not_set: Vec<(bool, bool)>,
    pub(crate) needs_token: Vec<bool>,
    /// What was to be stored, or nothing where it was to be deleted.
    pub(crate) secrets: Vec<Option<SecretValue>>,
    pub(crate) asked: VecDeque<(TaskId, Question)>,
    /// Method and path of each request, with its body.
    pub(crate) sent: Vec<(String, Value)>,
    pub(crate) saves: usize,
    pub(crate) disk: SavedBackup,
    pub(crate) lie: Option<Lie>,
    given: Option<BackupDecryptionKey>,
    /// Whether the secret storage takes what it is given.
    pub(crate) has_storage: bool,
    pub(crate) until: Option<u64>,
    /// Requests whose end the host never tells.
    held: Vec<Operation>,
    /// Answers that come later.
    late: VecDeque<(u64, TaskId, Answer)>,
}

type Answer = Option<Response<Vec<u8>>>;

/// What the host tells of a request.
enum Sent {
    Answered(Answer),
    Never,
    Late(Answer),
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self::on(Homeserver::new(), "PHONE", 1)
    }

    /// Another device of the same user.
    pub(crate) fn on(mut homeserver: Homeserver, device: &str, seed: u64) -> Self {
        let token = homeserver.log_in(USER, device);
        Self::of(USER, device, token, homeserver, seed)
    }

    /// A device of any user, whose homeserver may be reached by a [`Lie`] that tells the truth.
    pub(crate) fn of(
        user: &str,
        device: &str,
        token: String,
        homeserver: Homeserver,
        seed: u64,
    ) -> Self {
        let machine =
            Backup::new(user.into(), device.into(), BackupOptions::default(), Limits::default());
        let mut rng = StdRng::seed_from_u64(seed);
        Self {
            disk: machine.save(),
            user: user.to_owned(),
            machine,
            homeserver,
            token,
            now: 1_700_000_000_000,
            signing: Ed25519SecretKey::from_slice(&rng.random()),
            rng,
            store: BTreeMap::new(),
            imported: Vec::new(),
            fetched: Vec::new(),
            not_stored: Vec::new(),
            upload_refused: 0,
            signers_asked: 0,
            not_created: Vec::new(),
            not_deleted: 0,
            withdrawn: Vec::new(),
            lost: 0,
            preference_not_set: Vec::new(),
            needs_token: Vec::new(),
            secrets: Vec::new(),
            asked: VecDeque::new(),
            sent: Vec::new(),
            saves: 0,
            lie: None,
            given: None,
            has_storage: true,
            until: None,
            held: Vec::new(),
            late: VecDeque::new(),
        }
    }

    pub(crate) fn signer(&self) -> TrustedSigner {
        let key = self.signing.public_key().to_base64();
        let key = Ed25519PublicKey::from_base64(&key).unwrap();
        TrustedSigner::new(KeyId::new("ed25519:SIGNER"), key)
    }

    /// Does what the machine wants until it waits.
    pub(crate) fn run(&mut self) {
        for _ in 0..10_000 {
            let next = self.machine.next_with_rng(self.now, &mut self.rng);
            if let Next::Wait(until) = next {
                self.until = until;
                return;
            }
            self.work(next);
        }
        panic!("it never waits");
    }

    /// The machine is lost with everything that was not written.
    pub(crate) fn restart(&mut self) {
        self.restart_as("PHONE");
    }

    pub(crate) fn restart_as(&mut self, device: &str) {
        self.reload(device);
        self.run();
    }

    /// The state as it was written, before anything is done with it.
    pub(crate) fn reload(&mut self, device: &str) {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let user = self.user.as_str().into();
        let restored = Backup::from_saved(&self.disk, user, device.into(), options, limits);
        self.machine = restored.unwrap();
        self.asked.clear();
    }

    /// Lets time pass, and goes on.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.run();
    }

    /// Goes from wait to wait for so long.
    pub(crate) fn live(&mut self, ms: u64) {
        let end = self.now + ms;
        self.hear();
        self.run();
        while let Some(until) = self.next_moment().filter(|until| *until <= end) {
            assert!(until > self.now, "it turns in circles");
            self.now = until;
            self.hear();
            self.run();
        }
        self.now = end;
    }

    /// The host's clock jumps; what is on its way takes as long as before.
    pub(crate) fn clock_jumps(&mut self, by_ms: i64) {
        self.now = self.now.saturating_add_signed(by_ms);
        self.late.iter_mut().for_each(|(at, ..)| *at = at.saturating_add_signed(by_ms));
    }

    /// When the machine wants something, or an answer comes.
    fn next_moment(&self) -> Option<u64> {
        let late = self.late.front().map(|(at, ..)| *at);
        [self.until, late].into_iter().flatten().min()
    }

    /// The answers that are late come.
    fn hear(&mut self) {
        while self.late.front().is_some_and(|(at, ..)| *at <= self.now) {
            self.late.pop_front().into_iter().for_each(|(_, id, answer)| self.answer(id, answer));
        }
    }

    /// Each answer comes twice, and the second is one to nothing.
    fn answer(&mut self, id: TaskId, answer: Answer) {
        self.machine.answer(id, answer.clone(), self.now).unwrap();
        assert_eq!(self.machine.answer(id, answer, self.now), Err(AnswerError::NotAwaited));
    }

    pub(crate) fn work(&mut self, next: Next) {
        match next {
            Next::Save(saved) => {
                (self.disk, self.saves) = (*saved, self.saves + 1);
                self.machine.saved();
            }
            Next::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let token = AccessToken::from(self.token.as_str());
                let request = operation.to_http(&url, &token).unwrap();
                match self.send(&request) {
                    Sent::Answered(answer) => self.answer(operation.id(), answer),
                    Sent::Never => self.held.push(*operation),
                    Sent::Late(answer) => {
                        self.late.push_back((self.now + LATE_MS, operation.id(), answer));
                    }
                }
            }
            Next::Want { version, count, .. } => {
                let unsent = self.store.values().filter(|(_, v)| v.as_ref() != Some(&version));
                let unsent = unsent.map(|(offered, _)| offered.clone());
                let offered: Vec<_> = unsent.take(count).collect();
                self.machine.offer_with_rng(&offered, &mut self.rng);
            }
            Next::Stored(id, version, tokens) => {
                for token in tokens {
                    if let Some((_, stored)) = self.store.get_mut(&token) {
                        *stored = Some(version.clone());
                    }
                }
                self.machine.ack(id);
            }
            Next::NotStored(id, _, failures) => {
                self.not_stored.extend(failures);
                self.machine.ack(id);
            }
            Next::Lost(id, version) => {
                self.lost += 1;
                let lost = self.store.values_mut().filter(|(_, it)| it.as_ref() == Some(&version));
                lost.for_each(|(_, stored)| *stored = None);
                self.machine.ack(id);
            }
            Next::Import(id, _, sessions) => {
                let sessions = sessions.into_iter().map(|session| session.into_exported());
                self.imported.extend(sessions);
                self.machine.ack(id);
            }
            Next::Fetched(scope, outcome) => self.fetched.push((scope, outcome)),
            Next::NeedsToken { soft_logout } => self.needs_token.push(soft_logout),
            Next::RefreshSigners => self.signers_asked += 1,
            Next::UploadRefused(_) => self.upload_refused += 1,
            Next::NotCreated(reason) => self.not_created.push(reason),
            Next::NotDeleted(_) => self.not_deleted += 1,
            Next::Withdrawn(_, outcome) => self.withdrawn.push(outcome),
            Next::PreferenceNotSet { enabled, refused } => {
                self.preference_not_set.push((enabled, refused.is_some()));
            }
            Next::Sign(id, key) => {
                let signature = self.signing.sign(key.bytes()).to_base64();
                let signature = Ed25519Signature::from_base64(&signature).unwrap();
                let signer = self.signer();
                self.machine.signed(id, &[(signer.key_id().clone(), signature)]).unwrap();
            }
            Next::StoreSecret(secret) => self.write_secret(Some(secret)),
            Next::DeleteSecret => self.write_secret(None),
            Next::Ask(id, question) => self.asked.push_back((id, *question)),
            other => panic!("{other:?}"),
        }
    }

    fn write_secret(&mut self, secret: Option<SecretValue>) {
        if self.has_storage {
            self.machine.secret_read_back(secret.as_ref()).unwrap();
        }
        self.secrets.push(secret);
    }

    /// The homeserver's answer to a request of a flow.
    pub(crate) fn exchange(&mut self, operation: &Operation) -> Response<Vec<u8>> {
        let url = BaseUrl::new("https://example.org").unwrap();
        let request = operation.to_http(&url, &AccessToken::from(self.token.as_str())).unwrap();
        match self.send(&request) {
            Sent::Answered(answer) => answer.unwrap(),
            Sent::Never | Sent::Late(_) => panic!("a flow has no such host"),
        }
    }

    fn send(&mut self, request: &Request<Vec<u8>>) -> Sent {
        let path = request.uri().path_and_query().unwrap().as_str();
        let path = path.trim_start_matches("/_matrix/client/v3");
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        self.sent.push((format!("{} {path}", request.method()), body));
        let lied = self.lie.as_mut().and_then(|lie| lie(request, &mut self.homeserver));
        match lied {
            Some(Lied::Answer(response)) => Sent::Answered(Some(response)),
            Some(Lied::Nothing) => Sent::Answered(None),
            Some(Lied::Never) => Sent::Never,
            Some(Lied::Late) => Sent::Late(Some(self.homeserver.respond(request))),
            None => Sent::Answered(Some(self.homeserver.respond(request))),
        }
    }
}

/// How late an answer is that is late.
pub(crate) const LATE_MS: u64 = 60 * 60 * 1_000;
