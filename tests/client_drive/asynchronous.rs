//! Hosts that do not block, whose futures are dropped at any moment.

use std::{
    future::poll_fn,
    ops::ControlFlow,
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::Response;
use strongroom::{
    backup::RestoredSession,
    client::{
        AsyncBackupHost, AsyncFlowHost, AsyncHost, Backup, BackupHost as _, FlowHost as _, Host,
        Notice, Operation, Waiting,
        backup::{NotStored, OfferedSession, Question, Reply, SavedBackup, TaskId},
        drive_async, drive_backup_async,
        flow::{EnterError, Flow},
    },
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    ids::{BackupVersion, EventType, KeyId},
    recovery_key::RecoveryKey,
    secret::SecretString,
    secret::SecretVec,
    secret_storage::SecretVerdict,
    secret_value::SecretValue,
    signed_json::{ToSign, TrustedSigner},
};

use crate::{
    blocking::recover,
    host::{Body, Failed, TestHost},
};

/// The same host, which yields before it does anything.
pub(crate) struct Slow(pub(crate) TestHost);

async fn pause() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl AsyncHost for Slow {
    type Error = Failed;
    type Body = Body;

    fn now_ms(&mut self) -> u64 {
        self.0.now_ms()
    }

    async fn save(&mut self, backup: &SavedBackup, flow: Option<&SecretVec>) -> Result<(), Failed> {
        pause().await;
        self.0.save(backup, flow)
    }

    async fn send(&mut self, operation: &Operation) -> Result<Option<Response<Body>>, Failed> {
        pause().await;
        self.0.send(operation)
    }

    async fn renew_token(&mut self, soft_logout: bool) -> Result<(), Failed> {
        pause().await;
        self.0.renew_token(soft_logout)
    }

    async fn import(
        &mut self,
        version: &BackupVersion,
        sessions: &[RestoredSession],
    ) -> Result<(), Failed> {
        pause().await;
        self.0.import(version, sessions)
    }

    async fn sign(&mut self, to_sign: &ToSign) -> Result<Vec<(KeyId, Ed25519Signature)>, Failed> {
        pause().await;
        self.0.sign(to_sign)
    }

    async fn wait(
        &mut self,
        until_ms: Option<u64>,
        waiting: &[Waiting],
    ) -> Result<ControlFlow<()>, Failed> {
        pause().await;
        self.0.wait(until_ms, waiting)
    }

    async fn read(&mut self, body: &mut Body) -> std::io::Result<Vec<u8>> {
        pause().await;
        Host::read(&mut self.0, body)
    }
}

impl AsyncFlowHost for Slow {
    async fn account_data(&mut self) -> Result<Vec<(EventType, JsonObject)>, Failed> {
        pause().await;
        self.0.account_data()
    }

    async fn show_recovery_key(&mut self, key: &RecoveryKey) -> Result<(), Failed> {
        pause().await;
        self.0.show_recovery_key(key)
    }

    async fn enter_key(
        &mut self,
        refused: Option<&EnterError>,
    ) -> Result<Option<SecretString>, Failed> {
        pause().await;
        self.0.enter_key(refused)
    }

    async fn secrets(&mut self, secrets: &[SecretVerdict]) -> Result<(), Failed> {
        pause().await;
        self.0.secrets(secrets)
    }
}

impl AsyncBackupHost for Slow {
    async fn trusted_signers(&mut self) -> Result<Vec<TrustedSigner>, Failed> {
        pause().await;
        self.0.trusted_signers()
    }

    async fn offer(
        &mut self,
        version: &BackupVersion,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<OfferedSession>, Failed> {
        pause().await;
        self.0.offer(version, count, bytes)
    }

    async fn stored(&mut self, version: &BackupVersion, tokens: &[u64]) -> Result<(), Failed> {
        pause().await;
        self.0.stored(version, tokens)
    }

    async fn not_stored(
        &mut self,
        version: &BackupVersion,
        failures: &[(u64, NotStored)],
    ) -> Result<(), Failed> {
        pause().await;
        self.0.not_stored(version, failures)
    }

    async fn lost(&mut self, version: &BackupVersion) -> Result<(), Failed> {
        pause().await;
        self.0.lost(version)
    }

    async fn ask(&mut self, id: TaskId, question: &Question) -> Result<Option<Reply>, Failed> {
        pause().await;
        self.0.ask(id, question)
    }

    async fn store_secret(&mut self, secret: &SecretValue) -> Result<Option<SecretValue>, Failed> {
        pause().await;
        self.0.store_secret(secret)
    }

    async fn delete_secret(&mut self) -> Result<bool, Failed> {
        pause().await;
        self.0.delete_secret()
    }

    async fn notice(&mut self, notice: Notice<'_>) -> Result<(), Failed> {
        pause().await;
        self.0.notice(notice)
    }
}

/// Polls a future so many times, and drops it if it is not ready then.
fn poll<T>(future: impl Future<Output = T> + Send, times: usize) -> Option<T> {
    let (mut future, mut context) = (pin!(future), Context::from_waker(Waker::noop()));
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// How long the futures live, one after the other: a short time, and one that is long enough for any one step.
fn lives(patience: usize) -> impl Iterator<Item = usize> {
    (0..1_000).flat_map(move |_| [patience, patience + 400])
}

/// Drives a flow whose future is dropped again and again.
pub(crate) fn to_its_end<F: Flow>(flow: &mut F, host: &mut Slow, patience: usize) -> F::Outcome {
    let outcome = lives(patience).find_map(|times| poll(drive_async(flow, host), times));
    outcome.unwrap().unwrap().unwrap()
}

fn history(patience: usize) {
    let mut phone = Slow(TestHost::new());
    let mut flow = phone.0.set_up();
    let mut backup = to_its_end(&mut flow, &mut phone, patience).unwrap().backup;
    phone.0.add_sessions(40);
    backup.new_sessions();
    phone.0.patience = (20, ControlFlow::Break(()));
    let left =
        lives(patience).find_map(|times| poll(drive_backup_async(&mut backup, &mut phone), times));
    left.unwrap().unwrap();
    assert!(phone.0.store.values().all(|(_, stored_in)| stored_in.is_some()), "{patience}");
    let mut tablet = Slow(phone.0.tablet());
    let mut flow = recover(&tablet.0);
    to_its_end(&mut flow, &mut tablet, patience);
    assert_eq!(tablet.0.imported, phone.0.sessions(), "{patience}");
}

#[test]
fn a_drive_that_does_not_block_does_the_same() {
    history(1_000_000);
}

#[test]
fn a_drive_that_is_dropped_goes_on_with_the_step_it_was_at() {
    for patience in 1..40 {
        history(patience);
    }
}

#[test]
fn a_large_response_that_is_dropped_often_comes_whole_in_the_end() {
    let mut phone = Slow(TestHost::new());
    let mut flow = phone.0.set_up();
    let mut backup = to_its_end(&mut flow, &mut phone, 1_000).unwrap().backup;
    phone.0.add_sessions(200);
    backup.new_sessions();
    phone.0.patience = (20, ControlFlow::Break(()));
    poll(drive_backup_async(&mut backup, &mut phone), 1_000_000).unwrap().unwrap();

    let mut tablet = Slow(phone.0.tablet());
    let mut flow = recover(&tablet.0);
    for _ in 0..20 {
        // The response has some 400 pieces.
        assert!(poll(drive_async(&mut flow, &mut tablet), 300).is_none());
    }
    let recovered = poll(drive_async(&mut flow, &mut tablet), 1_000_000).unwrap();
    let Some(report) = recovered.unwrap().unwrap().fetched else { panic!() };
    assert!(report.is_complete() && report.restored() == 200, "{report:?}");
    assert_eq!(tablet.0.imported, phone.0.sessions());
}

/// It compiles only if the future is `Send` and owns what it needs, as every runtime wants it.
#[test]
fn a_drive_may_be_spawned() {
    fn spawn(future: impl Future<Output = Backup> + Send + 'static) -> Backup {
        std::thread::spawn(move || poll(future, 1_000_000).unwrap()).join().unwrap()
    }
    let mut phone = Slow(TestHost::new());
    let mut flow = phone.0.set_up();
    let backup = spawn(async move {
        drive_async(&mut flow, &mut phone).await.unwrap().unwrap().unwrap().backup
    });
    assert!(backup.trusted().is_some());
}
