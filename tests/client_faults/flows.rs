//! Flows, until they end or a week is over.

use std::{collections::VecDeque, fmt::Debug};

use strongroom::{
    api::BaseUrl,
    client::{
        AnswerError, TaskId,
        flow::{Flow, Step},
    },
};

use crate::{
    driver::{LATE_MS, Lied},
    fault::{Answer, Matches, Span, Trouble, tried},
    host::Host,
};

const HOUR: u64 = 60 * 60 * 1_000;

/// More than this is not sent by a flow, whatever happens: without a network, the preference and the backup are asked for
/// every ten minutes each.
pub(crate) const REQUESTS: usize = 2_500;

/// The flows' requests, by method and path.
pub(crate) const ROWS: [(&str, Matches); 10] = [
    ("find the version", |name| name == "GET /room_keys/version"),
    ("delete a version", |name| name.starts_with("DELETE /room_keys/version/")),
    ("create a version", |name| name == "POST /room_keys/version"),
    ("read the preference", |name| name.starts_with("GET /user/") && is_preference(name)),
    ("write the preference", |name| name.starts_with("PUT /user/") && is_preference(name)),
    ("read account data", |name| name.starts_with("GET /user/") && !is_preference(name)),
    ("write account data", |name| name.starts_with("PUT /user/") && !is_preference(name)),
    ("fetch everything", |name| name == "GET /room_keys/keys"),
    ("query the keys", |name| name == "POST /keys/query"),
    ("publish signatures", |name| name == "POST /keys/signatures/upload"),
];

fn is_preference(name: &str) -> bool {
    ["m.key_backup", "m.org.matrix.custom.backup_disabled"].iter().any(|it| name.ends_with(it))
}

/// A flow that something happens to.
pub(crate) struct Run<'a> {
    pub(crate) host: &'a mut Host,
    pub(crate) trouble: Trouble,
    /// What the user types.
    pub(crate) typed: &'a str,
    /// How far the clock jumps when the trouble begins.
    pub(crate) jump: i64,
    pub(crate) what: &'a str,
}

/// How a flow ended.
pub(crate) struct Ended<T> {
    /// What it ended with: within a week, or when it was given up then.
    pub(crate) outcome: Option<T>,
    pub(crate) requests: usize,
    pub(crate) secrets: usize,
}

/// What has gone on so far.
struct Life {
    end: u64,
    resume_at: u64,
    given_up: u32,
    has_jumped: bool,
    has_restarted: bool,
    late: VecDeque<(u64, TaskId, Answer)>,
}

