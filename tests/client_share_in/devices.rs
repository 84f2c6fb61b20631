//! Devices that come and go while the flow waits, and answers that are for the host.

use http::Response;
use strongroom::{
    Limits,
    client::{
        Operation,
        flow::{Flow as _, ShareIn, Step},
    },
    secret_sharing::{
        Decision, DeviceProblem, OwnDevice, OwnDevices, Receipt, RequestState, Requester,
        RequesterError,
    },
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};

use crate::{
    Phone, backup,
    host::{CrossSigning, Result},
    household,
    household::{Household, Whose, backup_key},
    send, verified,
};

/// What the phone knows, but for what `changed` makes of the other devices.
fn devices(house: &mut Household, changed: impl Fn(&mut OwnDevice)) -> Result<OwnDevices> {
    let all = house.seen_by(Whose::Phone)?;
    let bare = OwnDevices::new(all.user_id().clone(), all.this_device().clone());
    let pinned = all.master_key().map_or(bare.clone(), |key| bare.with_master_key(*key));
    Ok(all.trusted().cloned().fold(pinned, |devices, mut device| {
        changed(&mut device);
        devices.with_device(device)
    }))
}

/// The laptop answers the last of its requests.
fn laptop_answers_the_last(house: &mut Household) -> Result<()> {
    let decisions = house.decisions(Whose::Laptop)?;
    let Some(Decision::AskUser(request)) = decisions.last() else { panic!("{decisions:?}") };
    house.laptop.responder.allow(request, 0)?;
    let secret = house.laptop_takes(request)?;
    let content = house.laptop_encrypts(&secret)?.expect("the phone has one-time keys");
    house.laptop_sends(secret, content).map(drop)
}

fn open_requests(flow: &ShareIn) -> usize {
    let requester = flow.requester().expect("the flow goes on");
    requester.requests().filter(|(.., state)| *state == RequestState::Open).count()
}

#[test]
fn a_device_that_is_verified_meanwhile_is_asked_too() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    let only_tablet = devices(&mut house, |device| {
        device.verified = device.identity.device_id.as_str() == "TABLET";
    })?;
    phone.flow.set_devices(only_tablet);
    assert!(phone.run(&mut house)?.is_none());
    assert_eq!(house.decisions(Whose::Laptop)?, [], "nobody trusts it yet");
    phone.flow.set_devices(house.seen_by(Whose::Phone)?);
    assert!(phone.run(&mut house)?.is_none());
    assert_eq!(open_requests(&phone.flow), 1);
    laptop_answers_the_last(&mut house)?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Accepted(_))]), "{receipts:?}");
    Ok(())
}

#[test]
fn a_request_that_was_refused_before_is_no_failure_once_somebody_was_asked() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    let only_tablet = devices(&mut house, |device| {
        device.verified = device.identity.device_id.as_str() == "TABLET";
    })?;
    phone.flow.set_devices(only_tablet);
    let refused = loop {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Done(shared) => break shared,
            Step::Send(operation) => {
                let response = if is_to_device(&operation, &house) {
                    let body = br#"{"errcode":"M_FORBIDDEN","error":"no"}"#.to_vec();
                    Response::builder().status(403).body(body)?
                } else {
                    send(&mut house, &operation)
                };
                phone.flow.answer(operation.id(), Some(response), phone.now)?;
            }
            other => panic!("{other:?}"),
        }
    };
    phone.now += 60_000;
    let (user_id, limits) = (house.user_id.clone(), Limits::default());
    let (seen, names) = (house.seen_by(Whose::Phone)?, vec![MEGOLM_BACKUP_V1.into()]);
    let (machine, requester) = (refused.backup, refused.requester);
    phone.flow = ShareIn::new(machine, requester, seen, names, verified(&user_id), limits);
    assert!(phone.run(&mut house)?.is_none());
    laptop_answers_the_last(&mut house)?;
    phone.receives(&mut house)?;
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert!(shared.failure.is_none(), "{:?}", shared.failure);
    Ok(())
}

