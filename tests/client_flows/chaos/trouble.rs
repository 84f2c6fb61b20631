//! What goes wrong between a flow and the homeserver.

use http::{Request, Response};
use rand::{RngExt as _, rngs::StdRng};
use strongroom::{encoding::json_object::JsonObject, ids::EventType};

use super::Run;
use crate::drive::Answer;

impl Run {
    /// Whether something goes wrong, as long as anything may.
    pub(super) fn goes_wrong(&mut self, what: &str, probability: f64) -> bool {
        let wrong = self.troubles > 0 && self.dice.random_bool(probability);
        if wrong {
            self.troubles -= 1;
            self.note(what);
        }
        wrong
    }

    /// What comes back for a request.
    pub(super) fn exchange(&mut self, request: &Request<Vec<u8>>) -> Answer {
        self.note(format!("{} {}", request.method(), request.uri().path()));
        if self.goes_wrong("the request is lost", 0.05) {
            return None;
        }
        if self.goes_wrong("the homeserver refuses", 0.05) {
            return Some(refusal(&mut self.dice));
        }
        let answer = self.host.send(request);
        if self.goes_wrong("the answer is lost", 0.07) { None } else { answer }
    }

    /// What the host's `/sync` has, or had some time ago.
    pub(super) fn account_data(&mut self) -> Vec<(EventType, JsonObject)> {
        let now = self.host.account_data();
        self.history.push(now.clone());
        if self.goes_wrong("the host lags", 0.3) {
            let number = self.dice.random_range(0..self.history.len());
            return self.history[number].clone();
        }
        now
    }
}

/// A refusal that does not last.
pub(super) fn refusal(dice: &mut StdRng) -> Response<Vec<u8>> {
    let (status, body) = match dice.random_range(0..4) {
        0 => (503, "<html>"),
        1 => (429, r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}"#),
        2 => (401, r#"{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}"#),
        _ => (500, r#"{"errcode":"M_UNKNOWN","error":"oh"}"#),
    };
    Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
}
