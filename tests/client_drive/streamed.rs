//! Responses that are too large for memory.

use std::ops::ControlFlow;

use http::Response;
use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{BackupOptions, Scope},
        drive, drive_backup,
        flow::{Flow as _, Recover, SetUpDone},
    },
    secret_storage::VerifiedPublicKeys,
};

use crate::{
    blocking::{recover, to_its_end},
    host::{TestHost, USER},
};

/// A phone whose backup has so many sessions.
fn phone(sessions: u64) -> (TestHost, Backup) {
    let mut phone = TestHost::new();
    let SetUpDone { mut backup, .. } = to_its_end(&mut phone.set_up(), &mut phone).unwrap();
    phone.add_sessions(sessions);
    backup.new_sessions();
    phone.patience = (20, ControlFlow::Break(()));
    drive_backup(&mut backup, &mut phone).unwrap();
    (phone, backup)
}

#[test]
fn sessions_are_imported_between_the_pieces_of_a_response() {
    let (mut phone, _) = phone(600);
    let mut tablet = phone.tablet();
    tablet.piece_bytes = 8 << 10;
    to_its_end(&mut recover(&tablet), &mut tablet);
    assert_eq!(tablet.imported, phone.sessions());
    let last = tablet.calls.iter().rposition(|name| *name == "read").unwrap();
    let imports = tablet.calls[..last].iter().filter(|name| **name == "import").count();
    assert!(imports > 1, "{:?}", tablet.calls);
    assert!(tablet.fetched.is_sorted() && tablet.fetched.len() > 1, "{:?}", tablet.fetched);
}

#[test]
fn a_host_that_fails_on_a_piece_gets_all_of_it_in_the_end() {
    let (mut phone, _) = phone(600);
    for later in 0..4 {
        let mut tablet = phone.tablet();
        tablet.piece_bytes = 8 << 10;
        tablet.failure = Some(("import", later));
        to_its_end(&mut recover(&tablet), &mut tablet);
        assert_eq!(tablet.imported, phone.sessions(), "{later}");
        phone.homeserver = std::mem::take(&mut tablet.homeserver);
    }
}

#[test]
fn a_response_that_is_over_is_not_read_any_further() {
    let (mut phone, _) = phone(30);
    let mut tablet = phone.tablet();
    let limits = &mut Limits::default();
    limits.streamed_response_bytes = 10_000;
    tablet.instead = Box::new(|request| {
        let is_it = request.uri().path().ends_with("/room_keys/keys");
        is_it.then(|| Some(Response::new(vec![b' '; 20 << 20])))
    });
    tablet.patience = (3, ControlFlow::Break(()));
    let backup = Backup::new(USER.into(), "TABLET".into(), BackupOptions::default(), *limits);
    let verified = VerifiedPublicKeys::none(USER.into());
    let mut flow = Recover::new(backup, verified, *limits);
    assert!(drive(&mut flow, &mut tablet).unwrap().is_none());
    flow.give_up();
    drive(&mut flow, &mut tablet).unwrap().unwrap();
    let reads = tablet.calls.iter().filter(|name| **name == "read").count();
    assert!(reads < 1_000, "{reads} pieces were read");
}

#[test]
fn imports_are_taken_without_the_steps_before_them() {
    let (mut phone, _) = phone(600);
    let mut tablet = phone.tablet();
    // A machine that has the key, and is to save before anything else.
    let recovered = to_its_end(&mut recover(&tablet), &mut tablet);
    let mut backup = recovered.backup;
    backup.fetch(Scope::Everything, tablet.now);
    let operation = loop {
        match backup.next(tablet.now).unwrap() {
            strongroom::client::backup::Next::Save(_) => backup.saved(),
            strongroom::client::backup::Next::Send(operation) if operation.is_streamed() => {
                break operation;
            }
            strongroom::client::backup::Next::Send(operation) => {
                let url = strongroom::api::BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &tablet.token).unwrap();
                let response = tablet.homeserver.respond(&request);
                backup.answer(operation.id(), Some(response), tablet.now).unwrap();
            }
            strongroom::client::backup::Next::Wait(until) => tablet.now = until.unwrap(),
            _ => {}
        }
    };
    let url = strongroom::api::BaseUrl::new("https://example.org").unwrap();
    let response = tablet.homeserver.respond(&operation.to_http(&url, &tablet.token).unwrap());
    let mut taken = 0;
    for piece in response.body().chunks(4 << 10) {
        backup.part(operation.id(), piece).unwrap();
        for (id, _, sessions) in backup.take_imports() {
            taken += sessions.len();
            backup.ack(id);
        }
        assert!(backup.fetching().is_some_and(|(scope, _)| *scope == Scope::Everything));
    }
    let (_, progress) = backup.fetching().unwrap();
    assert_eq!(progress.bytes, response.body().len() as u64);
    assert_eq!(progress.expected, Some(600));
    assert!(taken > 300, "{taken}");
}
