//! What only a host can do, on tokio and reqwest: to be copied whole.
//!
//! Nobody sits before a bot: what is asked is answered by what is known, and the recovery key is left in a file for whoever
//! runs it. TLS is a feature of reqwest.

use std::{
    io,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Response;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, AccessToken, ApiError, BaseUrl},
    backup::RestoredSession,
    client::{
        AsyncBackupHost, AsyncFlowHost, AsyncHost, Notice, Operation, Waiting,
        backup::{NotStored, OfferedSession, Question, Reply, SavedBackup, TaskId},
        flow::EnterError,
    },
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    ids::{BackupVersion, DeviceId, EventType, KeyId, UserId},
    recovery_key::RecoveryKey,
    secret::{SecretString, SecretVec},
    secret_value::SecretValue,
    signed_json::{ToSign, TrustedSigner},
};
use tokio::{sync::Notify, time};

use crate::{Result, files::Files, store::Store};

/// An account, and where it is.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) url: String,
    pub(crate) user_id: UserId,
    pub(crate) password: SecretString,
}

pub(crate) struct BotHost {
    account: Account,
    base_url: BaseUrl,
    device_id: DeviceId,
    token: AccessToken,
    client: reqwest::Client,
    pub(crate) files: Files,
    pub(crate) store: Store,
    /// What the user types, once.
    pub(crate) typed: Option<SecretString>,
    /// Something has happened that the machine is to be told: the drive is left.
    news: Arc<Notify>,
}

impl BotHost {
    /// Nobody is logged in: the first answer is a 401.
    pub(crate) fn new(account: Account, device: &str, files: Files) -> Result<Self> {
        // What is somewhere else is an answer, which the machine waits out.
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build()?;
        let (device_id, token) = (DeviceId::from(device), AccessToken::from("none"));
        let (store, news) = (Store::default(), Arc::new(Notify::new()));
        let base_url = BaseUrl::new(&account.url)?;
        Ok(Self { account, base_url, device_id, token, client, files, store, typed: None, news })
    }

    pub(crate) fn user_id(&self) -> &UserId {
        &self.account.user_id
    }

    pub(crate) fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    async fn log_in(&mut self) -> Result<()> {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": self.account.user_id },
            "password": self.account.password.expose_str(),
            "device_id": self.device_id,
        });
        let url = format!("{}/_matrix/client/v3/login", self.account.url);
        let request = self.client.post(url).body(body.to_string()).send().await?;
        let answer: Value = serde_json::from_slice(&request.error_for_status()?.bytes().await?)?;
        let token = answer.get("access_token").and_then(Value::as_str);
        self.token = token.ok_or("the homeserver gave no access token")?.into();
        println!("  logged in");
        Ok(())
    }

    /// Sends a request that is none of the machine's: with a new access token if the old one is not accepted, and for about
    /// a minute again if the homeserver or the network fails.
    async fn call<T>(&mut self, endpoint: &api::Request<T>) -> Result<T> {
        let mut pause = Duration::from_secs(1);
        loop {
            let failure = match self.try_call(endpoint).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if error.is_unauthorized() => {
                    self.log_in().await?;
                    error.into()
                }
                Ok(Err(error)) => {
                    let asked = error.retry_after().map(|asked| asked.wait(self.now_ms()));
                    pause = pause.max(asked.unwrap_or_default());
                    if !error.is_rate_limited() && error.status().is_none_or(|it| it < 500) {
                        return Err(error.into());
                    }
                    error.into()
                }
                Err(error) => error,
            };
            if pause > LONGEST_PAUSE {
                return Err(failure);
            }
            println!("  in {} s again: {failure}", pause.as_secs());
            time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn try_call<T>(
        &self,
        endpoint: &api::Request<T>,
    ) -> Result<std::result::Result<T, ApiError>> {
        let request = endpoint.to_http(&self.base_url, &self.token)?;
        let response = self.client.execute(request.try_into()?).await?;
        let (head, body) = (head_of(&response), response.bytes().await?);
        Ok(endpoint.read_response(&head.map(|()| body), &Limits::default()))
    }
}

impl AsyncHost for BotHost {
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Body = reqwest::Response;

    fn now_ms(&mut self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }

    async fn save(&mut self, backup: &SavedBackup, flow: Option<&SecretVec>) -> Result<()> {
        self.files.save(backup, flow)
    }

    async fn send(&mut self, operation: &Operation) -> Result<Option<Response<Self::Body>>> {
        let request = operation.to_http(&self.base_url, &self.token)?;
        let response = self.client.execute(request.try_into()?).await.ok();
        Ok(response.map(|response| head_of(&response).map(|()| response)))
    }

