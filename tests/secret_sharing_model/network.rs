//! What is on its way, and Olm as far as the model needs it: boxes that one device alone can open.

use serde_json::{Value, json};

use crate::cast::{Key, Who, curve25519};

/// A to-device event between the homeserver and the device of this name.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) to: Who,
    pub(crate) sender: &'static str,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// In clear: type and content.
    Plain(&'static str, String),
    /// The content of `m.room.encrypted`.
    Sealed(String),
}

/// What Olm makes of a payload. Only the owner of the keys `to` opens it, and sees who sealed it.
#[derive(Debug, Clone)]
pub(crate) struct SealedBox {
    pub(crate) from: Key,
    pub(crate) to: Key,
    pub(crate) plaintext: Vec<u8>,
}

/// All boxes that there are.
#[derive(Debug, Default)]
pub(crate) struct Boxes(Vec<SealedBox>);

impl Boxes {
    /// The content of an event with the number of the box in place of a ciphertext.
    pub(crate) fn put(&mut self, sealed: SealedBox) -> String {
        let (from, to) = (curve25519(sealed.from).to_base64(), curve25519(sealed.to).to_base64());
        self.0.push(sealed);
        let ciphertext = json!({ "type": 1, "body": (self.0.len() - 1).to_string() });
        json!({
            "algorithm": "m.olm.v1.curve25519-aes-sha2",
            "sender_key": from,
            "ciphertext": { to: ciphertext },
        })
        .to_string()
    }

    /// What the owner of the keys reads, and the keys of the sender.
    pub(crate) fn open(&self, content: &str, own: Key) -> Option<(Key, &[u8])> {
        let content: Value = serde_json::from_str(content).unwrap();
        let ciphertext = &content["ciphertext"][curve25519(own).to_base64()];
        let sealed = &self.0[ciphertext["body"].as_str()?.parse::<usize>().ok()?];
        (sealed.to == own).then_some((sealed.from, &*sealed.plaintext))
    }
}
