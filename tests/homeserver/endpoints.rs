//! Every typed endpoint with its errors against the in-memory homeserver; `tests/synapse.rs` does the same
//! against a real one.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use crate::support::endpoints::Host;
use http::Request;
use strongroom::{api::BaseUrl, homeserver::Homeserver};

#[test]
fn every_endpoint_of_room_keys_does_what_it_says() {
    let (mut homeserver, token) = homeserver();
    host(&token, |request| homeserver.respond(&request)).room_keys();
}

#[test]
fn every_endpoint_beside_them_does_what_it_says() {
    let (mut homeserver, token) = homeserver();
    host(&token, |request| homeserver.respond(&request)).account();
}

fn homeserver() -> (Homeserver, String) {
    let mut homeserver = Homeserver::new();
    let token = homeserver.log_in("@alice:example.org", "PHONE");
    (homeserver, token)
}

fn host<F: FnMut(Request<Vec<u8>>) -> http::Response<Vec<u8>>>(
    token: &str,
    exchange: F,
) -> Host<F> {
    let base_url = BaseUrl::new("https://matrix.example.org").unwrap();
    Host { base_url, token: token.into(), exchange }
}
