//! What all flows have in common.

use http::Response;
use rand_core::CryptoRng;

use super::{EnterError, Entered, Step};
use crate::{
    client::{
        backup::{DeliveryId, SignId, SignedError},
        operation::{NoAnswer, OperationId, UnknownOperation},
        waiting::Waiting,
    },
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    ids::{EventType, KeyId},
    randomness::{NoRandomness, os_seeded_rng},
};

/// A flow: [`SetUp`](super::SetUp), [`Recover`](super::Recover) or [`ShareIn`](super::ShareIn). One loop of a host
/// serves them all; what a flow never wants it need not be given.
pub trait Flow {
    /// What it ends with.
    type Outcome;

    /// What the host is to do next. `now_ms` is the host's time, in milliseconds since the epoch; it may jump.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none. Nothing has changed then.
    fn next(&mut self, now_ms: u64) -> Result<Step<Self::Outcome>, NoRandomness> {
        Ok(self.next_with_rng(now_ms, &mut os_seeded_rng()?))
    }

    /// As [`Flow::next`], with the caller's randomness.
    fn next_with_rng(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self::Outcome>;

    /// The state that [`Step::Save`] gave is written.
    fn saved(&mut self);

    /// The host has sent a request, and this came back.
    ///
    /// # Errors
    ///
    /// [`UnknownOperation`] if no such request is awaited. Nothing has changed then.
    fn answer(
        &mut self,
        id: OperationId,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<(), UnknownOperation>;

    /// The host has a valid access token again.
    fn resume(&mut self);

    /// Whether the flow waits for a valid access token. [`Step::NeedsToken`] says so once.
    fn is_paused(&self) -> bool;

    /// What the flow waits for, as of the last [`next`](Self::next), with the reasons: requests that are on their way or have
    /// failed, the access token, the end of a rate limit, and what the host, the user or another device was asked for.
    fn waiting_for(&self) -> Vec<Waiting>;

    /// Nothing more is waited for: the flow ends at the next occasion, with what it has. If there is something to send before,
    /// which is said there, a second call ends it without.
    fn give_up(&mut self);

    /// All of the account data, for [`Step::ReadAccountData`].
    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        drop(events);
    }

    /// The host has signed the new key of the backup, by as many keys as it has, for [`Step::Sign`].
    ///
    /// # Errors
    ///
    /// [`SignedError`] if this is not what is to be signed now, or there are more than 8 signatures. Nothing has changed
    /// then.
    fn signed(
        &mut self,
        id: SignId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), SignedError> {
        let _ = (id, signatures);
        Err(SignedError::NotAwaited)
    }

    /// The user has saved the recovery key of [`Step::ShowRecoveryKey`].
    fn recovery_key_saved(&mut self) {}

    /// What the user typed for [`Step::EnterKey`]: a recovery key or passphrase, of the secret storage or of the backup. A
    /// passphrase takes as much time as the account asks for, within the limits.
    ///
    /// # Errors
    ///
    /// [`EnterError`] if it is of no use. It is asked for again then.
    fn enter(&mut self, typed: &str, now_ms: u64) -> Result<Entered, EnterError> {
        let _ = (typed, now_ms);
        Err(EnterError::NotAsked)
    }

    /// The host has put the sessions of [`Step::Import`] into its store.
    fn ack(&mut self, id: DeliveryId) {
        let _ = id;
    }

    /// A piece of a streamed response has arrived: see [`Backup::part`](crate::client::Backup::part).
    ///
    /// # Errors
    ///
    /// [`UnknownOperation`] if no such response is awaited.
    fn part(&mut self, id: OperationId, bytes: &[u8]) -> Result<(), UnknownOperation> {
        let _ = (id, bytes);
        Err(UnknownOperation)
    }
}
