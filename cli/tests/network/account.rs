//! An account as a real client has left it, on the in-memory homeserver.

use http::Method;
use serde_json::{Value, json};
use strongroom::homeserver::Homeserver;

use crate::{
    kit::{Folder, fixture, run},
    server::Server,
};

pub(crate) const PASSWORD: &str = "correct horse";

/// A homeserver with an account that has two versions of a backup, and a folder with what its owner has.
pub(crate) struct Account {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
    pub(crate) user: String,
    /// The token of the device that has made everything.
    pub(crate) token: String,
}

/// How many message keys the current version has, and the one before it.
pub(crate) const COUNT: usize = 36;
pub(crate) const OLDER_COUNT: usize = 12;

impl Account {
    pub(crate) fn new(name: &str) -> Self {
        let fixture = fixture("random");
        let user = fixture["user_id"].as_str().unwrap().to_owned();
        let mut homeserver = Homeserver::new();
        homeserver.add_user(user.as_str(), PASSWORD);
        let token = homeserver.log_in(user.as_str(), "CLIENT");
        let account =
            Self { server: Server::start(homeserver), folder: Folder::new(name), user, token };
        account.fill(&fixture);
        account.folder.write("password.txt", PASSWORD.as_bytes());
        account.folder.write("key.txt", fixture["recovery_key"].as_str().unwrap().as_bytes());
        account
    }

    fn fill(&self, fixture: &Value) {
        for (kind, content) in fixture["account_data"].as_object().unwrap() {
            self.put(&format!("user/{}/account_data/{kind}", self.user), content);
        }
        let info = &fixture["room_keys_version"];
        let version = json!({ "algorithm": info["algorithm"], "auth_data": info["auth_data"] });
        let rooms = fixture["room_keys"]["rooms"].as_object().unwrap();
        let (first, sessions) = rooms.iter().next().unwrap();
        let older = json!({ "rooms": { first: sessions } });
        for keys in [&older, &fixture["room_keys"]] {
            let path = "room_keys/version";
            let made = self.server.send(Method::POST, path, &self.token, &version);
            let number = made["version"].as_str().unwrap();
            self.put(&format!("room_keys/keys?version={number}"), keys);
        }
    }

    pub(crate) fn put(&self, path: &str, body: &Value) {
        self.server.send(Method::PUT, path, &self.token, body);
    }

    /// The rooms of the current version.
    pub(crate) fn rooms(&self) -> Vec<String> {
        fixture("random")["room_keys"]["rooms"].as_object().unwrap().keys().cloned().collect()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.path())
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.file(name)).unwrap()).unwrap()
    }

    /// Logs in with the password, and returns the name of the file.
    pub(crate) fn log_in(&self) -> String {
        let file = self.file("login.json");
        let (url, password) = (self.server.url(), self.file("password.txt"));
        let (status, out, errors) = run(
            &[
                "login",
                "--user",
                &self.user,
                "--homeserver",
                &url,
                "--password-file",
                &password,
                "--to",
                &file,
                "--force",
            ],
            None,
        );
        assert_eq!(status, 0, "{out}{errors}");
        file
    }

    /// Fetches into the folder `snapshot`.
    pub(crate) fn fetch(&self, login: &str, more: &[&str]) -> (i32, String, String) {
        let to = self.file("snapshot");
        run(&[&["fetch", "--login", login, "--to", &to], more].concat(), None)
    }

    /// How many message keys a file of the snapshot has.
    pub(crate) fn sessions(&self, name: &str) -> usize {
        let file = self.json(&format!("snapshot/{name}"));
        let rooms = file["rooms"].as_object().unwrap();
        rooms.values().map(|room| room["sessions"].as_object().unwrap().len()).sum()
    }
}
