//! Against a real homeserver: `STRONGROOM_SYNAPSE=URL cargo test --test synapse`, or `.ci/synapse run …`.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

mod support;

use std::{collections::BTreeMap, convert::Infallible, io::Read};

use http::Request;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl, PutRoomKeys},
    backup::{
        AuthData, BackupDecryptionKey, RestoreOptions, RestoredSession, SealOptions, SessionSealer,
        TrustedBackup, restore_reader,
    },
    ids::RoomId,
    recovery_key::RecoveryKey,
    session_data::{SessionData, SessionKey},
};
use support::{
    ask::{V3, assert_refused},
    endpoints::Host,
    rows,
    synapse::{Login, Synapse},
};
use vodozemac::megolm::GroupSession;

#[test]
fn every_recorded_row_is_still_answered_as_it_was() {
    let Some(synapse) = Synapse::from_environment("the recorded rows") else { return };
    let surprises = rows::play(
        || synapse.register(),
        |login, row| synapse.ask(row.token(&login.token), row.method, &row.path, row.body),
        rows::recorded,
    );
    assert_eq!(surprises, [""; 0], "\n{}\n", surprises.join("\n"));
}

#[test]
fn every_endpoint_does_what_it_says() {
    let Some(synapse) = Synapse::from_environment("every endpoint") else { return };
    for check in [Host::room_keys, Host::account] {
        let Login { token, .. } = synapse.register();
        let base_url = BaseUrl::new(synapse.url()).unwrap();
        check(&mut Host { base_url, token: token.as_str().into(), exchange: |r| synapse.send(r) });
    }
}

#[test]
fn two_thousand_sessions_are_backed_up_and_restored_over_a_socket() {
    let Some(synapse) = Synapse::from_environment("backup and restore") else { return };
    let client = Client { login: synapse.register(), synapse };
    let key = BackupDecryptionKey::generate().unwrap();
    client.send(&api::create_backup_version(&AuthData::new(key.public_key())));
    let current = client.send(&api::get_current_backup_version()).unwrap();
    let backup = TrustedBackup::by_decryption_key(&current, &key, &[]).unwrap();

    let originals = sessions(2_000);
    let sealer = SessionSealer::for_sessions(&backup, originals.len());
    let all: Vec<_> = originals.values().collect();
    for batch in all.chunks(100) {
        let batch: Vec<_> =
            batch.iter().map(|(room, one)| (room, one, SealOptions::default())).collect();
        let sealed = sealer.seal(&batch).unwrap();
        client.send(&PutRoomKeys::new(&backup, sealed).unwrap().request());
    }
    assert_eq!(client.send(&api::get_current_backup_version()).unwrap().count(), Some(2_000));

    let typed = RecoveryKey::typed_by_user(key.to_recovery_key().to_text().expose_str()).unwrap();
    let key = BackupDecryptionKey::from_recovery_key(typed);
    let get = api::get_room_keys(backup.version());
    let keys = client.send(&get);
    let whole = key.open_sessions(&keys.sessions).into_iter().map(Result::unwrap);
    assert!(by_id(whole) == originals, "not all came back equal as a whole");

    let (mut streamed, limits) = (Vec::new(), Limits::default());
    let (response, options) = (client.stream(&get), RestoreOptions::default());
    let report = restore_reader(&key, response, options, &limits, |verdicts, _| {
        streamed.extend(verdicts);
        Ok::<_, Infallible>(())
    });
    assert!(report.unwrap().is_everything());
    let streamed = streamed.into_iter().map(|verdict| match verdict {
        Ok(session) => session,
        Err(failed) => panic!("{failed:?}"),
    });
    assert!(by_id(streamed) == originals, "not all came back equal while they arrived");
}

