//! A host that is asked, and what must hold of what its responder says.

use std::collections::BTreeSet;

use serde_json::Value;
use strongroom::{
    Limits,
    ids::{RequestId, SecretName},
    secret_sharing::{Decision, IncomingRequest, ResponderError, ShareRule, ToDeviceEvent},
};

use crate::{
    account::{Account, differ},
    cast::{ALICE, ALL, Key, Who, identity, key_of},
    clock::Moment,
    host::{Generation, Host},
};

/// What a host heard of a request while it trusted the device that it names.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// The secrets that it asked for.
    pub(crate) names: BTreeSet<SecretName>,
    /// The identity that was pinned when it came last.
    pub(crate) epoch: Option<usize>,
    /// When it came last.
    pub(crate) at: Moment,
    /// Whether it waits for the user or for Olm, since when, and for whose keys.
    pub(crate) is_waiting: bool,
    waiting_since: Moment,
    waiting_for: Option<(Key, Generation)>,
    /// For whose keys the user said yes.
    pub(crate) allowed: Option<Key>,
    /// When the user said no, or the request was taken back, and for whose keys.
    pub(crate) ended: Option<(Moment, Key, Generation)>,
    /// Whether it may be that it is not answered any more.
    pub(crate) may_be_done: bool,
}

impl Host {
    /// Takes what came in clear.
    pub(crate) fn hear(&mut self, event: &ToDeviceEvent) {
        let decision = self.responder(
            |responder, told| {
                responder.receive(event, &told.devices, &Limits::default(), told.now_ms)
            },
            Clone::clone,
        );
        let request = read(event);
        if let Decision::Share(incoming) | Decision::AskUser(incoming) = &decision {
            self.check_decision(&decision, incoming, request.as_ref());
        }
        match request {
            Some((who, id, Some(name))) => self.note_request(who, id, name, &decision),
            Some((who, id, None)) => self.note_cancellation(who, id, &decision),
            None => assert!(matches!(decision, Decision::Ignore(_)), "{event:?}: {decision:?}"),
        }
        match decision {
            Decision::AskUser(incoming) => self.questions.push(incoming),
            Decision::Withdraw(_) => self.counts.add("withdrawn"),
            Decision::Ignore(reason) => self.counts.add(name_of(&reason)),
            _ => self.counts.add("to be shared"),
        }
    }

    /// The user answers a question, which may be an old one.
    pub(crate) fn reply(&mut self, incoming: &IncomingRequest, yes: bool) {
        let replied = self.responder(
            |responder, told| {
                if yes {
                    responder.allow(incoming, told.now_ms)
                } else {
                    responder.refuse(incoming, told.now_ms)
                }
            },
            Clone::clone,
        );
        let (now, pinned) = (self.clock, self.view.pinned_epoch());
        let who = Who::of(&incoming.device.device_id);
        let generation = self.generation(who);
        let heard = self.notes.heard.get_mut(&(who, incoming.request_id.clone()));
        let (Ok(()), Some(heard)) = (replied, heard) else { return };
        if yes {
            heard.allowed = Some(key_of(&incoming.device.curve25519));
        } else {
            (heard.is_waiting, heard.may_be_done) = (false, true);
            // What was asked under another identity is forgotten as soon as it is asked again.
            let key = key_of(&incoming.device.curve25519);
            heard.ended = Some((now, key, generation)).filter(|_| !differ(heard.epoch, pinned));
        }
    }

    pub(crate) fn expire_heard(&mut self) {
        let ended = self.responder(|responder, told| responder.expire(told.now_ms), Clone::clone);
        for incoming in ended {
            self.counts.add("question expired");
            let who = Who::of(&incoming.device.device_id);
            let lifetime_ms = self.policy.lifetime_ms;
            let Some(heard) = self.notes.heard.get_mut(&(who, incoming.request_id)) else {
                continue;
            };
            let is_over = self.clock.is_past(&heard.waiting_since, lifetime_ms);
            assert_ne!(is_over, Some(false), "{heard:?}");
            heard.is_waiting = false;
        }
    }

    /// The host looks at the account. What it thought of devices that are others now, it forgets.
    pub(crate) fn look(&mut self, truth: &Account) {
        let before = std::mem::replace(&mut self.view, truth.clone());
        let identity = |account: &Account| (account.epoch, account.pinned);
        let is_reset = identity(&before) != identity(&self.view);
        if before.epoch != self.view.epoch {
            self.known.clear();
        }
        for who in ALL {
            if is_reset || before.keys_of(who) != self.view.keys_of(who) {
                *self.generations.entry(who).or_default() += 1;
            }
        }
    }

    pub(crate) fn generation(&self, who: Who) -> Generation {
        self.generations.get(&who).copied().unwrap_or_default()
    }

    /// Whether the responder may have made room for other requests of the device.
    pub(crate) fn may_have_forgotten(&self, who: Who) -> bool {
        let of_device = self.notes.heard.keys().filter(|(other, _)| *other == who);
        of_device.count() > self.smallest_memory
    }

