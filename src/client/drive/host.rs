//! What a host does that blocks.

use std::{
    io::{self, Read},
    ops::ControlFlow,
};

use http::Response;

use super::{AnswerError, Notice};
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

/// What every host does, for flows and for the account's machine. An error ends the drive, and what has failed comes again
/// in the next one; so what may be done twice should be. What would be lost otherwise has no default: a host that forgets it
/// does not compile.
pub trait Host {
    /// Why the host cannot go on. It is [`AnswerError`] where this crate cannot.
    type Error: From<AnswerError>;

    /// The body of a response.
    type Body: Read;

    /// The time in milliseconds since the epoch. It may jump.
    fn now_ms(&mut self) -> u64;

    /// Writes the state to disk and keychain: that of the account's machine, whoever has it in hand, and what a flow keeps of
    /// its own, as [`SavedFlow::secret`](crate::client::flow::SavedFlow::secret); nothing for a recovery, and for the machine
    /// without a flow. Nothing is sent before this returns. The machine's two parts go on to count when a flow has ended; its
    /// own part is deleted then.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn save(&mut self, backup: &SavedBackup, flow: Option<&SecretVec>) -> Result<(), Self::Error>;

    /// Sends the request that [`Operation::to_http`] makes, and returns the response whatever its status; nothing if none
    /// came.
    /// It is to give up after a while. The body is read piece by piece: a large one is never held as a whole.
    ///
    /// # Errors
    ///
    /// The host's own, for what is no failure of this request alone.
    fn send(&mut self, operation: &Operation) -> Result<Option<Response<Self::Body>>, Self::Error>;

    /// Gets an access token that the homeserver accepts. With `soft_logout` the device goes on to exist.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn renew_token(&mut self, soft_logout: bool) -> Result<(), Self::Error>;

    /// Puts the sessions into the host's store as unauthenticated, as stored in this version.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn import(
        &mut self,
        version: &BackupVersion,
        sessions: &[RestoredSession],
    ) -> Result<(), Self::Error>;

    /// Signs with the device key, and with the master key where it is at hand.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn sign(&mut self, to_sign: &ToSign) -> Result<Vec<(KeyId, Ed25519Signature)>, Self::Error>;

    /// Waits until this time, for ever if there is none, or until something happens: the drive goes on then, or ends here with
    /// [`ControlFlow::Break`] and goes on when it is called again. `waiting` says what is waited for; it is the place to leave,
    /// and to tell the user. A flow of which nothing more is waited for is left and [given up](crate::client::flow::Flow::give_up): the next drive
    /// ends it with what it has.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn wait(
        &mut self,
        until_ms: Option<u64>,
        waiting: &[Waiting],
    ) -> Result<ControlFlow<()>, Self::Error>;

    /// Something has come of a request or was imported: `backup` says how far it is, as
    /// [`fetching`](Backup::fetching) and [`uploading`](Backup::uploading). It need not be looked at.
    fn progress(&mut self, backup: &Backup) {
        let _ = backup;
    }

    /// Reads the next piece of a body; an empty one at its end.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if the response was cut: it counts as none.
    fn read(&mut self, body: &mut Self::Body) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match body.read(&mut piece) {
                Ok(length) => {
                    piece.truncate(length);
                    return Ok(piece);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a host does for a flow besides.
pub trait FlowHost: Host {
    /// All of the account data, as the host's own `/sync` has it.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn account_data(&mut self) -> Result<Vec<(EventType, JsonObject)>, Self::Error>;

    /// Shows the recovery key, and returns when the user has saved it.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn show_recovery_key(&mut self, key: &RecoveryKey) -> Result<(), Self::Error>;

    /// Asks the user for the recovery key or passphrase, and says why the last one was of no use. Nothing if the user
    /// has none: the flow goes on with what is at hand.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn enter_key(
        &mut self,
        refused: Option<&EnterError>,
    ) -> Result<Option<SecretString>, Self::Error>;

    /// Takes the secrets as soon as they are open. The outcome of the flow has them too.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn secrets(&mut self, secrets: &[SecretVerdict]) -> Result<(), Self::Error> {
        let _ = secrets;
        Ok(())
    }
}

/// What a host does for the account's machine besides.
pub trait BackupHost: Host {
    /// The keys whose signatures make a backup trusted, as of now: see [`Backup::set_signers`]. It is asked for at the
    /// beginning of each drive, and before the user is asked about a backup.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn trusted_signers(&mut self) -> Result<Vec<TrustedSigner>, Self::Error>;

    /// Sessions that are not stored yet in this version, at most `count`, and about as many as `bytes` of JSON take; none if
    /// there are none.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn offer(
        &mut self,
        version: &BackupVersion,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<OfferedSession>, Self::Error>;

    /// Marks sessions as stored in this version.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn stored(&mut self, version: &BackupVersion, tokens: &[u64]) -> Result<(), Self::Error>;

    /// Takes note of sessions that cannot be stored in this version: see [`Next::NotStored`](super::Next::NotStored).
    ///
    /// # Errors
    ///
    /// The host's own.
    fn not_stored(
        &mut self,
        version: &BackupVersion,
        failures: &[(u64, NotStored)],
    ) -> Result<(), Self::Error>;

    /// Marks all sessions as not stored in this version: the homeserver has lost some of them. See
    /// [`Next::Lost`](super::Next::Lost).
    ///
    /// # Errors
    ///
    /// The host's own.
    fn lost(&mut self, version: &BackupVersion) -> Result<(), Self::Error>;

    /// Asks the user. Without a reply the question stays open, for [`Backup::reply`] between two drives.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn ask(&mut self, id: TaskId, question: &Question) -> Result<Option<Reply>, Self::Error>;

    /// Stores this in the secret storage, and returns what is there now, read back from the homeserver and opened; nothing if
    /// the storage cannot be changed now: [`Backup::secret_storage_is_ready`] says when it can.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn store_secret(&mut self, secret: &SecretValue) -> Result<Option<SecretValue>, Self::Error>;

    /// Deletes `m.megolm_backup.v1` from the secret storage, and returns whether it is gone, as read back from the homeserver.
    /// If it is not, [`Backup::secret_storage_is_ready`] says when it is tried again.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn delete_secret(&mut self) -> Result<bool, Self::Error>;

    /// Takes note of what has happened. It can be shown to the user.
    ///
    /// # Errors
    ///
    /// The host's own.
    fn notice(&mut self, notice: Notice<'_>) -> Result<(), Self::Error>;
}

/// As much of a response as is read at a time.
const PIECE_BYTES: usize = 64 << 10;
