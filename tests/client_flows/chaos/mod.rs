//! Flows on a network, a disk and a host that fail at random, beside another device that does what it likes.
//!
//! `STRONGROOM_CHAOS_SEEDS` says how many seeds, 150 when unset; `STRONGROOM_CHAOS_SEED` runs one alone.
#![allow(clippy::disallowed_methods, reason = "the number of seeds comes from the environment")]

mod added;
mod check;
mod neighbour;
mod recover;
mod trouble;
mod verify_device;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fmt,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Backup, Operation,
        backup::{BackupOptions, SavedBackup},
        flow::{Flow as _, FlowError, SavedFlow, SetUp, SetUpDone, Step},
    },
    encoding::json_object::JsonObject,
    ids::EventType,
    secret_storage::{NewKey, SecretStorageKey},
};

use crate::{
    drive::USER_SIGNING,
    host::{Host, MASTER, USER, secret},
};

#[test]
fn whatever_happens_nobody_is_locked_out_and_no_secret_is_lost() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for seed in seeds() {
        let mut run = Run::new(seed);
        let outcome = run.run();
        run.check(&outcome);
        *counts.entry(run.name(&outcome)).or_default() += 1;
    }
    println!("{counts:#?}");
    let runs = counts.values().sum::<usize>() as u64;
    assert!(runs < SEEDS || counts.len() == 6, "it does not come to everything: {counts:#?}");
}

/// One history.
struct Run {
    seed: u64,
    host: Host,
    dice: StdRng,
    /// The machine, and the key of the storage, before the flow; nothing when the account is new.
    before: Option<(SavedBackup, SecretStorageKey)>,
    /// Every key that a storage was begun with.
    keys: Vec<NewKey>,
    /// What each secret may be.
    secrets: BTreeMap<&'static str, BTreeSet<u8>>,
    /// What the host's `/sync` has had so far.
    history: Vec<Vec<(EventType, JsonObject)>>,
    /// How many things may still go wrong.
    troubles: usize,
    has_neighbour: bool,
    /// What the other device did.
    did: Vec<&'static str>,
    log: Vec<String>,
}

