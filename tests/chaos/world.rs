//! The homeserver, the network, time, and what a user has written down.

use std::collections::{BTreeMap, BTreeSet};

use http::{Request, StatusCode};
use rand::{RngExt as _, rngs::StdRng};
use strongroom::{
    client::backup::{Question, Scope, Stage, TaskId},
    homeserver::{
        Homeserver,
        faults::{Fault, Faults},
    },
    secret_value::SecretValue,
};

use crate::device::{Device, MAX_BYTES, MAX_SESSIONS, USER};

/// What must have happened somewhere in so many seeds, or they prove little.
pub(crate) const WHAT_HAPPENS: [&str; 14] = [
    "backup created",
    "disabled",
    "fetched",
    "imported",
    "paused",
    "restarted",
    "restarted after it had saved",
    "restarted before it had marked what is stored",
    "restarted before it had saved",
    "restarted between the two parts",
    "rotated",
    "stopped",
    "uploaded",
    "used another backup",
];

/// Everything around the devices.
pub(crate) struct World {
    pub(crate) homeserver: Homeserver,
    faults: Faults,
    pub(crate) devices: Vec<Device>,
    now_ms: u64,
    pub(crate) is_peace: bool,
    /// The public keys that devices of the user have made.
    pub(crate) own_keys: BTreeSet<String>,
    /// The recovery keys that the user was shown.
    pub(crate) written_down: BTreeMap<String, String>,
    /// `m.megolm_backup.v1` in the secret storage.
    pub(crate) storage: Option<SecretValue>,
    pub(crate) questions: Vec<(usize, TaskId, Question)>,
    /// Devices that have something to write to the secret storage.
    pub(crate) unwritten: Vec<usize>,
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) happened: BTreeMap<&'static str, u64>,
}

impl World {
    pub(crate) fn new(seed: u64, rng: &mut StdRng) -> Self {
        let mut homeserver = Homeserver::new();
        let names = ["PHONE", "LAPTOP", "TABLET"];
        let count = rng.random_range(2..=names.len());
        let mut devices: Vec<_> = names[..count]
            .iter()
            .map(|name| Device::new(name, homeserver.log_in(USER, *name), rng))
            .collect();
        let signers: Vec<_> = devices.iter().map(Device::signer).collect();
        for device in &mut devices {
            device.machine.set_signers(signers.clone());
        }
        Self {
            homeserver,
            faults: Faults::seeded(seed, bad_network()),
            devices,
            now_ms: 1_700_000_000_000,
            is_peace: false,
            own_keys: BTreeSet::new(),
            written_down: BTreeMap::new(),
            storage: None,
            questions: Vec::new(),
            unwritten: Vec::new(),
            requests: 0,
            events: 0,
            happened: BTreeMap::new(),
        }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.happened.entry(what).or_insert(0) += 1;
    }

    pub(crate) fn now(&self, index: usize) -> u64 {
        self.now_ms.saturating_add_signed(self.devices[index].skew_ms)
    }

    /// What happens only while there is no peace.
    pub(crate) fn chance(&self, rng: &mut StdRng, times: u32, of: u32) -> bool {
        !self.is_peace && rng.random_ratio(times, of)
    }

    /// Something happens.
    pub(crate) fn turn(&mut self, rng: &mut StdRng) {
        let index = rng.random_range(0..self.devices.len());
        match rng.random_range(0..1000) {
            0..600 => {
                if !self.step(index, rng) {
                    self.now_ms += rng.random_range(0..20_000);
                }
            }
            600..720 => self.answer(index, rng),
            720..820 => {
                self.events += 1;
                self.devices[index].gets_session(rng);
            }
            820..880 => self.user_replies(rng),
            880..930 => self.now_ms += rng.random_range(0..600_000),
            930..950 => self.looks_for_message(index, rng),
            950..965 => self.restart(index, "restarted"),
            965..972 => {
                self.events += 1;
                self.count("rotated");
                self.devices[index].machine.rotate();
            }
            972..975 => {
                self.events += 1;
                self.count("disabled");
                self.devices[index].machine.disable();
            }
            975..985 => self.finds_key(index),
            985..990 => self.devices[index].skew_ms = rng.random_range(-10_000_000..10_000_000),
            990..994 => self.withdraws(index),
            _ => self.tidy_up(),
        }
    }

    /// A message of some other device's session cannot be decrypted here.
    fn looks_for_message(&mut self, index: usize, rng: &mut StdRng) {
        let other = rng.random_range(0..self.devices.len());
        let sessions: Vec<_> = self.devices[other].store.keys().cloned().collect();
        let Some((room, session)) = sessions.first().cloned() else { return };
        self.events += 1;
        let now = self.now(index);
        match rng.random_range(0..4) {
            0 => self.devices[index].machine.fetch(Scope::Room(room), now),
            1 => self.devices[index].machine.fetch(Scope::Everything, now),
            _ => self.devices[index].machine.undecryptable(room, session, now),
        }
    }

    fn finds_key(&mut self, index: usize) {
        if let Some(key) = self.stored_key() {
            self.devices[index].machine.give_key(key);
        }
    }

    /// Users who said no change their mind, and the secret storage is unlocked.
    fn tidy_up(&mut self) {
        for index in std::mem::take(&mut self.unwritten) {
            self.devices[index].machine.secret_storage_is_ready();
        }
    }

