//! What a flow and the account's machine hear of each other's requests, and how often they send.

use http::Response;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Awaited, Operation, RequestKind,
        backup::Next,
        flow::{Flow as _, FlowError, SetUp, SetUpDone, Step},
    },
};

use crate::host::{Host, new_key};

type Answer = Response<Vec<u8>>;

fn answer(status: u16, body: &str) -> Answer {
    Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
}

fn name(host: &Host, operation: &Operation) -> String {
    let url = BaseUrl::new("https://example.org").unwrap();
    let request = operation.to_http(&url, &host.token).unwrap();
    format!("{} {}", request.method(), request.uri().path())
}

/// Works for a flow until it wants to send a request whose name stops it, or has ended.
fn work(
    host: &mut Host,
    flow: &mut SetUp,
    stops: impl Fn(&str) -> bool,
) -> Result<Box<Operation>, Box<Result<SetUpDone, FlowError>>> {
    loop {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                if stops(&name(host, &operation)) {
                    return Ok(operation);
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
            Step::Done(done) => return Err(done),
            Step::Wait(until) => {
                let until = until.unwrap();
                assert!(until > host.now, "it turns in circles");
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
    let mut writes = 0;
    let ended = loop {
        let wanted =
            work(&mut host, &mut flow, |name| name.starts_with("PUT /_matrix/client/v3/user"));
        let write = match wanted {
            Ok(write) => write,
            Err(done) => break done,
        };
        writes += usize::from(!name(&host, &write).ends_with("m.key_backup"));
        flow.answer(write.id(), Some(answer(502, "bad gateway")), host.now).unwrap();
    };
    assert!((5..20).contains(&writes), "{writes}");
    // After about an hour the flow ends, and says why.
    let Err(FlowError::Failing(waiting)) = &*ended else { panic!("{ended:?}") };
    let sentence = ended.as_ref().as_ref().unwrap_err().to_string();
    let beginning = "the request to write the account data failed 16 times: the server answered";
    assert!(sentence.starts_with(beginning), "{sentence}");
    assert_eq!(waiting.what, Awaited::Request(RequestKind::WriteAccountData));
}

/// The machine keeps its back-off, but what an earlier flow has waited for is no reason to end.
#[test]
fn a_flow_after_one_that_ended_for_failures_tries_again() {
    for failing in [
        "PUT /_matrix/client/v3/user",
        "GET /_matrix/client/v3/user",
        "POST /_matrix/client/v3/room_keys/version",
        "GET /_matrix/client/v3/room_keys/version",
    ] {
        let mut host = Host::new();
        let mut flow = set_up(&host);
        let ended = loop {
            match work(&mut host, &mut flow, |name| name.starts_with(failing)) {
                Ok(sent) => {
                    let bad = answer(500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#);
                    flow.answer(sent.id(), Some(bad), host.now).unwrap();
                }
                Err(done) => break done,
            }
        };
        assert!(ended.is_err(), "{failing}: {ended:?}");
        let (key, backup) = (flow.new_key().clone(), flow.into_backup().unwrap());
        let mut again = SetUp::bootstrap(backup, key, Vec::new(), Limits::default());
        let ended = work(&mut host, &mut again, |_| false).unwrap_err();
        assert!(ended.is_ok(), "{failing}: {ended:?}");
    }
}

#[test]
fn a_set_up_whose_backup_is_never_shown_says_so() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let none = || answer(404, r#"{"errcode":"M_NOT_FOUND","error":"none"}"#);
    let ended = loop {
        let wanted = work(&mut host, &mut flow, |name| {
            name.starts_with("GET /_matrix/client/v3/room_keys/version")
        });
        let look = match wanted {
            Ok(look) => look,
            Err(done) => break done,
        };
        flow.answer(look.id(), Some(none()), host.now).unwrap();
    };
    assert!(matches!(*ended, Err(FlowError::NotShown)), "{ended:?}");
}

#[test]
fn a_set_up_that_the_host_gives_up_ends() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let read = |name: &str| name.contains("m.cross_signing");
    work(&mut host, &mut flow, read).unwrap();
    flow.give_up();
    let ended = work(&mut host, &mut flow, |_| false).unwrap_err();
    assert!(matches!(*ended, Err(FlowError::GivenUp)), "{ended:?}");
}

#[test]
fn what_a_flow_hears_of_an_old_token_does_not_pause_it_again() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let read = work(&mut host, &mut flow, |name| name.contains("m.cross_signing")).unwrap();
    flow.resume();
    let unauthorized = answer(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?"}"#);
    flow.answer(read.id(), Some(unauthorized.clone()), host.now).unwrap();
    assert!(!flow.is_paused());
    let read = work(&mut host, &mut flow, |name| name.contains("m.cross_signing")).unwrap();
    flow.answer(read.id(), Some(unauthorized), host.now).unwrap();
    assert!(flow.is_paused());
}

#[test]
fn a_rate_limit_that_a_flow_meets_is_kept_by_the_machine() {
    let mut host = Host::new();
    let mut flow = set_up(&host);
    let read = work(&mut host, &mut flow, |name| name.contains("m.cross_signing")).unwrap();
    let limit = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":600000}"#;
    flow.answer(read.id(), Some(answer(429, limit)), host.now).unwrap();
    let mut backup = flow.into_backup().unwrap();
    loop {
        match backup.next_with_rng(host.now, &mut host.rng) {
            Next::Save(_) => backup.saved(),
            Next::Send(operation) => panic!("it sends {operation:?}"),
            Next::Wait(until) => break assert!(until.unwrap() >= host.now + 600_000),
            _ => {}
        }
    }
}
