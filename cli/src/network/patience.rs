//! How often a request is repeated, and how long is waited in between.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use strongroom::api::ApiError;

use crate::failure::{quoted, tell};

/// What is left of the patience with one request.
pub(super) struct Patience {
    tries: u32,
    waited: Duration,
    kind: Repeats,
}

/// Which refusals are worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// A server that is overloaded or was restarted, and a proxy before it that gave up.
    Everything,
    /// The same, but for a proxy that gave up: what was asked for is too much for it.
    NotTimeouts,
    /// Only one that asks for it: what was asked for may have been done.
    OnlyIfAsked,
}

impl Patience {
    pub(super) fn new(kind: Repeats) -> Self {
        Self { tries: 0, waited: Duration::ZERO, kind }
    }

    /// Waits, and returns `true`, if the same request may do better after that.
    pub(super) fn waits(&mut self, error: &ApiError, address: &str) -> bool {
        let Some(wait) = self.next_wait(error, now_ms()) else { return false };
        self.tries += 1;
        self.waited += wait;
        if !wait.is_zero() {
            let reason = if error.is_rate_limited() {
                "asks to wait".to_owned()
            } else {
                format!("answers with status {}", error.status().unwrap_or_default())
            };
            let until = clock(now_ms() / 1_000 + wait.as_secs());
            tell(format_args!(
                "{} {reason}: trying again in {} s, at {until}",
                quoted(address),
                seconds(wait)
            ));
        }
        thread::sleep(wait);
        true
    }

    fn next_wait(&self, error: &ApiError, now_ms: u64) -> Option<Duration> {
        let is_limit = error.is_rate_limited();
        let tries = match (self.kind, error.status()?) {
            _ if is_limit => MAX_TRIES_WHEN_LIMITED,
            (Repeats::OnlyIfAsked, _) | (Repeats::NotTimeouts, 504 | 524) => 0,
            (_, 500..=599) => MAX_TRIES,
            _ => 0,
        };
        let asked = error.retry_after().map(|it| it.asked_for(now_ms));
        let wait = asked.unwrap_or(Duration::from_secs(1 << self.tries.min(6)));
        (self.tries < tries && self.waited + wait <= LONGEST).then_some(wait)
    }
}

/// So many whole seconds, or more.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// The time of day, which needs no table of zones.
fn clock(seconds: u64) -> String {
    let of_day = seconds % (24 * 60 * 60);
    format!("{:02}:{:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

const MAX_TRIES: u32 = 4;
const MAX_TRIES_WHEN_LIMITED: u32 = 20;

/// For all tries of one request together.
const LONGEST: Duration = Duration::from_secs(60 * 60);
