//! How every run ends: the network becomes fair, and whatever was asked is answered or expires.

use strongroom::{
    ids::RequestId,
    secret_sharing::{RequesterError, ShareRule},
};

use crate::{
    account::differ,
    asking::Question,
    cast::{HOSTS, NAMES, Name, Who},
    clock::{DAY_MS, MINUTE_MS},
    host::Host,
    world::World,
};

impl World {
    /// The account is as it should be, everybody is online, and everything arrives.
    pub(crate) fn end(&mut self) {
        self.heal();
        for host in &mut self.hosts {
            (host.holds, host.may_restart) = (false, false);
            host.look(&self.truth);
        }
        self.flush();
        self.settle();
        for who in HOSTS {
            for question in self.host(who).notes.asked.clone() {
                if question.is_open() {
                    self.ask_again(who, &question);
                }
            }
            self.ask_anew(who);
        }
        self.ask_in_vain();
        self.hosts.iter_mut().for_each(Host::fall_silent);
    }

    /// Everything arrives, is allowed, and shared, until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..MOST_ROUNDS {
            self.deliver_all();
            for host in &mut self.hosts {
                host.in_hand.clear();
                host.serve(true, &mut self.boxes);
            }
            self.flush();
            if self.queue.is_empty() {
                return;
            }
        }
        panic!("the hosts do not stop to talk: {:?}", self.queue);
    }

    /// What is on its way arrives, and then the windows in which requests are counted pass: cancellations of
    /// what was forgotten count too.
    fn wait(&mut self) {
        self.hosts.iter_mut().for_each(Host::expire);
        self.flush();
        self.settle();
        self.hosts.iter_mut().for_each(|host| host.clock.advance(11 * MINUTE_MS));
    }

    fn ask_again(&mut self, who: Who, question: &Question) {
        self.wait();
        let could = self.who_answers(who, question.name, Some(&question.id));
        let host = self.host(who);
        if !host.question(&question.id).is_open() {
            return;
        }
        let again = host.retry(&question.id);
        let pinned = host.view.pinned_epoch();
        match again {
            Ok(()) => {}
            Err(RequesterError::IdentityChanged) => {
                assert!(differ(question.epoch, pinned), "{question:?}");
                return;
            }
            Err(RequesterError::Expired) => {
                self.host(who).expire_questions();
                assert!(!self.host(who).question(&question.id).is_open(), "{question:?}");
                return;
            }
            Err(RequesterError::NobodyToAsk) => {
                assert!(!question.named.is_empty(), "{question:?}");
                return;
            }
            Err(error) => panic!("{question:?}: {error}"),
        }
        let asked = self.host(who).question(&question.id).asked.clone();
        let is_answered = could.into_iter().any(|who| asked.contains(&(who, who.key())));
        self.flush();
        self.settle();
        self.host(who).counts.add_if("answered in the end", is_answered);
        self.check_answered(who, &question.id, is_answered);
    }

    fn ask_anew(&mut self, who: Who) {
        self.wait();
        let name = NAMES[who as usize];
        let is_answered = !self.who_answers(who, name, None).is_empty();
        let ids = self.next_ids();
        let id = self.host(who).ask(name, &[], ids).unwrap();
        self.flush();
        self.settle();
        self.check_answered(who, &id, is_answered);
    }

    /// What nobody answers any more, for the last expiry.
    fn ask_in_vain(&mut self) {
        self.wait();
        for who in HOSTS {
            let ids = self.next_ids();
            self.host(who).ask(Name::Backup, &[], ids).unwrap();
            self.flush();
            self.deliver_all();
        }
        let mut hosts = self.hosts.iter();
        assert!(hosts.all(|host| host.machines().1.waiting().next().is_some()));
    }

    /// Who has a secret and will share it: nobody has cancelled the request there, or spoiled it.
    fn who_answers(&self, asking: Who, name: Name, id: Option<&RequestId>) -> Vec<Who> {
        let answers = |host: &&Host| {
            let key = id.map(|id| (asking, id.clone()));
            let heard = key.and_then(|key| host.notes.heard.get(&key));
            let is_spoiled = heard.is_some_and(|heard| {
                heard.may_be_done || heard.names.iter().any(|other| other.as_str() != name.text())
            });
            let rule = host.policy.rule(&name.text().into());
            host.who != asking && rule != ShareRule::Never && !is_spoiled
        };
        self.hosts.iter().filter(answers).map(|host| host.who).collect()
    }

    /// An answer came, and is accepted as soon as the public key is known.
    fn check_answered(&mut self, who: Who, id: &RequestId, is_answered: bool) {
        if !is_answered {
            return;
        }
        let host = self.host(who);
        let question = host.question(id);
        let (name, is_kept) = (question.name, host.machines().0.candidates(id).next().is_some());
        assert!(question.accepted.is_some() || is_kept, "no answer came: {question:?}");
        host.learn(name);
        let question = self.host(who).question(id);
        assert!(question.accepted.is_some(), "no answer was right: {question:?}");
    }
}

impl Host {
    /// Time passes until the machines have nothing more to do, and have forgotten everything.
    fn fall_silent(&mut self) {
        self.store();
        self.expire();
        while let Some(next_ms) = self.next_expiry_ms() {
            assert_ne!(next_ms, 0, "{:?} was told to expire nothing", self.who);
            assert!(next_ms <= 7 * DAY_MS, "{:?} waits for {next_ms} ms", self.who);
            self.clock.advance(next_ms);
            self.expire();
        }
        let (requester, responder) = self.machines();
        assert_eq!(requester.requests().count() + responder.waiting().count(), 0, "{:?}", self.who);
        assert!(self.notes.asked.iter().all(|question| question.is_over));
        let states = self.notes.heard.keys().map(|(who, id)| responder.state(&who.id(), id));
        assert_eq!(states.flatten().count(), 0, "{:?} remembers something for ever", self.who);
    }

    fn next_expiry_ms(&self) -> Option<u64> {
        let (requester, responder) = self.machines();
        let next = [requester.next_expiry_ms(), responder.next_expiry_ms()];
        next.into_iter().flatten().min()
    }
}

/// A request, its answer, its cancellation, and nothing more.
const MOST_ROUNDS: usize = 6;
