//! From a session to JSON, as specified and as deployed clients read it.

// docs/decisions.md, 19: tolerant reader, strict writer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MEGOLM_V1, SessionData, UNKNOWN_SENDER};
use crate::{encoding::json, ids::RoomId, secret::SecretVec};

/// The members in alphabetical order, as canonical JSON would have them.
#[derive(Serialize)]
struct Wire<'a> {
    algorithm: &'static str,
    forwarding_curve25519_key_chain: Vec<String>,
    #[serde(rename = "org.matrix.msc3061.shared_history")]
    msc3061_shared_history: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a str>,
    sender_claimed_keys: &'a BTreeMap<String, String>,
    sender_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    session_key: &'a str,
    shared_history: bool,
}

impl SessionData {
    /// Returns the JSON that a backup seals: `BackedUpSessionData` of the
    /// [specification](https://spec.matrix.org/v1.19/client-server-api/#definition-backedupsessiondata).
    ///
    /// | member | what is written |
    /// |---|---|
    /// | all that the specification has | always, empty or `false` if there is nothing to say |
    /// | `sender_key` of an unknown sender | 32 zero bytes in base64, since clients refuse a session without |
    /// | `shared_history` | beside it, with the same value, `org.matrix.msc3061.shared_history`, which clients read; the third name, `m.shared_history`, never |
    /// | members that this version does not know | as they were read |
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
            msc3061_shared_history: self.shared_history,
            room_id: room_id.map(RoomId::as_str),
            sender_claimed_keys: &self.sender_claimed_keys,
            sender_key: self.sender_key.unwrap_or(UNKNOWN_SENDER).to_base64(),
            session_id: session_id.as_ref().map(|id| id.as_str()),
            session_key: session_key.expose_str(),
            shared_history: self.shared_history,
        };
        let mut json = json::to_secret_bytes(&wire, USUAL_LENGTH + self.unknown_members.len());
        self.unknown_members.append_to(&mut json);
        json
    }
}

/// Room for a session that was not forwarded, with its room; a longer one makes the buffer grow, wiped.
const USUAL_LENGTH: usize = 768;
