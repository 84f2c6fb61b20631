//! The part of the table of faults that is about sharing: see `tests/client_faults`.

use http::Response;
use strongroom::{
    client::{
        Awaited, NoAnswer,
        flow::{Flow as _, FlowError, Step},
    },
    secret_value::MEGOLM_BACKUP_V1,
};

use crate::{Phone, host::Result, household, household::Household};

const HOUR: u64 = 60 * 60 * 1_000;

/// Status and body; nothing if no answer comes.
const FAULTS: [Option<(u16, &str)>; 11] = [
    Some((500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#)),
    Some((502, "<html>bad gateway</html>")),
    Some((403, r#"{"errcode":"M_FORBIDDEN","error":"?"}"#)),
    Some((403, "<html>forbidden</html>")),
    Some((401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?","soft_logout":true}"#)),
    Some((429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?"}"#)),
    Some((429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":60000}"#)),
    Some((301, "")),
    Some((200, r#"{"version":[]}"#)),
    Some((404, "<html>not here</html>")),
    None,
];

/// For how long from the first time on.
const SPANS: [u64; 3] = [0, HOUR, u64::MAX];

/// What the flow came to, and how many requests it sent.
fn drive(house: &mut Household, path: &str, fault: usize, span: u64) -> Result<(bool, usize)> {
    let what = format!("{path}: {:?} for {span}", FAULTS[fault]);
    let mut phone = Phone::new(house, &[MEGOLM_BACKUP_V1], false)?;
    let mut given_up = 0;
    let (mut begin, mut requests, mut resume_at, mut has_shared) = (None, 0, u64::MAX, false);
    for _ in 0..100_000 {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Send(operation) => {
                requests += 1;
                let token = house.phone.token().into();
                let request = operation.to_http(house.server.base_url(), &token)?;
                let is_it = request.uri().path().contains(path);
                let is_first = is_it && begin.is_none();
                let since = *begin.get_or_insert(phone.now);
                let strikes = is_it && (is_first || phone.now < since.saturating_add(span));
                let answer = match FAULTS[fault].filter(|_| strikes) {
                    Some((status, body)) => {
                        // Who agrees does it.
                        if status == 200 {
                            house.server.exchange(&request);
                        }
                        Ok(Response::builder().status(status).body(body.into())?)
                    }
                    None if strikes => Err(NoAnswer),
                    None => Ok(house.server.exchange(&request)),
                };
                phone.flow.answer(operation.id(), answer, phone.now)?;
            }
            Step::NeedsToken { .. } => resume_at = phone.now + HOUR,
            Step::Wait(until) => {
                let waiting = phone.flow.waiting_for();
                assert!(!waiting.is_empty(), "{what}: it waits in silence");
                let is_asked = waiting.len() == 1 && waiting[0].what == Awaited::Devices;
                if is_asked && !has_shared {
                    has_shared = true;
                    // If the request was refused, the laptop has heard of nothing.
                    if house.laptop_shares().is_ok() {
                        phone.receives(house)?;
                    }
                    continue;
                }
                phone.now = until.unwrap_or(u64::MAX).min(resume_at).max(phone.now + 1);
                if phone.now >= 48 * HOUR {
                    given_up += 1;
                    assert!(given_up <= 2, "{what}: {waiting:?}");
                    phone.flow.give_up();
                    continue;
                }
                if phone.now >= resume_at {
                    resume_at = u64::MAX;
                    phone.flow.resume();
                }
            }
            Step::Done(shared) => {
                let has_failed = matches!(
                    shared.failure,
                    Some(FlowError::Failing(_) | FlowError::Refused(_) | FlowError::NotFound)
                );
                let has_secret = !shared.secrets.is_empty();
                assert!(has_secret || has_failed || span == u64::MAX, "{what}: {shared:?}");
                return Ok((has_secret, requests));
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("{what}: it never ends")
}

#[test]
fn sharing_ends_or_says_what_it_waits_for() -> Result<()> {
    for path in ["/room_keys/version", "/sendToDevice", "/account_data"] {
        for fault in 0..FAULTS.len() {
            for span in SPANS {
                let (has_secret, requests) = drive(&mut household()?, path, fault, span)?;
                // For two days the machine looks each half minute, since a question to the user is open.
                assert!(requests < 6_500, "{path} {fault}: {requests}");
                // The devices are asked though nobody can see the backup, if the server only fails on that.
                let is_refused = path == "/sendToDevice" && fault == 2;
                assert!(has_secret || span == u64::MAX || is_refused, "{path} {fault} {span}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_devices_are_asked_though_the_backup_cannot_be_seen() -> Result<()> {
    for fault in [0, 1, 2, 3, 7, 8, 9] {
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
                    let answer = match FAULTS[fault].filter(|_| path.ends_with("/version")) {
                        Some((status, body)) => {
                            Response::builder().status(status).body(body.into())?
                        }
                        None => house.server.exchange(&request),
                    };
                    phone.flow.answer(operation.id(), Ok(answer), phone.now)?;
                }
                Step::Wait(until) => phone.now = until.unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert!(asked < 60_000, "{asked}");
    }
    Ok(())
}