    async fn read(&mut self, body: &mut Self::Body) -> io::Result<Vec<u8>> {
        let piece = body.chunk().await.map_err(io::Error::other)?;
        Ok(piece.map(Vec::from).unwrap_or_default())
    }

    async fn renew_token(&mut self, soft_logout: bool) -> Result<()> {
        println!("  the access token is not accepted (soft logout: {soft_logout})");
        self.log_in().await
    }

    async fn import(
        &mut self,
        version: &BackupVersion,
        sessions: &[RestoredSession],
    ) -> Result<()> {
        self.store.import(version, sessions);
        Ok(())
    }

    async fn sign(&mut self, to_sign: &ToSign) -> Result<Vec<(KeyId, Ed25519Signature)>> {
        Ok(vec![self.store.sign(&self.device_id, to_sign.bytes())?])
    }

    async fn wait(
        &mut self,
        until_ms: Option<u64>,
        waiting: &[Waiting],
    ) -> Result<ControlFlow<()>> {
        for waiting in waiting.iter().filter(|waiting| waiting.last_error.is_some()) {
            println!("  {waiting}");
        }
        let pause_ms = until_ms.map(|until_ms| until_ms.saturating_sub(self.now_ms()));
        let pause = pause_ms.map_or(LONGEST_PAUSE, Duration::from_millis);
        tokio::select! {
            () = time::sleep(pause.min(LONGEST_PAUSE)) => Ok(ControlFlow::Continue(())),
            () = self.news.notified() => Ok(ControlFlow::Break(())),
        }
    }
}

impl AsyncFlowHost for BotHost {
    /// All of it, by a first `/sync`; a bot that syncs has it already.
    async fn account_data(&mut self) -> Result<Vec<(EventType, JsonObject)>> {
        Ok(self.call(&api::get_sync()).await?.account_data)
    }

    async fn show_recovery_key(&mut self, key: &RecoveryKey) -> Result<()> {
        println!("  the recovery key is in a file: keep it elsewhere");
        self.files.write_note(&key.to_text())
    }

    async fn enter_key(&mut self, refused: Option<&EnterError>) -> Result<Option<SecretString>> {
        match refused {
            Some(error) => Err(error.clone().into()),
            None => Ok(self.typed.take()),
        }
    }
}

impl AsyncBackupHost for BotHost {
    async fn trusted_signers(&mut self) -> Result<Vec<TrustedSigner>> {
        Ok(vec![self.store.signer(&self.device_id)?])
    }

    async fn offer(
        &mut self,
        version: &BackupVersion,
        count: usize,
        _bytes: usize,
    ) -> Result<Vec<OfferedSession>> {
        Ok(self.store.not_stored_in(version, count))
    }

    async fn stored(&mut self, version: &BackupVersion, tokens: &[u64]) -> Result<()> {
        self.store.mark(version, tokens);
        if self.store.is_stored() {
            self.news.notify_one();
        }
        Ok(())
    }

    async fn not_stored(
        &mut self,
        version: &BackupVersion,
        failures: &[(u64, NotStored)],
    ) -> Result<()> {
        for (_, reason) in failures {
            println!("  a session is not stored in version {version}: {reason}");
        }
        Ok(())
    }

    async fn lost(&mut self, version: &BackupVersion) -> Result<()> {
        println!("  the homeserver has lost sessions: those that are here are stored again");
        self.store.forget(version);
        Ok(())
    }

    /// What is trusted is used; everything else waits for somebody who looks at it.
    async fn ask(&mut self, _id: TaskId, question: &Question) -> Result<Option<Reply>> {
        Ok(match question {
            Question::SaveRecoveryKey { recovery_key, .. } => {
                self.files.write_note(&recovery_key.to_text())?;
                Some(Reply::Saved)
            }
            Question::Use { found, .. } if found.problem.is_none() => Some(Reply::Use),
            Question::Restore { .. } => Some(Reply::RestoreRoom),
            _ => {
                println!("  nobody is there to reply to {question:?}");
                None
            }
        })
    }

    /// The set-up has stored the key of its backup. Another one would wait for somebody with the recovery key.
    async fn store_secret(&mut self, _secret: &SecretValue) -> Result<Option<SecretValue>> {
        println!("  the secret storage is to be changed");
        Ok(None)
    }

    async fn delete_secret(&mut self) -> Result<bool> {
        println!("  the secret storage is to be changed");
        Ok(false)
    }

    async fn notice(&mut self, notice: Notice<'_>) -> Result<()> {
        println!("  {notice}");
        Ok(())
    }
}

/// Status and headers of a response; the body is read later.
fn head_of(response: &reqwest::Response) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    head.headers_mut().clone_from(response.headers());
    head
}

/// After it a request has no answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The host's clock may jump.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
