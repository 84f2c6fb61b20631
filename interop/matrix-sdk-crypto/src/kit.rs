//! What several scenarios share: a Megolm session with a message, and their machine with what it makes of them.

use matrix_sdk_crypto::{
    DecryptionSettings, OlmMachine, TrustRequirement,
    olm::{ExportedRoomKey, InboundGroupSession},
    types::events::room::encrypted::EncryptedEvent,
    vodozemac::{megolm::GroupSession, olm::Account},
};
use ruma::{RoomId, device_id, serde::Raw, user_id};
use serde_json::{Value, json};
use strongroom::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::json_object::JsonObject,
    session_data::{SessionData, SessionKey},
};

pub(crate) const ROOM: &str = "!room:example.org";

/// A session of a device of Bob, and a message in it.
pub(crate) struct Megolm {
    /// As the device got it that has it now.
    pub(crate) session_key: SessionKey,
    pub(crate) sender: Curve25519PublicKey,
    pub(crate) claimed: Ed25519PublicKey,
    message: Value,
}

impl Megolm {
    pub(crate) fn new() -> Self {
        let device = Account::new();
        let mut outbound = GroupSession::new(Default::default());
        let session_key = SessionKey::from_bytes(&outbound.session_key().to_bytes()).unwrap();
        let text = json!({
            "type": "m.room.message",
            "room_id": ROOM,
            "content": { "msgtype": "m.text", "body": "hello" },
        });
        let message = json!({
            "type": "m.room.encrypted",
            "event_id": "$event",
            "sender": "@bob:example.org",
            "origin_server_ts": 1,
            "content": {
                "algorithm": "m.megolm.v1.aes-sha2",
                "ciphertext": outbound.encrypt(text.to_string()).to_base64(),
                "device_id": "BOB",
                "sender_key": device.curve25519_key().to_base64(),
                "session_id": outbound.session_id(),
            },
        });
        Self {
            session_key,
            sender: Curve25519PublicKey::from_bytes(device.curve25519_key().to_bytes()),
            claimed: Ed25519PublicKey::from_bytes(device.ed25519_key().as_bytes()).unwrap(),
            message,
        }
    }

    /// With a known sender.
    pub(crate) fn session(&self) -> SessionData {
        SessionData::new(self.session_key.clone(), self.sender, self.claimed)
    }

    /// Each kind of session that there is.
    pub(crate) fn sessions(&self) -> [SessionData; 4] {
        [
            self.session(),
            self.session().with_shared_history(true),
            self.session().with_forwarding_chain(vec![self.sender]),
            SessionData::of_unknown_sender(self.session_key.clone()).with_shared_history(true),
        ]
    }
}

/// Their device of Alice.
pub(crate) async fn machine() -> OlmMachine {
    OlmMachine::new(user_id!("@alice:example.org"), device_id!("ALICE")).await
}

/// A new device of theirs imports the session, and has decrypted the message; the session in its store.
pub(crate) async fn imported(megolm: &Megolm, key: ExportedRoomKey) -> InboundGroupSession {
    let (machine, room_id) = (machine().await, <&RoomId>::try_from(ROOM).unwrap());
    let result = machine.store().import_room_keys(vec![key], Some("1"), |_, _| {}).await.unwrap();
    assert_eq!((result.imported_count, result.total_count), (1, 1));
    let event: Raw<EncryptedEvent> = serde_json::from_value(megolm.message.clone()).unwrap();
    let settings =
        DecryptionSettings { sender_device_trust_requirement: TrustRequirement::Untrusted };
    let decrypted = machine.decrypt_room_event(&event, room_id, &settings).await.unwrap();
    let decrypted: Value = serde_json::from_str(decrypted.event.json().get()).unwrap();
    assert_eq!(decrypted["content"]["body"], "hello");
    let session_id = megolm.session_key.session_id();
    machine.store().get_inbound_group_session(room_id, session_id.as_str()).await.unwrap().unwrap()
}

/// What we write of a session, as they name its members: they have one name for what we write under two.
pub(crate) fn in_their_names(ours: &[u8]) -> Value {
    let mut json: Value = serde_json::from_slice(ours).unwrap();
    let members = json.as_object_mut().unwrap();
    let flag = members.remove("shared_history").unwrap();
    assert_eq!(members.remove("org.matrix.msc3061.shared_history").unwrap(), flag);
    assert_eq!(members.insert("m.shared_history".to_owned(), flag), None);
    json
}

/// Whatever they write, as we read it.
pub(crate) fn object(theirs: &impl serde::Serialize) -> JsonObject {
    JsonObject::from_json(&serde_json::to_vec(theirs).unwrap()).unwrap()
}
