//! Sharing that is interrupted, refused, or overtaken by another backup.

use http::Response;
use rand::{SeedableRng as _, rngs::StdRng};
use strongroom::{
    Limits, api,
    backup::{AuthData, BackupPublicKey},
    client::{
        Backup,
        backup::{BackupOptions, Next, Reply, Stage},
        flow::{Flow as _, FlowError, SavedFlow, SetUp, ShareIn, SharedIn, Step},
    },
    saved_state::SavedStateError,
    secret_sharing::{Receipt, RequestState, Requester, RequesterError},
    secret_storage::NewKey,
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};

use crate::{
    Phone, backup, flow,
    host::Result,
    household,
    household::{Household, Whose, backup_key, public_keys},
    send, verified, with_backup,
};

const DAY: u64 = 24 * 60 * 60 * 1_000;
const OTHERS_BACKUP: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo";

/// Works until the flow waits; what the host has saved last.
fn saved(phone: &mut Phone, house: &mut Household) -> SavedFlow {
    let mut last = None;
    loop {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(saved) => {
                last = Some(*saved);
                phone.flow.saved();
            }
            Step::Send(operation) => {
                let response = send(house, &operation);
                phone.flow.answer(operation.id(), Some(response), phone.now).unwrap();
            }
            Step::Wait(_) => return last.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_flow_takes_the_state_of_no_other_flow() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    let of_sharing = saved(&mut phone, &mut house);
    let new_key = NewKey::generate(None)?;
    let machine = backup(&house.user_id);
    let mut set_up = SetUp::bootstrap(machine, new_key, Vec::new(), Limits::default());
    let Step::Save(of_set_up) = set_up.next(1)? else { panic!("it saves first") };
    let requester = |saved: &SavedFlow| {
        Requester::from_saved(&saved.secret, house.user_id.clone(), "PHONE".into()).map(drop)
    };
    let set_up = |saved: &SavedFlow| {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        SetUp::from_saved(saved, house.user_id.clone(), "PHONE".into(), options, limits).map(drop)
    };
    assert_eq!(requester(&of_sharing), Ok(()));
    assert_eq!(requester(&of_set_up), Err(SavedStateError::OtherPart));
    assert_eq!(set_up(&of_set_up), Ok(()));
    assert_eq!(set_up(&of_sharing), Err(SavedStateError::OtherPart));
    for of_own in [of_sharing, *of_set_up] {
        let machine = of_own.backup.secret.clone();
        let swapped = SavedFlow { secret: machine, ..of_own.clone() };
        assert_eq!(requester(&swapped), Err(SavedStateError::OtherPart));
        assert_eq!(set_up(&swapped), Err(SavedStateError::OtherPart));
    }
    Ok(())
}

/// The host is restarted.
fn restart(phone: &mut Phone, house: &mut Household) {
    let saved = saved(phone, house);
    let devices = house.seen_by(Whose::Phone).unwrap();
    phone.flow = flow(&house.user_id, devices, &phone.names, Some(&saved));
}

/// Lets time pass until the flow ends; requests to some path are answered like this. Tells whether anybody was asked.
fn refused(
    phone: &mut Phone,
    house: &mut Household,
    path: &str,
    (status, code): (u16, &str),
) -> (SharedIn, bool) {
    let mut is_asked = false;
    for _ in 0..20_000 {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Send(operation) => {
                let token = house.phone.token().into();
                let request = operation.to_http(house.server.base_url(), &token).unwrap();
                let is_refused = request.uri().path().contains(path);
                is_asked |= request.uri().path().contains("sendToDevice");
                let body = format!(r#"{{"errcode":"{code}","error":"no"}}"#);
                let response = if is_refused {
                    Response::builder().status(status).body(body.into_bytes()).unwrap()
                } else {
                    send(house, &operation)
                };
                phone.flow.answer(operation.id(), Some(response), phone.now).unwrap();
            }
            Step::Wait(until) => phone.now = until.unwrap().max(phone.now + 1),
            Step::Done(shared) => return (*shared, is_asked),
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends");
}

#[test]
fn an_answer_that_comes_before_the_backup_was_looked_at_is_judged_afterwards() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    restart(&mut phone, &mut house);
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Kept { .. })]), "{receipts:?}");
    // It is kept over another restart.
    let (backup, requester) = phone.flow.into_parts().unwrap();
    let secret = requester.save();
    let saved = SavedFlow { secret, backup: backup.save() };
    let devices = house.seen_by(Whose::Phone)?;
    phone.flow = flow(&house.user_id, devices, &phone.names, Some(&saved));
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    assert_eq!(shared.missing, []);
    Ok(())
}

