//! A host on the in-memory homeserver that fails, is slow, or is refused when a test wants it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use http::{Request, Response};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    backup::RestoredSession,
    client::{
        AnswerError, Backup, BackupHost, FlowHost, Host, Notice, Operation, Waiting,
        backup::{BackupOptions, NotStored, OfferedSession, Question, Reply, SavedBackup, TaskId},
        flow::{EnterError, SavedFlow, SetUp},
    },
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::json_object::JsonObject,
    homeserver::Homeserver,
    ids::{BackupVersion, EventType, KeyId, SessionId},
    recovery_key::RecoveryKey,
    secret::{SecretString, SecretVec},
    secret_storage::{NewKey, SecretVerdict},
    secret_value::SecretValue,
    session_data::{ExportedSession, SessionData, SessionKey},
    signed_json::{ToSign, TrustedSigner},
};
use thiserror::Error;
use vodozemac::Ed25519SecretKey;

pub(crate) const USER: &str = "@alice:example.org";

/// Why the host cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Failed {
    #[error("the host failed")]
    OnPurpose,
    #[error(transparent)]
    Drive(#[from] AnswerError),
}

/// What is on the disk.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) backup: SavedBackup,
    pub(crate) flow: Option<SecretVec>,
}

/// What comes in the place of a response.
pub(crate) type Instead = Option<Response<Vec<u8>>>;

/// Decides for each request whether something comes in the place of the response.
pub(crate) type Meddle = Box<dyn FnMut(&Request<Vec<u8>>) -> Option<Instead> + Send>;

pub(crate) struct TestHost {
    pub(crate) homeserver: Homeserver,
    pub(crate) device: &'static str,
    pub(crate) token: AccessToken,
    pub(crate) now: u64,
    pub(crate) disk: Option<Files>,
    pub(crate) store: BTreeMap<u64, (OfferedSession, Option<BackupVersion>)>,
    pub(crate) imported: BTreeSet<SessionId>,
    pub(crate) secrets: usize,
    pub(crate) note: Option<String>,
    /// What the user types before it.
    pub(crate) typed: Vec<&'static str>,
    pub(crate) refused: Vec<EnterError>,
    /// What the host was asked for, by name.
    pub(crate) calls: Vec<&'static str>,
    /// The host fails when it is asked for this, so many times later.
    pub(crate) failure: Option<(&'static str, usize)>,
    pub(crate) instead: Meddle,
    pub(crate) waits: Vec<Vec<Waiting>>,
    /// What the host does when it has waited so many times.
    pub(crate) patience: (usize, ControlFlow<()>),
    pub(crate) piece_bytes: usize,
    pub(crate) fetched: Vec<u64>,
    pub(crate) stored: u64,
    signing: Ed25519SecretKey,
    rng: StdRng,
}

/// A body that is read in pieces.
pub(crate) struct Body(pub(crate) Vec<u8>, pub(crate) usize);

impl std::io::Read for Body {
    fn read(&mut self, piece: &mut [u8]) -> std::io::Result<usize> {
        let length = piece.len().min(self.1).min(self.0.len());
        piece[..length].copy_from_slice(&self.0[..length]);
        self.0.drain(..length);
        Ok(length)
    }
}

impl TestHost {
    pub(crate) fn new() -> Self {
        Self::on(Homeserver::new(), "PHONE")
    }

    pub(crate) fn on(mut homeserver: Homeserver, device: &'static str) -> Self {
        let token = AccessToken::from(homeserver.log_in(USER, device).as_str());
        Self {
            homeserver,
            device,
            token,
            now: 1_700_000_000_000,
            disk: None,
            store: BTreeMap::new(),
            imported: BTreeSet::new(),
            secrets: 0,
            note: None,
            typed: Vec::new(),
            refused: Vec::new(),
            calls: Vec::new(),
            failure: None,
            instead: Box::new(|_| None),
            waits: Vec::new(),
            patience: (1_000, ControlFlow::Break(())),
            piece_bytes: 512,
            fetched: Vec::new(),
            stored: 0,
            signing: Ed25519SecretKey::from_slice(&[5; 32]),
            rng: StdRng::seed_from_u64(11),
        }
    }

    pub(crate) fn backup(&self) -> Backup {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        Backup::new(USER.into(), self.device.into(), options, limits)
    }