/// How a step of the flow ended.
enum After {
    GoOn,
    /// The host crashed: the flow is what was saved last.
    Crashed,
    Ended(Box<Result<SetUpDone, FlowError>>),
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut host = Host::new();
        host.rng = StdRng::seed_from_u64(seed);
        let before = dice.random_bool(0.6).then(|| {
            let key = NewKey::generate_with_rng(None, &mut dice);
            let done = host.set_up(SetUp::bootstrap(host.backup(), key, own(), Limits::default()));
            done.map(|done| (done.backup.save(), done.storage_key)).unwrap()
        });
        (host.saves, host.disk, host.shown) = (0, None, Vec::new());
        host.requests.clear();
        Self {
            seed,
            host,
            before,
            keys: Vec::new(),
            secrets: BTreeMap::from([(MASTER, [1].into()), (USER_SIGNING, [3].into())]),
            history: Vec::new(),
            troubles: dice.random_range(0..12),
            has_neighbour: dice.random_bool(0.5),
            did: Vec::new(),
            log: Vec::new(),
            dice,
        }
    }

    /// The flow from its beginning, with a new key.
    fn begin(&mut self) -> SetUp {
        let key = NewKey::generate_with_rng(None, &mut self.dice);
        self.keys.push(key.clone());
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let Some((saved, old)) = &self.before else {
            return SetUp::bootstrap(self.host.backup(), key, own(), limits);
        };
        let backup =
            Backup::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap();
        SetUp::rotate_everything(backup, key, std::slice::from_ref(old), Vec::new(), limits)
    }

    /// The flow after a crash.
    fn restored(&mut self) -> SetUp {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let Some(saved) = &self.host.disk else { return self.begin() };
        SetUp::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap()
    }

    fn run(&mut self) -> Result<SetUpDone, FlowError> {
        let mut flow = self.begin();
        for _ in 0..MOST_STEPS {
            match self.step(&mut flow) {
                After::GoOn => {}
                After::Crashed => flow = self.restored(),
                After::Ended(outcome) => return *outcome,
            }
        }
        panic!("{self}: it never ends: {flow:?}");
    }

    fn step(&mut self, flow: &mut SetUp) -> After {
        match flow.next_with_rng(self.host.now, &mut self.host.rng) {
            Step::Save(saved) => return self.save(flow, *saved),
            Step::Send(operation) => return self.send(flow, &operation),
            Step::ReadAccountData => flow.account_data(self.account_data()),
            Step::Sign(id, key) => {
                let signed = self.host.sign(key.bytes());
                flow.signed(id, &[signed]).unwrap();
            }
            Step::ShowRecoveryKey(key) => {
                self.host.shown.push(key.to_text().expose_str().to_owned());
                if self.goes_wrong("the user has gone", 0.2) {
                    return After::Crashed;
                }
                self.neighbour();
                flow.recovery_key_saved();
            }
            Step::NeedsToken { .. } => flow.resume(),
            Step::Wait(Some(until)) => self.host.now = until.max(self.host.now + 1),
            Step::Done(outcome) => {
                self.note(format!("done: {:?}", (*outcome).as_ref().err()));
                return After::Ended(outcome);
            }
            other => panic!("{self}: {other:?}"),
        }
        After::GoOn
    }

    fn save(&mut self, flow: &mut SetUp, saved: SavedFlow) -> After {
        if self.goes_wrong("crash before the state is saved", 0.1) {
            return After::Crashed;
        }
        let before = self.host.disk.replace(saved);
        if self.goes_wrong("crash while the state is saved", 0.15) {
            if let (Some(saved), Some(before)) = (&mut self.host.disk, before) {
                match self.dice.random_range(0..3) {
                    0 => saved.backup = before.backup,
                    1 => saved.secret = before.secret,
                    _ => {}
                }
            }
            return After::Crashed;
        }
        self.note("saved");
        flow.saved();
        After::GoOn
    }

    fn send(&mut self, flow: &mut SetUp, operation: &Operation) -> After {
        let url = BaseUrl::new("https://example.org").unwrap();
        let request = operation.to_http(&url, &self.host.token).unwrap();
        self.neighbour();
        let answer = self.exchange(&request);
        if self.goes_wrong("crash before the answer is read", 0.03) {
            return After::Crashed;
        }
        flow.answer(operation.id(), answer, self.host.now).unwrap();
        After::GoOn
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    fn name(&self, outcome: &Result<SetUpDone, FlowError>) -> &'static str {
        match (outcome, self.before.is_some(), self.did.is_empty()) {
            (Ok(_), true, true) => "rotated",
            (Ok(_), true, false) => "rotated beside another device",
            (Ok(_), false, true) => "set up",
            (Ok(_), false, false) => "set up beside another device",
            (Err(_), true, _) => "not rotated, because of another device",
            (Err(_), false, _) => "not set up, because of another device",
        }
    }
}

/// The secrets of the host.
fn own() -> Vec<strongroom::secret_value::SecretValue> {
    vec![secret(MASTER, 1), secret(USER_SIGNING, 3)]
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "STRONGROOM_CHAOS_SEED={}", self.seed)
    }
}

fn seeds() -> Vec<u64> {
    let number = |name| env::var(name).ok().map(|text| text.parse().unwrap());
    match number("STRONGROOM_CHAOS_SEED") {
        Some(seed) => vec![seed],
        None => {
            FOUND.into_iter().chain(0..number("STRONGROOM_CHAOS_SEEDS").unwrap_or(SEEDS)).collect()
        }
    }
}

/// Histories that found something once.
const FOUND: [u64; 2] = [443, 2910];

/// How many histories, unless said otherwise: enough to come to everything.
const SEEDS: u64 = 150;

const MOST_STEPS: usize = 20_000;
