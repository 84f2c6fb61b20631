//! The part of the table of faults that is about sharing: see `tests/client_faults`.

use std::collections::VecDeque;

use http::Request;
use strongroom::{
    client::{
        AnswerError, Awaited,
        flow::{Flow as _, FlowError, Step},
    },
    secret_sharing::Decision,
    secret_value::MEGOLM_BACKUP_V1,
};

use crate::{
    Phone,
    driver::Lied,
    fault::{FAULTS, Matches, Span, Trouble, tried},
    host::Result,
    household,
    household::{Household, Whose},
};

const HOUR: u64 = 60 * 60 * 1_000;

/// More than this is not sent in two days, whatever happens: three kinds of requests every ten minutes.
const REQUESTS: usize = 1_000;

/// The requests, by method and path.
const ROWS: [(&str, Matches); 4] = [
    ("find the version", |name| name == "GET /room_keys/version"),
    ("read the preference", |name| name.starts_with("GET /user/")),
    ("ask the devices", |name| name.starts_with("PUT /sendToDevice/")),
    ("everything", |_| true),
];

/// Answers after which the devices are not asked again.
const REFUSALS: [&str; 5] =
    ["403", "404", "404, unrecognized", "413 of a proxy", "403, wrong version"];

/// Whether the flow had the secret by itself, and how many requests it sent.
fn drive(house: &mut Household, mut trouble: Trouble, what: &str) -> Result<(bool, usize)> {
    let mut phone = Phone::new(house, &[MEGOLM_BACKUP_V1], false)?;
    let (mut given_up, mut requests, mut has_shared) = (0, 0, false);
    let (mut resume_at, mut late) = (u64::MAX, VecDeque::new());
    for _ in 0..100_000 {
        trouble.clock.set(phone.now);
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Send(operation) => {
                requests += 1;
                let token = house.phone.token().into();
                let request = operation.to_http(house.server.base_url(), &token)?;
                let answer = match exchange(house, &mut trouble, &request) {
                    Lied::Answer(answer) => Some(answer),
                    Lied::Nothing => None,
                    Lied::Never => continue,
                    Lied::Late => {
                        let answer = house.server.exchange(&request);
                        late.push_back((phone.now + HOUR, operation.id(), answer));
                        continue;
                    }
                };
                phone.flow.answer(operation.id(), answer.clone(), phone.now)?;
                let twice = phone.flow.answer(operation.id(), answer, phone.now);
                assert_eq!(twice, Err(AnswerError::NotAwaited), "{what}");
            }
            Step::NeedsToken { .. } => resume_at = phone.now + HOUR,
            Step::Wait(until) => {
                let waiting = phone.flow.waiting_for();
                assert!(!waiting.is_empty(), "{what}: it waits in silence");
                if waiting.len() == 1 && waiting[0].what == Awaited::Devices && !has_shared {
                    has_shared = true;
                    laptop_shares(house)?;
                    phone.receives(house)?;
                    continue;
                }
                let heard = late.front().map_or(u64::MAX, |(at, ..)| *at);
                let until = until.unwrap_or(u64::MAX).min(resume_at).min(heard);
                if until >= 48 * HOUR {
                    given_up += 1;
                    assert!(given_up <= 2, "{what}: {waiting:?}");
                    phone.flow.give_up();
                    continue;
                }
                phone.now = until.max(phone.now + 1);
                if phone.now >= resume_at {
                    resume_at = u64::MAX;
                    phone.flow.resume();
                }
                while late.front().is_some_and(|(at, ..)| *at <= phone.now) {
                    let (_, id, answer) = late.pop_front().unwrap();
                    phone.flow.answer(id, Some(answer), phone.now)?;
                }
            }
            Step::Done(shared) => {
                let has_failed = matches!(
                    shared.failure,
                    Some(
                        FlowError::Failing(_)
                            | FlowError::Refused(_)
                            | FlowError::NotFound
                            | FlowError::TooLarge
                    )
                );
                let has_secret = !shared.secrets.is_empty();
                let is_lasting = trouble.span == Span::ForGood || given_up > 0;
                assert!(has_secret || has_failed || is_lasting, "{what}: {shared:?}");
                return Ok((has_secret, requests));
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    panic!("{what}: it never ends")
}

/// The laptop's user says yes. It may have been asked twice, or has heard of nothing.
fn laptop_shares(house: &mut Household) -> Result<()> {
    let asked = house.decisions(Whose::Laptop)?.into_iter().find_map(|decision| match decision {
        Decision::AskUser(request) => Some(request),
        _ => None,
    });
    let Some(request) = asked else { return Ok(()) };
    house.laptop.responder.allow(&request, 0)?;
    let secret = house.laptop_takes(&request)?;
    let content = house.laptop_encrypts(&secret)?.unwrap();
    house.laptop_sends(secret, content)?;
    Ok(())
}

/// What comes back for a request. Who agrees does it.
fn exchange(house: &mut Household, trouble: &mut Trouble, request: &Request<Vec<u8>>) -> Lied {
    let fault = trouble.strikes(request);
    let acts = fault.is_none_or(|fault| fault.acts);
    let truth = acts.then(|| house.server.exchange(request));
    fault.map_or_else(|| Lied::Answer(truth.unwrap()), |fault| (fault.answer)())
}

#[test]
fn sharing_ends_or_says_what_it_waits_for() -> Result<()> {
    for (name, is_it) in ROWS {
        for (fault, span) in tried(name) {
            let what = format!("{name}: {}, {span:?}", fault.name);
            let trouble = Trouble::new(is_it, fault, span);
            let (has_secret, requests) = drive(&mut household()?, trouble, &what)?;
            assert!(requests < REQUESTS, "{what}: {requests}");
            // The devices are asked though nobody can see the backup, if the server only fails on that.
            let asks = matches!(name, "ask the devices" | "everything");
            let is_refused = asks && REFUSALS.contains(&fault.name);
            let may_fail = span == Span::ForGood || fault.name == "never" || is_refused;
            assert!(has_secret || may_fail, "{what}");
        }
    }
    Ok(())
}

#[test]
fn the_devices_are_asked_though_the_backup_cannot_be_seen() -> Result<()> {
    let names = [
        "500",
        "502 of a proxy",
        "403",
        "403 of a proxy",
        "404 of a proxy",
        "401",
        "429",
        "301",
        "200 {}",
        "no answer",
    ];
    for fault in FAULTS.iter().filter(|fault| names.contains(&fault.name)) {
        let mut house = household()?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        let asked = loop {
            match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
                Step::Save(_) => phone.flow.saved(),
                Step::Send(operation) => {
                    let token = house.phone.token().into();
                    let request = operation.to_http(house.server.base_url(), &token)?;
                    let path = request.uri().path();
                    if path.contains("/sendToDevice") {
                        break phone.now;
                    }
                    let answer = match (fault.answer)() {
                        Lied::Answer(answer) if path.ends_with("/version") => Some(answer),
                        Lied::Nothing if path.ends_with("/version") => None,
                        _ => Some(house.server.exchange(&request)),
                    };
                    phone.flow.answer(operation.id(), answer, phone.now)?;
                }
                Step::NeedsToken { .. } => phone.flow.resume(),
                Step::Wait(until) => phone.now = until.unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert!(asked < 60_000, "{asked}");
    }
    Ok(())
}
