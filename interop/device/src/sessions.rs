//! Megolm sessions of this device, and messages that are encrypted with them.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use strongroom::{
    ids::RoomId,
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vodozemac::megolm::GroupSession;

use crate::{
    host::Result,
    ours::{Ours, now_ms},
};

impl Ours {
    /// Makes sessions in these rooms in turn, and encrypts a message with each. Returns the messages; those that were sent
    /// have an `event_id`.
    pub(crate) fn add_sessions(
        &mut self,
        count: usize,
        rooms: &[String],
        send: bool,
    ) -> Result<Value> {
        let mut messages = Vec::new();
        for (number, room) in (0..count).zip(rooms.iter().cycle()) {
            let megolm = GroupSession::new(Default::default());
            let key = SessionKey::from_base64(&megolm.session_key().to_base64())?;
            let sender = self.device.identity();
            // Every third one may be shared with later members of the room.
            let session = SessionData::new(key, sender.curve25519, sender.ed25519)
                .with_shared_history(number % 3 == 0);
            messages.push(self.message(megolm, room, number, send)?);
            self.store.add_own(ExportedSession { room_id: RoomId::from(room.as_str()), session });
        }
        self.machine.iter_mut().for_each(strongroom::client::Backup::new_sessions);
        Ok(json!(messages))
    }

    fn message(
        &mut self,
        mut megolm: GroupSession,
        room: &str,
        number: usize,
        send: bool,
    ) -> Result<Value> {
        let body = format!("message {number} in {room}");
        let plain = json!({
            "type": "m.room.message",
            "room_id": room,
            "content": { "msgtype": "m.text", "body": body },
        });
        let ciphertext = megolm.encrypt(plain.to_string().as_bytes()).to_base64();
        let content = json!({
            "algorithm": "m.megolm.v1.aes-sha2",
            "ciphertext": ciphertext,
            "sender_key": self.device.identity().curve25519.to_base64(),
            "device_id": self.device.device_id(),
            "session_id": megolm.session_id(),
        });
        let event_id = if send { Some(self.send_message(room, &content, number)?) } else { None };
        Ok(json!({ "room_id": room, "event_id": event_id, "body": body, "content": content }))
    }

    fn send_message(&mut self, room: &str, content: &Value, number: usize) -> Result<Value> {
        let (room, transaction) = (utf8_percent_encode(room, NON_ALPHANUMERIC), now_ms());
        let path = format!("rooms/{room}/send/m.room.encrypted/{transaction}-{number}");
        let sent = self.server.call(self.device.token(), &Method::PUT, &path, content)?;
        Ok(sent.get("event_id").cloned().ok_or("the message has no ID")?)
    }
}
