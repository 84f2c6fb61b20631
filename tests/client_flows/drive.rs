//! A flow under closer control: stopped somewhere, with answers tampered with, with account data that is out of date.

use std::collections::BTreeSet;

use http::Response;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Backup,
        backup::{BackupOptions, Next, Question, Reply},
        flow::{Flow as _, FlowError, SavedFlow, SetUp, SetUpDone, Step},
    },
    encoding::json_object::JsonObject,
    ids::{EventType, SessionId},
    secret_storage::{Change, ChangeError, SecretStorageKey},
};

use crate::host::{Host, MASTER, USER, new_key, secret};

pub(crate) const USER_SIGNING: &str = "m.cross_signing.user_signing";

pub(crate) type Answer = Option<Response<Vec<u8>>>;

type Tamper<'a> = dyn FnMut(&mut Host, &str, Answer) -> Answer + 'a;
type Before<'a> = dyn FnMut(&mut Host, &str) + 'a;

/// How a run of a flow ended.
pub(crate) enum End {
    Done(Box<Result<SetUpDone, FlowError>>),
    /// The recovery key is shown, and the user has gone.
    Shown,
    /// The host has crashed after it had saved.
    Crashed,
}

/// What a crash leaves of a state that is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tear {
    /// The machine's part is still the one before.
    OldMachine,
    /// The flow's own parts are still those before.
    OldFlow,
    /// Everything was written.
    Nothing,
}

/// What happens on the way.
pub(crate) struct Control<'a> {
    pub(crate) stops_at_key: bool,
    /// The host crashes while it writes the state of this number.
    pub(crate) crash_after: Option<(usize, Tear)>,
    /// The host crashes before it reads the answer to this request, by its method and the end of its path.
    pub(crate) crash_at: Option<(&'static str, &'static str)>,
    /// What comes back for a request, by its method and path.
    pub(crate) tamper: Box<Tamper<'a>>,
    /// What happens before a request.
    pub(crate) before: Box<Before<'a>>,
    /// What the host's `/sync` has had the first time.
    pub(crate) account_data: Option<Vec<(EventType, JsonObject)>>,
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self {
            stops_at_key: false,
            crash_after: None,
            crash_at: None,
            tamper: Box::new(|_, _, answer| answer),
            before: Box::new(|_, _| {}),
            account_data: None,
        }
    }
}

pub(crate) fn drive(host: &mut Host, flow: &mut SetUp, mut control: Control<'_>) -> End {
    let mut waits = 0;
    for _ in 0..20_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(saved) => {
                let before = host.disk.replace(*saved);
                host.saves += 1;
                if let Some((number, tear)) = control.crash_after
                    && number == host.saves
                {
                    if let (Some(saved), Some(before)) = (&mut host.disk, before) {
                        tear_apart(saved, before, tear);
                    }
                    return End::Crashed;
                }
                flow.saved();
            }
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let name = format!("{} {}", request.method(), request.uri().path());
                (control.before)(host, &name);
                let answer = host.send(&request);
                let answer = (control.tamper)(host, &name, answer);
                if control
                    .crash_at
                    .is_some_and(|(method, path)| name.starts_with(method) && name.ends_with(path))
                {
                    return End::Crashed;
                }
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::ReadAccountData => {
                let events = control.account_data.take();
                flow.account_data(events.unwrap_or_else(|| host.account_data()));
            }
            Step::Sign(id, key) => {
                let signed = host.sign(key.bytes());
                flow.signed(id, &[signed]).unwrap();
            }
            Step::ShowRecoveryKey(_) if control.stops_at_key => return End::Shown,
            Step::ShowRecoveryKey(key) => {
                host.shown.push(key.to_text().expose_str().to_owned());
                flow.recovery_key_saved();
            }
            Step::Wait(until) => {
                waits += 1;
                assert!(waits < 200, "it only waits: {flow:?}");
                host.now = until.unwrap().max(host.now + 1);
            }
            Step::Done(done) => return End::Done(done),
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

fn tear_apart(saved: &mut SavedFlow, before: SavedFlow, tear: Tear) {
    match tear {
        Tear::OldMachine => saved.backup = before.backup,
        Tear::OldFlow => saved.secret = before.secret,
        Tear::Nothing => {}
    }
}

pub(crate) fn run(
    host: &mut Host,
    flow: &mut SetUp,
    control: Control<'_>,
) -> Result<SetUpDone, FlowError> {
    match drive(host, flow, control) {
        End::Done(done) => *done,
        End::Shown => panic!("the user has gone"),
        End::Crashed => panic!("the host has crashed"),
    }
}

/// The flow, from what the host has saved last.
pub(crate) fn restored(host: &Host) -> SetUp {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let saved = host.disk.as_ref().unwrap();
    SetUp::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap()
}

/// An account with two secrets of the host and a backup.
pub(crate) fn account() -> (Host, SetUpDone) {
    let mut host = Host::new();
    let secrets = vec![secret(MASTER, 1), secret(USER_SIGNING, 3)];
    let flow = SetUp::bootstrap(host.backup(), new_key(), secrets, Limits::default());
    let done = host.set_up(flow).unwrap();
    (host.saves, host.disk, host.shown) = (0, None, Vec::new());
    host.requests.clear();
    (host, done)
}

/// Another device changes the secret storage.
pub(crate) fn change(
    host: &mut Host,
    keys: &[SecretStorageKey],
    change: impl FnOnce(&mut Change<'_>) -> Result<(), ChangeError>,
) {
    let plan = host.storage().plan(keys, &Limits::default(), change).unwrap();
    for step in plan.steps() {
        let content = serde_json::from_str(step.content.as_str()).unwrap();
        host.put_account_data(step.event_type.as_str(), &content);
    }
}

/// The account's machine works until it waits, and the user replies.
pub(crate) fn work(
    host: &mut Host,
    backup: &mut Backup,
    mut reply: impl FnMut(&Question) -> Option<Reply>,
) -> BTreeSet<SessionId> {
    let mut imported = BTreeSet::new();
    for _ in 0..1_000 {
        match backup.next_with_rng(host.now, &mut host.rng) {
            Next::Save(_) => backup.saved(),
            Next::Import(id, _, sessions) => {
                imported.extend(sessions.iter().map(|session| session.exported().session_id()));
                backup.ack(id);
            }
            Next::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let answer = host.send(&request);
                backup.answer(operation.id(), answer, host.now).unwrap();
            }
            Next::Sign(id, key) => {
                let signed = host.sign(key.bytes());
                backup.signed(id, &[signed]).unwrap();
            }
            Next::Ask(id, question) => {
                if let Some(reply) = reply(&question) {
                    backup.reply(id, reply).unwrap();
                }
            }
            Next::Want { .. } => backup.offer_with_rng(&[], &mut host.rng),
            Next::Stored(id, ..) => backup.ack(id),
            Next::Wait(_) => return imported,
            _ => {}
        }
    }
    panic!("it never waits: {backup:?}");
}
