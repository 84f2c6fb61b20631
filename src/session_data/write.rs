//! From a session to JSON, exactly as specified.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MEGOLM_V1, SessionData};
use crate::{encoding::json, ids::RoomId, secret::SecretVec};

/// The members in alphabetical order, as canonical JSON would have them.
#[derive(Serialize)]
struct Wire<'a> {
    algorithm: &'static str,
    forwarding_curve25519_key_chain: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a str>,
    sender_claimed_keys: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    session_key: &'a str,
    shared_history: bool,
}

impl SessionData {
    /// The JSON that a backup seals: `BackedUpSessionData` of the specification.
    ///
    /// A sender that is not known has no `sender_key`, since an invented one would be a lie.
    #[must_use]
    pub fn to_json(&self) -> SecretVec {
        self.write(None)
    }

    /// The JSON with the room and the session ID, as clients import it.
    pub(super) fn to_exported_json(&self, room_id: &RoomId) -> SecretVec {
        self.write(Some(room_id))
    }

    fn write(&self, room_id: Option<&RoomId>) -> SecretVec {
        let session_key = self.session_key.to_base64();
        let session_id = room_id.map(|_| self.session_id());
        let wire = Wire {
            algorithm: MEGOLM_V1,
            forwarding_curve25519_key_chain: self
                .forwarding_chain
                .iter()
                .map(|key| key.to_base64())
                .collect(),
            room_id: room_id.map(RoomId::as_str),
            sender_claimed_keys: &self.sender_claimed_keys,
            sender_key: self.sender_key.map(|key| key.to_base64()),
            session_id: session_id.as_ref().map(|id| id.as_str()),
            session_key: session_key.expose_str(),
            shared_history: self.shared_history,
        };
        let mut json = json::to_secret_bytes(&wire, USUAL_LENGTH + self.unknown_members.len());
        self.unknown_members.append_to(&mut json);
        json
    }
}

/// Room for a session of a known sender with its room; a longer one makes the buffer grow, wiped.
const USUAL_LENGTH: usize = 768;
