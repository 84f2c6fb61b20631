//! What a host does that does not block.

use std::{io, ops::ControlFlow};

use http::Response;

use super::{AnswerError, Notice};
#[cfg(doc)]
use super::{BackupHost, FlowHost, Host};
use crate::{
    backup::RestoredSession,
    client::{
        backup::{Backup, NotStored, OfferedSession, Question, Reply, SavedBackup, TaskId},
        flow::EnterError,
        operation::Operation,
        waiting::Waiting,
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

/// As [`Host`], with futures. They are `Send`, so that a drive may be spawned; a method may be an `async fn`.
pub trait AsyncHost: Send {
    /// Why the host cannot go on. It is [`AnswerError`] where this crate cannot.
    type Error: From<AnswerError> + Send;

    /// The body of a response.
    type Body: Send;

    /// As [`Host::now_ms`].
    fn now_ms(&mut self) -> u64;

    /// As [`Host::save`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn save(
        &mut self,
        backup: &SavedBackup,
        flow: Option<&SecretVec>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`Host::send`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn send(
        &mut self,
        operation: &Operation,
    ) -> impl Future<Output = Result<Option<Response<Self::Body>>, Self::Error>> + Send;

    /// As [`Host::renew_token`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn renew_token(
        &mut self,
        soft_logout: bool,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`Host::import`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn import(
        &mut self,
        version: &BackupVersion,
        sessions: &[RestoredSession],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`Host::sign`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn sign(
        &mut self,
        to_sign: &ToSign,
    ) -> impl Future<Output = Result<Vec<(KeyId, Ed25519Signature)>, Self::Error>> + Send;

    /// As [`Host::wait`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn wait(
        &mut self,
        until_ms: Option<u64>,
        waiting: &[Waiting],
    ) -> impl Future<Output = Result<ControlFlow<()>, Self::Error>> + Send;

    /// As [`Host::progress`].
    fn progress(&mut self, backup: &Backup) {
        let _ = backup;
    }

    /// Reads the next piece of a body; an empty one at its end.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if the response was cut: it counts as none.
    fn read(&mut self, body: &mut Self::Body) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

/// As [`FlowHost`], with futures.
pub trait AsyncFlowHost: AsyncHost {
    /// As [`FlowHost::account_data`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn account_data(
        &mut self,
    ) -> impl Future<Output = Result<Vec<(EventType, JsonObject)>, Self::Error>> + Send;

    /// As [`FlowHost::show_recovery_key`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn show_recovery_key(
        &mut self,
        key: &RecoveryKey,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`FlowHost::enter_key`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn enter_key(
        &mut self,
        refused: Option<&EnterError>,
    ) -> impl Future<Output = Result<Option<SecretString>, Self::Error>> + Send;

    /// As [`FlowHost::secrets`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn secrets(
        &mut self,
        secrets: &[SecretVerdict],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = secrets;
        std::future::ready(Ok(()))
    }
}

/// As [`BackupHost`], with futures.
pub trait AsyncBackupHost: AsyncHost {
    /// As [`BackupHost::trusted_signers`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn trusted_signers(
        &mut self,
    ) -> impl Future<Output = Result<Vec<TrustedSigner>, Self::Error>> + Send;

    /// As [`BackupHost::offer`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn offer(
        &mut self,
        version: &BackupVersion,
        count: usize,
        bytes: usize,
    ) -> impl Future<Output = Result<Vec<OfferedSession>, Self::Error>> + Send;

    /// As [`BackupHost::stored`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn stored(
        &mut self,
        version: &BackupVersion,
        tokens: &[u64],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`BackupHost::not_stored`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn not_stored(
        &mut self,
        version: &BackupVersion,
        failures: &[(u64, NotStored)],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`BackupHost::lost`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn lost(
        &mut self,
        version: &BackupVersion,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// As [`BackupHost::ask`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn ask(
        &mut self,
        id: TaskId,
        question: &Question,
    ) -> impl Future<Output = Result<Option<Reply>, Self::Error>> + Send;

    /// As [`BackupHost::store_secret`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn store_secret(
        &mut self,
        secret: &SecretValue,
    ) -> impl Future<Output = Result<Option<SecretValue>, Self::Error>> + Send;

    /// As [`BackupHost::delete_secret`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn delete_secret(&mut self) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// As [`BackupHost::notice`].
    ///
    /// # Errors
    ///
    /// The host's own.
    fn notice(
        &mut self,
        notice: Notice<'_>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
