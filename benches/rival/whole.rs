//! A whole response as clients restore it: `serde_json` into owned structs, vodozemac for each session.

use std::collections::HashMap;

use serde::Deserialize;
use vodozemac::{
    Curve25519PublicKey, Ed25519PublicKey,
    megolm::ExportedSessionKey,
    pk_encryption::{Message, PkDecryption},
};

/// The body of `GET /room_keys/keys`.
#[derive(Deserialize)]
struct Response {
    rooms: HashMap<String, Room>,
}

#[derive(Deserialize)]
struct Room {
    sessions: HashMap<String, KeyBackupData>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "a client looks at them later")]
struct KeyBackupData {
    first_message_index: u64,
    forwarded_count: u64,
    is_verified: bool,
    session_data: SessionData,
}

#[derive(Deserialize)]
struct SessionData {
    ephemeral: String,
    ciphertext: String,
    mac: String,
}

#[derive(Deserialize)]
struct Payload {
    algorithm: String,
    forwarding_curve25519_key_chain: Vec<String>,
    sender_claimed_keys: HashMap<String, String>,
    sender_key: String,
    session_key: String,
}

/// A session with everything in it parsed, as a client stores it.
#[allow(dead_code, reason = "a client looks at it later")]
pub(crate) struct Restored {
    room_id: String,
    session_id: String,
    algorithm: String,
    chain: Vec<Curve25519PublicKey>,
    claimed: Option<Ed25519PublicKey>,
    sender: Curve25519PublicKey,
    key: ExportedSessionKey,
}

/// Restores every session of a response; the first that is broken would end it.
pub(crate) fn restore_whole(decryption: &PkDecryption, response: &[u8]) -> Vec<Restored> {
    let response: Response = serde_json::from_slice(response).unwrap();
    let mut restored = Vec::new();
    for (room_id, room) in response.rooms {
        for (session_id, data) in room.sessions {
            restored.push(restore(decryption, room_id.clone(), session_id, &data.session_data));
        }
    }
    restored
}

fn restore(
    decryption: &PkDecryption,
    room_id: String,
    session_id: String,
    data: &SessionData,
) -> Restored {
    let message = Message::from_base64(&data.ciphertext, &data.mac, &data.ephemeral).unwrap();
    let plaintext = decryption.decrypt(&message).unwrap();
    let payload: Payload = serde_json::from_slice(&plaintext).unwrap();
    let chain = payload.forwarding_curve25519_key_chain.iter();
    Restored {
        room_id,
        session_id,
        algorithm: payload.algorithm,
        chain: chain.map(|key| Curve25519PublicKey::from_base64(key).unwrap()).collect(),
        claimed: payload
            .sender_claimed_keys
            .get("ed25519")
            .map(|key| Ed25519PublicKey::from_base64(key).unwrap()),
        sender: Curve25519PublicKey::from_base64(&payload.sender_key).unwrap(),
        key: ExportedSessionKey::from_base64(&payload.session_key).unwrap(),
    }
}
