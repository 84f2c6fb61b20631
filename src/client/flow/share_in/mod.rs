//! Secrets from the user's other devices.

mod steps;

use std::{collections::VecDeque, fmt};

use http::Response;
use rand_core::CryptoRng;

use super::{Flow, FlowError, Step, post::Post};
use crate::{
    Limits,
    client::{
        backup::Backup,
        operation::{NoAnswer, OperationId, UnknownOperation},
    },
    ids::{RequestId, SecretName},
    secret_sharing::{
        AcceptedSecret, DecryptedToDevice, DroppedAnswer, OutgoingRequest, OwnDevices, Receipt,
        Requester,
    },
    secret_storage::VerifiedPublicKeys,
    secret_value::PublicKeys,
};

/// Asks the user's other devices for secrets, once they have verified this one.
///
/// An answer is compared with the public key that it has to belong to: the verified ones, and for the backup's key the
/// one that the homeserver shows, which nobody but the user can have the secret of. What does not come is
/// [missing](SharedIn::missing): the secret storage may have it, and [`Recover`](super::Recover) gets it from there.
///
/// The flow keeps nothing but what the requester and the machine keep. After a restart it is begun again with both, and
/// goes on with the requests that are open: [`SavedFlow::public`](super::SavedFlow::public) and `secret` are the two
/// parts of a [`SavedRequester`](crate::secret_sharing::SavedRequester).
pub struct ShareIn {
    backup: Option<Backup>,
    requester: Option<Requester>,
    devices: OwnDevices,
    names: Vec<SecretName>,
    verified: VerifiedPublicKeys,
    limits: Limits,
    post: Post,
    outbox: VecDeque<OutgoingRequest>,
    accepted: Vec<AcceptedSecret>,
    dropped: Vec<DroppedAnswer>,
    stage: Stage,
    is_unsaved: bool,
    saves: Option<Saves>,
    failure: Option<FlowError>,
}

/// How far the flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The backup is looked at, since its key is to be compared.
    Looking,
    /// The requests are made.
    Asking,
    /// Answers are waited for.
    Listening,
    /// There is nothing more to do.
    Finished,
    Ended,
}

/// Whose state the host is writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saves {
    Machine,
    Requester,
}

/// What the other devices gave.
#[non_exhaustive]
pub struct SharedIn {
    /// The account's machine, with the key of the backup if it came: [`Recover`](super::Recover) fetches the sessions.
    pub backup: Backup,
    /// The requester. Call [`Requester::stored`] for each secret once it is put away.
    pub requester: Requester,
    /// The secrets.
    pub secrets: Vec<AcceptedSecret>,
    /// Those that did not come.
    pub missing: Vec<SecretName>,
    /// Answers that were not taken.
    pub dropped: Vec<DroppedAnswer>,
    /// Why nobody could be asked, if so.
    pub failure: Option<FlowError>,
}

impl ShareIn {
    /// Asks for these secrets. `devices` are the user's own, as the host has verified them.
    #[must_use]
    pub fn new(
        backup: Backup,
        requester: Requester,
        devices: OwnDevices,
        names: Vec<SecretName>,
        verified: VerifiedPublicKeys,
        limits: Limits,
    ) -> Self {
        let accepted = requester.received().filter(|it| names.contains(&it.name));
        let accepted: Vec<AcceptedSecret> = accepted.collect();
        // A restart may have lost what tells the other devices.
        let ended = accepted.iter().filter_map(|it| requester.cancellation(&it.request_id));
        let outbox = ended.collect();
        Self {
            backup: Some(backup),
            requester: Some(requester),
            devices,
            names,
            verified,
            limits,
            post: Post::default(),
            outbox,
            accepted,
            dropped: Vec::new(),
            stage: Stage::Looking,
            is_unsaved: false,
            saves: None,
            failure: None,
        }
    }

    /// Gives the account's machine back, when the host gives the flow up. Nothing if the flow has ended with it.
    #[must_use]
    pub fn into_backup(self) -> Option<Backup> {
        self.backup
    }

