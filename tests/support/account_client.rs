//! A device with account data, over HTTP to any homeserver.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use http::{Request, Response};
use strongroom::{
    Limits,
    api::{self, BaseUrl},
    client::flow::{Flow, Step},
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    homeserver::Homeserver,
    ids::{EventType, KeyId, UserId},
    secret_storage::{Plan, SecretStorage},
    session_data::ExportedSession,
};

use crate::support::{
    endpoints::Host,
    synapse::{Login, Synapse},
};

/// Signatures for the public key of a new backup.
pub(crate) type Sign<'a> = &'a dyn Fn(&[u8]) -> Vec<(KeyId, Ed25519Signature)>;

/// What came of a flow.
pub(crate) struct Ran<F: Flow> {
    pub(crate) outcome: F::Outcome,
    pub(crate) shown: Option<String>,
    pub(crate) imported: Vec<ExportedSession>,
}

pub(crate) type Exchange<'a> = Box<dyn FnMut(Request<Vec<u8>>) -> Response<Vec<u8>> + 'a>;

/// A device that knows what the homeserver tells it, and nothing else.
pub(crate) struct Client<'a> {
    pub(crate) host: Host<Exchange<'a>>,
    pub(crate) user_id: UserId,
    since: Option<String>,
    account_data: BTreeMap<EventType, JsonObject>,
}

impl<'a> Client<'a> {
    /// On the in-memory homeserver.
    pub(crate) fn in_memory(homeserver: &'a mut Homeserver) -> Self {
        let base_url = BaseUrl::new("https://matrix.example.org").unwrap();
        let token = homeserver.log_in("@alice:example.org", "PHONE");
        let exchange: Exchange<'a> = Box::new(|request| homeserver.respond(&request));
        Self::new(Host { base_url, token: token.as_str().into(), exchange })
    }

    /// A new user of a real homeserver.
    pub(crate) fn on(synapse: &'a Synapse) -> Self {
        let Login { token, .. } = synapse.register();
        let base_url = BaseUrl::new(synapse.url()).unwrap();
        let exchange: Exchange<'a> = Box::new(|request| synapse.send(request));
        Self::new(Host { base_url, token: token.as_str().into(), exchange })
    }

    fn new(mut host: Host<Exchange<'a>>) -> Self {
        let user_id = host.send(&api::get_who_am_i()).0;
        Self { host, user_id, since: None, account_data: BTreeMap::new() }
    }

    /// Works for a flow until it ends. What it asks for is `typed`.
    pub(crate) fn run<F: Flow>(&mut self, mut flow: F, sign: Sign<'_>, typed: &str) -> Ran<F> {
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        let (mut shown, mut imported) = (None, Vec::new());
        loop {
            match flow.next_with_rng(0, rng) {
                Step::Save(_) => flow.saved(),
                Step::Send(call) => {
                    let request = call.to_http(&self.host.base_url, &self.host.token).unwrap();
                    let response = (self.host.exchange)(request);
                    flow.answer(call.id(), Some(response), 0).unwrap();
                }
                Step::ReadAccountData => {
                    self.storage();
                    flow.account_data(self.account_data.clone().into_iter().collect());
                }
                Step::Sign(id, key) => flow.signed(id, &sign(key.bytes())).unwrap(),
                Step::ShowRecoveryKey(key) => {
                    shown = Some(key.to_text().expose_str().to_owned());
                    flow.recovery_key_saved();
                }
                Step::Secrets(_) => {}
                Step::EnterKey => drop(flow.enter(typed, 0).unwrap()),
                Step::Import(id, _, sessions) => {
                    imported.extend(sessions.into_iter().map(|session| session.into_exported()));
                    flow.ack(id);
                }
                Step::Done(outcome) => return Ran { outcome: *outcome, shown, imported },
                _ => panic!("there is nothing to wait for"),
            }
        }
    }

    /// Takes every step of a plan.
    pub(crate) fn carry_out(&mut self, mut plan: Plan) {
        while let Some(step) = plan.next().cloned() {
            let before = self.get(&step.event_type);
            plan.check_before(before.as_ref()).unwrap();
            self.put(&step.event_type, step.content);
            let after = self.get(&step.event_type);
            plan.read_back(after.as_ref()).unwrap();
        }
    }

    /// The secret storage as `/sync` has it by now. Synapse answers the same request for two minutes with
    /// what it said first, so only what is new can be asked for.
    pub(crate) fn storage(&mut self) -> SecretStorage {
        let sync = api::get_sync();
        let sync = match self.since.take() {
            Some(since) => sync.since(&since),
            None => sync,
        };
        let response = self.host.send(&sync);
        self.since = Some(response.next_batch);
        self.account_data.extend(response.account_data);
        SecretStorage::from_account_data(&self.account_data, &Limits::default())
    }

    pub(crate) fn get(&mut self, event_type: &EventType) -> Option<JsonObject> {
        self.host.send(&api::get_account_data(&self.user_id, event_type))
    }

    pub(crate) fn put(&mut self, event_type: &EventType, content: JsonObject) {
        self.host.send(&api::put_account_data(&self.user_id, event_type, &content));
    }
}
