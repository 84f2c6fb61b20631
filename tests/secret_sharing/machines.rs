//! The two machines as tests use them: living on, or saved and read back before each call.

use std::ops::{Deref, DerefMut};

use strongroom::secret::SecretVec;
use strongroom::secret_sharing::{Requester, Responder, SharePolicy};

use crate::kit::{USER, requester};

/// The device that asks.
pub(crate) struct Phone {
    requester: Requester,
    is_restarted: bool,
}

/// The device that is asked.
pub(crate) struct Laptop {
    responder: Responder,
    policy: SharePolicy,
    is_restarted: bool,
}

impl Phone {
    pub(crate) fn plain() -> Self {
        Self { requester: requester(), is_restarted: false }
    }

    pub(crate) fn restarted() -> Self {
        Self { requester: requester(), is_restarted: true }
    }
}

impl Laptop {
    pub(crate) fn plain(policy: SharePolicy) -> Self {
        Self { responder: new_responder(&policy), policy, is_restarted: false }
    }

    pub(crate) fn restarted(policy: SharePolicy) -> Self {
        Self { responder: new_responder(&policy), policy, is_restarted: true }
    }
}

impl Deref for Phone {
    type Target = Requester;

    fn deref(&self) -> &Requester {
        &self.requester
    }
}

impl DerefMut for Phone {
    fn deref_mut(&mut self) -> &mut Requester {
        if self.is_restarted {
            self.requester = restart_requester(&self.requester.save());
        }
        &mut self.requester
    }
}

impl Deref for Laptop {
    type Target = Responder;

    fn deref(&self) -> &Responder {
        &self.responder
    }
}

impl DerefMut for Laptop {
    fn deref_mut(&mut self) -> &mut Responder {
        if self.is_restarted {
            self.responder = restart_responder(&self.responder.save(), &self.policy);
        }
        &mut self.responder
    }
}

pub(crate) fn restart_requester(saved: &SecretVec) -> Requester {
    let restored = Requester::from_saved(saved, USER.into(), "PHONE".into()).unwrap();
    assert_eq!(restored.save(), *saved);
    restored
}

pub(crate) fn restart_responder(saved: &SecretVec, policy: &SharePolicy) -> Responder {
    let restored = Responder::from_saved(saved, USER.into(), "LAPTOP".into(), policy.clone());
    restored.unwrap()
}

fn new_responder(policy: &SharePolicy) -> Responder {
    Responder::new(USER.into(), "LAPTOP".into(), policy.clone())
}
