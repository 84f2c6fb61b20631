//! Secrets from the user's other devices.

mod outbox;
mod steps;

use std::{collections::VecDeque, fmt};

use super::{Flow, FlowError, SavedFlow, machine::Machine};
use crate::{
    Limits,
    client::backup::Backup,
    crypto::curve25519::Curve25519PublicKey,
    ids::{RequestId, SecretName},
    secret_sharing::{
        AcceptedSecret, DroppedAnswer, OutgoingRequest, OwnDevice, OwnDevices, RequestState,
        Requester,
    },
    secret_storage::VerifiedPublicKeys,
};

/// Asks the user's other devices for secrets, once they have verified this one.
///
/// An answer is compared with the public key that it has to belong to: the verified ones, and for the backup's key the
/// one that the homeserver shows. The latter proves that the key opens that backup, not that it is the user's: for that
/// there is the word of the device that sent it, which is verified. An answer that does not fit is kept until the
/// homeserver was asked again. What does not come is [missing](SharedIn::missing): the secret storage may have it, and
/// [`Recover`](super::Recover) gets it from there.
///
/// The flow keeps nothing but what the requester and the machine keep: the two parts of a [`SavedFlow`]. After a restart it is
/// begun again with both, and goes on with the requests that are open.
pub struct ShareIn {
    machine: Machine,
    requester: Option<Requester>,
    devices: OwnDevices,
    names: Vec<SecretName>,
    verified: VerifiedPublicKeys,
    limits: Limits,
    outbox: VecDeque<OutgoingRequest>,
    dropped: Vec<DroppedAnswer>,
    /// Whether answers that are kept are to be judged, once the backup was looked at.
    learns: bool,
    /// The public key of the backup by which they were judged.
    judged_by: Option<Curve25519PublicKey>,
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
    /// Answers that were not taken; [`Limits::findings`] of them at most.
    pub dropped: Vec<DroppedAnswer>,
    /// Why somebody could not be asked, if so.
    pub failure: Option<FlowError>,
}

impl ShareIn {
    /// Asks for these secrets. `devices` are the user's own, as the host has verified them.
    #[must_use]
    pub fn new(
        mut backup: Backup,
        requester: Requester,
        devices: OwnDevices,
        names: Vec<SecretName>,
        verified: VerifiedPublicKeys,
        limits: Limits,
    ) -> Self {
        // A restart may have lost what tells the other devices.
        let accepted = requester.received(&devices).filter(|it| names.contains(&it.name));
        let outbox = accepted.filter_map(|it| it.cancellation).collect();
        backup.look_afresh();
        Self {
            machine: Machine::new(backup),
            requester: Some(requester),
            devices,
            names,
            verified,
            limits,
            outbox,
            dropped: Vec::new(),
            learns: true,
            judged_by: None,
            stage: Stage::Looking,
            is_unsaved: false,
            saves: None,
            failure: None,
        }
    }

    /// Gives the account's machine and the requester back, when the host gives the flow up. Nothing if the flow has ended
    /// with them.
    #[must_use]
    pub fn into_parts(mut self) -> Option<(Backup, Requester)> {
        Some((self.machine.give_back()?, self.requester.take()?))
    }

    /// The requester, with what it keeps; nothing if the flow has ended with it.
    #[must_use]
    pub fn requester(&self) -> Option<&Requester> {
        self.requester.as_ref()
    }

    /// The devices have changed: one was verified or blocked, say. Whoever is new is asked too; after the identity was
    /// reset, all are asked anew. What a device has sent that is not trusted any more is asked of the others.
    pub fn set_devices(&mut self, devices: OwnDevices) {
        let had = self.accepted().count();
        let before = std::mem::replace(&mut self.devices, devices);
        self.learns = true;
        let is_less = self.accepted().count() < had;
        let is_nobody_left = self.devices.trusted().next().is_none();
        let is_other = is_nobody_left || is_anybody_new(&before, &self.devices);
        if self.stage == Stage::Listening && (is_less || is_other) {
            self.stage = Stage::Asking;
        }
    }

    /// The secrets that were accepted, from devices that are trusted by now.
    fn accepted(&self) -> impl Iterator<Item = AcceptedSecret> {
        let received = self.requester.iter().flat_map(|it| it.received(&self.devices));
        received.filter(|accepted| self.names.contains(&accepted.name))
    }

    /// More public keys are the user's for sure.
    pub fn set_verified(&mut self, verified: VerifiedPublicKeys) {
        self.verified = verified;
        self.learns = true;
    }

    /// Takes a request back.
    fn cancel(&mut self, id: &RequestId) {
        let ended = self.requester.as_mut().and_then(|requester| requester.cancel(id).ok());
        if let Some(ended) = ended {
            self.outbox.extend(ended.cancellation);
            self.dropped.extend(ended.dropped);
        }
    }
}

/// Whether somebody can be asked now who could not be before.
fn is_anybody_new(before: &OwnDevices, now: &OwnDevices) -> bool {
    let was_trusted = |device: &OwnDevice| before.still_trusted(&device.identity).is_ok();
    before.master_key() != now.master_key() || !now.trusted().all(was_trusted)
}

/// The requests for these secrets that are open.
fn open_requests<'a>(
    requester: &'a Requester,
    names: &'a [SecretName],
) -> impl Iterator<Item = (&'a RequestId, &'a SecretName)> {
    let open = requester.requests().filter(|(.., state)| *state == RequestState::Open);
    open.map(|(id, name, _)| (id, name)).filter(|(_, name)| names.contains(name))
}

impl Flow for ShareIn {
    type Outcome = SharedIn;
    type Saved = SavedFlow;

    fn saved(&mut self) {
        if self.saves.take() == Some(Saves::Machine) {
            self.machine.saved();
        }
    }

    fn give_up(&mut self) {
        if self.stage == Stage::Finished {
            self.outbox.clear();
            return;
        }
        self.note_failure();
        let Some(requester) = &mut self.requester else { return };
        let open = open_requests(requester, &self.names).map(|(id, _)| id.clone());
        for id in open.collect::<Vec<_>>() {
            self.cancel(&id);
        }
        self.is_unsaved = true;
        self.stage = Stage::Finished;
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
