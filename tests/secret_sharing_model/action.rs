//! What may happen.

use std::fmt;

use crate::cast::{Name, Who};

/// A run, to be read from top to bottom.
#[derive(Clone)]
pub(crate) struct Script(pub(crate) Vec<Action>);

/// One thing that happens. A pick counts from the newest on; a host is an honest device.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Ask {
        host: Who,
        name: Name,
        to: Vec<Who>,
    },
    Retry {
        host: Who,
        pick: usize,
    },
    Cancel {
        host: Who,
        pick: usize,
    },
    AcceptUnproven {
        host: Who,
        pick: usize,
    },
    /// The host learns a public key.
    Learn {
        host: Who,
        name: Name,
    },
    Store {
        host: Who,
    },
    /// The user answers a question, which may be an old one.
    Reply {
        host: Who,
        pick: usize,
        yes: bool,
    },
    /// The host takes a secret for somebody, and encrypts it unless it has to wait for Olm.
    Share {
        host: Who,
        pick: usize,
        olm: Olm,
    },
    Encrypt {
        host: Who,
        pick: usize,
        olm: Olm,
    },
    /// The user says yes to everything, and the host shares whatever it may.
    Serve {
        host: Who,
    },
    Expire {
        host: Who,
    },
    /// The host is slow to save, and sends nothing until then.
    Hold {
        host: Who,
    },
    Flush {
        host: Who,
    },
    Restart {
        host: Who,
        crash: Crash,
        policy: Option<Policy>,
    },
    Clock {
        host: Who,
        jump: Jump,
    },
    /// The host looks at the account.
    Look {
        host: Who,
    },

    Deliver {
        pick: usize,
    },
    /// Everything on its way arrives, oldest first.
    DeliverAll,
    Lose {
        pick: usize,
    },
    /// Something that was sent once arrives, again or elsewhere.
    Replay {
        pick: usize,
        to: Who,
    },

    ForgeRequest {
        to: Who,
        claimed: Who,
        pick: usize,
        name: Name,
        kind: Kind,
    },
    Flood {
        to: Who,
        claimed: Who,
    },
    ForgeAnswer {
        from: Forger,
        to: Who,
        pick: usize,
        text: Text,
        lie: Lie,
    },

    Change(Change),
}

/// What comes of encrypting.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Olm {
    Works,
    NoSession,
    /// There is no answer of the one-time key yet.
    Waits,
    /// Mistakes of the host.
    ForRogue,
    ForTwo,
    FromAnotherKey,
    WrongSecret,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Crash {
    /// What was not saved is gone, and was not sent.
    BeforeSaving,
    /// It was saved, and was not sent.
    BeforeSending,
    /// The requester was saved, and the responder was not.
    BetweenSaving,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Jump {
    Second,
    /// Longer than the window in which requests are counted.
    Window,
    /// Longer than requests live.
    Lifetime,
    /// Longer than they are remembered.
    Memory,
    BackADay,
    ToZero,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Policy {
    Asks,
    Shares,
    /// Shares at once, but not the master key, and has patience for few requests.
    Tight,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Request,
    Cancellation,
    CancellationOfADraft,
    Unknown,
    OfMallory,
    PlainAnswer,
    Broken,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Forger {
    Stolen,
    Rogue,
    Mallory,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Text {
    Right,
    OfAnotherName,
    OfAnotherIdentity,
    /// One after the other, so many and one more.
    Foreign(u8),
    Garbage,
    Huge,
}

/// What a forger says that is not so.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lie {
    None,
    /// The signing key of an honest device.
    Ed25519,
    /// The payload is written for another device.
    Recipient,
    /// The event comes from the other user.
    Sender,
    /// The payload alone names the other user.
    PayloadSender,
    /// It is another event.
    Type,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Verify(Who, bool),
    Block(Who, bool),
    Delete(Who),
    /// Somebody logs in under the name, with new keys.
    Replace(Who, bool),
    /// Besides.
    TwinOfName(Who),
    /// Another name for the same keys.
    TwinOfKeys(Who),
    Pin,
    Reset,
    /// The account is as it should be again.
    Heal,
}

/// What a run begins with.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) policies: Vec<Policy>,
    /// Whether the master key is pinned from the beginning on.
    pub(crate) pinned: bool,
    /// Which public keys all hosts know from the beginning on.
    pub(crate) known: Vec<Name>,
    /// Whether each call is made a second time, on what was saved before it.
    pub(crate) twins: bool,
}

impl fmt::Debug for Script {
    /// One line for each action.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.iter().map(|action| format!("\n    {action:?}"));
        f.write_str(&lines.collect::<String>())
    }
}
