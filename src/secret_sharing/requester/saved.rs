//! The requester's state as bytes: what is public, and the secrets apart from it.

use std::{collections::BTreeMap, slice};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    ClosedBy, Recipients, Requester, RequesterOptions,
    request::{Candidate, Request, State},
};
use crate::{
    clock::Clock,
    encoding::json,
    ids::{DeviceId, RequestId, SecretName, UserId},
    saved_state::{Header, SavedStateError},
    secret::{SecretString, SecretVec},
    secret_sharing::{
        own_devices::DeviceIdentity,
        saved::{SavedDevice, ed25519},
    },
    secret_value::PublicKeyVerdict,
};

/// The state of a [`Requester`] in two parts: one for the disk, one for a keychain.
///
/// They may be written one after the other. What a crash between the two leaves is read: a secret that
/// is missing makes its request open again, and one without its request is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRequester {
    /// Who was asked for what. No secret is in it.
    pub public: Vec<u8>,
    /// Secrets that were received and not stored yet.
    pub secret: SecretVec,
}

#[derive(Serialize, Deserialize)]
struct PublicPart {
    #[serde(flatten)]
    header: Header,
    clock: Clock,
    requests: Vec<SavedRequest>,
}

#[derive(Serialize, Deserialize)]
struct SavedRequest {
    id: RequestId,
    name: SecretName,
    /// Nothing stands for all devices.
    to: Option<Vec<DeviceId>>,
    asked: Vec<SavedDevice>,
    master_key: Option<String>,
    since_ms: u64,
    state: SavedState,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedState {
    Open,
    Received,
    Stored,
    Cancelled,
    Expired,
}

#[derive(Serialize)]
struct SecretPart<'a> {
    #[serde(flatten)]
    header: Header,
    secrets: Vec<SavedSecret<'a>>,
}

#[derive(Serialize)]
struct SavedSecret<'a> {
    request_id: &'a RequestId,
    from: SavedDevice,
    accepted: Option<SavedVerdict>,
    secret: &'a str,
}

/// Why a secret was accepted. It stands beside the secret, so that no other can take its place.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedVerdict {
    Belongs,
    NotChecked,
}

#[derive(Deserialize)]
struct ReadSecretPart<'a> {
    #[serde(borrow)]
    secrets: Vec<ReadSecret<'a>>,
}

#[derive(Deserialize)]
struct ReadSecret<'a> {
    request_id: RequestId,
    from: SavedDevice,
    accepted: Option<SavedVerdict>,
    #[serde(borrow)]
    secret: &'a RawValue,
}

impl Requester {
    /// The whole state, to be saved.
    #[must_use]
    pub fn save(&self) -> SavedRequester {
        let header = Header::new(PUBLIC, &self.user_id, &self.device_id);
        let requests: Vec<_> = self.requests.values().map(SavedRequest::new).collect();
        let public = PublicPart { header, clock: self.clock, requests };
        let secrets = self.requests.values().flat_map(SavedSecret::of);
        let header = Header::new(SECRET, &self.user_id, &self.device_id);
        let part = SecretPart { header, secrets: secrets.collect() };
        SavedRequester {
            public: json::to_bytes(&public, USUAL_LENGTH),
            secret: json::to_secret_bytes(&part, USUAL_LENGTH),
        }
    }

    /// Goes on from saved state.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if either part is damaged, of another format, or of another user or device.
    pub fn restore(
        saved: &SavedRequester,
        user_id: UserId,
        device_id: DeviceId,
        options: RequesterOptions,
    ) -> Result<Self, SavedStateError> {
        let secret = saved.secret.expose_bytes();
        Header::check(&saved.public, PUBLIC, &user_id, &device_id)?;
        Header::check(secret, SECRET, &user_id, &device_id)?;
        let part: PublicPart =
            serde_json::from_slice(&saved.public).map_err(|_| SavedStateError::Damaged)?;
        let mut secrets = read_secrets(secret)?;
        let mut requests = BTreeMap::new();
        for saved in part.requests {
            let request = saved.read(&mut secrets)?;
            requests.insert(request.id.clone(), request);
        }
        Ok(Self { user_id, device_id, options, clock: part.clock, requests })
    }
}

type Secrets = BTreeMap<RequestId, Vec<ReadCandidate>>;

