//! Answers that are none.

use std::{cell::Cell, rc::Rc};

use http::{Request, Response};

use crate::driver::Lied;

pub(crate) type Answer = Option<Response<Vec<u8>>>;

/// An answer that is none.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Whether the homeserver does what it was asked for all the same.
    pub(crate) acts: bool,
    pub(crate) answer: fn() -> Lied,
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Once,
    ForAnHour,
    ForGood,
}

const SPANS: [Span; 3] = [Span::Once, Span::ForAnHour, Span::ForGood];

pub(crate) const FAULTS: [Fault; 26] = [
    fault("500", false, || body(500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#)),
    fault("502 of a proxy", false, || body(502, "<html>bad gateway</html>")),
    fault("500 that acts", true, || body(500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#)),
    fault("403", false, || body(403, r#"{"errcode":"M_FORBIDDEN","error":"?"}"#)),
    fault("403 of a proxy", false, || body(403, "<html>forbidden</html>")),
    fault("404", false, || body(404, r#"{"errcode":"M_NOT_FOUND","error":"?"}"#)),
    fault("404, unrecognized", false, || body(404, r#"{"errcode":"M_UNRECOGNIZED","error":"?"}"#)),
    fault("404 of a proxy", false, || body(404, "<html>not here</html>")),
    fault("413 of a proxy", false, || body(413, "<html>too large</html>")),
    fault("403, wrong version", false, || {
        body(403, r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","current_version":"1"}"#)
    }),
    fault("401", false, || body(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?"}"#)),
    fault("401, soft", false, || {
        body(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?","soft_logout":true}"#)
    }),
    fault("429", false, || body(429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?"}"#)),
    fault("429 with a wait", false, || {
        body(429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":60000}"#)
    }),
    fault("429, ten years", false, || limited("315360000", "315360000000")),
    fault("429, a negative wait", false, || limited("-60", "-60000")),
    fault("429, a wait that is no integer", false, || limited("1.5", "1500.5")),
    fault("301", false, || moved(301)),
    fault("307", false, || moved(307)),
    fault("200 {}", true, || body(200, "{}")),
    fault("200, empty", true, || body(200, "")),
    fault("200, cut", true, || body(200, r#"{"version":"1","rooms":{"!room":{"sessions":{"#)),
    fault("200 of another shape", true, || body(200, r#"{"rooms":[],"version":[],"enabled":1}"#)),
    fault("no answer", true, || Lied::Nothing),
    fault("never", false, || Lied::Never),
    fault("late", false, || Lied::Late),
];

/// What is tried on a row: each fault, by default for one of the spans, which is another one in another row.
pub(crate) fn tried(row: &str) -> impl Iterator<Item = (Fault, Span)> {
    let first: usize = row.bytes().map(usize::from).sum();
    let all = FAULTS.into_iter().enumerate().flat_map(|(fault, it)| {
        SPANS.into_iter().enumerate().map(move |(span, for_it)| (fault + span, it, for_it))
    });
    let is_all = tries_all();
    all.filter(move |(place, ..)| is_all || (first + place).is_multiple_of(SPANS.len()))
        .map(|(_, fault, span)| (fault, span))
}

/// The same while the clock jumps: by default a fifth of it.
pub(crate) fn tried_with_jumps(row: &str) -> impl Iterator<Item = (Fault, Span)> {
    tried(row).step_by(if tries_all() { 1 } else { 5 })
}

#[allow(clippy::disallowed_methods, reason = "a test may be told to try more")]
fn tries_all() -> bool {
    std::env::var("STRONGROOM_FAULTS").is_ok_and(|which| which == "all")
}

/// Nothing happens.
pub(crate) fn no_trouble() -> Trouble {
    Trouble::new(|_| false, FAULTS[0], Span::Once)
}

const fn fault(name: &'static str, acts: bool, answer: fn() -> Lied) -> Fault {
    Fault { name, acts, answer }
}

fn body(status: u16, text: &str) -> Lied {
    Lied::Answer(Response::builder().status(status).body(text.as_bytes().to_vec()).unwrap())
}

fn limited(header: &str, ms: &str) -> Lied {
    let body = format!(r#"{{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":{ms}}}"#);
    let limited = Response::builder().status(429).header("Retry-After", header);
    Lied::Answer(limited.body(body.into_bytes()).unwrap())
}

fn moved(status: u16) -> Lied {
    let moved = Response::builder().status(status).header("Location", "/elsewhere");
    Lied::Answer(moved.body(b"<html>elsewhere</html>".to_vec()).unwrap())
}

/// Which requests it is about, by method and path.
pub(crate) type Matches = fn(&str) -> bool;

/// When a fault strikes.
pub(crate) struct Trouble {
    is_it: Matches,
    pub(crate) fault: Fault,
    pub(crate) span: Span,
    begin: Option<u64>,
    pub(crate) clock: Rc<Cell<u64>>,
}

impl Trouble {
    pub(crate) fn new(is_it: Matches, fault: Fault, span: Span) -> Self {
        Self { is_it, fault, span, begin: None, clock: Rc::default() }
    }

    /// Whether it has struck.
    pub(crate) fn has_begun(&self) -> bool {
        self.begin.is_some()
    }

    /// The fault, if it strikes this request now.
    pub(crate) fn strikes(&mut self, request: &Request<Vec<u8>>) -> Option<Fault> {
        let path = request.uri().path().trim_start_matches("/_matrix/client/v3");
        if !(self.is_it)(&format!("{} {path}", request.method())) {
            return None;
        }
        let (now, is_first) = (self.clock.get(), self.begin.is_none());
        let begin = *self.begin.get_or_insert(now);
        let strikes = match self.span {
            Span::Once => is_first,
            Span::ForAnHour => now < begin + 60 * 60 * 1_000,
            Span::ForGood => true,
        };
        strikes.then_some(self.fault)
    }
}
