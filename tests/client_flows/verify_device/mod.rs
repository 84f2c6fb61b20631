//! A device is made trusted with the seeds at hand, whatever the homeserver shows and takes.

mod host_signs;
mod shown;

use http::Request;
use serde_json::Value;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        AnswerError,
        flow::{DeviceVerified, Flow as _, FlowError, Recover, SetUp, Step, VerifyDevice},
    },
    cross_signing::ExpectedDevice,
    crypto::ed25519::Ed25519Signature,
    ids::KeyId,
    secret_storage::SecretVerdict,
    secret_value::SecretValue,
};

use crate::{
    drive::Answer,
    host::{Host, new_key},
    identity::{Identity, own_device, publish_device, typed_device},
    recover::{nobody, recover_with},
};

const QUERY: &str = "/keys/query";
const UPLOAD: &str = "/keys/signatures/upload";

/// What comes back for a request, by the path of it.
type Answering<'a> = dyn FnMut(&mut Host, &str, &Request<Vec<u8>>) -> Answer + 'a;

type Signatures = Vec<(KeyId, Ed25519Signature)>;

/// How it went.
struct Ended {
    result: Result<DeviceVerified, FlowError>,
    /// How often the host was asked to sign.
    asked: usize,
    requests: Vec<String>,
}

impl Ended {
    #[track_caller]
    fn error(&self) -> &FlowError {
        self.result.as_ref().unwrap_err()
    }
}

/// What happens on the way.
struct Control<'a> {
    sign: fn(&Host, &[u8]) -> Signatures,
    answer: Box<Answering<'a>>,
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self {
            sign: |host, bytes| vec![host.sign(bytes)],
            answer: Box::new(|host, _, request| host.send(request)),
        }
    }
}

/// A homeserver that does what it is asked for, and then says something else.
fn lying<'a>(mut lie: impl FnMut(&mut Host, &str, &mut Value) + 'a) -> Control<'a> {
    let answer = move |host: &mut Host, path: &str, request: &Request<Vec<u8>>| {
        let response = host.send(request).unwrap();
        let mut body = serde_json::from_slice(response.body()).unwrap();
        lie(host, path, &mut body);
        Some(response.map(|_| body.to_string().into_bytes()))
    };
    Control { answer: Box::new(answer), ..Control::default() }
}

fn account() -> (Host, Identity) {
    let (mut host, identity) = (Host::new(), Identity::new(1));
    publish_device(&mut host.homeserver);
    identity.publish(&mut host.homeserver);
    (host, identity)
}

fn flow_of(host: &Host, device: ExpectedDevice, secrets: Vec<SecretValue>) -> VerifyDevice {
    VerifyDevice::new(host.backup(), device, None, secrets, Limits::default())
}

fn verify(host: &mut Host, identity: &Identity, control: Control<'_>) -> Ended {
    let flow = flow_of(host, own_device(), identity.seeds());
    run(host, flow, control)
}

fn run(host: &mut Host, mut flow: VerifyDevice, mut control: Control<'_>) -> Ended {
    let (mut asked, mut requests) = (0, Vec::new());
    for _ in 0..1_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let path = request.uri().path().trim_start_matches("/_matrix/client/v3").to_owned();
                let answer = (control.answer)(host, &path, &request);
                requests.push(path);
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::Sign(id, key) => {
                asked += 1;
                let signatures = (control.sign)(host, key.bytes());
                flow.signed(id, &signatures).unwrap();
                assert_eq!(flow.signed(id, &signatures), Err(AnswerError::NotAwaited));
            }
            Step::NeedsToken { .. } => flow.resume(),
            Step::Wait(until) => {
                assert!(!flow.waiting_for().is_empty(), "it waits in silence: {flow:?}");
                host.now = until.unwrap().max(host.now + 1);
            }
            Step::Done(result) => {
                assert_eq!(flow.into_backup().is_some(), result.is_err());
                return Ended { result: *result, asked, requests };
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

/// What the homeserver has in the end.
fn seen(host: &mut Host, identity: &Identity) -> (bool, bool) {
    identity.sees(&mut host.homeserver)
}

#[test]
fn a_recovery_and_the_verification_end_with_a_device_that_others_see_as_verified() {
    let (mut host, identity) = account();
    let flow = SetUp::bootstrap(host.backup(), new_key(), identity.seeds(), Limits::default());
    host.set_up(flow).unwrap();
    let typed = host.shown[0].clone();
    let flow = Recover::new(host.backup(), nobody(), Limits::default());
    let recovered = recover_with(&mut host, flow, &[&typed]).recovered;
    let secrets = recovered.secrets.iter().filter_map(SecretVerdict::value);
    assert_eq!(seen(&mut host, &identity), (false, false));
    let limits = Limits::default();
    let flow = VerifyDevice::new(recovered.backup, own_device(), None, secrets, limits);
    let ended = run(&mut host, flow, Control::default());
    let done = ended.result.unwrap();
    assert_eq!((done.master_key, done.refused), (identity.master_key(), None));
    // The machine is what it was.
    assert!(done.backup.has_key());
    assert_eq!(seen(&mut host, &identity), (true, true));
    assert_eq!(ended.requests, [QUERY, UPLOAD, QUERY]);
    assert_eq!(ended.asked, 1);
    // Begun again, it has nothing to do.
    let ended = verify(&mut host, &identity, Control::default());
    assert!(ended.result.is_ok());
    assert_eq!(ended.requests, [QUERY]);
    assert_eq!(ended.asked, 0);
}

#[test]
fn whatever_is_lost_it_comes_to_the_same() {
    for number in 0..5 {
        for reaches_it in [true, false] {
            let (mut host, identity) = account();
            if reaches_it {
                host.trouble.lost_answer = Some(number);
            } else {
                host.trouble.lost_requests = number..number + 2;
            }
            let ended = verify(&mut host, &identity, Control::default());
            assert!(ended.result.is_ok(), "{number} {reaches_it}: {:?}", ended.result);
            assert_eq!(seen(&mut host, &identity), (true, true), "{number} {reaches_it}");
        }
    }
}

#[test]
fn with_a_typed_fingerprint_the_host_is_never_asked_to_sign() {
    let (mut host, identity) = account();
    let flow = flow_of(&host, typed_device(), identity.seeds());
    let ended = run(&mut host, flow, Control::default());
    assert_eq!(ended.result.unwrap().master_key, identity.master_key());
    assert_eq!((ended.asked, ended.requests.len()), (0, 3));
    assert_eq!(seen(&mut host, &identity), (true, false));
}
