//! An honest device: both machines, what is saved of them, and what the observer noted about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use strongroom::{
    ids::RequestId,
    secret::SecretVec,
    secret_sharing::{
        IncomingRequest, OutgoingRequest, OwnDevices, Requester, Responder, SecretToEncrypt,
        SharePolicy, ShareRule,
    },
    secret_value::PublicKeys,
};

use crate::{
    account::Account,
    action::{Crash, Policy},
    asking::Question,
    cast::{ALICE, Key, Name, Who, public_keys},
    clock::Moment,
    counts::Counts,
    hearing::Heard,
};

pub(crate) struct Host {
    pub(crate) who: Who,
    /// What it believes of the account.
    pub(crate) view: Account,
    /// Whose public keys it knows.
    pub(crate) known: BTreeSet<Name>,
    pub(crate) clock: Moment,
    pub(crate) policy: SharePolicy,
    /// The fewest requests of one device that it ever remembered.
    pub(crate) smallest_memory: usize,
    pub(crate) outbox: Vec<Outgoing>,
    /// What was taken, and waits for Olm.
    pub(crate) in_hand: Vec<SecretToEncrypt>,
    /// Everything that the user was ever asked.
    pub(crate) questions: Vec<IncomingRequest>,
    pub(crate) counts: Counts,
    /// What the observer knows. It is saved and lost as the machines are.
    pub(crate) notes: Notes,
    /// The answers that came in: sender, request, secret.
    pub(crate) delivered: BTreeSet<(Key, RequestId, String)>,
    /// The answers that went out: to whom, as the account was when it was sealed.
    pub(crate) answered: BTreeMap<(Who, Generation, RequestId), Moment>,
    /// How often this host saw another device, or another identity, in the place of one.
    pub(crate) generations: BTreeMap<Who, Generation>,
    pub(crate) holds: bool,
    /// Whether it may start again.
    pub(crate) may_restart: bool,
    twins: bool,
    is_changed: bool,
    requester: Requester,
    responder: Responder,
    saved: Saved,
}

/// What the observer noted: the requests of this device, and those that it heard of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    pub(crate) asked: Vec<Question>,
    pub(crate) heard: BTreeMap<(Who, RequestId), Heard>,
    /// When each device's requests were looked at.
    pub(crate) looked_at: BTreeMap<Who, Vec<Moment>>,
}

pub(crate) type Generation = usize;

/// What is on its way to the network, once the state is saved.
pub(crate) enum Outgoing {
    Plain(OutgoingRequest),
    Sealed { to: Who, generation: Generation, request_id: RequestId, content: String, at: Moment },
}

/// What the machines are told with each call.
pub(crate) struct Told {
    pub(crate) devices: OwnDevices,
    pub(crate) public_keys: PublicKeys,
    pub(crate) now_ms: u64,
}

#[derive(Clone)]
struct Saved {
    requester: SecretVec,
    responder: SecretVec,
    notes: Notes,
}

impl Host {
    pub(crate) fn new(who: Who, view: Account, policy: Policy, twins: bool) -> Self {
        let policy = share_policy(policy);
        let requester = Requester::new(ALICE.into(), who.id());
        let responder = Responder::new(ALICE.into(), who.id(), policy.clone());
        let notes = Notes::default();
        let saved = Saved { requester: requester.save(), responder: responder.save(), notes };
        Self {
            who,
            view,
            known: BTreeSet::new(),
            clock: Moment::start(),
            smallest_memory: policy.requests_per_device,
            policy,
            outbox: Vec::new(),
            in_hand: Vec::new(),
            questions: Vec::new(),
            counts: Counts::default(),
            notes: Notes::default(),
            delivered: BTreeSet::new(),
            answered: BTreeMap::new(),
            generations: BTreeMap::new(),
            holds: false,
            may_restart: true,
            twins,
            is_changed: false,
            requester,
            responder,
            saved,
        }
    }

    pub(crate) fn told(&self) -> Told {
        let devices = self.view.snapshot(self.who);
        let public_keys = public_keys(|name| self.known.contains(&name), self.view.epoch);
        Told { devices, public_keys, now_ms: self.clock.now_ms }
    }

    /// Calls the requester, and in some runs another one that was just restored, which must say the same.
    pub(crate) fn requester<T: PartialEq + Debug>(
        &mut self,
        call: impl Fn(&mut Requester, &Told) -> T,
    ) -> T {
        let told = self.told();
        let has_twin = self.twins && self.may_restart;
        let twin = has_twin.then(|| restore_requester(self.who, &self.requester.save()));
        let said = call(&mut self.requester, &told);
        if let Some(mut twin) = twin {
            assert_eq!(call(&mut twin, &told), said, "{:?} after a restart", self.who);
            assert_eq!(twin.save(), self.requester.save(), "{:?} after a restart", self.who);
        }
        self.is_changed = true;
        said
    }