    pub(crate) fn restart(&mut self, index: usize, what: &'static str) {
        self.count(what);
        self.events += 1;
        let signers: Vec<_> = self.devices.iter().map(Device::signer).collect();
        self.questions.retain(|(device, ..)| *device != index);
        self.devices[index].restart(&signers);
    }

    /// A request goes through the network.
    pub(crate) fn exchange(
        &mut self,
        request: &Request<Vec<u8>>,
    ) -> Option<http::Response<Vec<u8>>> {
        self.requests += 1;
        self.watch(request);
        if self.is_peace {
            return Some(self.homeserver.respond(request));
        }
        self.faults.exchange(&mut self.homeserver, request).into_response()
    }

    /// Nothing is uploaded to a version that no device of the user made.
    fn watch(&mut self, request: &Request<Vec<u8>>) {
        let path = request.uri().path();
        if request.method() == "POST" && path.ends_with("/room_keys/version") {
            self.count("backup created");
        }
        if request.method() == "PUT" && path.ends_with("/room_keys/keys") {
            self.count("uploaded");
            let sessions = String::from_utf8_lossy(request.body()).matches("session_data").count();
            let is_small = request.body().len() <= MAX_BYTES;
            assert!(sessions <= MAX_SESSIONS && (is_small || sessions == 1), "{sessions} sessions");
            let version = request.uri().query().unwrap().trim_start_matches("version=").to_owned();
            if let Some(public_key) = self.public_key_of(&version) {
                assert!(self.own_keys.contains(&public_key), "{version} is nobody's");
            }
        }
    }

    /// Asks the homeserver past all faults.
    pub(crate) fn ask_server(&mut self, method: &str, path: &str) -> Option<Vec<u8>> {
        let token = self.homeserver.log_in(USER, "OBSERVER");
        let request = Request::builder()
            .method(method)
            .uri(format!("https://example.org/_matrix/client/v3{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .body(Vec::new())
            .unwrap();
        let response = self.homeserver.respond(&request);
        (response.status() == StatusCode::OK).then(|| response.into_body())
    }

    /// The network works, nobody crashes, and users answer so that things get done.
    pub(crate) fn make_peace(&mut self, rng: &mut StdRng) {
        self.is_peace = true;
        self.tidy_up();
        for device in &mut self.devices {
            device.skew_ms = 0;
            device.machine.new_sessions();
        }
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            for index in 0..self.devices.len() {
                while !self.devices[index].in_flight.is_empty() {
                    self.answer(index, rng);
                }
                self.devices[index].machine.look_again();
                let stored = self.storage.clone();
                self.devices[index].machine.secret_found(stored.as_ref());
                self.ask_again(index);
                while self.step(index, rng) {}
            }
            while !self.questions.is_empty() {
                self.user_replies(rng);
            }
            self.tidy_up();
            quiet = if self.is_settled() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
            self.now_ms += 700_000;
        }
        let stages: Vec<_> = self.devices.iter().map(|device| &device.machine).collect();
        panic!("no peace: {stages:#?}");
    }

    /// Questions that a user has ignored are still there.
    fn ask_again(&mut self, index: usize) {
        if self.devices[index].machine.stage() == Stage::Off && !self.devices[index].has_stopped {
            self.devices[index].machine.enable();
        }
        let open = self.devices[index].machine.open_questions();
        let open: Vec<_> = open.map(|(id, question)| (index, id, question.clone())).collect();
        self.questions.retain(|(device, ..)| *device != index);
        self.questions.extend(open);
    }

    /// Whether every device that backs up uses the same backup, and has nothing more for it; and none that does
    /// not back up is about to delete it.
    fn is_settled(&self) -> bool {
        if self.devices.iter().any(|device| device.machine.stage() == Stage::Disabling) {
            return false;
        }
        let mut versions = BTreeSet::new();
        self.devices.iter().filter(|device| !device.has_stopped).all(|device| {
            let trusted = device.machine.trusted();
            trusted.is_some_and(|backup| {
                versions.insert(backup.version().clone());
                versions.len() == 1 && device.has_stored_all_in(backup.version())
            })
        })
    }
}

fn bad_network() -> Vec<(u16, Fault)> {
    vec![
        (40, Fault::DropRequest),
        (40, Fault::DropAnswer),
        (15, Fault::DeliverTwice),
        (10, Fault::RateLimit { retry_after: Some(30.into()), retry_after_ms: None }),
        (10, Fault::RateLimit { retry_after: None, retry_after_ms: None }),
        (15, Fault::ServerError { status: StatusCode::INTERNAL_SERVER_ERROR, acted: true }),
        (15, Fault::ServerError { status: StatusCode::SERVICE_UNAVAILABLE, acted: false }),
        (10, Fault::ProxyPage { status: StatusCode::BAD_GATEWAY, acted: true }),
        (10, Fault::ProxyPage { status: StatusCode::NOT_FOUND, acted: false }),
        (10, Fault::ProxyPage { status: StatusCode::OK, acted: true }),
        (10, Fault::CutAfterPerMille(500)),
        (10, Fault::Unauthorized { soft_logout: true }),
    ]
}

/// More than any history needs.
const ROUNDS: usize = 200;
