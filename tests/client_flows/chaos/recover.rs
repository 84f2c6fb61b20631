//! A new device gets everything back, whatever is lost on the way.

use std::{collections::BTreeSet, fmt};

use http::Response;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Operation,
        backup::{BackupOptions, SavedBackup},
        flow::{Flow as _, Recover, Recovered, Step},
    },
    ids::SessionId,
};

use super::{seeds, trouble::refusal};
use crate::{
    drive::{Answer, work},
    host::{Host, new_key},
    recover::{account, nobody, tablet},
};

#[test]
fn whatever_is_lost_the_recovery_key_gives_everything() {
    for seed in seeds() {
        let (host, sessions) = account(&new_key());
        let mut run = Run::new(seed, host);
        let mut recovered = run.run();
        assert_eq!(run.imported, sessions, "{run}");
        let opened = recovered.secrets.iter().filter(|verdict| verdict.outcome.is_ok());
        assert_eq!(opened.count(), 2, "{run}: {:?}", recovered.secrets);
        // The machine may have been told to ask again later.
        work(&mut run.host, &mut recovered.backup, |_| None);
        run.host.now += 60_000;
        recovered.backup.resume();
        work(&mut run.host, &mut recovered.backup, |_| None);
        assert!(recovered.backup.trusted().is_some() && recovered.backup.has_key(), "{run}");
        let Some(report) = &recovered.fetched else {
            panic!("{run}: {:?}", recovered.fetched);
        };
        assert_eq!((report.restored(), report.failed()), (5, 0), "{run}");
        assert!(run.host.requests.len() < 200, "{run}: too many requests");
    }
}

struct Run {
    seed: u64,
    host: Host,
    typed: String,
    dice: StdRng,
    troubles: usize,
    breaks: u32,
    /// How many requests are still lost.
    outage: u32,
    saved: Option<SavedBackup>,
    imported: BTreeSet<SessionId>,
    log: Vec<String>,
}

impl Run {
    fn new(seed: u64, mut host: Host) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let (troubles, typed) = (dice.random_range(0..10), host.shown[0].clone());
        host.rng = StdRng::seed_from_u64(seed);
        let (saved, imported, log) = (None, BTreeSet::new(), Vec::new());
        Self { seed, host, typed, dice, troubles, breaks: 0, outage: 0, saved, imported, log }
    }

    fn begin(&self) -> Recover {
        Recover::new(tablet(self.saved.as_ref()), nobody(), Limits::default())
    }

    fn goes_wrong(&mut self, what: &str, probability: f64) -> bool {
        let wrong = self.troubles > 0 && self.dice.random_bool(probability);
        if wrong {
            self.troubles -= 1;
            self.log.push(what.to_owned());
        }
        wrong
    }

    fn run(&mut self) -> Recovered {
        let mut flow = self.begin();
        for _ in 0..5_000 {
            let step = flow.next_with_rng(self.host.now, &mut self.host.rng);
            if self.goes_wrong("crash", 0.03) {
                flow = self.begin();
                continue;
            }
            match step {
                Step::Save(saved) => {
                    self.saved = Some(*saved);
                    flow.saved();
                }
                Step::Send(operation) => self.send(&mut flow, &operation),
                Step::ReadAccountData => flow.account_data(self.host.account_data()),
                Step::EnterKey if self.goes_wrong("mistyped", 0.2) => {
                    flow.enter("EsTW wrong", self.host.now).unwrap_err();
                }
                Step::Secrets(_) => {}
                Step::EnterKey => {
                    let entered = flow.enter(&self.typed, self.host.now);
                    self.log.push(format!("{entered:?}"));
                }
                Step::Import(id, _, sessions) => {
                    let ids = sessions.iter().map(|session| session.exported().session_id());
                    self.imported.extend(ids);
                    if !self.goes_wrong("crash before the sessions are acknowledged", 0.2) {
                        flow.ack(id);
                    } else {
                        flow = self.begin();
                    }
                }
                Step::NeedsToken { .. } => flow.resume(),
                Step::Wait(Some(until)) => self.host.now = until.max(self.host.now + 1),
                Step::Done(recovered) => return *recovered,
                other => panic!("{self}: {other:?}"),
            }
        }
        panic!("{self}: it never ends: {flow:?}");
    }

    fn send(&mut self, flow: &mut Recover, operation: &Operation) {
        let url = BaseUrl::new("https://example.org").unwrap();
        let request = operation.to_http(&url, &self.host.token).unwrap();
        self.log.push(format!("{} {}", request.method(), request.uri().path()));
        let answer = self.exchange(&request);
        let is_streamed = operation.is_streamed();
        let answer = match answer {
            Some(response) if is_streamed && response.status().is_success() => {
                self.stream(flow, operation, &response)
            }
            answer => answer,
        };
        flow.answer(operation.id(), answer, self.host.now).unwrap();
    }

    fn exchange(&mut self, request: &http::Request<Vec<u8>>) -> Answer {
        if self.outage == 0 && self.goes_wrong("the network is gone", 0.04) {
            self.outage = self.dice.random_range(1..15);
        }
        if self.outage > 0 {
            self.outage -= 1;
            return None;
        }
        if self.goes_wrong("the request is lost", 0.08) {
            return None;
        }
        if self.goes_wrong("the homeserver refuses", 0.08) {
            return Some(refusal(&mut self.dice));
        }
        self.host.send(request)
    }

    /// The body comes in pieces, maybe not all of them.
    fn stream(
        &mut self,
        flow: &mut Recover,
        operation: &Operation,
        response: &Response<Vec<u8>>,
    ) -> Answer {
        for piece in response.body().chunks(300) {
            // Then the machine gives up, and the report says that it is not complete.
            let may_break = self.breaks < BackupOptions::default().download_attempts - 1;
            if may_break && self.goes_wrong("the connection breaks", 0.1) {
                self.breaks += 1;
                return None;
            }
            flow.part(operation.id(), piece).unwrap();
        }
        Some(Response::builder().status(200).body(Vec::new()).unwrap())
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "STRONGROOM_CHAOS_SEED={}", self.seed)
    }
}
