//! What a host signs, and does not.

use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        AnswerError, Awaited,
        flow::{Flow as _, FlowError, Step, VerifyDevice},
    },
    cross_signing::CrossSigningError,
    crypto::ed25519::Ed25519Signature,
    ids::KeyId,
};
use vodozemac::Ed25519SecretKey;

use super::{Control, Signatures, account, flow_of, seen, verify};
use crate::{host::Host, identity::own_device};

/// What another key signs.
fn by_another_key(label: &str, bytes: &[u8]) -> (KeyId, Ed25519Signature) {
    let signature = Ed25519SecretKey::from_slice(&[6; 32]).sign(bytes).to_base64();
    (label.into(), Ed25519Signature::from_base64(&signature).unwrap())
}

#[test]
fn a_signature_by_another_key_than_the_devices_is_not_published() {
    let (mut host, identity) = account();
    let sign: fn(&Host, &[u8]) -> Signatures =
        |_, bytes| vec![by_another_key("ed25519:PHONE", bytes)];
    let ended = verify(&mut host, &identity, Control { sign, ..Control::default() });
    assert_eq!(ended.error(), &FlowError::DeviceNotSigned(CrossSigningError::OtherSigner));
    assert_eq!((ended.asked, ended.requests.len()), (1, 1));
    assert_eq!(seen(&mut host, &identity), (false, false));
}

#[test]
fn what_else_the_host_signs_with_is_left_out() {
    let (mut host, identity) = account();
    let sign: fn(&Host, &[u8]) -> Signatures =
        |host, bytes| vec![by_another_key("ed25519:OTHER", bytes), host.sign(bytes)];
    let ended = verify(&mut host, &identity, Control { sign, ..Control::default() });
    assert!(ended.result.is_ok(), "{:?}", ended.result);
    assert_eq!(seen(&mut host, &identity), (true, true));
}

#[test]
fn a_host_that_signs_nothing_has_a_trusted_device() {
    let (mut host, identity) = account();
    let ended =
        verify(&mut host, &identity, Control { sign: |_, _| Vec::new(), ..Control::default() });
    assert_eq!(ended.result.unwrap().refused, None);
    assert_eq!((ended.asked, ended.requests.len()), (1, 3));
    assert_eq!(seen(&mut host, &identity), (true, false));
    // Begun again the host is asked again, and nothing is sent when it does not.
    let ended =
        verify(&mut host, &identity, Control { sign: |_, _| Vec::new(), ..Control::default() });
    assert!(ended.result.is_ok());
    assert_eq!((ended.asked, ended.requests.len()), (1, 1));
    let ended = verify(&mut host, &identity, Control::default());
    assert!(ended.result.is_ok());
    assert_eq!((ended.asked, ended.requests.len()), (1, 3));
    assert_eq!(seen(&mut host, &identity), (true, true));
}

/// The flow at the moment at which the host is asked for something.
fn until(host: &mut Host, flow: &mut VerifyDevice, is_it: fn(&Step<VerifyDevice>) -> bool) {
    for _ in 0..100 {
        let step = flow.next_with_rng(host.now, &mut host.rng);
        if is_it(&step) {
            return;
        }
        match step {
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let answer = host.send(&request);
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::Sign(id, key) => {
                let signed = host.sign(key.bytes());
                flow.signed(id, &[signed]).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never comes: {flow:?}");
}

#[test]
fn while_the_host_signs_that_is_what_is_waited_for() {
    let (mut host, identity) = account();
    let mut flow = flow_of(&host, own_device(), identity.seeds());
    until(&mut host, &mut flow, |step| matches!(step, Step::Sign(..)));
    let step = flow.next_with_rng(host.now, &mut host.rng);
    assert!(matches!(step, Step::Wait(None)), "{step:?}");
    let waiting = flow.waiting_for();
    assert_eq!(waiting.iter().map(|it| it.what).collect::<Vec<_>>(), [Awaited::Signatures]);
}

#[test]
fn too_many_signatures_or_those_of_something_else_are_not_taken_and_the_flow_still_waits_for_them()
{
    let (mut host, identity) = account();
    let mut flow = flow_of(&host, own_device(), identity.seeds());
    let (mut asked, mut sent) = (None, None);
    for _ in 0..10 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let answer = host.send(&operation.to_http(&url, &host.token).unwrap());
                sent = Some(operation.id());
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::Sign(id, key) => {
                asked = Some((id, key));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let (id, key) = asked.unwrap();
    let signed = host.sign(key.bytes());
    let error = flow.signed(id, &vec![signed.clone(); 9]);
    assert_eq!(error, Err(AnswerError::TooManySignatures { found: 9 }));
    let error = flow.signed(sent.unwrap(), std::slice::from_ref(&signed));
    assert_eq!(error, Err(AnswerError::NotAwaited));
    flow.signed(id, &[signed]).unwrap();
}

#[test]
fn wherever_it_is_given_up_it_ends_and_gives_the_machine_back() {
    let places: [fn(&Step<VerifyDevice>) -> bool; 2] =
        [|step| matches!(step, Step::Send(_)), |step| matches!(step, Step::Sign(..))];
    for is_it in places {
        let (mut host, identity) = account();
        let mut flow = flow_of(&host, own_device(), identity.seeds());
        until(&mut host, &mut flow, is_it);
        flow.give_up();
        let Step::Done(ended) = flow.next_with_rng(host.now, &mut host.rng) else { panic!() };
        assert_eq!(ended.unwrap_err(), FlowError::GivenUp);
        assert_eq!(flow.waiting_for(), []);
        let backup = flow.into_backup().unwrap();
        // With the same machine it can be begun again.
        let limits = Limits::default();
        let flow = VerifyDevice::new(backup, own_device(), None, identity.seeds(), limits);
        assert!(super::run(&mut host, flow, Control::default()).result.is_ok());
    }
}

#[test]
fn a_late_answer_is_one_to_nothing() {
    let (mut host, identity) = account();
    let mut flow = flow_of(&host, own_device(), identity.seeds());
    let Step::Send(operation) = flow.next_with_rng(host.now, &mut host.rng) else { panic!() };
    flow.give_up();
    let error = flow.answer(operation.id(), None, host.now);
    assert_eq!(error, Err(AnswerError::NotAwaited));
}
