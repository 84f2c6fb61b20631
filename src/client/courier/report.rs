//! What is waited for.

use std::collections::{BTreeMap, BTreeSet};

use super::Courier;
use crate::client::waiting::{Awaited, RequestKind, Waiting};

impl Courier {
    /// What the host is waited for by now.
    pub(in crate::client) fn waits_for_host(&mut self, awaited: impl IntoIterator<Item = Awaited>) {
        let now = self.host_now_ms();
        let since = |what: Awaited| (what, self.host.get(&what).copied().unwrap_or(now));
        self.host = awaited.into_iter().map(since).collect();
    }

    /// What is waited for; of what has failed, that which is to be sent again.
    pub(in crate::client) fn waiting_for(&self, kinds: &BTreeSet<RequestKind>) -> Vec<Waiting> {
        let just = |(what, since_ms)| Waiting {
            what,
            since_ms,
            failures: 0,
            last_error: None,
            next_try_ms: None,
        };
        let token = self
            .refused_token
            .as_ref()
            .map(|token| just((Awaited::Token { soft_logout: token.soft_logout }, token.since_ms)));
        let is_limited = self.not_before_ms > self.now();
        let limit = is_limited.then(|| Waiting {
            next_try_ms: Some(self.host_time(self.not_before_ms)),
            ..just((Awaited::RateLimit, self.limited_since_ms))
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
            Waiting {
                what: Awaited::Request(kind),
                since_ms: tries.map_or(since_ms, |tries| tries.since_ms),
                failures: self.failures(kind),
                last_error: tries.and_then(|tries| tries.last_error.clone()),
                next_try_ms,
            }
        });
        let host = self.host.iter().map(|(what, since_ms)| just((*what, *since_ms)));
        token.into_iter().chain(limit).chain(requests).chain(host).collect()
    }
}
