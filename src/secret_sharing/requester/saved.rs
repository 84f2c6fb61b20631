//! The requester's state as bytes. All of it is secret: who could write it could turn one secret into another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ClosedBy, Requester,
    request::{Candidate, Request, State},
};
use crate::{
    clock::Clock,
    encoding::{json, secret_base64},
    ids::{DeviceId, RequestId, SecretName, UserId},
    provenance::Provenance,
    saved_state::{Header, SavedStateError},
    secret::{SecretString, SecretVec},
    secret_sharing::saved::{SavedDevice, ed25519},
    secret_value::SecretValue,
};

#[derive(Serialize)]
struct Part<'a> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    saved: Saved<'a>,
}

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    clock: Clock,
    #[serde(borrow)]
    requests: Vec<SavedRequest<'a>>,
}

#[derive(Serialize, Deserialize)]
struct SavedRequest<'a> {
    id: RequestId,
    name: SecretName,
    /// Nothing stands for all devices.
    to: Option<Vec<DeviceId>>,
    asked: Vec<SavedDevice>,
    master_key: Option<String>,
    since_ms: u64,
    #[serde(borrow)]
    state: SavedState<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedState<'a> {
    #[serde(borrow)]
    Open(Vec<SavedCandidate<'a>>),
    Received {
        #[serde(borrow)]
        answer: SavedCandidate<'a>,
        verdict: SavedVerdict,
    },
    Stored,
    Cancelled,
    Expired,
}

#[derive(Serialize, Deserialize)]
struct SavedCandidate<'a> {
    from: SavedDevice,
    /// In base64, since text in JSON could have escapes, which are not read without a copy.
    secret: &'a str,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedVerdict {
    Belongs,
    NotChecked,
}

impl Requester {
    /// The whole state, to be saved where keys are kept: it holds secrets that were received and not
    /// [stored](Self::stored) yet, and what was asked for, which decides what they are taken for. It can be
    /// [sealed](crate::saved_state::StateKey).
    ///
    /// A request takes 300 bytes, and 200 for each device that was asked; an answer that waits takes four thirds of
    /// [`Limits::secret_send_bytes`](crate::Limits::secret_send_bytes) at most, and there are four of a device.
    #[must_use]
    pub fn save(&self) -> SecretVec {
        let encode =
            |candidate: &Candidate| secret_base64::encode(candidate.text.expose_str().as_bytes());
        let texts = self.requests.values().map(|request| match &request.state {
            State::Open(_) => request.candidates().map(encode).collect(),
            State::Received { candidate, .. } => vec![encode(candidate)],
            State::Closed(_) => Vec::new(),
        });
        let texts: Vec<Vec<SecretString>> = texts.collect();
        let capacity = texts.iter().flatten().map(|text| text.expose_str().len() + USUAL_LENGTH);
        let requests = self.requests.values().zip(&texts);
        let part = Part {
            header: Header::new(PART, &self.user_id, &self.device_id),
            saved: Saved {
                clock: self.clock,
                requests: requests.map(|(it, texts)| SavedRequest::new(it, texts)).collect(),
            },
        };
        json::to_secret_bytes(&part, USUAL_LENGTH + capacity.sum::<usize>())
    }

    /// Goes on from saved state.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if it is damaged, of another format, or of another user or device.
    pub fn from_saved(
        saved: &SecretVec,
        user_id: UserId,
        device_id: DeviceId,
    ) -> Result<Self, SavedStateError> {
        let Saved { clock, requests: saved } =
            Header::read(saved.expose_bytes(), PART, &user_id, &device_id)?;
        let mut requests = BTreeMap::new();
        for saved in saved {
            let request = saved.read()?;
            requests.insert(request.id.clone(), request);
        }
        Ok(Self { clock, requests, ..Self::new(user_id, device_id) })
    }
}

impl<'a> SavedRequest<'a> {
    fn new(request: &Request, texts: &'a [SecretString]) -> Self {
        let saved = |(candidate, text): (&Candidate, &'a SecretString)| SavedCandidate {
            from: SavedDevice::new(&candidate.from),
            secret: text.expose_str(),
        };
        let state = match (&request.state, texts) {
            (State::Open(_), texts) => {
                SavedState::Open(request.candidates().zip(texts).map(saved).collect())
            }
            (State::Received { candidate, belongs }, [text]) => {
                let verdict =
                    if *belongs { SavedVerdict::Belongs } else { SavedVerdict::NotChecked };
                SavedState::Received { answer: saved((candidate, text)), verdict }
            }
            // There is a text for each secret.
            (State::Received { .. }, _) => SavedState::Open(Vec::new()),
            (State::Closed(ClosedBy::Stored), _) => SavedState::Stored,
            (State::Closed(ClosedBy::Cancelled), _) => SavedState::Cancelled,
            (State::Closed(ClosedBy::Expired), _) => SavedState::Expired,
        };
        let to = request.to.clone();
        Self {
            id: request.id.clone(),
            name: request.name.clone(),
            to,
            asked: request.asked.values().map(SavedDevice::new).collect(),
            master_key: request.master_key.map(|key| key.to_base64()),
            since_ms: request.since_ms,
            state,
        }
    }

    fn read(self) -> Result<Request, SavedStateError> {
        let name = self.name;
        let candidate = |saved: SavedCandidate<'_>| saved.read(&name);
        let state = match self.state {
            SavedState::Open(saved) => {
                let mut candidates = BTreeMap::<_, Vec<_>>::new();
                for saved in saved {
                    let candidate = candidate(saved)?;
                    candidates.entry(candidate.from.device_id.clone()).or_default().push(candidate);
                }
                State::Open(candidates)
            }
            SavedState::Received { answer, verdict } => {
                let belongs = matches!(verdict, SavedVerdict::Belongs);
                State::Received { candidate: candidate(answer)?, belongs }
            }
            SavedState::Stored => State::Closed(ClosedBy::Stored),
            SavedState::Cancelled => State::Closed(ClosedBy::Cancelled),
            SavedState::Expired => State::Closed(ClosedBy::Expired),
        };
        let asked = self.asked.into_iter().map(|saved| {
            let device = saved.read()?;
            Ok((device.device_id.clone(), device))
        });
        let asked = asked.collect::<Result<_, SavedStateError>>()?;
        let master_key = self.master_key.as_deref().map(ed25519).transpose()?;
        let since_ms = self.since_ms;
        Ok(Request { id: self.id, name, to: self.to, asked, master_key, since_ms, state })
    }
}

impl SavedCandidate<'_> {
    fn read(self, name: &SecretName) -> Result<Candidate, SavedStateError> {
        let damaged = SavedStateError::Damaged;
        let text = secret_base64::decode(self.secret).map_err(|_| damaged)?;
        let text = str::from_utf8(text.expose_bytes()).map_err(|_| damaged)?;
        // It had the shape of its name when it came.
        let from = self.from.read()?;
        let provenance = Provenance::SharedByVerifiedDevice(from.ed25519);
        let secret = SecretValue::read_saved(name, text.as_bytes(), provenance);
        let secret = secret.map_err(|_| damaged)?;
        Ok(Candidate { from, text: SecretString::from(text), secret })
    }
}

const PART: &str = "requester";

/// Room for a few requests; more make the buffer grow, wiped.
const USUAL_LENGTH: usize = 2048;
