//! What all flows have in common.

// docs/decisions.md, 28: a flow holds the account's machine.

use std::fmt;

use http::Response;
use rand_core::CryptoRng;

use super::{EnterError, Step, machine::Machine};
use crate::{
    backup::RestoredSession,
    client::{
        backup::{Backup, Next, SavedBackup},
        key_kind::KeyKind,
        operation::{Answer, AnswerError, TaskId},
        waiting::{Awaited, RequestKind, Waiting},
    },
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    ids::{BackupVersion, EventType, KeyId},
    randomness::{NoRandomness, os_seeded_rng},
    secret::SecretVec,
};

/// A flow: [`SetUp`](super::SetUp), [`Recover`](super::Recover), [`ShareIn`](super::ShareIn), [`TurnOff`](super::TurnOff) or
/// [`VerifyDevice`](super::VerifyDevice).
/// One loop of a host serves them all; what a flow never wants it need not be given. The trait is sealed: there are no other flows.
#[expect(
    private_bounds,
    reason = "who cannot name the bound can neither make a flow nor call what is its own"
)]
pub trait Flow: Parts + fmt::Debug + Send {
    /// What it ends with.
    type Outcome: fmt::Debug + Send;

    /// What outlasts a restart. It holds the state of the account's machine, and what the flow keeps of its own beside it:
    /// where it is the [state of the machine](crate::client::backup::SavedBackup) alone, nothing.
    type Saved: fmt::Debug + Clone + Send + Sync;

    /// What the host is to do next. `now_ms` is the host's time, in milliseconds since the epoch; it may jump.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none. Nothing has changed then.
    fn next(&mut self, now_ms: u64) -> Result<Step<Self>, NoRandomness> {
        Ok(self.next_with_rng(now_ms, &mut os_seeded_rng()?))
    }

    /// As [`Flow::next`], with the caller's randomness.
    fn next_with_rng(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self> {
        for id in self.machine_mut().begin(now_ms, rng) {
            let _ = self.answer(id, None, now_ms);
        }
        let step = match self.machine_mut().needs_token() {
            Some(soft_logout) => Step::NeedsToken { soft_logout },
            None => self.step(now_ms, rng),
        };
        let awaited = self.awaited_of_host();
        self.machine_mut().waits_for_host(awaited);
        step
    }

    /// The state that [`Step::Save`] gave is written.
    fn saved(&mut self) {
        self.machine_mut().saved();
    }

    /// The host has sent a request, and this came back; nothing if there was no answer, or it was cut. Of a streamed response,
    /// the body holds what was not given to [`Flow::part`].
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotAwaited`] if no such request is awaited. Nothing has changed then.
    fn answer(
        &mut self,
        id: TaskId,
        answer: Option<Response<Vec<u8>>>,
        now_ms: u64,
    ) -> Result<(), AnswerError> {
        if self.take_answer(id, &answer, now_ms) {
            return Ok(());
        }
        self.machine_mut().answer(id, answer, now_ms)
    }

    /// A piece of a streamed response has arrived: see [`Backup::part`].
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotAwaited`] if no such response is awaited.
    fn part(&mut self, id: TaskId, bytes: &[u8]) -> Result<(), AnswerError> {
        self.machine_mut().part(id, bytes)
    }

    /// The host has a valid access token again.
    fn resume(&mut self) {
        self.machine_mut().resume();
    }

    /// Whether the flow waits for a valid access token. [`Step::NeedsToken`] says so once.
    fn is_paused(&self) -> bool {
        self.machine().is_paused()
    }

    /// What the flow waits for, as of the last [`next`](Self::next), with the reasons: requests that are on their way or have
    /// failed, the access token, the end of a rate limit, and what the host, the user or another device was asked for.
    fn waiting_for(&self) -> Vec<Waiting> {
        self.machine().waiting_for(self.own_requests())
    }

    /// The account's machine, to be looked at: how far it [is](Backup::fetching), say. Nothing once the flow has ended.
    fn backup(&self) -> Option<&Backup> {
        self.machine().get()
    }

    /// Nothing more is waited for: the flow ends at the next occasion, with what it has. A recovery ends at once. A set-up shows
    /// the recovery key first, if the new key may be the default one already, so that nobody is locked out. What other devices
    /// were asked for is cancelled. Where something is shown or sent before the end, a second call ends the flow without.
    fn give_up(&mut self);

