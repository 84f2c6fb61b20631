//! What a sharing says that it waits for is what it waits for.

use http::Response;
use strongroom::{
    client::{
        Awaited, RequestKind,
        flow::{Flow as _, FlowError, SharedIn, Step},
    },
    secret_sharing::{OwnDevices, RequesterError},
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};

use crate::{
    Phone,
    host::Result,
    household,
    household::{ALICE, Household, Whose},
    send,
};

const HOUR: u64 = 60 * 60 * 1_000;

/// What comes back for a request to the devices.
type Says = Option<(u16, &'static str)>;

const REFUSED: Says = Some((403, r#"{"errcode":"M_FORBIDDEN","error":"no"}"#));
const FAILS: Says = Some((500, "{}"));
const LIMITED: Says = Some((429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"slow down"}"#));

/// Works until the flow ends or waits for so long. All that is sent to the devices is answered like this.
fn live(phone: &mut Phone, house: &mut Household, says: Says, ms: u64) -> Result<Option<SharedIn>> {
    let end = phone.now + ms;
    loop {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Send(operation) => {
                let token = house.phone.token().into();
                let request = operation.to_http(house.server.base_url(), &token)?;
                let answer = if request.uri().path().contains("sendToDevice") {
                    says.map(|(status, body)| {
                        let body = body.as_bytes().to_vec();
                        Response::builder().status(status).body(body).unwrap()
                    })
                } else {
                    Some(send(house, &operation))
                };
                phone.flow.answer(operation.id(), answer, phone.now)?;
            }
            Step::Done(shared) => return Ok(Some(*shared)),
            Step::Wait(Some(until)) if until <= end => phone.now = until.max(phone.now + 1),
            Step::Wait(_) => return Ok(None),
            other => panic!("{other:?}"),
        }
    }
}

/// What it says that it waits for.
fn waits(phone: &Phone) -> Vec<Awaited> {
    phone.flow.waiting_for().into_iter().map(|waiting| waiting.what).collect()
}

#[test]
fn where_nobody_may_be_asked_nobody_is_waited_for() -> Result<()> {
    let mut house = household()?;
    let names = [MEGOLM_BACKUP_V1, CROSS_SIGNING_MASTER];
    let mut phone = Phone::new(&mut house, &names, false)?;
    let shared = live(&mut phone, &mut house, REFUSED, HOUR)?.expect("it has ended");
    assert!(phone.now < 60_000, "after {} ms", phone.now);
    assert!(matches!(shared.failure, Some(FlowError::Refused(_))), "{:?}", shared.failure);
    assert_eq!(shared.missing.len(), 2);
    Ok(())
}

#[test]
fn the_devices_are_waited_for_once_they_were_asked() -> Result<()> {
    for says in [FAILS, LIMITED, None] {
        let mut house = household()?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        assert!(live(&mut phone, &mut house, says, HOUR / 60)?.is_none());
        assert_eq!(waits(&phone), [Awaited::Request(RequestKind::AskDevices)], "{says:?}");
        phone.now += HOUR;
        assert!(phone.run(&mut house)?.is_none());
        assert_eq!(waits(&phone), [Awaited::Devices]);
    }
    Ok(())
}

#[test]
fn an_answer_that_nothing_proves_yet_is_not_waited_for_any_more() -> Result<()> {
    let mut house = Household::new(10)?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    assert_eq!(waits(&phone), [Awaited::Devices]);
    house.laptop_shares()?;
    phone.receives(&mut house)?;
    assert!(phone.run(&mut house)?.is_none());
    assert_eq!(waits(&phone), [Awaited::Proof]);
    Ok(())
}

#[test]
fn what_has_come_is_no_failure_though_the_other_devices_cannot_be_told() -> Result<()> {
    for says in [REFUSED, FAILS] {
        let mut house = household()?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        assert!(phone.run(&mut house)?.is_none());
        house.laptop_shares()?;
        phone.receives(&mut house)?;
        if live(&mut phone, &mut house, says, 10_000)?.is_none() {
            assert_eq!(waits(&phone), [Awaited::Request(RequestKind::AskDevices)]);
        }
        let mut house = household()?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        assert!(phone.run(&mut house)?.is_none());
        house.laptop_shares()?;
        phone.receives(&mut house)?;
        let shared = live(&mut phone, &mut house, says, 3 * HOUR)?.expect("it has ended");
        assert_eq!((shared.secrets.len(), shared.failure), (1, None));
    }
    Ok(())
}

#[test]
fn a_sharing_that_is_given_up_names_what_has_failed() -> Result<()> {
    for says in [FAILS, LIMITED, None] {
        let mut house = household()?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        assert!(live(&mut phone, &mut house, says, HOUR / 60)?.is_none());
        phone.flow.give_up();
        phone.flow.give_up();
        let shared = live(&mut phone, &mut house, says, HOUR / 60)?.expect("it has ended");
        let Some(FlowError::Failing(waiting)) = shared.failure else { panic!("{shared:?}") };
        assert_eq!(waiting.what, Awaited::Request(RequestKind::AskDevices));
    }
    Ok(())
}

#[test]
fn when_nobody_is_trusted_any_more_nobody_is_waited_for() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    let alone = OwnDevices::new(ALICE.into(), house.phone.identity().clone());
    phone.flow.set_devices(alone);
    let shared = phone.run(&mut house)?.expect("it has ended");
    assert_eq!(shared.failure, Some(FlowError::Sharing(RequesterError::NobodyToAsk)));
    assert_eq!(house.decisions(Whose::Tablet)?.len(), 2, "asked, and told that it is over");
    Ok(())
}
