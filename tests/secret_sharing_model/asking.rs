//! A host that asks, and what must hold of what its requester does.

use strongroom::{
    ids::RequestId,
    secret_sharing::{AcceptedSecret, OutgoingRequest, RequestState, Requester, RequesterError},
};

use crate::{
    account::differ,
    cast::{Key, Name, Who, key_of},
    clock::Moment,
    host::{Host, Outgoing},
    ids::Ids,
};

/// A request, as the observer knows it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) id: RequestId,
    pub(crate) name: Name,
    /// Nobody stands for everybody.
    pub(crate) named: Vec<Who>,
    pub(crate) asked: Vec<(Who, Key)>,
    /// With those in whose place others were asked later.
    pub(crate) ever_asked: Vec<(Who, Key)>,
    /// The identity under which it was asked.
    pub(crate) epoch: Option<usize>,
    pub(crate) opened: Moment,
    /// The secret that was accepted, until it is stored.
    pub(crate) accepted: Option<String>,
    /// Whether it was stored, cancelled, or expired.
    pub(crate) is_over: bool,
}

impl Question {
    pub(crate) fn is_open(&self) -> bool {
        !self.is_over && self.accepted.is_none()
    }

    /// Whether its time is over; nothing if the clock does not tell.
    pub(crate) fn has_expired(&self, now: &Moment) -> Option<bool> {
        now.is_past(&self.opened, Requester::LIFETIME_MS)
    }
}

impl Host {
    pub(crate) fn ask(&mut self, name: Name, named: &[Who], ids: Ids) -> Option<RequestId> {
        let to =
            if named.is_empty() { None } else { Some(named.iter().map(|who| who.id()).collect()) };
        let asked = self.requester(|requester, told| {
            let (to, mut ids) = (to.clone(), ids.clone());
            let name = name.text().into();
            requester.request_with_rng(name, to, &told.devices, told.now_ms, &mut ids)
        });
        let nobody = named.is_empty() && self.trusted_among(named).is_empty();
        let is_possible =
            !nobody && self.trusted_among(named).len() == named_once(named, self).len();
        assert_eq!(asked.is_ok(), is_possible, "{:?} asks {named:?}: {asked:?}", self.who);
        let outgoing = asked.ok()?;
        self.counts.add("asked");
        let id = outgoing.request().request_id.clone();
        let addressed = self.addressed(&outgoing, named);
        let question = Question {
            id: id.clone(),
            name,
            named: named.to_vec(),
            ever_asked: addressed.clone(),
            asked: addressed,
            epoch: self.view.pinned_epoch(),
            opened: self.clock,
            accepted: None,
            is_over: false,
        };
        self.notes.asked.push(question);
        self.outbox.push(Outgoing::Plain(outgoing));
        Some(id)
    }

    pub(crate) fn retry(&mut self, id: &RequestId) -> Result<(), RequesterError> {
        let again =
            self.requester(|requester, told| requester.retry(id, &told.devices, told.now_ms));
        let question = self.question(id).clone();
        let others: Vec<_> = self.trusted_among(&question.named);
        let changed = differ(question.epoch, self.view.pinned_epoch());
        let is_possible = question.is_open() && !changed && !others.is_empty();
        match question.has_expired(&self.clock) {
            Some(false) => assert_eq!(again.is_ok(), is_possible, "{question:?}: {again:?}"),
            Some(true) => assert!(again.is_err(), "{question:?} has expired"),
            None => assert!(is_possible || again.is_err(), "{question:?}"),
        }
        let outgoing = again?;
        self.counts.add("asked again");
        let addressed = self.addressed(&outgoing, &question.named);
        let pinned = self.view.pinned_epoch();
        let question = self.question_mut(id);
        question.asked.retain(|(who, _)| addressed.iter().all(|(other, _)| other != who));
        question.asked.extend(&addressed);
        question.ever_asked.extend(&addressed);
        question.epoch = question.epoch.or(pinned);
        self.outbox.push(Outgoing::Plain(outgoing));
        Ok(())
    }

    pub(crate) fn cancel(&mut self, id: &RequestId) {
        let ended = self.requester(|requester, _| requester.cancel(id));
        assert_eq!(ended.is_ok(), self.question(id).is_open(), "{:?}", self.question(id));
        let Ok(ended) = ended else { return };
        self.counts.add("cancelled");
        self.end(id, None, ended.cancellation);
    }

    pub(crate) fn store(&mut self) {
        let received =
            self.requester(|requester, told| requester.received(&told.devices).collect::<Vec<_>>());
        let devices = self.view.snapshot(self.who);
        for secret in received {
            let id = &secret.request_id;
            let text = secret.secret.value.to_text();
            let expected = self.question(id).accepted.as_deref();
            assert_eq!(Some(text.expose_str()), expected, "what was received stays as it is");
            assert!(devices.still_trusted(&secret.from).is_ok(), "{:?}", secret.from);
            self.put_away(id);
            self.counts.add("stored");
        }
        // The others came from a device that is not trusted any more, or before a reset.
        let asked = self.notes.asked.iter().filter(|question| question.accepted.is_some());
        let left: Vec<_> = asked.map(|question| question.id.clone()).collect();
        left.iter().for_each(|id| self.put_away(id));
    }

