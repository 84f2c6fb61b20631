//! What a homeserver shows, takes and refuses.

use http::Response;
use serde_json::{Value, json};
use strongroom::{
    client::{Awaited, RequestFailure, RequestKind, flow::FlowError},
    cross_signing::CrossSigningError,
};

use super::{Control, QUERY, UPLOAD, account, flow_of, lying, run, seen, verify};
use crate::{
    drive::Answer,
    host::Host,
    identity::{Identity, own_device, publish_device},
};

fn says(status: u16, body: &Value) -> Answer {
    Some(Response::builder().status(status).body(body.to_string().into_bytes()).unwrap())
}

fn failures(name: &str) -> Value {
    let error = json!({ "errcode": "M_INVALID_SIGNATURE", "error": "no" });
    json!({ "failures": { "@alice:example.org": { name: error } } })
}

#[test]
fn without_an_identity_or_device_keys_nothing_is_signed() {
    let identity = Identity::new(1);
    let mut host = Host::new();
    publish_device(&mut host.homeserver);
    let ended = verify(&mut host, &identity, Control::default());
    assert_eq!(ended.error(), &FlowError::NoIdentity);
    assert_eq!((ended.asked, ended.requests.len()), (0, 1));

    let mut host = Host::new();
    identity.publish(&mut host.homeserver);
    let ended = verify(&mut host, &identity, Control::default());
    assert_eq!(ended.error(), &FlowError::DeviceNotPublished);
    assert_eq!((ended.asked, ended.requests.len()), (0, 1));

    // A master key alone is none.
    let (mut host, identity) = account();
    let without = lying(|_, _, body| body["self_signing_keys"] = json!({}));
    let ended = verify(&mut host, &identity, without);
    assert_eq!(ended.error(), &FlowError::NoIdentity);
}

#[test]
fn seeds_of_another_identity_or_from_nobody_knows_where_sign_nothing() {
    let (_, identity) = account();
    let [_, self_signing] = <[_; 2]>::try_from(identity.unauthenticated_seeds()).unwrap();
    let [master, _] = <[_; 2]>::try_from(identity.seeds()).unwrap();
    let [_, other] = <[_; 2]>::try_from(Identity::new(3).seeds()).unwrap();
    for (secrets, expected) in [
        (Identity::new(3).seeds(), CrossSigningError::OtherMasterSeed),
        (vec![master.clone(), other], CrossSigningError::OtherSeed),
        (identity.unauthenticated_seeds(), CrossSigningError::MasterKeyNotVerified),
        (vec![master.clone(), self_signing], CrossSigningError::Unauthenticated),
        (vec![master], CrossSigningError::NoSeed),
        (Vec::new(), CrossSigningError::MasterKeyNotVerified),
    ] {
        let (mut host, identity) = account();
        let flow = flow_of(&host, own_device(), secrets);
        let ended = run(&mut host, flow, Control::default());
        assert_eq!(ended.error(), &FlowError::SelfSigningKey(expected));
        assert_eq!((ended.asked, ended.requests.len()), (0, 1));
        assert_eq!(seen(&mut host, &identity), (false, false));
    }
}

#[test]
fn an_identity_that_changes_between_two_answers_ends_it_and_nothing_more_is_signed() {
    // The user has kept the seeds of both.
    let (mut host, identity) = account();
    let other = Identity::new(3);
    let secrets = [identity.seeds(), other.seeds()].concat();
    let flow = flow_of(&host, own_device(), secrets);
    let [master, self_signing] = other.objects();
    let mut queries = 0;
    let changes = lying(|_, path, body| {
        queries += usize::from(path == QUERY);
        if path == QUERY && queries > 1 {
            body["master_keys"]["@alice:example.org"] = master.clone();
            body["self_signing_keys"]["@alice:example.org"] = self_signing.clone();
        }
    });
    let ended = run(&mut host, flow, changes);
    let expected = FlowError::SelfSigningKey(CrossSigningError::OtherMasterKey);
    assert_eq!(ended.error(), &expected);
    assert_eq!((ended.asked, ended.requests.len()), (1, 3));
}

#[test]
fn another_device_under_the_same_name_is_not_signed() {
    let (mut host, identity) = account();
    let other = lying(|_, path, body| {
        if path == QUERY {
            let keys = &mut body["device_keys"]["@alice:example.org"]["PHONE"]["keys"];
            keys["ed25519:PHONE"] = identity.master_key().to_base64().into();
        }
    });
    let ended = verify(&mut host, &identity, other);
    let expected = FlowError::DeviceNotSigned(CrossSigningError::OtherFingerprint);
    assert_eq!(ended.error(), &expected);
    assert_eq!((ended.asked, ended.requests.len()), (0, 1));
}

