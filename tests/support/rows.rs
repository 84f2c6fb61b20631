//! Requests and answers that were recorded from a real homeserver.
#![allow(dead_code, reason = "each test includes it and uses a part")]

use serde_json::Value;

use super::{
    ask::{Answer, ROOM_KEYS, without_error},
    vectors::{Row, own_rows},
};

/// Plays all rows, each section with a user whom `new_user` makes; returns the rows whose answer is not
/// the one that `expected` says.
pub(crate) fn play<S>(
    mut new_user: impl FnMut() -> S,
    mut ask: impl FnMut(&mut S, &RecordedRequest<'_>) -> Answer,
    expected: impl Fn(&Row) -> Answer,
) -> Vec<String> {
    let mut surprises = Vec::new();
    let (mut section, mut user) = (String::new(), new_user());
    for row in own_rows("synapse/room_keys.json") {
        if row.text("section") != section {
            row.text("section").clone_into(&mut section);
            user = new_user();
        }
        let (found, expected) = (ask(&mut user, &RecordedRequest::of(&row)), expected(&row));
        if without_error(found.clone()) != without_error(expected.clone()) {
            surprises.push(format!("{}: {found:?}, not {expected:?}", row.name()));
        }
    }
    surprises
}

/// A request below `/room_keys`.
pub(crate) struct RecordedRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: String,
    pub(crate) token: TokenKind,
    pub(crate) body: &'a str,
}

pub(crate) enum TokenKind {
    Good,
    Bad,
    Missing,
}

impl<'a> RecordedRequest<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            method: row.text("method"),
            path: format!("{ROOM_KEYS}{}", row.text("path")),
            token: match row.get_text("token") {
                None => TokenKind::Good,
                Some("bad") => TokenKind::Bad,
                Some(_) => TokenKind::Missing,
            },
            body: row.get_text("body").unwrap_or_default(),
        }
    }

    /// The token to send, given that of the user.
    pub(crate) fn token<'b>(&self, good: &'b str) -> &'b str {
        match self.token {
            TokenKind::Good => good,
            TokenKind::Bad => "nobody",
            TokenKind::Missing => "",
        }
    }
}

/// What the real homeserver answered.
pub(crate) fn recorded(row: &Row) -> Answer {
    answer(row.member("status"), row.member("answer"))
}

/// What ours answers: the same, or what stands under `ours`, with the reason.
pub(crate) fn ours(row: &Row) -> Answer {
    match row.get("ours") {
        Some(ours) => answer(&ours["status"], &ours["answer"]),
        None => recorded(row),
    }
}

fn answer(status: &Value, body: &Value) -> Answer {
    (status.as_u64().and_then(|status| status.try_into().ok()).unwrap_or_default(), body.clone())
}
