//! What the verification of a device comes to, for each of its requests.

use strongroom::{Limits, client::flow::VerifyDevice};

use crate::{
    fault::{Trouble, no_trouble, tried_with_jumps},
    flows::{REQUESTS, Run, comes_by_itself, for_each},
    host::Host,
    identity::{Identity, own_device, publish_device},
    table::{DAY, undisturbed},
};

/// A host whose device and identity are published.
fn host(identity: &Identity) -> Host {
    let mut host = Host::new();
    publish_device(&mut host.homeserver);
    identity.publish(&mut host.homeserver);
    host
}

fn begin(host: &Host, identity: &Identity) -> VerifyDevice {
    VerifyDevice::new(host.backup(), own_device(), None, identity.seeds(), Limits::default())
}

/// What a verification sends.
pub(crate) fn sent() -> Vec<String> {
    let identity = Identity::new(1);
    undisturbed(host(&identity), "", |run| {
        let mut flow = begin(run.host, &identity);
        assert!(run.drive(&mut flow, |_| None).outcome.unwrap().is_ok());
    })
}

fn verify(name: &str, trouble: Trouble, jump: i64, what: &str) {
    let identity = Identity::new(1);
    let mut host = host(&identity);
    // That the account has no identity is believed.
    let is_believed = ["200 {}", "200 of another shape"].contains(&trouble.fault.name);
    let must_succeed =
        comes_by_itself(name, &trouble) && (!is_believed || name == "publish signatures");
    let mut flow = begin(&host, &identity);
    let mut run = Run { host: &mut host, trouble, typed: "", jump, what };
    let ended = run.drive(&mut flow, |_| None);
    assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
    let is_done = matches!(ended.outcome, Some(Ok(_)));
    assert!(is_done || !must_succeed, "{what}: {:?}", ended.outcome);
    assert!(ended.outcome.is_some(), "{what}: it does not end");
    // Whoever says that it is verified has seen it.
    assert!(!is_done || identity.sees(&mut host.homeserver) == (true, true), "{what}");
    // What is left goes by when nothing is in the way.
    let mut flow = begin(&host, &identity);
    let mut run = Run { host: &mut host, trouble: no_trouble(), typed: "", jump: 0, what };
    assert!(matches!(run.drive(&mut flow, |_| None).outcome, Some(Ok(_))), "{what}");
    assert_eq!(identity.sees(&mut host.homeserver), (true, true), "{what}");
}

#[test]
fn verifying_a_device_ends_or_says_what_it_waits_for_and_can_be_begun_again() {
    for_each(&sent(), |name, trouble, what| verify(name, trouble, 0, what));
}

#[test]
fn a_clock_that_jumps_when_something_fails_keeps_no_verification_from_its_end() {
    for jump in [-DAY, 365 * DAY] {
        for (fault, span) in tried_with_jumps("everything") {
            let what = format!("{jump}: {}, {span:?}", fault.name);
            verify("everything", Trouble::new(|_| true, fault, span), jump, &what);
        }
    }
}
