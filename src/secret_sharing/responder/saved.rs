//! The responder's state as bytes. It holds no secret, but who could write it could allow what the user did not.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    Responder, SharePolicy,
    entry::{Entries, Entry},
    step::AnswerState,
};
use crate::{
    clock::Clock,
    encoding::json,
    ids::{DeviceId, RequestId, SecretName, UserId},
    saved_state::{Header, SavedStateError},
    secret::SecretVec,
    secret_sharing::saved::{SavedDevice, ed25519},
};

#[derive(Serialize)]
struct Part {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    saved: Saved,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    clock: Clock,
    requests: Vec<SavedEntry>,
    asked_ms: BTreeMap<DeviceId, VecDeque<u64>>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry {
    device: SavedDevice,
    request_id: RequestId,
    name: Option<SecretName>,
    master_key: Option<String>,
    since_ms: u64,
    allowed_by_user: bool,
    state: SavedState,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedState {
    Asking,
    Allowed,
    Answered,
    Refused,
    Cancelled,
}

impl Responder {
    /// The whole state, to be saved where keys are kept: it says what the user has allowed. It can be
    /// [sealed](crate::saved_state::StateKey). A request takes 400 bytes, and its policy bounds how many there are.
    #[must_use]
    pub fn save(&self) -> SecretVec {
        let part = Part {
            header: Header::new(PART, &self.user_id, &self.device_id),
            saved: Saved {
                clock: self.clock,
                requests: self.entries.iter().map(SavedEntry::new).collect(),
                asked_ms: self.entries.asked_ms.clone(),
            },
        };
        json::to_secret_bytes(&part, USUAL_LENGTH)
    }

    /// Goes on from saved state, under a policy that may be another one: what an earlier policy allowed
    /// without the user, and this one does not, is a question again ([`Responder::waiting`]).
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if it is damaged, of another format, or of another user or device.
    pub fn from_saved(
        saved: &SecretVec,
        user_id: UserId,
        device_id: DeviceId,
        policy: SharePolicy,
    ) -> Result<Self, SavedStateError> {
        let saved: Saved = Header::read(saved.expose_bytes(), PART, &user_id, &device_id)?;
        let mut entries = Entries { asked_ms: saved.asked_ms, ..Entries::default() };
        for saved in saved.requests {
            let mut entry = saved.read()?;
            entry.submit_to(&policy);
            entries.of_devices.entry(entry.device.device_id.clone()).or_default().push(entry);
        }
        Ok(Self { user_id, device_id, policy, clock: saved.clock, entries })
    }
}

impl SavedEntry {
    fn new(entry: &Entry) -> Self {
        Self {
            device: SavedDevice::new(&entry.device),
            request_id: entry.request_id.clone(),
            name: entry.name.clone(),
            master_key: entry.master_key.map(|key| key.to_base64()),
            since_ms: entry.since_ms,
            allowed_by_user: entry.allowed_by_user,
            state: match entry.state {
                AnswerState::Asking => SavedState::Asking,
                AnswerState::Allowed => SavedState::Allowed,
                AnswerState::Answered => SavedState::Answered,
                AnswerState::Refused => SavedState::Refused,
                AnswerState::Cancelled => SavedState::Cancelled,
            },
        }
    }

    fn read(self) -> Result<Entry, SavedStateError> {
        Ok(Entry {
            device: self.device.read()?,
            request_id: self.request_id,
            name: self.name,
            master_key: self.master_key.as_deref().map(ed25519).transpose()?,
            since_ms: self.since_ms,
            allowed_by_user: self.allowed_by_user,
            state: match self.state {
                SavedState::Asking => AnswerState::Asking,
                SavedState::Allowed => AnswerState::Allowed,
                SavedState::Answered => AnswerState::Answered,
                SavedState::Refused => AnswerState::Refused,
                SavedState::Cancelled => AnswerState::Cancelled,
            },
        })
    }
}

const PART: &str = "responder";

/// Room for a few requests.
const USUAL_LENGTH: usize = 2048;