    /// All of the account data, for [`Step::ReadAccountData`].
    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        drop(events);
    }

    /// The host has signed what is to be signed, by as many keys as it has, for [`Step::Sign`].
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if this is not what is to be signed now, or there are more than 8 signatures. Nothing has changed
    /// then.
    fn signed(
        &mut self,
        id: TaskId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), AnswerError> {
        self.machine_mut().signed(id, signatures)
    }

    /// The user has saved the recovery key of [`Step::ShowRecoveryKey`].
    fn recovery_key_saved(&mut self) {}

    /// What the user typed for [`Step::EnterKey`]: a recovery key or passphrase, of the secret storage or of the backup. A
    /// passphrase takes as much time as the account asks for, within the limits.
    ///
    /// # Errors
    ///
    /// [`EnterError`] if it is of no use. It is asked for again then.
    fn enter(&mut self, typed: &str, now_ms: u64) -> Result<KeyKind, EnterError> {
        let _ = (typed, now_ms);
        Err(EnterError::NotAsked)
    }

    /// The user has no key to enter for [`Step::EnterKey`]: the flow goes on with what is at hand.
    fn skip_key(&mut self, now_ms: u64) {
        let _ = now_ms;
    }

    /// The host has put the sessions of [`Step::Import`] into its store.
    fn ack(&mut self, id: TaskId) {
        self.machine_mut().ack(id);
    }

    /// As [`Backup::take_imports`].
    fn take_imports(&mut self) -> Vec<(TaskId, BackupVersion, Vec<RestoredSession>)> {
        self.machine_mut().get_mut().map(Backup::take_imports).unwrap_or_default()
    }
}

/// The state of a flow that keeps something of its own, a [`SetUp`](super::SetUp) or a [`ShareIn`](super::ShareIn): its own
/// part, and that of the account's machine. They are written together. When the flow has ended the machine goes on with the other,
/// and the flow's own is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFlow {
    /// What the flow keeps of its own. It can be [sealed](crate::saved_state::StateKey). It says which flow's it is, and no other
    /// flow takes it.
    ///
    /// - Of a set-up it is all that the flow relies on: the keys and secrets that the host gave it, what it has drawn, and how far
    ///   it is. Besides what the host gave it has 4 KiB at most. [`SetUp::from_saved`](super::SetUp::from_saved) takes it.
    /// - Of a [`ShareIn`](super::ShareIn) it is the requester, for
    ///   [`Requester::from_saved`](crate::secret_sharing::Requester::from_saved). It outlasts the flow while there are
    ///   secrets that are not [put away](crate::secret_sharing::Requester::stored).
    pub secret: SecretVec,
    /// The state of the account's machine, which [`Backup::from_saved`] takes.
    pub backup: SavedBackup,
}

/// What is each flow's own. Nobody else can name it, so that nobody else can make a flow.
pub(in crate::client) trait Parts: Sized {
    /// The account's machine.
    fn machine(&self) -> &Machine;

    /// The account's machine.
    fn machine_mut(&mut self) -> &mut Machine;

    /// What comes next, if there is an access token.
    fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self>
    where
        Self: Flow;

    /// What the host was asked for and has not done.
    fn awaited_of_host(&self) -> Option<Awaited>;

    /// A step that is not the machine's was not carried out: it is to come again.
    fn repeat(&mut self, step: &Step<Self>)
    where
        Self: Flow,
    {
        if matches!(step, Step::Save(_)) {
            self.machine_mut().is_not_saved();
        }
    }

    /// The parts of the state that are to be written: that of the machine, and what the flow keeps of its own.
    fn parts(saved: &Self::Saved) -> (&SavedBackup, Option<&SecretVec>)
    where
        Self: Flow;

    /// What the flow itself wants to send.
    fn own_requests(&self) -> &'static [RequestKind] {
        &[]
    }

    /// Whether this was the answer to a request of the flow itself.
    fn take_answer(&mut self, id: TaskId, answer: &Answer, now_ms: u64) -> bool {
        let _ = (id, answer, now_ms);
        false
    }
}

/// Takes a step back that the host has not carried out: it comes again.
pub(in crate::client) fn take_back<F: Flow>(flow: &mut F, step: Step<F>, now_ms: u64) {
    let next = match step {
        Step::Save(_) | Step::ShowRecoveryKey(_) | Step::Secrets(_) => return flow.repeat(&step),
        Step::Send(operation) => {
            flow.machine_mut().get_mut().into_iter().for_each(Backup::is_interrupted);
            let _ = flow.answer(operation.id(), None, now_ms);
            return;
        }
        // They come each time.
        Step::ReadAccountData | Step::EnterKey | Step::Wait(_) | Step::Done(_) => return,
        Step::Sign(id, to_sign) => {
            flow.repeat(&Step::Sign(id, to_sign.clone()));
            Next::Sign(id, to_sign)
        }
        Step::Import(id, version, sessions) => Next::Import(id, version, sessions),
        Step::NeedsToken { soft_logout } => Next::NeedsToken { soft_logout },
    };
    flow.machine_mut().take_back(next, now_ms);
}
