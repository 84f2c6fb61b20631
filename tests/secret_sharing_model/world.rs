//! The whole account: its hosts, the homeserver between them, and what happens to all of it.

use strongroom::{
    encoding::json_object::JsonObject,
    ids::RequestId,
    secret_sharing::{SECRET_REQUEST, ToDeviceEvent},
};

use crate::{
    account::{Account, Device},
    action::{Action, Change, Setup},
    cast::{ALICE, ALL, EPOCHS, FIRST_NEW_KEY, HOSTS, Key, NUMBER_OF_KEYS, Who},
    counts::Counts,
    host::{Host, Outgoing},
    ids::Ids,
    network::{Body, Boxes, Message},
};

pub(crate) struct World {
    pub(crate) truth: Account,
    pub(crate) hosts: Vec<Host>,
    /// What is on its way, oldest first.
    pub(crate) queue: Vec<Message>,
    /// Everything that was ever sent.
    pub(crate) log: Vec<Message>,
    pub(crate) boxes: Boxes,
    /// The requests that the homeserver saw: who asked, and the ID.
    pub(crate) seen: Vec<(Who, RequestId)>,
    next_key: Key,
    next_id: usize,
}

impl World {
    pub(crate) fn new(setup: &Setup) -> Self {
        let truth = Account::new(setup.pinned);
        let host = |(who, policy)| {
            let mut host = Host::new(who, truth.clone(), policy, setup.twins);
            host.known.extend(&setup.known);
            host
        };
        let hosts = HOSTS.into_iter().zip(setup.policies.iter().copied()).map(host).collect();
        Self {
            truth,
            hosts,
            queue: Vec::new(),
            log: Vec::new(),
            boxes: Boxes::default(),
            seen: Vec::new(),
            next_key: FIRST_NEW_KEY,
            next_id: 0,
        }
    }

    pub(crate) fn apply(&mut self, action: &Action) {
        match action {
            Action::Deliver { pick } => self.deliver(*pick),
            Action::DeliverAll => self.deliver_all(),
            Action::Lose { pick } => drop(self.pick_message(*pick)),
            Action::Replay { pick, to } => {
                if let Some(message) = from_newest(&self.log, *pick).cloned() {
                    self.hand_over(Message { to: *to, ..message });
                }
            }
            Action::ForgeRequest { to, claimed, pick, name, kind } => {
                self.forge_request(*to, *claimed, *pick, *name, *kind);
            }
            Action::Flood { to, claimed } => self.flood(*to, *claimed),
            Action::ForgeAnswer { from, to, pick, text, lie } => {
                self.forge_answer(*from, *to, *pick, *text, *lie);
            }
            Action::Change(change) => self.change(*change),
            Action::Ask { host, name, to } => {
                let ids = self.next_ids();
                self.host(*host).ask(*name, to, ids);
            }
            of_host => self.of_host(of_host),
        }
        self.flush();
    }

    fn of_host(&mut self, action: &Action) {
        let Self { hosts, boxes, truth, .. } = self;
        match action {
            Action::Retry { host, pick } => {
                hosts[*host as usize].with_question(*pick, |host, id| drop(host.retry(id)));
            }
            Action::Cancel { host, pick } => {
                hosts[*host as usize].with_question(*pick, Host::cancel)
            }
            Action::AcceptUnproven { host, pick } => hosts[*host as usize].accept_any(*pick),
            Action::Learn { host, name } => hosts[*host as usize].learn(*name),
            Action::Store { host } => hosts[*host as usize].store(),
            Action::Reply { host, pick, yes } => {
                let host = &mut hosts[*host as usize];
                let incoming = from_newest(&host.questions, *pick).cloned();
                incoming.iter().for_each(|incoming| host.reply(incoming, *yes));
            }
            Action::Share { host, pick, olm } => {
                let host = &mut hosts[*host as usize];
                let incoming = from_newest(&host.wanted(), *pick).cloned();
                incoming.map(|incoming| host.share(&incoming, *olm, boxes).ok());
            }
            Action::Encrypt { host, pick, olm } => {
                hosts[*host as usize].encrypt(*pick, *olm, boxes).ok();
            }
            Action::Serve { host } => hosts[*host as usize].serve(false, boxes),
            Action::Expire { host } => hosts[*host as usize].expire(),
            Action::Hold { host } => hosts[*host as usize].holds = true,
            Action::Flush { host } => hosts[*host as usize].holds = false,
            Action::Restart { host, crash, policy } => {
                hosts[*host as usize].restart(*crash, *policy);
            }
            Action::Clock { host, jump } => hosts[*host as usize].clock.jump(*jump),
            Action::Look { host } => hosts[*host as usize].look(truth),
            other => unreachable!("{other:?} is not of a host"),
        }
    }

    pub(crate) fn host(&mut self, who: Who) -> &mut Host {
        &mut self.hosts[who as usize]
    }

    pub(crate) fn next_ids(&mut self) -> Ids {
        self.next_id += 1;
        Ids(self.next_id)
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.hosts.iter().for_each(|host| all.add_all(&host.counts));
        all
    }