    /// The devices have changed: one was verified or blocked, say.
    pub fn set_devices(&mut self, devices: OwnDevices) {
        self.devices = devices;
    }

    /// An event that came out of Olm. Says what became of it, if it answers a request of this flow.
    pub fn received(&mut self, event: &DecryptedToDevice, now_ms: u64) -> Option<Receipt> {
        let public_keys = self.public_keys();
        let requester = self.requester.as_mut()?;
        let (devices, limits) = (&self.devices, &self.limits);
        let receipt = requester.receive(event, devices, &public_keys, limits, now_ms);
        match &receipt {
            Receipt::Accepted(accepted) => {
                self.outbox.extend(accepted.cancellation.clone());
                self.dropped.extend(accepted.dropped.iter().cloned());
                self.accepted.push((**accepted).clone());
            }
            Receipt::Kept { .. } => {}
            Receipt::Dropped(dropped) => self.dropped.push(dropped.clone()),
        }
        self.is_unsaved = true;
        Some(receipt)
    }

    /// Nothing more is waited for: requests that are open are cancelled.
    pub fn give_up(&mut self) {
        let Some(requester) = &mut self.requester else { return };
        let open: Vec<RequestId> = open_requests(requester).map(|(id, _)| id.clone()).collect();
        for ended in open.iter().filter_map(|id| requester.cancel(id).ok()) {
            self.outbox.extend(ended.cancellation);
            self.dropped.extend(ended.dropped);
        }
        self.is_unsaved = true;
        self.stage = Stage::Finished;
    }

    /// What the secrets have to belong to.
    fn public_keys(&self) -> PublicKeys {
        let found = self.backup.as_ref().and_then(|backup| backup.found()?.auth_data().ok());
        let found = found.map(|auth_data| *auth_data.public_key().as_curve25519());
        let verified = self.verified.as_public_keys().clone();
        PublicKeys { backup: verified.backup.or(found), ..verified }
    }
}

/// The requests that are open, with their names.
fn open_requests(requester: &Requester) -> impl Iterator<Item = (&RequestId, &SecretName)> {
    use crate::secret_sharing::RequestState;
    let open = requester.requests().filter(|(.., state)| *state == RequestState::Open);
    open.map(|(id, name, _)| (id, name))
}

impl Flow for ShareIn {
    type Outcome = SharedIn;

    fn next(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<SharedIn> {
        loop {
            if self.saves.is_some() {
                return Step::Wait(None);
            }
            let step = match self.stage {
                Stage::Looking => self.look(now_ms, rng),
                Stage::Asking => self.ask(now_ms, rng),
                Stage::Listening => self.listen(now_ms, rng),
                Stage::Finished => self.finish(now_ms, rng),
                Stage::Ended => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn saved(&mut self) {
        if self.saves.take() == Some(Saves::Machine) {
            self.backup.iter_mut().for_each(Backup::saved);
        }
    }

    fn answer(
        &mut self,
        id: OperationId,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<(), UnknownOperation> {
        if self.sent(id, &answer, now_ms) {
            return Ok(());
        }
        self.backup.as_mut().ok_or(UnknownOperation)?.answer(id, answer, now_ms)
    }

    fn resume(&mut self) {
        self.post.is_paused = false;
        self.backup.iter_mut().for_each(Backup::resume);
    }

    fn is_paused(&self) -> bool {
        self.post.is_paused || self.backup.as_ref().is_some_and(Backup::is_paused)
    }
}

impl fmt::Debug for ShareIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareIn")
            .field("names", &self.names)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SharedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backup, requester: _, secrets, missing, dropped, failure } = self;
        f.debug_struct("SharedIn")
            .field("backup", backup)
            .field("secrets", secrets)
            .field("missing", missing)
            .field("dropped", dropped)
            .field("failure", failure)
            .finish_non_exhaustive()
    }
}