    pub(crate) fn set_up(&self) -> SetUp {
        let key = NewKey::generate(None).unwrap();
        SetUp::bootstrap(self.backup(), key, Vec::new(), Limits::default())
    }

    /// The flow, from what is on the disk.
    pub(crate) fn restored(&self) -> Option<SetUp> {
        let Files { backup, flow } = self.disk.clone()?;
        let saved = SavedFlow { secret: flow?, backup };
        let (options, limits) = (BackupOptions::default(), Limits::default());
        Some(SetUp::from_saved(&saved, USER.into(), self.device.into(), options, limits).unwrap())
    }

    /// The user has so many sessions more.
    pub(crate) fn add_sessions(&mut self, count: u64) {
        for _ in 0..count {
            let mut bytes = vec![1, 0, 0, 0, 0];
            bytes.extend_from_slice(&self.rng.random::<[u8; 32]>().repeat(4));
            let id = Ed25519SecretKey::from_slice(&self.rng.random()).public_key();
            bytes.extend_from_slice(id.as_bytes());
            let session = SessionData::of_unknown_sender(SessionKey::from_bytes(&bytes).unwrap());
            let session = ExportedSession { room_id: "!room:example.org".into(), session };
            let token = self.store.len() as u64;
            let options = Default::default();
            let offered = OfferedSession { token, session, options, is_imported: false };
            self.store.insert(token, (offered, None));
        }
    }

    pub(crate) fn sessions(&self) -> BTreeSet<SessionId> {
        self.store.values().map(|(offered, _)| offered.session.session_id()).collect()
    }

    pub(crate) fn signer(&self) -> TrustedSigner {
        let key = self.signing.public_key().to_base64();
        let key = Ed25519PublicKey::from_base64(&key).unwrap();
        TrustedSigner::new(KeyId::new("ed25519:PHONE"), key)
    }

    /// Another device of the user, with what was written down.
    pub(crate) fn tablet(&mut self) -> Self {
        let homeserver = std::mem::take(&mut self.homeserver);
        Self { note: self.note.clone(), ..Self::on(homeserver, "TABLET") }
    }