    /// Whoever does not hold saves its state, and sends what waited for that.
    pub(crate) fn flush(&mut self) {
        for host in self.hosts.iter_mut().filter(|host| !host.holds) {
            for outgoing in host.flush() {
                match outgoing {
                    Outgoing::Plain(request) => {
                        let id = request.request().request_id.clone();
                        self.seen.push((host.who, id));
                        let content = request.content().as_str().to_owned();
                        let body = Body::Plain(SECRET_REQUEST, content);
                        let to = request.device_ids().iter().map(Who::of);
                        let message = |to| Message { to, sender: ALICE, body: body.clone() };
                        self.queue.extend(to.map(message));
                    }
                    Outgoing::Sealed { to, generation, request_id, content, at } => {
                        host.note_sent((to, generation, request_id), at);
                        let body = Body::Sealed(content);
                        self.queue.push(Message { to, sender: ALICE, body });
                    }
                }
            }
        }
    }

    fn pick_message(&mut self, pick: usize) -> Option<Message> {
        let last = self.queue.len().checked_sub(1)?;
        Some(self.queue.remove(last - pick % self.queue.len()))
    }

    fn deliver(&mut self, pick: usize) {
        if let Some(message) = self.pick_message(pick) {
            self.hand_over(message);
        }
    }

    pub(crate) fn deliver_all(&mut self) {
        for message in std::mem::take(&mut self.queue) {
            self.hand_over(message);
        }
    }

    /// The device of this name gets a message. Attackers' devices only listen.
    pub(crate) fn hand_over(&mut self, message: Message) {
        self.log.push(message.clone());
        let Message { to, sender, body } = message;
        if !to.is_honest() {
            return;
        }
        let host = &mut self.hosts[to as usize];
        match body {
            Body::Plain(event_type, content) => host.hear(&ToDeviceEvent {
                sender: sender.into(),
                event_type: event_type.into(),
                content: JsonObject::from_json(content.as_bytes()).unwrap(),
            }),
            Body::Sealed(content) => {
                if let Some((from, plaintext)) = self.boxes.open(&content, to.key()) {
                    host.receive_answer(sender, from, plaintext);
                }
            }
        }
    }

    fn change(&mut self, change: Change) {
        let key = self.next_key;
        let devices = &mut self.truth.devices;
        let set = |devices: &mut Vec<Device>, who: Who, set: &dyn Fn(&mut Device)| {
            devices.iter_mut().filter(|device| device.who == who).for_each(set);
        };
        match change {
            Change::Verify(who, yes) => set(devices, who, &|device| device.verified = yes),
            Change::Block(who, yes) => set(devices, who, &|device| device.blocked = yes),
            Change::Delete(who) => devices.retain(|device| device.who != who),
            Change::Replace(who, verified) if key < NUMBER_OF_KEYS => {
                self.next_key += 1;
                devices.retain(|device| device.who != who);
                devices.push(Device { key, ..Device::new(who, verified) });
            }
            Change::TwinOfName(who) if key < NUMBER_OF_KEYS => {
                self.next_key += 1;
                devices.push(Device { key, ..Device::new(who, true) });
            }
            Change::TwinOfKeys(who) => {
                let key = devices.iter().find(|device| device.who == who).map(|device| device.key);
                devices.retain(|device| device.who != Who::Rogue);
                let twin = |key| Device { key, ..Device::new(Who::Rogue, true) };
                devices.extend(key.map(twin));
            }
            Change::Replace(..) | Change::TwinOfName(_) => {}
            Change::Pin => self.truth.pinned = true,
            Change::Reset => self.truth.epoch = (self.truth.epoch + 1).min(EPOCHS - 1),
            Change::Heal => self.heal(),
        }
    }

    /// All devices are their own again, and the honest ones verified.
    pub(crate) fn heal(&mut self) {
        let verified = |who| who != Who::Rogue;
        self.truth.devices = ALL.into_iter().map(|who| Device::new(who, verified(who))).collect();
    }
}

impl Host {
    pub(crate) fn expire(&mut self) {
        self.expire_questions();
        self.expire_heard();
    }

    /// The user accepts what is kept; or tries to accept what may not be.
    fn accept_any(&mut self, pick: usize) {
        let (requester, _) = self.machines();
        let ids = requester.requests().map(|(id, ..)| id);
        let kept = ids.filter(|id| requester.candidates(id).next().is_some());
        match kept.last().cloned() {
            Some(id) if pick == 0 => self.accept_unproven(&id),
            _ => self.with_question(pick, Self::accept_unproven),
        }
    }

    fn with_question(&mut self, pick: usize, call: impl FnOnce(&mut Self, &RequestId)) {
        let id = from_newest(&self.notes.asked, pick).map(|question| question.id.clone());
        if let Some(id) = id {
            call(self, &id);
        }
    }
}

/// The element so many places before the newest one.
pub(crate) fn from_newest<T>(list: &[T], pick: usize) -> Option<&T> {
    let last = list.len().checked_sub(1)?;
    list.get(last - pick % list.len())
}
