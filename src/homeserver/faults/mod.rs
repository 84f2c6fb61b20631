//! Faults on request: what goes wrong between a client and its homeserver.
//!
//! A client that passes its tests against a server that always answers is not tested. [`Faults`] stands
//! between the two: it lets a request through, loses it, delivers it twice, answers in the homeserver's
//! place, spoils the answer, or has another device change the backup first. Which requests it does this
//! to is said by [rules](FaultRule), or drawn from a seed; both are repeatable.
//!
//! ```
//! use http::{Method, Request};
//! use strongroom::homeserver::{
//!     Homeserver,
//!     faults::{Exchange, Fault, FaultRule, Faults},
//! };
//!
//! let mut homeserver = Homeserver::new();
//! let token = homeserver.log_in("@alice:example.org", "PHONE");
//! let mut faults = Faults::none();
//! faults.add(FaultRule::new(Fault::DropAnswer).method(Method::POST).path("/_matrix/client/v3/room_keys"));
//!
//! let create = Request::post("https://example.org/_matrix/client/v3/room_keys/version")
//!     .header("Authorization", format!("Bearer {token}"))
//!     .body(r#"{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{}}"#)?;
//! let first = faults.exchange(&mut homeserver, &create);
//! assert!(matches!(first, Exchange::Dropped), "was it created? the client cannot know");
//! let Exchange::Answered { response, .. } = faults.exchange(&mut homeserver, &create) else {
//!     panic!("the rule applies once");
//! };
//! assert_eq!(response.body(), br#"{"version":"2"}"#, "it was: here is a second one");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 31: the in-memory homeserver follows the specification.

mod answers;
mod dice;
mod exchange;
mod fault;
mod other_device;
mod rule;

use http::{Request, Response};

use self::{dice::Dice, rule::CountedRule};
pub use self::{exchange::Exchange, fault::Fault, rule::FaultRule};
use super::Homeserver;
use crate::ids::UserId;

// Beside the homeserver and not in it: `Homeserver::respond` always answers, so that a test can look past the faults.

/// Which faults happen to which requests.
///
/// Every rule and every drawn fault that applies to a request happens to it, in this order: what another
/// device does comes first; then the first fault that keeps the request from the homeserver, if any; then
/// what happens to the answer. Cloning it, together with the homeserver, makes a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<CountedRule>,
    dice: Option<Dice>,
    applied: u64,
}

impl Faults {
    /// No faults, until rules are [added](Faults::add).
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Faults drawn from a seed: to each request happens at most one of these, each with its chance in
    /// thousandths.
    ///
    /// The same seed gives the same faults for the same number of requests before. If the chances add up
    /// to more than 1,000, the last ones never happen.
    #[must_use]
    pub fn seeded(seed: u64, chances: impl IntoIterator<Item = (u16, Fault)>) -> Self {
        let dice = Dice::new(seed, chances.into_iter().collect());
        Self { dice: Some(dice), ..Self::default() }
    }

    /// Adds a rule.
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push(CountedRule::new(rule));
    }

    /// How many faults have happened.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Sends a request to a homeserver, with the faults that apply.
    pub fn exchange(
        &mut self,
        homeserver: &mut Homeserver,
        request: &Request<impl AsRef<[u8]>>,
    ) -> Exchange {
        let user = homeserver.user_of(request);
        let faults = self.faults_for(request, user.as_ref());
        for fault in &faults {
            if let Some(user) = &user {
                fault.perform(user, homeserver);
            }
        }
        let answer = match faults.iter().find(|fault| fault.keeps_from_homeserver()) {
            Some(fault) => fault.made_up_answer(),
            None => Some(answer(&faults, homeserver, request)),
        };
        answer.map_or(Exchange::Dropped, |answer| spoiled(&faults, answer))
    }

    fn faults_for<B>(&mut self, request: &Request<B>, user: Option<&UserId>) -> Vec<Fault> {
        let by_rule = self.rules.iter_mut().filter_map(|rule| rule.fault_for(request, user));
        let mut faults: Vec<_> = by_rule.cloned().collect();
        faults.extend(self.dice.as_mut().and_then(Dice::draw).cloned());
        self.applied += faults.len() as u64;
        faults
    }
}

/// What the homeserver answers; the second time if it gets the request twice.
fn answer(
    faults: &[Fault],
    homeserver: &mut Homeserver,
    request: &Request<impl AsRef<[u8]>>,
) -> Response<Vec<u8>> {
    for _ in faults.iter().filter(|fault| matches!(fault, Fault::DeliverTwice)) {
        homeserver.respond(request);
    }
    homeserver.respond(request)
}

/// What becomes of the answer on its way back.
fn spoiled(faults: &[Fault], mut response: Response<Vec<u8>>) -> Exchange {
    let mut delay_ms = 0_u64;
    for fault in faults {
        match fault {
            Fault::DropAnswer => return Exchange::Dropped,
            Fault::Delay { ms } => delay_ms = delay_ms.saturating_add(*ms),
            Fault::CutAfterBytes(bytes) => response.body_mut().truncate(*bytes),
            Fault::CutAfterPerMille(share) => {
                let bytes = response.body().len().saturating_mul((*share).into()) / 1_000;
                response.body_mut().truncate(bytes);
            }
            Fault::ServerError { status, acted: true } => response = answers::error(*status),
            Fault::ProxyPage { status, acted: true } => response = answers::page(*status),
            _ => {}
        }
    }
    Exchange::Answered { response, delay_ms }
}
