//! Which requests a fault happens to.

use http::{Method, Request};

use super::fault::Fault;
use crate::ids::UserId;

/// A fault, and the requests that it happens to: the first one that fits, unless told otherwise.
///
/// ```
/// use http::{HeaderValue, Method};
/// use strongroom::homeserver::faults::{Fault, FaultRule};
///
/// // The third and the fourth upload of keys are sent too soon.
/// let in_two_seconds = HeaderValue::from_static("2");
/// let fault = Fault::RateLimit { retry_after: Some(in_two_seconds), retry_after_ms: None };
/// let rule = FaultRule::new(fault)
///     .method(Method::PUT)
///     .path("/_matrix/client/v3/room_keys/keys")
///     .from_nth(3)
///     .times(2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    fault: Fault,
    method: Option<Method>,
    path: String,
    user: Option<UserId>,
    first: u64,
    times: u64,
}

impl FaultRule {
    /// A fault that happens once, to the first request.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, method: None, path: String::new(), user: None, first: 1, times: 1 }
    }

    /// Only requests with this method fit.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method: Some(method), ..self }
    }

    /// Only requests fit whose path, as it is sent, begins like this.
    #[must_use]
    pub fn path(self, beginning: impl Into<String>) -> Self {
        Self { path: beginning.into(), ..self }
    }

    /// Only requests fit that this user makes with a valid access token.
    #[must_use]
    pub fn user(self, user: impl Into<UserId>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// The first request that the fault happens to is the nth that fits, counted from 1.
    #[must_use]
    pub fn from_nth(self, nth: u64) -> Self {
        Self { first: nth, ..self }
    }

    /// It happens to so many requests that fit, one after the other.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// It happens to every request that fits.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    fn fits<B>(&self, request: &Request<B>, user: Option<&UserId>) -> bool {
        self.method.as_ref().is_none_or(|method| method == request.method())
            && request.uri().path().starts_with(&self.path)
            && self.user.as_ref().is_none_or(|expected| Some(expected) == user)
    }
}

/// A rule, and how many requests fitted so far.
#[derive(Debug, Clone)]
pub(super) struct CountedRule {
    rule: FaultRule,
    fitted: u64,
}

impl CountedRule {
    pub(super) fn new(rule: FaultRule) -> Self {
        Self { rule, fitted: 0 }
    }

    /// Counts a request that fits, and returns the fault if it happens to this one.
    pub(super) fn fault_for<B>(
        &mut self,
        request: &Request<B>,
        user: Option<&UserId>,
    ) -> Option<&Fault> {
        if !self.rule.fits(request, user) {
            return None;
        }
        self.fitted = self.fitted.saturating_add(1);
        let before = self.fitted.checked_sub(self.rule.first.max(1))?;
        (before < self.rule.times).then_some(&self.rule.fault)
    }
}