impl Run<'_> {
    /// Works for a flow. `restore` makes it anew from the state that it saves first after the trouble has begun, unless that
    /// is nothing.
    pub(crate) fn drive<F: Flow + Debug>(
        &mut self,
        flow: &mut F,
        restore: impl Fn(&F::Saved) -> Option<F>,
    ) -> Ended<F::Outcome> {
        let what = self.what;
        let mut life = Life {
            end: self.host.now + 7 * 24 * HOUR,
            resume_at: u64::MAX,
            given_up: 0,
            has_jumped: false,
            has_restarted: false,
            late: VecDeque::new(),
        };
        let (mut requests, mut secrets) = (0, 0);
        for _ in 0..100_000 {
            self.jump(&mut life);
            match flow.next_with_rng(self.host.now, &mut self.host.rng) {
                Step::Save(saved) => {
                    let restores = self.trouble.has_begun() && !life.has_restarted;
                    match restore(&saved).filter(|_| restores) {
                        Some(restored) => (*flow, life.has_restarted) = (restored, true),
                        None => flow.saved(),
                    }
                }
                Step::Send(operation) => {
                    requests += 1;
                    let url = BaseUrl::new("https://example.org").unwrap();
                    let request = operation.to_http(&url, &self.host.token).unwrap();
                    match self.exchange(&request) {
                        Lied::Answer(answer) => {
                            self.answer(flow, operation.id(), Some(answer), false)
                        }
                        Lied::Nothing => self.answer(flow, operation.id(), None, false),
                        Lied::Never => {}
                        Lied::Late => {
                            let answer = self.host.send(&request);
                            life.late.push_back((self.host.now + LATE_MS, operation.id(), answer));
                        }
                    }
                }
                Step::ReadAccountData => flow.account_data(self.host.account_data()),
                Step::Sign(id, key) => {
                    let signed = self.host.sign(key.bytes());
                    flow.signed(id, &[signed]).unwrap();
                }
                Step::ShowRecoveryKey(key) => {
                    self.host.shown.push(key.to_text().expose_str().to_owned());
                    flow.recovery_key_saved();
                }
                Step::Secrets(verdicts) => {
                    secrets = verdicts.iter().filter(|verdict| verdict.outcome.is_ok()).count();
                }
                Step::EnterKey => drop(flow.enter(self.typed, self.host.now).unwrap()),
                Step::Import(id, ..) => flow.ack(id),
                Step::NeedsToken { .. } => life.resume_at = self.host.now + HOUR,
                Step::Wait(until) => self.wait(flow, until, &mut life),
                Step::Done(outcome) => {
                    let outcome = Some(*outcome);
                    return Ended { outcome, requests, secrets };
                }
                _ => panic!("{what}: an unknown step"),
            }
        }
        panic!("{what}: it never ends: {flow:?}");
    }

    fn jump(&mut self, life: &mut Life) {
        if self.trouble.has_begun() && !life.has_jumped {
            life.has_jumped = true;
            self.host.now = self.host.now.saturating_add_signed(self.jump);
            life.end = life.end.saturating_add_signed(self.jump);
        }
        self.trouble.clock.set(self.host.now);
    }

    /// What comes back for a request.
    fn exchange(&mut self, request: &http::Request<Vec<u8>>) -> Lied {
        let fault = self.trouble.strikes(request);
        let acts = fault.is_none_or(|fault| fault.acts);
        let truth = acts.then(|| self.host.send(request));
        match fault {
            None => truth.unwrap().map_or(Lied::Nothing, Lied::Answer),
            Some(fault) => (fault.answer)(),
        }
    }

    /// Each answer comes twice, and the second is one to nothing. After a restart, so is the first.
    fn answer<F: Flow>(&self, flow: &mut F, id: TaskId, answer: Answer, is_restarted: bool) {
        let first = flow.answer(id, answer.clone(), self.host.now);
        assert!(first.is_ok() || is_restarted, "{}", self.what);
        assert_eq!(
            flow.answer(id, answer, self.host.now),
            Err(AnswerError::NotAwaited),
            "{}",
            self.what
        );
    }

    fn wait<F: Flow + Debug>(&mut self, flow: &mut F, until: Option<u64>, life: &mut Life) {
        let what = self.what;
        assert!(!flow.waiting_for().is_empty(), "{what}: it waits in silence: {flow:?}");
        let late = life.late.front().map_or(u64::MAX, |(at, ..)| *at);
        let until = until.unwrap_or(u64::MAX).min(life.resume_at).min(late);
        if until > life.end {
            // Setting up looks once more whether it has locked somebody out.
            assert!(life.given_up < 2, "{what}: it does not give up: {flow:?}");
            life.given_up += 1;
            return flow.give_up();
        }
        self.host.now = until.max(self.host.now + 1);
        if self.host.now >= life.resume_at {
            life.resume_at = u64::MAX;
            flow.resume();
        }
        while life.late.front().is_some_and(|(at, ..)| *at <= self.host.now) {
            let (_, id, answer) = life.late.pop_front().unwrap();
            self.answer(flow, id, answer, life.has_restarted);
        }
    }
}

/// Every row of a flow that sends these requests if nothing happens, with every fault and span.
pub(crate) fn for_each(sent: &[String], mut check: impl FnMut(&str, Trouble, &str)) {
    let paths: Vec<_> = sent.iter().map(|line| line.split('?').next().unwrap()).collect();
    for line in &paths {
        assert!(ROWS.iter().any(|(_, is_it)| is_it(line)), "there is no row for {line}");
    }
    let met = ROWS.iter().filter(|(_, is_it)| paths.iter().any(|line| is_it(line)));
    let rows = met.copied().chain([("everything", (|_| true) as Matches)]);
    for (name, is_it) in rows {
        for (fault, span) in tried(name) {
            let what = format!("{name}: {}, {span:?}", fault.name);
            check(name, Trouble::new(is_it, fault, span), &what);
        }
    }
}

/// Whether it is nothing that a user has to hear of if it happens once. What a homeserver refuses, it refuses for good; that there
/// is no backup, or one that cannot be used, it is believed.
pub(crate) fn comes_by_itself(request: &str, trouble: &Trouble) -> bool {
    let fault = trouble.fault.name;
    let is_final = REFUSALS.contains(&fault) || fault == "never";
    trouble.span == Span::Once && !is_final && (request, fault) != ("find the version", "200 {}")
}

/// Answers that end a flow.
const REFUSALS: [&str; 5] =
    ["403", "404", "404, unrecognized", "413 of a proxy", "403, wrong version"];