#[test]
fn the_endpoints_beside_backups_answer_as_the_in_memory_homeserver_does() {
    let Some(synapse) = Synapse::from_environment("account data, sync and devices") else { return };
    let Login { user_id, token } = synapse.register();
    let ask = |method, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        synapse.ask(&token, method, &format!("{V3}{path}"), &body)
    };
    let me = ask("GET", "/account/whoami", &Value::Null).1;
    assert_eq!(me["user_id"], user_id);

    let path = format!("/user/{user_id}/account_data/m.secret_storage.default_key");
    assert_refused(ask("GET", &path, &Value::Null), 404, "M_NOT_FOUND");
    assert_eq!(ask("PUT", &path, &json!({ "key": "k" })), (200, json!({})));
    assert_eq!(ask("GET", &path, &Value::Null), (200, json!({ "key": "k" })));
    assert_refused(ask("PUT", &path, &json!([])), 400, "M_BAD_JSON");
    let path = "/user/@nobody:localhost/account_data/m.x";
    assert_refused(ask("GET", path, &Value::Null), 403, "M_FORBIDDEN");

    let device = me["device_id"].as_str().unwrap();
    let messages = json!({ "messages": { (user_id.as_str()): { (device): { "n": 1 } } } });
    for _ in 0..2 {
        let answer = ask("PUT", "/sendToDevice/m.secret.request/same", &messages);
        assert_eq!(answer, (200, json!({})));
    }
    let filter = "%7B%22account_data%22%3A%7B%22types%22%3A%5B%22m.secret_storage.%2A%22%5D%7D%7D";
    let (_, first) = ask("GET", &format!("/sync?timeout=0&filter={filter}"), &Value::Null);
    assert_eq!(
        first["account_data"]["events"],
        json!([{ "type": "m.secret_storage.default_key", "content": { "key": "k" } }])
    );
    assert_eq!(
        first["to_device"]["events"],
        json!([{ "sender": user_id, "type": "m.secret.request", "content": { "n": 1 } }])
    );
    let since = format!("/sync?timeout=0&since={}", first["next_batch"].as_str().unwrap());
    let (_, second) = ask("GET", &since, &Value::Null);
    assert_eq!(second["to_device"]["events"].as_array().map_or(0, Vec::len), 0);
}

/// A user of a real homeserver, and the typed endpoints.
struct Client {
    synapse: Synapse,
    login: Login,
}

impl Client {
    fn send<T>(&self, endpoint: &api::Request<T>) -> T {
        let response = self.synapse.send(self.request(endpoint));
        endpoint.read_response(&response, &Limits::default()).unwrap()
    }

    /// The body of the response while it arrives.
    fn stream(&self, endpoint: &api::Request<impl Sized>) -> impl Read {
        let (status, body) = self.synapse.stream(self.request(endpoint));
        assert_eq!(status, 200);
        body
    }

    fn request(&self, endpoint: &api::Request<impl Sized>) -> Request<Vec<u8>> {
        let base_url = BaseUrl::new(self.synapse.url()).unwrap();
        endpoint.to_http(&base_url, &AccessToken::from(self.login.token.as_str())).unwrap()
    }
}

/// Restored sessions by their IDs.
fn by_id(
    restored: impl Iterator<Item = RestoredSession>,
) -> BTreeMap<String, (RoomId, SessionData)> {
    let exported = restored.map(RestoredSession::into_exported);
    exported.map(|one| (one.session_id().as_str().to_owned(), (one.room_id, one.session))).collect()
}

/// Sessions by their IDs, in several rooms, one of which has no server part.
fn sessions(count: usize) -> BTreeMap<String, (RoomId, SessionData)> {
    let session = |number: usize| {
        let megolm = GroupSession::new(Default::default());
        let key = SessionKey::from_bytes(&megolm.session_key().to_bytes()).unwrap();
        let room = match number % 7 {
            0 => RoomId::from("!without a server part/#ä"),
            number => RoomId::new(format!("!room{number}:localhost")),
        };
        (megolm.session_id(), (room, SessionData::of_unknown_sender(key)))
    };
    (0..count).map(session).collect()
}
