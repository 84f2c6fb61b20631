//! What a flow and the account's machine hear of each other's requests, and how often they send.

use http::Response;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Operation,
        backup::Next,
        flow::{Flow as _, SetUp, Step},
    },
};

use crate::host::{Host, new_key};

const HOUR: u64 = 60 * 60 * 1_000;

type Answer = Response<Vec<u8>>;

fn answer(status: u16, body: &str) -> Answer {
    Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
}

fn name(host: &Host, operation: &Operation) -> String {
    let url = BaseUrl::new("https://example.org").unwrap();
    let request = operation.to_http(&url, &host.token).unwrap();
    format!("{} {}", request.method(), request.uri().path())
}

/// Works for a flow until it wants to send a request that starts like this, or the time is over.
fn work(
    host: &mut Host,
    flow: &mut SetUp,
    end: u64,
    mut stops: impl FnMut(&str) -> bool,
) -> Option<Box<Operation>> {
    loop {
        match flow.next(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                if stops(&name(host, &operation)) {
                    return Some(operation);
                }
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let response = host.send(&request);
                flow.answer(operation.id(), response, host.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::Sign(id, key) => {
                let signed = host.sign(key.bytes());
                flow.signed(id, &[signed]).unwrap();
            }
            Step::ShowRecoveryKey(_) => flow.recovery_key_saved(),
            Step::Wait(until) => {
                let until = until.unwrap();
                assert!(until > host.now, "it turns in circles");
                if until > end {
                    return None;
                }
                host.now = until;
            }
            other => panic!("{other:?}"),
        }
    }
}

fn set_up(host: &Host) -> SetUp {
    SetUp::bootstrap(host.backup(), new_key(), Vec::new(), Limits::default())
}

#[test]
fn a_write_that_fails_is_not_sent_faster_because_what_is_read_before_it_is_answered() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let end = host.now + HOUR;
    let mut writes = 0;
    while let Some(write) =
        work(&mut host, &mut flow, end, |name| name.starts_with("PUT /_matrix/client/v3/user"))
    {
        writes += usize::from(!name(&host, &write).ends_with("m.key_backup"));
        flow.answer(write.id(), Ok(answer(502, "bad gateway")), host.now).unwrap();
    }
    assert!((5..40).contains(&writes), "{writes}");
}

#[test]
fn what_a_flow_hears_of_an_old_token_does_not_pause_it_again() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let end = host.now + HOUR;
    let read = work(&mut host, &mut flow, end, |name| name.contains("m.cross_signing")).unwrap();
    flow.resume();
    let unauthorized = answer(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?"}"#);
    flow.answer(read.id(), Ok(unauthorized.clone()), host.now).unwrap();
    assert!(!flow.is_paused());
    let read = work(&mut host, &mut flow, end, |name| name.contains("m.cross_signing")).unwrap();
    flow.answer(read.id(), Ok(unauthorized), host.now).unwrap();
    assert!(flow.is_paused());
}

#[test]
fn a_rate_limit_that_a_flow_meets_is_kept_by_the_machine() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let end = host.now + HOUR;
    let read = work(&mut host, &mut flow, end, |name| name.contains("m.cross_signing")).unwrap();
    let limit = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":600000}"#;
    flow.answer(read.id(), Ok(answer(429, limit)), host.now).unwrap();
    let mut backup = flow.into_backup().unwrap();
    loop {
        match backup.next(host.now, &mut host.rng) {
            Next::Save(_) => backup.saved(),
            Next::Send(operation) => panic!("it sends {operation:?}"),
            Next::Wait(until) => break assert!(until.unwrap() >= host.now + 600_000),
            _ => {}
        }
    }
}