fn is_to_device(operation: &Operation, house: &Household) -> bool {
    let request = operation.to_http(house.server.base_url(), &house.phone.token().into()).unwrap();
    request.uri().path().contains("sendToDevice")
}

#[test]
fn the_same_devices_are_not_asked_twice() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    assert_eq!(house.decisions(Whose::Laptop)?.len(), 1);
    let without_tablet = devices(&mut house, |device| {
        device.blocked = device.identity.device_id.as_str() == "TABLET";
    })?;
    phone.flow.set_devices(without_tablet);
    assert!(phone.run(&mut house)?.is_none());
    assert_eq!(house.decisions(Whose::Laptop)?, []);
    Ok(())
}

#[test]
fn after_the_identity_was_reset_all_are_asked_anew() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    let first = phone.flow.requester().unwrap().requests().next().unwrap().0.clone();
    reset(&mut house)?;
    phone.flow.set_devices(house.seen_by(Whose::Phone)?);
    assert!(phone.run(&mut house)?.is_none());
    let state = phone.flow.requester().unwrap().state(&first);
    assert_eq!(state, Some(RequestState::Cancelled));
    assert_eq!(open_requests(&phone.flow), 1);
    laptop_answers_the_last(&mut house)?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Accepted(_))]), "{receipts:?}");
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    Ok(())
}

/// The user gets other cross-signing keys, and verifies the devices with them.
fn reset(house: &mut Household) -> Result<()> {
    house.cross_signing = CrossSigning::new(house.user_id.clone());
    let laptop = &house.laptop.device;
    house.cross_signing.publish(&mut house.server, laptop.token())?;
    for device in [&house.phone, laptop, &house.tablet.device] {
        laptop.verify(&mut house.server, device.identity(), &house.cross_signing)?;
    }
    Ok(())
}

#[test]
fn an_answer_that_is_kept_goes_with_the_trust_in_its_device() -> Result<()> {
    let mut house = Household::new(10)?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Kept { .. })]), "{receipts:?}");
    assert!(phone.run(&mut house)?.is_none());
    let blocked = devices(&mut house, |device| device.blocked = true)?;
    phone.flow.set_devices(blocked);
    let shared = phone.run(&mut house)?.expect("nobody is left to ask");
    let requester = &shared.requester;
    let kept = requester.requests().flat_map(|(id, ..)| requester.candidates(id));
    assert_eq!(kept.count(), 0);
    let reasons: Vec<_> = shared.dropped.iter().map(|dropped| dropped.reason.clone()).collect();
    assert_eq!(reasons, [RequesterError::Sender(DeviceProblem::Blocked)]);
    Ok(())
}

#[test]
fn an_answer_to_a_request_of_the_host_is_taken_for_the_host() -> Result<()> {
    let mut house = household()?;
    let user_id = house.user_id.clone();
    let (known, limits) = (house.seen_by(Whose::Phone)?, Limits::default());
    let mut requester = Requester::new(user_id.clone(), "PHONE".into());
    let own = requester.request(MEGOLM_BACKUP_V1.into(), None, &known, 0)?;
    let mut phone = Phone::new(&mut house, &[CROSS_SIGNING_MASTER], false)?;
    let names = vec![CROSS_SIGNING_MASTER.into()];
    let machine = backup(&user_id);
    phone.flow = ShareIn::new(machine, requester, known, names, verified(&user_id), limits);
    assert!(phone.run(&mut house)?.is_none());
    house.decisions(Whose::Laptop)?;
    house.phone.send_request(&mut house.server, &own)?;
    laptop_answers_the_last(&mut house)?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Accepted(_))]), "{receipts:?}");
    assert!(phone.run(&mut house)?.is_none());
    let told = house.decisions(Whose::Tablet)?;
    assert!(matches!(told.last(), Some(Decision::Withdraw(_))), "{told:?}");
    phone.flow.give_up();
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets.len(), 0, "the flow did not ask for it");
    let seen = house.seen_by(Whose::Phone)?;
    let kept: Vec<_> = shared.requester.received(&seen).map(|it| it.request_id).collect();
    assert_eq!(kept, [own.request().request_id.clone()]);
    Ok(())
}