    fn put_away(&mut self, id: &RequestId) {
        self.requester(|requester, _| requester.stored(id)).unwrap();
        let question = self.question_mut(id);
        (question.accepted, question.is_over) = (None, true);
    }

    pub(crate) fn expire_questions(&mut self) {
        let ended = self.requester(|requester, told| requester.expire(told.now_ms));
        for ended in ended {
            let question = self.question(&ended.request_id);
            assert!(question.is_open(), "{question:?} expires");
            assert_ne!(question.has_expired(&self.clock), Some(false), "{question:?} expires");
            self.counts.add("expired");
            self.end(&ended.request_id, None, ended.cancellation);
        }
        for question in self.notes.asked.iter().filter(|question| question.is_open()) {
            assert_ne!(question.has_expired(&self.clock), Some(true), "{question:?} stays open");
            let state = self.machines().0.state(&question.id);
            assert_eq!(state, Some(RequestState::Open), "{question:?}");
        }
    }

    /// What must hold of everything that is accepted, and on whose word it may be.
    pub(crate) fn accepted(&mut self, accepted: &AcceptedSecret, user_accepts: bool) {
        let question = self.question(&accepted.request_id).clone();
        let (who, key) = (Who::of(&accepted.from.device_id), key_of(&accepted.from.curve25519));
        assert!(question.is_open(), "accepted, but it is not open: {question:?}");
        assert_ne!(
            question.has_expired(&self.clock),
            Some(true),
            "accepted too late: {question:?}"
        );
        assert!(question.ever_asked.contains(&(who, key)), "{who:?} was not asked: {question:?}");
        assert!(self.view.trusts(self.who, who, key), "{:?} does not trust {who:?}", self.who);
        assert!(!differ(question.epoch, self.view.pinned_epoch()), "reset since: {question:?}");
        assert_eq!(accepted.name.as_str(), question.name.text());
        let text = accepted.secret.value.to_text().expose_str().to_owned();
        let sent = (key, question.id.clone(), text.clone());
        assert!(self.delivered.contains(&sent), "{who:?} did not send that: {question:?}");
        let right = self.right_secret(question.name);
        // What the user accepts may contradict nothing but what the snapshot itself holds.
        let is_pinned = question.name == Name::Master && self.view.pinned;
        match right {
            Some(right) if !user_accepts || is_pinned => assert_eq!(text, right, "{question:?}"),
            _ => assert!(user_accepts || !question.name.has_public_key(), "unproven: {question:?}"),
        }
        let proven = right.is_some() && (!user_accepts || is_pinned);
        self.counts.add(if proven { "accepted with proof" } else { "accepted on a word" });
        self.counts.add_if("accepted by the user", user_accepts);
        self.end(&question.id, Some((who, key)), accepted.cancellation.clone());
        self.question_mut(&question.id).accepted = Some(text);
    }

    /// Notes the end of a request, of which all that were asked must hear but the one that answered.
    fn end(
        &mut self,
        id: &RequestId,
        answered: Option<(Who, Key)>,
        cancellation: Option<OutgoingRequest>,
    ) {
        let question = self.question_mut(id);
        question.is_over = answered.is_none();
        let others = question.asked.iter().filter(|asked| Some(**asked) != answered);
        let mut others: Vec<_> = others.map(|(who, _)| *who).collect();
        let told = cancellation.as_ref().map(|cancellation| cancellation.device_ids());
        let mut told: Vec<_> = told.unwrap_or_default().iter().map(Who::of).collect();
        others.sort();
        told.sort();
        told.dedup();
        assert_eq!(told, others, "who hears of the end of {question:?}");
        self.outbox.extend(cancellation.map(Outgoing::Plain));
    }

    pub(crate) fn question(&self, id: &RequestId) -> &Question {
        self.find_question(id).unwrap()
    }

    pub(crate) fn find_question(&self, id: &RequestId) -> Option<&Question> {
        self.notes.asked.iter().find(|question| question.id == *id)
    }

    pub(crate) fn question_mut(&mut self, id: &RequestId) -> &mut Question {
        self.notes.asked.iter_mut().find(|question| question.id == *id).unwrap()
    }

    /// All that may be asked, or those of them that were named.
    fn trusted_among(&self, named: &[Who]) -> Vec<(Who, Key)> {
        let is_named = |who: &Who| named.is_empty() || named.contains(who);
        self.view.trusted(self.who).filter(|(who, _)| is_named(who)).collect()
    }

    /// Who gets a request: exactly those that may.
    fn addressed(&self, outgoing: &OutgoingRequest, named: &[Who]) -> Vec<(Who, Key)> {
        let mut addressed: Vec<_> = outgoing.device_ids().iter().map(Who::of).collect();
        addressed.sort();
        addressed.dedup();
        let expected = self.trusted_among(named);
        let expected_names: Vec<_> = expected.iter().map(|(who, _)| *who).collect();
        assert_eq!(addressed, expected_names, "{:?} asks", self.who);
        expected
    }
}

fn named_once(named: &[Who], host: &Host) -> Vec<Who> {
    if named.is_empty() {
        return host.trusted_among(named).into_iter().map(|(who, _)| who).collect();
    }
    let mut once = named.to_vec();
    once.sort();
    once.dedup();
    once
}