#[test]
fn a_public_key_that_is_verified_later_decides() -> Result<()> {
    let mut house = Household::new(10)?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Kept { .. })]), "{receipts:?}");
    assert!(phone.run(&mut house)?.is_none());
    let mut pinned = verified(&house.user_id);
    pinned.pin_backup(public_keys()?.backup.unwrap());
    phone.flow.set_verified(pinned);
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    Ok(())
}

#[test]
fn where_the_user_wanted_no_backup_the_key_comes_all_the_same() -> Result<()> {
    let mut house = household()?;
    let mut machine = backup(&house.user_id);
    let mut rng = StdRng::seed_from_u64(5);
    while machine.stage() != Stage::Off {
        match machine.next_with_rng(0, &mut rng) {
            Next::Save(_) => machine.saved(),
            Next::Send(operation) => {
                let response = send(&mut house, &operation);
                machine.answer(operation.id(), Some(response), 0)?;
            }
            Next::Ask(id, _) => machine.reply(id, Reply::Stop)?,
            other => panic!("{other:?}"),
        }
    }
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let (user_id, saved) = (house.user_id.clone(), machine.save());
    let machine = Backup::from_saved(&saved, user_id.clone(), "PHONE".into(), options, limits)?;
    let devices = house.seen_by(Whose::Phone)?;
    let requester = Requester::new(user_id.clone(), "PHONE".into());
    let names = vec![MEGOLM_BACKUP_V1.into()];
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    phone.flow = ShareIn::new(machine, requester, devices, names, verified(&user_id), limits);
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Accepted(_))]), "{receipts:?}");
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.backup.stage(), Stage::Off);
    assert!(shared.backup.has_key());
    Ok(())
}

#[test]
fn the_key_of_a_backup_that_was_made_while_the_flow_waited_is_taken() -> Result<()> {
    let mut house = with_foreign_backup()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    let mut house = with_backup(house)?;
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Kept { .. })]), "{receipts:?}");
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    Ok(())
}

/// The laptop has the key of another backup than the current one.
fn with_foreign_backup() -> Result<Household> {
    let mut house = Household::new(10)?;
    let token = house.phone.token().to_owned();
    let other = BackupPublicKey::from_base64(OTHERS_BACKUP).unwrap();
    house.server.send(&token, &api::create_backup_version(&AuthData::new(&other)))?;
    Ok(house)
}

#[test]
fn the_key_of_another_backup_is_dropped_once_that_is_sure() -> Result<()> {
    let mut house = with_foreign_backup()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    phone.receives(&mut house)?;
    assert!(phone.run(&mut house)?.is_none());
    phone.flow.give_up();
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.missing, [MEGOLM_BACKUP_V1.into()]);
    let reasons: Vec<_> = shared.dropped.iter().map(|dropped| dropped.reason.clone()).collect();
    assert!(matches!(reasons[..], [RequesterError::PublicKey(_)]), "{reasons:?}");
    Ok(())
}

#[test]
fn an_answer_is_judged_by_a_backup_that_is_made_long_after_it_came() -> Result<()> {
    for restarts in [false, true] {
        let mut house = Household::new(10)?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        assert!(phone.run(&mut house)?.is_none());
        keeps_the_answer(&mut phone, &mut house)?;
        assert!(phone.run(&mut house)?.is_none());
        if restarts {
            let (backup, requester) = phone.flow.into_parts().unwrap();
            let secret = requester.save();
            let saved = SavedFlow { secret, backup: backup.save() };
            let devices = house.seen_by(Whose::Phone)?;
            phone.flow = flow(&house.user_id, devices, &phone.names, Some(&saved));
            assert!(phone.run(&mut house)?.is_none());
        }
        let mut house = with_backup(house)?;
        let shared = phone.wait(&mut house)?;
        assert_eq!(shared.secrets[0].secret.value, backup_key()?);
        assert!(phone.now < DAY, "it has waited until the request expired");
    }
    Ok(())
}

/// A flow that has seen another backup than the laptop's, keeps its answer, and wants to look again.
fn overtaken() -> Result<(Phone, Household)> {
    let mut house = with_foreign_backup()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    Ok((phone, house))
}

fn keeps_the_answer(phone: &mut Phone, house: &mut Household) -> Result<()> {
    house.laptop_shares()?;
    let receipts = phone.receives(house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Kept { .. })]), "{receipts:?}");
    Ok(())
}

#[test]
fn a_look_that_was_on_its_way_when_the_answer_came_does_not_judge_it() -> Result<()> {
    let (mut phone, mut house) = overtaken()?;
    let (id, seen_before) = loop {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Wait(until) => phone.now = until.unwrap().max(phone.now + 1),
            Step::Send(operation) => break (operation.id(), send(&mut house, &operation)),
            other => panic!("{other:?}"),
        }
    };
    let mut house = with_backup(house)?;
    keeps_the_answer(&mut phone, &mut house)?;
    phone.flow.answer(id, Some(seen_before), phone.now)?;
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    Ok(())
}

