//! The account's machine against a real homeserver, if `STRONGROOM_SYNAPSE` names one: setting up, uploading,
//! restoring on a second device, rotating, disabling.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[path = "client_backup/driver/mod.rs"]
mod driver;
mod support;

use support::asserted;

use std::rc::Rc;

use driver::{Driver, Lied};
use serde_json::Value;
use strongroom::{
    backup::TrustReason,
    client::backup::{Question, Reply, Scope, Stage},
    homeserver::Homeserver,
    provenance::Provenance,
};
use support::synapse::{Login, Synapse};

/// A device whose requests go to the real homeserver. The user has one access token for all.
fn device(synapse: &Rc<Synapse>, login: &Login, name: &str, seed: u64) -> Driver {
    let (user, token) = (login.user_id.as_str(), login.token.clone());
    let mut device = Driver::of(user, name, token, Homeserver::new(), seed);
    let (synapse, url) = (synapse.clone(), synapse.url().to_owned());
    device.lie = Some(Box::new(move |request, _| {
        let (mut head, body) = request.clone().into_parts();
        let path = head.uri.path_and_query().unwrap().as_str();
        head.uri = format!("{url}{path}").parse().unwrap();
        Some(Lied::Answer(synapse.send(http::Request::from_parts(head, body))))
    }));
    device
}

fn ask(synapse: &Synapse, login: &Login, path: &str) -> (u16, Value) {
    synapse.ask(&login.token, "GET", &format!("/_matrix/client/v3{path}"), "")
}

#[test]
fn setup_upload_restore_rotate_and_disable_on_a_real_homeserver() {
    let Some(synapse) = Synapse::from_environment("the account's machine") else { return };
    let login = synapse.register();
    let synapse = Rc::new(synapse);

    // A backup is set up, and 250 sessions go there.
    let mut phone = device(&synapse, &login, "PHONE", 1);
    phone.machine.set_signers(vec![phone.signer()]);
    phone.run();
    assert!(matches!(phone.question(), Question::SetUp { preference: None }));
    phone.reply(Reply::Create);
    phone.reply(Reply::Saved);
    let sessions: Vec<_> = (0..250).map(|_| phone.has_session()).collect();
    phone.live(60_000);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
    let (_, version) = ask(&synapse, &login, "/room_keys/version");
    assert_eq!(version["count"], 250);

    // A second device trusts it by the signature, gets the key, and the sessions.
    let mut laptop = device(&synapse, &login, "LAPTOP", 2);
    laptop.machine.set_signers(vec![phone.signer()]);
    laptop.run();
    let reason = laptop.machine.trusted().unwrap().reason().clone();
    assert_eq!(reason, TrustReason::Signature(phone.signer()));
    laptop.machine.undecryptable("!room".into(), sessions[0].session_id(), laptop.now);
    laptop.run();
    laptop.reply(Reply::RestoreRoom);
    assert!(matches!(laptop.question(), Question::DecryptionKey { .. }));
    laptop.machine.give_key(phone.stored_key(Provenance::AuthenticatedSecretStorage));
    laptop.run();
    let ids = |sessions: &[strongroom::session_data::ExportedSession]| {
        let ids = sessions.iter().map(|session| session.session_id());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&laptop.imported), ids(&sessions));
    let (_, Ok(report)) = &laptop.fetched[0] else { panic!() };
    assert!(report.is_everything());

    // A session that is not there is not asked for twice.
    let missing = laptop.session().session_id();
    for _ in 0..2 {
        laptop.machine.fetch(Scope::Session("!room".into(), missing.clone()), laptop.now);
        laptop.live(5_000);
    }
    let asked = laptop.requests();
    let asked = asked.iter().filter(|line| line.starts_with("GET") && line.contains("room/"));
    assert_eq!(asked.count(), 1);

    // The phone rotates. The laptop is told by its upload, and goes on when its user says so.
    phone.machine.rotate();
    phone.live(60_000);
    assert!(phone.store.values().all(|(_, stored)| stored.as_ref().unwrap().as_str() == "2"));
    laptop.has_session();
    laptop.live(60_000);
    assert_eq!(laptop.machine.stage(), Stage::Changed);
    let Question::Changed { used, found: Some(found), .. } = laptop.question() else { panic!() };
    assert_eq!((used.0.as_str(), found.version.as_str()), ("1", "2"));
    laptop.reply(Reply::Use);
    laptop.live(60_000);
    assert!(laptop.store.values().all(|(_, stored)| stored.as_ref().unwrap().as_str() == "2"));
    let (_, version) = ask(&synapse, &login, "/room_keys/version");
    assert_eq!(version["count"], 251);

    // No backup at all: Synapse makes the previous version current again, until none is left.
    phone.machine.disable();
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
    assert_eq!(ask(&synapse, &login, "/room_keys/version").0, 404);
    let preference = format!("/user/{}/account_data/m.key_backup", login.user_id);
    assert_eq!(ask(&synapse, &login, &preference).1["enabled"], false);
}