    /// The host is asked for something, and fails if it is to.
    fn call(&mut self, name: &'static str) -> Result<(), Failed> {
        self.calls.push(name);
        match &mut self.failure {
            Some((it, 0)) if *it == name => {
                self.failure = None;
                Err(Failed::OnPurpose)
            }
            Some((it, left)) if *it == name => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Host for TestHost {
    type Error = Failed;
    type Body = Body;

    fn now_ms(&mut self) -> u64 {
        self.now
    }

    fn save(&mut self, backup: &SavedBackup, flow: Option<&SecretVec>) -> Result<(), Failed> {
        self.call("save")?;
        self.disk = Some(Files { backup: backup.clone(), flow: flow.cloned() });
        Ok(())
    }

    fn send(&mut self, operation: &Operation) -> Result<Option<Response<Body>>, Failed> {
        self.call("send")?;
        let url = BaseUrl::new("https://example.org").unwrap();
        let request = operation.to_http(&url, &self.token).unwrap();
        let answer = match (self.instead)(&request) {
            Some(instead) => instead,
            None => Some(self.homeserver.respond(&request)),
        };
        Ok(answer.map(|response| response.map(|body| Body(body, self.piece_bytes))))
    }

    fn renew_token(&mut self, _soft_logout: bool) -> Result<(), Failed> {
        self.call("renew_token")?;
        self.token = AccessToken::from(self.homeserver.log_in(USER, self.device).as_str());
        Ok(())
    }

    fn import(
        &mut self,
        _version: &BackupVersion,
        sessions: &[RestoredSession],
    ) -> Result<(), Failed> {
        self.call("import")?;
        self.imported.extend(sessions.iter().map(|session| session.exported().session_id()));
        Ok(())
    }

    fn sign(&mut self, to_sign: &ToSign) -> Result<Vec<(KeyId, Ed25519Signature)>, Failed> {
        self.call("sign")?;
        let signature = self.signing.sign(to_sign.bytes()).to_base64();
        let signature = Ed25519Signature::from_base64(&signature).unwrap();
        Ok(vec![(KeyId::new("ed25519:PHONE"), signature)])
    }

    fn wait(
        &mut self,
        until_ms: Option<u64>,
        waiting: &[Waiting],
    ) -> Result<ControlFlow<()>, Failed> {
        self.call("wait")?;
        self.waits.push(waiting.to_vec());
        let (left, then) = &mut self.patience;
        if *left == 0 {
            return Ok(*then);
        }
        *left -= 1;
        let Some(until_ms) = until_ms else { return Ok(ControlFlow::Break(())) };
        self.now = until_ms.max(self.now + 1);
        Ok(ControlFlow::Continue(()))
    }

    fn progress(&mut self, backup: &Backup) {
        self.fetched.extend(backup.fetching().map(|(_, progress)| progress.sessions));
        self.stored = backup.uploading().map_or(0, |progress| progress.stored);
    }

    fn read(&mut self, body: &mut Body) -> std::io::Result<Vec<u8>> {
        self.calls.push("read");
        let mut piece = vec![0; 1 << 20];
        let length = std::io::Read::read(body, &mut piece).unwrap();
        piece.truncate(length);
        Ok(piece)
    }
}

impl FlowHost for TestHost {
    fn account_data(&mut self) -> Result<Vec<(EventType, JsonObject)>, Failed> {
        self.call("account_data")?;
        Ok(self.homeserver.account_data(&USER.into()))
    }

    fn show_recovery_key(&mut self, key: &RecoveryKey) -> Result<(), Failed> {
        self.call("show_recovery_key")?;
        self.note = Some(key.to_text().expose_str().to_owned());
        Ok(())
    }

    fn enter_key(&mut self, refused: Option<&EnterError>) -> Result<Option<SecretString>, Failed> {
        self.call("enter_key")?;
        self.refused.extend(refused.cloned());
        let typed = self.typed.pop().map(SecretString::from);
        Ok(typed.or_else(|| self.note.as_deref().map(SecretString::from)))
    }

    fn secrets(&mut self, secrets: &[SecretVerdict]) -> Result<(), Failed> {
        self.call("secrets")?;
        self.secrets += secrets.len();
        Ok(())
    }
}

impl BackupHost for TestHost {
    fn trusted_signers(&mut self) -> Result<Vec<TrustedSigner>, Failed> {
        self.call("trusted_signers")?;
        Ok(vec![self.signer()])
    }

    fn offer(
        &mut self,
        version: &BackupVersion,
        count: usize,
        _bytes: usize,
    ) -> Result<Vec<OfferedSession>, Failed> {
        self.call("offer")?;
        let left = self.store.values().filter(|(_, in_it)| in_it.as_ref() != Some(version));
        Ok(left.map(|(offered, _)| offered.clone()).take(count).collect())
    }

    fn stored(&mut self, version: &BackupVersion, tokens: &[u64]) -> Result<(), Failed> {
        self.call("stored")?;
        for token in tokens {
            self.store.get_mut(token).unwrap().1 = Some(version.clone());
        }
        Ok(())
    }

    fn not_stored(
        &mut self,
        _version: &BackupVersion,
        _failures: &[(u64, NotStored)],
    ) -> Result<(), Failed> {
        self.call("not_stored")
    }

    fn lost(&mut self, version: &BackupVersion) -> Result<(), Failed> {
        self.call("lost")?;
        let lost = self.store.values_mut().filter(|(_, it)| it.as_ref() == Some(version));
        lost.for_each(|(_, stored)| *stored = None);
        Ok(())
    }

    fn ask(&mut self, _id: TaskId, question: &Question) -> Result<Option<Reply>, Failed> {
        self.call("ask")?;
        Ok(match question {
            Question::SetUp { .. } => Some(Reply::Create),
            Question::SaveRecoveryKey { .. } => Some(Reply::Saved),
            Question::Use { .. } => Some(Reply::Use),
            _ => None,
        })
    }

    fn store_secret(&mut self, secret: &SecretValue) -> Result<Option<SecretValue>, Failed> {
        self.call("store_secret")?;
        Ok(Some(secret.clone()))
    }

    fn delete_secret(&mut self) -> Result<bool, Failed> {
        self.call("delete_secret")?;
        Ok(true)
    }

    fn notice(&mut self, notice: Notice<'_>) -> Result<(), Failed> {
        self.call("notice")?;
        assert!(!notice.to_string().is_empty());
        Ok(())
    }
}

/// A homeserver's refusal.
pub(crate) fn refusal(status: u16, body: &str) -> Instead {
    Some(Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
}
