//! Requests that have failed: how long to wait, what is to blame, and what is waited for by now.

// docs/decisions.md, 25: one courier.

use std::collections::{BTreeMap, BTreeSet};

use super::Courier;
use crate::client::{
    failure::Failure,
    waiting::{Awaited, RequestFailure, RequestKind, Waiting},
};

#[derive(Debug, Clone, Copy, Default)]
pub(in crate::client) struct Backoff {
    /// After the first one; it doubles with each further one.
    pub(in crate::client) first_ms: u64,
    /// At most, unless the server asks for more.
    pub(in crate::client) longest_ms: u64,
}

/// Requests of one kind that failed, since one of them succeeded.
#[derive(Debug, Default)]
pub(super) struct Tries {
    pub(super) failures: u32,
    /// How many of them had an answer, since somebody else drives the machine.
    answers: u32,
    pub(super) due_ms: u64,
    /// When the first one failed, in the host's time.
    pub(super) since_ms: u64,
    pub(super) last_error: Option<RequestFailure>,
    /// How many answers to all requests had come when the last one failed.
    heard: u64,
}

/// What a request that has failed again is told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Blame {
    /// The network, the server as a whole, or nothing that lasts.
    Others,
    /// The request or the network: nothing was answered since it failed last. The server is to be asked for something else.
    Unknown,
    /// The request: others were answered since it failed last.
    Request,
}

impl Courier {
    /// What failed before is done with: it was answered as it should, or is not asked for again.
    pub(in crate::client) fn settled(&mut self, kind: RequestKind) {
        self.tries.remove(&kind);
    }

    /// A request of this kind did not: the next one waits, each time for twice the time.
    pub(in crate::client) fn failed(&mut self, kind: RequestKind, asked_ms: u64) {
        let (now, since_ms) = (self.now(), self.host_now_ms());
        let heard = self.heard;
        let last_error = self.last_error.take().unwrap_or(RequestFailure::NoEffect);
        let tries = self.tries.entry(kind).or_insert(Tries { since_ms, ..Tries::default() });
        tries.heard = heard;
        tries.answers += u32::from(last_error != RequestFailure::NoAnswer);
        tries.last_error = Some(last_error);
        let doubled = self.backoff.first_ms.saturating_mul(1 << tries.failures.min(20));
        tries.due_ms = now.saturating_add(doubled.min(self.backoff.longest_ms).max(asked_ms));
        tries.failures = tries.failures.saturating_add(1);
    }

    /// Whoever drives the machine from now on has not waited for anything yet. When each is sent again stays as it is.
    pub(in crate::client) fn is_driven_anew(&mut self) {
        self.tries.values_mut().for_each(|tries| tries.answers = 0);
    }

    /// What is to blame if a request of this kind, which has [not been counted](Self::failed) yet, fails like this: for so
    /// long nothing came back, or it was put off, while others were answered.
    pub(in crate::client) fn blamed(&self, kind: RequestKind, failure: &Failure) -> Blame {
        let is_lost = matches!(failure, Failure::NoAnswer | Failure::RateLimited { .. });
        match self.tries.get(&kind) {
            Some(tries) if is_lost && tries.failures >= LOST => {
                if self.heard > tries.heard {
                    Blame::Request
                } else {
                    Blame::Unknown
                }
            }
            _ => Blame::Others,
        }
    }

    /// Why the last request of this kind failed, since one succeeded.
    pub(in crate::client) fn last_error(&self, kind: RequestKind) -> Option<&RequestFailure> {
        self.tries.get(&kind)?.last_error.as_ref()
    }

    /// Whether a server has failed on requests of this kind for about an hour.
    pub(in crate::client) fn is_failing(&self, kind: RequestKind) -> bool {
        self.answers(kind) >= PATIENCE
    }

    /// How many requests of this kind have had an answer of failure, since one succeeded.
    pub(in crate::client) fn answers(&self, kind: RequestKind) -> u32 {
        self.tries.get(&kind).map_or(0, |tries| tries.answers)
    }

    pub(in crate::client) fn failures(&self, kind: RequestKind) -> u32 {
        self.tries.get(&kind).map_or(0, |tries| tries.failures)
    }

    pub(in crate::client) fn waits_for_host(&mut self, awaited: impl IntoIterator<Item = Awaited>) {
        let now = self.host_now_ms();
        let since = |what: Awaited| (what, self.host.get(&what).copied().unwrap_or(now));
        self.host = awaited.into_iter().map(since).collect();
    }

    /// What is waited for; of what has failed, that which is to be sent again.
    pub(in crate::client) fn waiting_for(&self, kinds: &BTreeSet<RequestKind>) -> Vec<Waiting> {
        let token = self.refused_token.as_ref().map(|token| {
            Waiting::since(Awaited::Token { soft_logout: token.soft_logout }, token.since_ms)
        });
        let is_limited = self.not_before_ms > self.now();
        let limit = is_limited.then(|| Waiting {
            next_try_ms: Some(self.host_time(self.not_before_ms)),
            ..Waiting::since(Awaited::RateLimit, self.limited_since_ms)
        });
        let sent = self.in_flight.values().map(|sent| (sent.letter.call().kind(), sent.since_ms));
        let sent: BTreeMap<_, _> = sent.collect();
        let failed = self.tries.iter().filter(|(kind, _)| kinds.contains(kind));
        let failed = failed.filter(|(kind, _)| !sent.contains_key(kind)).map(|(kind, tries)| {
            (*kind, tries.since_ms, self.due(*kind).map(|due| self.host_time(due)))
        });
        let sent = sent.iter().map(|(kind, since_ms)| (*kind, *since_ms, None));
        let requests = sent.chain(failed).map(|(kind, since_ms, next_try_ms)| {
            let tries = self.tries.get(&kind);
            let since_ms = tries.map_or(since_ms, |tries| tries.since_ms);
            Waiting {
                failures: self.failures(kind),
                last_error: tries.and_then(|tries| tries.last_error.clone()),
                next_try_ms,
                ..Waiting::since(Awaited::Request(kind), since_ms)
            }
        });
        let host = self.host.iter().map(|(what, since_ms)| Waiting::since(*what, *since_ms));
        token.into_iter().chain(limit).chain(requests).chain(host).collect()
    }
}

/// After so many failures in a row, over about a quarter of an hour, it is asked whether the network is to blame.
const LOST: u32 = 10;

/// After so many failures in a row nobody is to wait any longer without a word: a little more than an hour.
pub(in crate::client) const PATIENCE: u32 = 16;
