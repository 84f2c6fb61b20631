//! What a real homeserver answered to some 250 requests, and what ours answers.
//!
//! Where Synapse departs from the specification, the row says what ours answers instead, and why. That
//! Synapse still does is checked by `tests/synapse.rs`, with the same file, so that neither rows nor reasons drift.

use crate::support::{ask, rows};
use strongroom::homeserver::Homeserver;

#[test]
fn every_row_is_answered_as_recorded_or_as_the_specification_says_instead() {
    let new_user = || {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in("@alice:localhost", "PHONE");
        (homeserver, token)
    };
    let surprises = rows::play(
        new_user,
        |(homeserver, token), row| {
            ask::ask(homeserver, row.token(token), row.method, &row.path, row.body)
        },
        rows::ours,
    );
    assert_eq!(surprises, [""; 0], "\n{}\n", surprises.join("\n"));
}
