//! Which homeserver a server name stands for
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#well-known-uris)).

use std::io::Read as _;

use http::Request;
use serde_json::Value;

use super::{
    Network, Outcome,
    address::Address,
    server::{self, agent},
    trouble::Trouble,
};
use crate::failure::{Failure, quoted};

/// The address that the server names, or its own.
pub(super) fn address_of(name: &str, network: &Network) -> Outcome<Address> {
    let own = Address::read(&format!("https://{name}"))?;
    let well_known = format!("{}/.well-known/matrix/client", own.text);
    let failed = |why: &str| {
        Failure::network(format!(
            "{} does not say where its homeserver is: {why}; name the homeserver\u{2019}s address with --homeserver",
            quoted(&well_known)
        ))
    };
    // Nothing secret is sent, and many a website keeps this file elsewhere.
    let agent = agent(&own, network, MAX_REDIRECTS)?;
    let request = Request::get(&well_known).body(()).map_err(|error| failed(&error.to_string()))?;
    let broken = |error: ureq::Error| server::failed_of_name(Trouble::from(error), &agent, &own);
    let answer = agent.run(request).map_err(broken)?;
    if answer.status() == 404 {
        return Ok(own);
    }
    if !answer.status().is_success() {
        return Err(failed(&format!("it answers with status {}", answer.status().as_u16())));
    }
    let mut body = Vec::new();
    let read = answer.into_body().into_reader().take(MAX_BYTES).read_to_end(&mut body);
    read.map_err(|error| broken(error.into()))?;
    let content: Value =
        serde_json::from_slice(&body).map_err(|_| failed("what it answers is not JSON"))?;
    let Some(base_url) = content.pointer("/m.homeserver/base_url").and_then(Value::as_str) else {
        return Err(failed("there is no base_url in it"));
    };
    let address = Address::read(base_url)
        .map_err(|_| failed(&format!("the base_url in it, {}, is no address", quoted(base_url))))?;
    // A server elsewhere has no business on this machine.
    let is_local = own.is_loopback() && address.is_loopback();
    if !address.is_encrypted() && !is_local {
        return Err(failed("the address in it is not encrypted"));
    }
    Ok(address)
}

const MAX_REDIRECTS: u32 = 5;

/// The specification's limit for this file.
const MAX_BYTES: u64 = 50 << 10;