    /// The same for the responder, as far as `seen` sees what it says.
    pub(crate) fn responder<T, S: PartialEq + Debug>(
        &mut self,
        call: impl Fn(&mut Responder, &Told) -> T,
        seen: impl Fn(&T) -> S,
    ) -> T {
        let told = self.told();
        let has_twin = self.twins && self.may_restart;
        let twin =
            has_twin.then(|| restore_responder(self.who, &self.responder.save(), &self.policy));
        let said = call(&mut self.responder, &told);
        if let Some(mut twin) = twin {
            let again = call(&mut twin, &told);
            assert_eq!(seen(&again), seen(&said), "{:?} after a restart", self.who);
            assert_eq!(twin.save(), self.responder.save(), "{:?} after a restart", self.who);
        }
        self.is_changed = true;
        said
    }

    /// The same for a call that uses something up.
    pub(crate) fn responder_once<T>(&mut self, call: impl FnOnce(&mut Responder, &Told) -> T) -> T {
        let told = self.told();
        self.is_changed = true;
        call(&mut self.responder, &told)
    }

    /// What can be read without a call that changes something.
    pub(crate) fn machines(&self) -> (&Requester, &Responder) {
        (&self.requester, &self.responder)
    }

    /// Saves everything, and returns what may be sent now.
    pub(crate) fn flush(&mut self) -> Vec<Outgoing> {
        if self.is_changed && self.may_restart {
            self.saved = self.current();
            self.is_changed = false;
        }
        std::mem::take(&mut self.outbox)
    }

    fn current(&self) -> Saved {
        let (requester, responder) = (self.requester.save(), self.responder.save());
        Saved { requester, responder, notes: self.notes.clone() }
    }

    /// Starts again from what is saved. What was in memory or in the outbox is gone.
    pub(crate) fn restart(&mut self, crash: Crash, policy: Option<Policy>) {
        self.counts.add_if("restarted between take and encrypted", !self.in_hand.is_empty());
        self.counts.add_if("crashed with unsent messages", !self.outbox.is_empty());
        let new = self.current();
        self.saved = match crash {
            Crash::BeforeSaving => self.saved.clone(),
            Crash::BeforeSending => new,
            Crash::BetweenSaving => self.saved.torn(&new),
        };
        if let Some(policy) = policy {
            self.policy = share_policy(policy);
            self.smallest_memory = self.smallest_memory.min(self.policy.requests_per_device);
        }
        self.notes = self.saved.notes.clone();
        self.requester = restore_requester(self.who, &self.saved.requester);
        self.responder = restore_responder(self.who, &self.saved.responder, &self.policy);
        self.in_hand.clear();
        self.questions.clear();
        self.outbox.clear();
        (self.holds, self.is_changed) = (false, true);
        self.come_back();
    }

    /// What a host does after a restart: it shows the questions again, and sends cancellations again.
    fn come_back(&mut self) {
        self.questions = self.responder.waiting().map(|(incoming, _)| incoming).collect();
        for question in &self.notes.asked {
            let cancellation = self.requester.cancellation(&question.id);
            self.outbox.extend(cancellation.map(Outgoing::Plain));
        }
    }
}

impl Saved {
    /// Only the requester's new state was written.
    fn torn(&self, new: &Self) -> Self {
        Self {
            requester: new.requester.clone(),
            responder: self.responder.clone(),
            notes: Notes { asked: new.notes.asked.clone(), ..self.notes.clone() },
        }
    }
}

fn restore_requester(who: Who, saved: &SecretVec) -> Requester {
    Requester::from_saved(saved, ALICE.into(), who.id()).unwrap()
}

fn restore_responder(who: Who, saved: &SecretVec, policy: &SharePolicy) -> Responder {
    Responder::from_saved(saved, ALICE.into(), who.id(), policy.clone()).unwrap()
}

fn share_policy(policy: Policy) -> SharePolicy {
    let mut share = match policy {
        Policy::Asks => SharePolicy::default(),
        Policy::Shares | Policy::Tight => SharePolicy::without_questions(),
    };
    share.rules.insert(Name::Text.text().into(), ShareRule::Share);
    if matches!(policy, Policy::Tight) {
        share.rules.insert(Name::Master.text().into(), ShareRule::Never);
        share.requests_per_window = 4;
        share.requests_per_device = 3;
    }
    share
}
