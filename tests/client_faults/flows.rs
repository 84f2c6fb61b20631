//! Flows, until they end or a week is over.

use std::fmt::Debug;

use http::Response;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        NoAnswer, Operation,
        flow::{Flow, Recover, SetUp, Step},
    },
    secret_storage::VerifiedPublicKeys,
};

use crate::{
    driver::Lied,
    fault::{FAULTS, Matches, SPANS, Span, Trouble},
    host::{Host, MASTER, USER, new_key, secret},
};

const HOUR: u64 = 60 * 60 * 1_000;

/// More than this is not sent by a flow, whatever happens: without a network, the preference and the backup are asked for
/// every ten minutes each.
const REQUESTS: usize = 2_500;

/// The flows' requests, by method and path.
const REQUESTS_OF_FLOWS: [(&str, Matches); 8] = [
    ("find the version", |name| name == "GET /room_keys/version"),
    ("create a version", |name| name == "POST /room_keys/version"),
    ("read the preference", |name| name.starts_with("GET /user/") && name.ends_with("key_backup")),
    ("write the preference", |name| name.starts_with("PUT /user/") && name.ends_with("key_backup")),
    ("read account data", |name| name.starts_with("GET /user/") && !name.ends_with("key_backup")),
    ("write account data", |name| name.starts_with("PUT /user/") && !name.ends_with("key_backup")),
    ("fetch everything", |name| name == "GET /room_keys/keys"),
    ("everything", |_| true),
];

/// How a flow ended.
struct Ended<T> {
    /// What it ended with by itself, within a week.
    outcome: Option<T>,
    requests: usize,
    secrets: usize,
}

fn drive<F: Flow + Debug>(
    host: &mut Host,
    flow: &mut F,
    trouble: &mut Trouble,
    typed: &str,
    what: &str,
) -> Ended<F::Outcome> {
    let end = host.now + 7 * 24 * HOUR;
    let (mut held, mut secrets, mut resume_at) = (Vec::<Operation>::new(), 0, u64::MAX);
    let (mut requests, mut given_up) = (0, 0);
    for _ in 0..100_000 {
        trouble.clock.set(host.now);
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                requests += 1;
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let fault = trouble.strikes(&request);
                let acts = fault.is_none_or(|fault| fault.acts);
                let truth = acts.then(|| host.send(&request));
                let answer: Result<Response<Vec<u8>>, NoAnswer> = match fault {
                    None => truth.unwrap(),
                    Some(fault) => match (fault.answer)() {
                        Lied::Answer(response) => Ok(response),
                        Lied::Nothing => Err(NoAnswer),
                        Lied::Never => {
                            held.push(*operation);
                            continue;
                        }
                    },
                };
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::Sign(id, key) => {
                let signed = host.sign(key.bytes());
                flow.signed(id, &[signed]).unwrap();
            }
            Step::ShowRecoveryKey(key) => {
                host.shown.push(key.to_text().expose_str().to_owned());
                flow.recovery_key_saved();
            }
            Step::Secrets(verdicts) => {
                secrets = verdicts.iter().filter(|verdict| verdict.outcome.is_ok()).count();
            }
            Step::EnterKey => drop(flow.enter(typed, host.now).unwrap()),
            Step::Import(id, ..) => flow.ack(id),
            Step::NeedsToken { .. } => resume_at = host.now + HOUR,
            Step::Wait(until) => {
                assert!(!flow.waiting_for().is_empty(), "{what}: it waits in silence: {flow:?}");
                let until = until.unwrap_or(u64::MAX).min(resume_at);
                if until > end {
                    // Setting up looks once more whether it has locked somebody out.
                    assert!(given_up < 2, "{what}: it does not give up: {flow:?}");
                    given_up += 1;
                    flow.give_up();
                    continue;
                }
                host.now = until.max(host.now + 1);
                if host.now >= resume_at {
                    resume_at = u64::MAX;
                    flow.resume();
                }
            }
            Step::Done(outcome) => {
                let outcome = Some(*outcome).filter(|_| given_up == 0);
                return Ended { outcome, requests, secrets };
            }
            _ => panic!("{what}: an unknown step"),
        }
    }
    panic!("{what}: it never ends: {flow:?}");
}

#[test]
fn setting_up_ends_or_says_what_it_waits_for() {
    for (name, is_it) in REQUESTS_OF_FLOWS {
        for fault in FAULTS {
            for span in SPANS {
                let what = format!("{name}: {}, {span:?}", fault.name);
                let mut host = Host::new();
                let secrets = vec![secret(MASTER, 1)];
                let limits = Limits::default();
                let mut flow = SetUp::bootstrap(host.backup(), new_key(), secrets, limits);
                let mut trouble = Trouble::new(is_it, fault, span);
                let ended = drive(&mut host, &mut flow, &mut trouble, "", &what);
                assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
                // Whoever has ended with an error begins again, and nothing is in the way.
                if let Some(Ok(_)) = ended.outcome {
                    continue;
                }
                assert!(
                    span != Span::Once || !comes_by_itself(name, fault.name),
                    "{what}: {flow:?}"
                );
            }
        }
    }
}

/// Whether it is nothing that a user has to hear of if it happens once. `{}` is a backup that cannot be used.
fn comes_by_itself(request: &str, fault: &str) -> bool {
    !matches!((request, fault), (_, "403" | "never") | ("find the version", "200 {}"))
}

#[test]
fn recovery_hands_out_the_secrets_and_ends_or_says_what_it_waits_for() {
    let mut account = Host::new();
    let flow =
        SetUp::bootstrap(account.backup(), new_key(), vec![secret(MASTER, 1)], Limits::default());
    let mut done = account.set_up(flow).unwrap();
    account.upload(&mut done.backup, 3);
    let typed = account.shown[0].clone();
    for (name, is_it) in REQUESTS_OF_FLOWS {
        for fault in FAULTS {
            for span in SPANS {
                let what = format!("{name}: {}, {span:?}", fault.name);
                let mut host = Host::new();
                host.homeserver = account.homeserver.clone();
                let verified = VerifiedPublicKeys::none(USER.into());
                let mut flow = Recover::new(host.backup(), verified, Limits::default());
                let mut trouble = Trouble::new(is_it, fault, span);
                let ended = drive(&mut host, &mut flow, &mut trouble, &typed, &what);
                assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
                if fault.name != "never" && ended.outcome.is_some() {
                    assert_eq!(ended.secrets, 2, "{what}");
                }
                let is_whole = ended.outcome.is_some_and(|done| done.fetched.is_some());
                let may_lack = !comes_by_itself(name, fault.name);
                assert!(is_whole || span != Span::Once || may_lack, "{what}");
            }
        }
    }
}