#[test]
fn what_was_seen_before_does_not_judge_while_the_homeserver_refuses_to_say_more() -> Result<()> {
    let (mut phone, house) = overtaken()?;
    let mut house = with_backup(house)?;
    keeps_the_answer(&mut phone, &mut house)?;
    let mut refusals = 0;
    while refusals < 3 {
        match phone.flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => phone.flow.saved(),
            Step::Wait(until) => phone.now = until.unwrap().max(phone.now + 1),
            Step::Send(operation) => {
                refusals += 1;
                let body = br#"{"errcode":"M_FORBIDDEN","error":"no"}"#.to_vec();
                let refusal = Response::builder().status(403).body(body).unwrap();
                phone.flow.answer(operation.id(), Some(refusal), phone.now)?;
            }
            other => panic!("{other:?}"),
        }
    }
    let shared = phone.wait(&mut house)?;
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    Ok(())
}

#[test]
fn a_request_that_is_refused_for_good_ends_the_flow_in_time() -> Result<()> {
    for (status, code) in [(413, "M_TOO_LARGE"), (404, "M_NOT_FOUND"), (403, "M_FORBIDDEN")] {
        let mut house = household()?;
        let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        let (shared, _) = refused(&mut phone, &mut house, "sendToDevice", (status, code));
        assert!(phone.now <= 2 * DAY, "{status}: {}", phone.now);
        let is_named = match shared.failure {
            Some(FlowError::TooLarge) => status == 413,
            Some(FlowError::NotFound) => status == 404,
            Some(FlowError::Refused(_)) => status == 403,
            _ => false,
        };
        assert!(is_named, "{status}: {:?}", shared.failure);
    }
    Ok(())
}

#[test]
fn after_more_than_a_day_it_is_asked_anew() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    restart(&mut phone, &mut house);
    phone.now += 2 * DAY;
    assert!(phone.run(&mut house)?.is_none(), "somebody was asked");
    let asked = house.decisions(Whose::Laptop)?;
    assert_eq!(asked.len(), 3, "asked, withdrawn, and asked anew: {asked:?}");
    let open = phone.flow.requester().unwrap().requests();
    assert_eq!(open.filter(|(.., state)| *state == RequestState::Open).count(), 1);
    Ok(())
}

#[test]
fn where_the_homeserver_has_no_backups_other_secrets_are_asked_for() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[CROSS_SIGNING_MASTER], false)?;
    let answer = (404, "M_UNRECOGNIZED");
    let (shared, is_asked) = refused(&mut phone, &mut house, "room_keys", answer);
    assert!(is_asked);
    assert_eq!(shared.missing, [CROSS_SIGNING_MASTER.into()]);
    Ok(())
}

#[test]
fn requests_of_the_host_for_other_secrets_are_its_own() -> Result<()> {
    let mut house = household()?;
    let devices = house.seen_by(Whose::Phone)?;
    let mut requester = Requester::new(house.user_id.clone(), "PHONE".into());
    let to = None;
    let other = requester.request(CROSS_SIGNING_MASTER.into(), to, &devices, 0)?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    let names = vec![MEGOLM_BACKUP_V1.into()];
    let (user_id, limits) = (house.user_id.clone(), Limits::default());
    phone.flow =
        ShareIn::new(backup(&user_id), requester, devices, names, verified(&user_id), limits);
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    assert!(matches!(receipts[..], [Some(Receipt::Accepted(_))]), "{receipts:?}");
    phone.flow.give_up();
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.requester.state(&other.request().request_id), Some(RequestState::Open));
    Ok(())
}

#[test]
fn whoever_gives_the_flow_up_gets_both_machines_back() -> Result<()> {
    let mut house = household()?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    let open = phone.flow.requester().unwrap().requests().count();
    let (backup, requester) = phone.flow.into_parts().unwrap();
    assert_eq!((open, requester.requests().count()), (1, 1));
    assert!(backup.has_looked());
    Ok(())
}

#[test]
fn an_answer_that_nothing_proves_may_be_taken() -> Result<()> {
    let mut house = Household::new(10)?;
    let mut phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
    assert!(phone.run(&mut house)?.is_none());
    house.laptop_shares()?;
    let receipts = phone.receives(&mut house)?;
    let [Some(Receipt::Kept { request_id, device_id })] = &receipts[..] else {
        panic!("{receipts:?}");
    };
    assert!(phone.run(&mut house)?.is_none());
    phone.flow.accept_unproven(request_id, device_id, phone.now)?;
    let shared = phone.run(&mut house)?.expect("the flow has ended");
    assert_eq!(shared.secrets[0].secret.value, backup_key()?);
    Ok(())
}