#[test]
fn a_homeserver_that_takes_everything_and_shows_nothing_ends_it_after_some_tries() {
    let (mut host, identity) = account();
    let takes = |host: &mut Host, path: &str, request: &_| match path {
        UPLOAD => says(200, &json!({ "failures": {} })),
        _ => host.send(request),
    };
    let takes = Control { answer: Box::new(takes), ..Control::default() };
    let begin = host.now;
    let ended = verify(&mut host, &identity, takes);
    let FlowError::Failing(waiting) = ended.error() else { panic!("{:?}", ended.result) };
    assert_eq!(waiting.what, Awaited::Request(RequestKind::UploadSignatures));
    assert_eq!(waiting.last_error, Some(RequestFailure::NoEffect));
    assert!(waiting.failures < 20 && ended.asked < 20, "{waiting:?} {}", ended.asked);
    assert!((60_000..3 * 60 * 60 * 1_000).contains(&(host.now - begin)), "{}", host.now - begin);
}

#[test]
fn a_homeserver_that_lags_is_waited_for() {
    let (mut host, identity) = account();
    let mut queries = 0;
    let lags = lying(|_, path, body| {
        queries += usize::from(path == QUERY);
        if path == QUERY && queries < 5 {
            let name = &mut body["device_keys"]["@alice:example.org"]["PHONE"]["signatures"];
            let all = name["@alice:example.org"].as_object_mut().unwrap();
            all.retain(|label, _| label == "ed25519:PHONE");
        }
    });
    let ended = verify(&mut host, &identity, lags);
    assert!(ended.result.is_ok(), "{:?}", ended.result);
    assert_eq!(seen(&mut host, &identity), (true, true));
}

#[test]
fn a_homeserver_that_refuses_the_signature_of_the_device_ends_it() {
    let (mut host, identity) = account();
    let refuses = |host: &mut Host, path: &str, request: &_| match path {
        UPLOAD => says(200, &failures("PHONE")),
        _ => host.send(request),
    };
    let refuses = Control { answer: Box::new(refuses), ..Control::default() };
    let ended = verify(&mut host, &identity, refuses);
    let FlowError::SignatureRefused(failure) = ended.error() else { panic!("{:?}", ended.result) };
    assert_eq!((failure.name.as_str(), ended.requests.len()), ("PHONE", 2));
}

#[test]
fn a_homeserver_that_refuses_the_devices_signature_of_the_master_key_has_a_trusted_device() {
    let (mut host, identity) = account();
    let name = identity.master_key().to_base64();
    let refuses = |host: &mut Host, path: &str, request: &http::Request<Vec<u8>>| {
        if path != UPLOAD {
            return host.send(request);
        }
        // Only the device arrives.
        let mut body: Value = serde_json::from_slice(request.body()).unwrap();
        body["@alice:example.org"].as_object_mut().unwrap().remove(&name).unwrap();
        host.send(&request.clone().map(|_| body.to_string().into_bytes())).unwrap();
        says(200, &failures(&name))
    };
    let refuses = Control { answer: Box::new(refuses), ..Control::default() };
    let ended = verify(&mut host, &identity, refuses);
    assert_eq!(ended.result.unwrap().refused.unwrap().name, name);
    assert_eq!((ended.asked, ended.requests.len()), (1, 3));
    assert_eq!(seen(&mut host, &identity), (true, false));
}

#[test]
fn a_homeserver_that_refuses_the_request_ends_it() {
    let (mut host, identity) = account();
    host.trouble.forbidden = Some("POST /keys/signatures/upload");
    let ended = verify(&mut host, &identity, Control::default());
    assert!(matches!(ended.error(), FlowError::Refused(_)), "{:?}", ended.result);
    assert_eq!(seen(&mut host, &identity), (false, false));
}

#[test]
fn an_access_token_that_is_not_accepted_any_more_is_waited_for() {
    for path in [QUERY, UPLOAD] {
        let (mut host, identity) = account();
        let mut is_first = true;
        let refuses = |host: &mut Host, it: &str, request: &_| {
            if it == path && std::mem::take(&mut is_first) {
                return says(401, &json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "?" }));
            }
            host.send(request)
        };
        let refuses = Control { answer: Box::new(refuses), ..Control::default() };
        let ended = verify(&mut host, &identity, refuses);
        assert!(ended.result.is_ok(), "{path}: {:?}", ended.result);
        assert_eq!(seen(&mut host, &identity), (true, true));
    }
}