type ReadCandidate = (DeviceIdentity, SecretString, Option<SavedVerdict>);

fn read_secrets(saved: &[u8]) -> Result<Secrets, SavedStateError> {
    let part: ReadSecretPart<'_> =
        serde_json::from_slice(saved).map_err(|_| SavedStateError::Damaged)?;
    let mut secrets = Secrets::new();
    for saved in part.secrets {
        let text = json::string(saved.secret).map_err(|_| SavedStateError::Damaged)?;
        let secret = (saved.from.read()?, SecretString::from(text.as_str()), saved.accepted);
        secrets.entry(saved.request_id).or_default().push(secret);
    }
    Ok(secrets)
}

impl<'a> SavedSecret<'a> {
    fn of(request: &'a Request) -> impl Iterator<Item = Self> {
        let (candidates, verdict) = match &request.state {
            State::Open(candidates) => (candidates.as_slice(), None),
            State::Received(candidate, verdict) => (slice::from_ref(candidate), Some(*verdict)),
            State::Closed(_) => (&[][..], None),
        };
        candidates.iter().map(move |candidate| Self {
            request_id: &request.id,
            from: SavedDevice::new(&candidate.from),
            accepted: verdict.map(|verdict| match verdict {
                PublicKeyVerdict::Belongs => SavedVerdict::Belongs,
                PublicKeyVerdict::NotChecked => SavedVerdict::NotChecked,
            }),
            secret: candidate.text.expose_str(),
        })
    }
}

impl SavedRequest {
    fn new(request: &Request) -> Self {
        let state = match request.state {
            State::Open(_) => SavedState::Open,
            State::Received(..) => SavedState::Received,
            State::Closed(ClosedBy::Stored) => SavedState::Stored,
            State::Closed(ClosedBy::Cancelled) => SavedState::Cancelled,
            State::Closed(ClosedBy::Expired) => SavedState::Expired,
        };
        let to = match &request.to {
            Recipients::All => None,
            Recipients::Named(names) => Some(names.clone()),
        };
        Self {
            id: request.id.clone(),
            name: request.name.clone(),
            to,
            asked: request.asked.iter().map(SavedDevice::new).collect(),
            master_key: request.master_key.map(|key| key.to_base64()),
            since_ms: request.since_ms,
            state,
        }
    }

    fn read(self, secrets: &mut Secrets) -> Result<Request, SavedStateError> {
        let mut candidates = Vec::new();
        let mut accepted = None;
        for (from, text, verdict) in secrets.remove(&self.id).unwrap_or_default() {
            let read = Candidate::read(from, text, &self.name);
            let candidate = read.map_err(|_| SavedStateError::Damaged)?;
            match verdict {
                Some(verdict) => accepted = Some((candidate, verdict)),
                None => candidates.push(candidate),
            }
        }
        let asked = self.asked.into_iter().map(SavedDevice::read).collect::<Result<_, _>>()?;
        let master_key = self.master_key.as_deref().map(ed25519).transpose()?;
        Ok(Request {
            id: self.id,
            name: self.name,
            to: self.to.map_or(Recipients::All, Recipients::Named),
            asked,
            master_key,
            since_ms: self.since_ms,
            state: self.state.read(candidates, accepted),
        })
    }
}

impl SavedState {
    /// The secret part tells whether a secret was accepted, the public part whether it is over.
    fn read(
        self,
        candidates: Vec<Candidate>,
        accepted: Option<(Candidate, SavedVerdict)>,
    ) -> State {
        match (self, accepted) {
            (Self::Stored, _) => State::Closed(ClosedBy::Stored),
            (Self::Cancelled, _) => State::Closed(ClosedBy::Cancelled),
            (Self::Expired, _) => State::Closed(ClosedBy::Expired),
            (Self::Open | Self::Received, None) => State::Open(candidates),
            (Self::Open | Self::Received, Some((candidate, verdict))) => {
                let verdict = match verdict {
                    SavedVerdict::Belongs => PublicKeyVerdict::Belongs,
                    SavedVerdict::NotChecked => PublicKeyVerdict::NotChecked,
                };
                State::Received(candidate, verdict)
            }
        }
    }
}

const PUBLIC: &str = "requester";
const SECRET: &str = "requester secrets";

/// Room for a few requests; more make the buffer grow, wiped.
const USUAL_LENGTH: usize = 2048;
