//! Hosts that block.

use std::ops::ControlFlow;

use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{Scope, Stage},
        drive, drive_backup,
        flow::{EnterError, Flow, FlowError, Recover, SetUpDone},
    },
    secret_storage::VerifiedPublicKeys,
};

use crate::host::{Failed, TestHost, USER};

/// Drives a flow to its end, however often the host fails.
pub(crate) fn to_its_end<F: Flow>(flow: &mut F, host: &mut TestHost) -> F::Outcome {
    for _ in 0..1_000 {
        match drive(flow, host) {
            Ok(outcome) => return outcome.unwrap(),
            Err(error) => assert_eq!(error, Failed::OnPurpose),
        }
    }
    panic!("it never ends: {flow:?}");
}

/// Drives the machine until it waits, however often the host fails.
fn until_it_waits(backup: &mut Backup, host: &mut TestHost) {
    host.patience = (20, ControlFlow::Break(()));
    while drive_backup(backup, host).is_err() {}
}

pub(crate) fn recover(host: &TestHost) -> Recover {
    let verified = VerifiedPublicKeys::none(USER.into());
    Recover::new(host.backup(), verified, Limits::default())
}

/// A phone with a secret storage and sessions in its backup, and a tablet that gets them.
fn history(phone: &mut TestHost, failure: Option<(&'static str, usize)>) -> TestHost {
    phone.failure = failure;
    let mut flow = phone.set_up();
    let SetUpDone { mut backup, .. } = to_its_end(&mut flow, phone).unwrap();
    phone.add_sessions(30);
    backup.new_sessions();
    until_it_waits(&mut backup, phone);
    assert_eq!(backup.stage(), Stage::Running, "{failure:?}");
    assert!(phone.store.values().all(|(_, stored_in)| stored_in.is_some()), "{failure:?}");
    assert_eq!(phone.stored, 30, "{failure:?}");

    let mut tablet = phone.tablet();
    tablet.failure = phone.failure.take();
    tablet.typed = vec!["not the key"];
    let recovered = to_its_end(&mut recover(&tablet), &mut tablet);
    assert_eq!(tablet.imported, phone.sessions(), "{failure:?}");
    assert!(tablet.secrets >= recovered.secrets.len(), "{failure:?}");
    // Why the last text was of no use is told once.
    let is_told = failure.is_none_or(|(name, _)| name != "enter_key");
    if is_told {
        assert!(matches!(tablet.refused[..], [EnterError::OpensNothing(_)]), "{failure:?}");
    }
    let mut backup = recovered.backup;
    backup.fetch(Scope::Everything, tablet.now);
    until_it_waits(&mut backup, &mut tablet);
    tablet
}

#[test]
fn every_step_is_served() {
    let mut phone = TestHost::new();
    let tablet = history(&mut phone, None);
    let calls: Vec<_> = phone.calls.iter().chain(&tablet.calls).collect();
    for name in STEPS {
        assert!(calls.contains(&&name), "{name}: {calls:?}");
    }
}

#[test]
fn sessions_that_the_homeserver_has_lost_are_offered_again() {
    for failure in [None, Some(("lost", 0))] {
        let mut phone = TestHost::new();
        let SetUpDone { mut backup, .. } = to_its_end(&mut phone.set_up(), &mut phone).unwrap();
        phone.add_sessions(5);
        backup.new_sessions();
        until_it_waits(&mut backup, &mut phone);
        let yesterday = phone.homeserver.clone();
        phone.add_sessions(5);
        backup.new_sessions();
        until_it_waits(&mut backup, &mut phone);
        (phone.homeserver, phone.failure) = (yesterday, failure);
        backup.look_again();
        until_it_waits(&mut backup, &mut phone);
        assert!(phone.calls.contains(&"lost"), "{failure:?}");
        let puts = phone.calls.iter().filter(|name| **name == "stored").count();
        assert_eq!(puts, 3, "{failure:?}: five, five, and all of them again");
        assert!(phone.store.values().all(|(_, stored_in)| stored_in.is_some()), "{failure:?}");
    }
}

#[test]
fn what_a_host_fails_on_comes_again() {
    for name in STEPS {
        for later in [0, 1, 3] {
            history(&mut TestHost::new(), Some((name, later)));
        }
    }
}

#[test]
fn a_machine_alone_is_driven_through_its_questions() {
    for name in
        ["ask", "sign", "store_secret", "save", "send", "offer", "stored", "trusted_signers"]
    {
        let mut phone = TestHost::new();
        phone.failure = Some((name, 0));
        phone.add_sessions(3);
        let mut backup = phone.backup();
        until_it_waits(&mut backup, &mut phone);
        assert_eq!(phone.failure, None, "{name} was never asked for");
        assert_eq!(backup.stage(), Stage::Running, "{name}");
        assert!(phone.store.values().all(|(_, stored_in)| stored_in.is_some()), "{name}");
        assert!(phone.calls.contains(&"store_secret"), "{:?}", phone.calls);
    }
}

#[test]
fn a_set_up_is_restored_from_what_the_drive_has_saved() {
    for failing in ["save", "send", "sign", "account_data", "show_recovery_key"] {
        for later in 0..6 {
            let mut phone = TestHost::new();
            phone.failure = Some((failing, later));
            let mut flow = phone.set_up();
            let mut restarts = 0;
            let done = loop {
                match drive(&mut flow, &mut phone) {
                    Ok(done) => break done.unwrap().unwrap(),
                    Err(error) => assert_eq!(error, Failed::OnPurpose),
                }
                // The process has ended, and nothing but what is on the disk is left.
                flow = phone.restored().unwrap_or_else(|| phone.set_up());
                restarts += 1;
            };
            assert!(restarts <= 1 && done.backup.trusted().is_some(), "{failing} {later}");
        }
    }
}

#[test]
fn a_flow_is_given_up_where_it_waits() {
    let mut phone = TestHost::new();
    phone.instead = Box::new(|_| Some(None));
    phone.patience = (3, ControlFlow::Break(()));
    let mut flow = phone.set_up();
    assert!(drive(&mut flow, &mut phone).unwrap().is_none());
    flow.give_up();
    let done = drive(&mut flow, &mut phone).unwrap().unwrap();
    assert_eq!(done.unwrap_err(), FlowError::GivenUp);
    assert_eq!(phone.waits.len(), 4);
    assert!(phone.waits.iter().all(|waiting| !waiting.is_empty()), "{:?}", phone.waits);
}

#[test]
fn a_host_that_leaves_goes_on_where_it_was() {
    let mut phone = TestHost::new();
    let mut lost = 3;
    phone.instead = Box::new(move |_| {
        lost -= 1;
        (lost >= 0).then_some(None)
    });
    phone.patience = (0, ControlFlow::Break(()));
    let mut flow = phone.set_up();
    assert!(drive(&mut flow, &mut phone).unwrap().is_none());
    phone.patience = (100, ControlFlow::Break(()));
    assert!(drive(&mut flow, &mut phone).unwrap().unwrap().is_ok());
    // It has ended: there is nothing to wait for.
    phone.calls.clear();
    assert!(drive(&mut flow, &mut phone).unwrap().is_none());
    assert!(phone.calls.is_empty(), "{:?}", phone.calls);
}

#[test]
fn what_the_user_does_not_have_is_passed_over() {
    let mut phone = TestHost::new();
    to_its_end(&mut phone.set_up(), &mut phone).unwrap();
    let mut tablet = phone.tablet();
    tablet.note = None;
    let recovered = to_its_end(&mut recover(&tablet), &mut tablet);
    assert!(recovered.fetched.is_none() && recovered.secrets.is_empty());
}

/// What the flows and the machine want of a host in the course of the history above.
const STEPS: [&str; 12] = [
    "save",
    "send",
    "account_data",
    "sign",
    "show_recovery_key",
    "trusted_signers",
    "offer",
    "stored",
    "enter_key",
    "secrets",
    "import",
    "notice",
];
