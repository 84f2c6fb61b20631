//! `upload`.

mod program;
mod refusals;
mod sources;
mod trust;

use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::{
    encoding::base64,
    homeserver::{Homeserver, HomeserverOptions},
};

use crate::{
    account::{Account, PASSWORD},
    kit::{Folder, fixture, run, session_keys},
    server::Server,
};

/// An account as `name` has left it, with an empty backup of its key.
fn empty(test: &str, name: &str, options: HomeserverOptions) -> Account {
    let fixture = fixture(name);
    let user = fixture["user_id"].as_str().unwrap().to_owned();
    let mut homeserver = Homeserver::with_options(options);
    homeserver.add_user(user.as_str(), PASSWORD);
    let token = homeserver.log_in(user.as_str(), "CLIENT");
    let folder = Folder::new(&format!("upload-{test}"));
    let account = Account { server: Server::start(homeserver), folder, user, token };
    for (kind, content) in fixture["account_data"].as_object().unwrap() {
        account.put(&format!("user/{}/account_data/{kind}", account.user), content);
    }
    new_version(&account, &fixture["room_keys_version"]["auth_data"]);
    account.folder.write("password.txt", PASSWORD.as_bytes());
    account.folder.write("key.txt", fixture["recovery_key"].as_str().unwrap().as_bytes());
    account
}

fn new_version(account: &Account, auth_data: &Value) {
    let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
    let version = json!({ "algorithm": algorithm, "auth_data": auth_data });
    account.server.send(Method::POST, "room_keys/version", &account.token, &version);
}

fn target(test: &str) -> Account {
    empty(test, "random", HomeserverOptions::default())
}

/// The sessions that the client of `name` has exported.
fn exported(name: &str) -> Vec<Value> {
    fixture(name)["exported_room_keys"].as_array().unwrap().clone()
}

/// Writes sessions as a JSON array, and returns the file's name.
fn plain(account: &Account, sessions: &[Value]) -> String {
    account.folder.write("plain.json", Value::from(sessions).to_string().as_bytes())
}

/// Calls `upload` with the account's key, and returns the report.
fn upload(account: &Account, arguments: &[&str]) -> (i32, Value) {
    let (login, key) = (account.log_in(), account.file("key.txt"));
    account.server.seen();
    let command = ["upload", "--json", "--login", &login, "--recovery-key-file", &key];
    let (status, out, errors) = run(&[&command, arguments].concat(), None);
    let report = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{errors}"));
    println!("{report:#}\n{errors}");
    (status, report)
}

/// How many requests have put sessions into the backup.
fn puts(account: &Account) -> usize {
    account.server.seen().iter().filter(|it| it.starts_with("PUT") && it.ends_with("/keys")).count()
}

fn is_put(request: &Request<Vec<u8>>) -> bool {
    request.method() == Method::PUT && request.uri().path().ends_with("/room_keys/keys")
}

fn stored_sessions(account: &Account) -> Vec<Value> {
    let keys =
        account.server.send(Method::GET, "room_keys/keys?version=1", &account.token, &Value::Null);
    let rooms = keys["rooms"].as_object().unwrap();
    rooms.values().flat_map(|it| it["sessions"].as_object().unwrap().values().cloned()).collect()
}

/// The message keys that the account's key brings back from the homeserver.
fn rescued(account: &Account) -> Vec<String> {
    let (login, key, out) =
        (account.log_in(), account.file("key.txt"), account.file("rescued.json"));
    let arguments = ["rescue", "--login", &login, "--recovery-key-file", &key, "--out", &out];
    let (status, text, errors) =
        run(&[&arguments[..], &["--format", "json", "--force"]].concat(), None);
    assert_eq!(status, 0, "{text}{errors}");
    session_keys(&out)
}

fn export_file(account: &Account, name: &str) -> [String; 2] {
    let file =
        format!("{}/../tests/vectors/js-sdk/{name}.megolm-export", env!("CARGO_MANIFEST_DIR"));
    let made: Value =
        serde_json::from_slice(&std::fs::read(format!("{file}.json")).unwrap()).unwrap();
    let passphrase = &made["files"][format!("{name}.megolm-export.txt")]["passphrase"];
    let passphrase = passphrase.as_str().unwrap().as_bytes();
    [format!("{file}.txt"), account.folder.write(&format!("{name}.passphrase"), passphrase)]
}

/// Sessions of one room that differ in their IDs.
fn many(count: usize) -> Vec<Value> {
    let session = exported("random")[0].clone();
    let key = base64::decode(session["session_key"].as_str().unwrap()).unwrap();
    let public_keys = (0_u64..).map(|number| {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes
    });
    let is_key =
        |bytes: &[u8; 32]| strongroom::crypto::ed25519::Ed25519PublicKey::from_bytes(bytes).is_ok();
    let with = |public_key: [u8; 32]| {
        let (mut session, mut key) = (session.clone(), key.clone());
        let end = key.len() - 32;
        key[end..].copy_from_slice(&public_key);
        session["session_id"] = base64::encode(&public_key).into();
        session["session_key"] = base64::encode(&key).into();
        session
    };
    public_keys.filter(is_key).take(count).map(with).collect()
}