    fn check_decision(
        &self,
        decision: &Decision,
        incoming: &IncomingRequest,
        request: Option<&(Who, RequestId, Option<SecretName>)>,
    ) {
        let (who, id, name) = request.unwrap();
        let key = self.view.trusted_key(self.who, *who);
        let device = key.map(|key| identity(*who, key));
        assert_eq!(device.as_ref(), Some(&incoming.device), "{:?}: {decision:?}", self.who);
        assert_eq!((&incoming.request_id, Some(&incoming.name)), (id, name.as_ref()));
        let heard = self.notes.heard.get(&(*who, id.clone()));
        let user_allowed = heard.is_some_and(|heard| heard.allowed == key);
        match (self.policy.rule(&incoming.name), decision) {
            (ShareRule::Share, _) | (ShareRule::AskUser, Decision::AskUser(_)) => {}
            (ShareRule::AskUser, _) if user_allowed => {}
            (rule, _) => panic!("{decision:?} under the rule {rule:?}"),
        }
    }

    fn note_request(&mut self, who: Who, id: RequestId, name: SecretName, decision: &Decision) {
        let key = self.view.trusted_key(self.who, who);
        if key.is_none() {
            return;
        }
        let is_waiting = matches!(decision, Decision::Share(_) | Decision::AskUser(_));
        let is_looked_at = is_waiting
            || matches!(
                decision,
                Decision::Ignore(
                    ResponderError::Unknown
                        | ResponderError::Asking
                        | ResponderError::AlreadyAnswered
                        | ResponderError::Refused
                        | ResponderError::Cancelled
                        | ResponderError::OtherName
                )
            );
        if is_looked_at {
            self.note_look(who);
        }
        let generation = self.generation(who);
        let (at, epoch) = (self.clock, self.view.pinned_epoch());
        let heard = self.heard(who, id);
        heard.names.insert(name);
        heard.at = at;
        if is_waiting
            || matches!(
                decision,
                Decision::Ignore(
                    ResponderError::Unknown
                        | ResponderError::Asking
                        | ResponderError::AlreadyAnswered
                        | ResponderError::Refused
                        | ResponderError::Cancelled
                )
            )
        {
            heard.epoch = epoch;
        }
        if is_waiting && !heard.is_waiting {
            (heard.is_waiting, heard.waiting_since) = (true, at);
        }
        if is_waiting {
            heard.waiting_for = key.map(|key| (key, generation));
        }
    }

    /// No device makes this one look at more requests than the policy says.
    fn note_look(&mut self, who: Who) {
        let (now, window_ms) = (self.clock, self.policy.window_ms);
        let looked_at = self.notes.looked_at.entry(who).or_default();
        looked_at.retain(|at| now.is_past(at, window_ms) == Some(false));
        looked_at.push(now);
        assert!(looked_at.len() <= self.policy.requests_per_window, "{who:?} is not held off");
    }

    fn note_cancellation(&mut self, who: Who, id: RequestId, decision: &Decision) {
        let (now, lifetime_ms) = (self.clock, self.policy.lifetime_ms);
        let (pinned, generation) = (self.view.pinned_epoch(), self.generation(who));
        let heard = self.heard(who, id);
        heard.may_be_done = true;
        let is_late = now.is_past(&heard.waiting_since, lifetime_ms) != Some(false);
        let waiting_for = heard.waiting_for.filter(|(_, at_that_time)| *at_that_time == generation);
        if let (true, false, Some((key, _))) = (heard.is_waiting, is_late, waiting_for) {
            let ended = Some((now, key, generation));
            heard.ended = ended.filter(|_| !differ(heard.epoch, pinned));
            heard.is_waiting = false;
            assert!(matches!(decision, Decision::Withdraw(_)), "{who:?}: {decision:?}");
        }
    }

    fn heard(&mut self, who: Who, id: RequestId) -> &mut Heard {
        let (at, epoch) = (self.clock, self.view.pinned_epoch());
        self.notes.heard.entry((who, id)).or_insert_with(|| Heard {
            names: BTreeSet::new(),
            epoch,
            at,
            is_waiting: false,
            waiting_since: at,
            waiting_for: None,
            allowed: None,
            ended: None,
            may_be_done: false,
        })
    }
}

/// Which device asks for what, by the words of an event: a secret, or nothing any more.
fn read(event: &ToDeviceEvent) -> Option<(Who, RequestId, Option<SecretName>)> {
    if event.sender.as_str() != ALICE || event.event_type.as_str() != "m.secret.request" {
        return None;
    }
    let content: Value = serde_json::from_slice(event.content.as_bytes()).unwrap();
    let who = Who::of(&content["requesting_device_id"].as_str()?.into());
    let id = content["request_id"].as_str()?.into();
    match content["action"].as_str()? {
        "request" => Some((who, id, Some(content["name"].as_str()?.into()))),
        "request_cancellation" | "cancel_request" => Some((who, id, None)),
        _ => None,
    }
}

fn name_of(reason: &ResponderError) -> &'static str {
    match reason {
        ResponderError::OtherType => "ignored: another event",
        ResponderError::Content(_) => "ignored: broken",
        ResponderError::UnknownAction => "ignored: unknown action",
        ResponderError::OtherUser => "ignored: another user",
        ResponderError::Device(_) => "ignored: not trusted",
        ResponderError::NotShared => "ignored: not shared",
        ResponderError::TooManyRequests => "ignored: held off",
        ResponderError::OtherName => "ignored: another name",
        ResponderError::Unknown
        | ResponderError::Asking
        | ResponderError::AlreadyAnswered
        | ResponderError::Refused
        | ResponderError::Cancelled => "ignored: done",
        _ => "ignored: otherwise",
    }
}
