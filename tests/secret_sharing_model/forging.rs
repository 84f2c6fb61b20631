//! What the homeserver and hostile devices make up.

use serde_json::{Value, json};
use strongroom::{
    encoding::base64,
    ids::RequestId,
    secret_sharing::{SECRET_REQUEST, SECRET_SEND},
};

use crate::{
    action::{Forger, Kind, Lie, Text},
    cast::{ALICE, EPOCHS, KEY_OF_MALLORY, Key, MALLORY, NAMES, Name, Who, ed25519, secret_text},
    network::{Body, Message, SealedBox},
    world::{World, from_newest},
};

impl World {
    /// An event in clear, in the name of any device.
    pub(crate) fn forge_request(
        &mut self,
        to: Who,
        claimed: Who,
        pick: usize,
        name: Name,
        kind: Kind,
    ) {
        let (claimed, id) = match from_newest(&self.seen, pick) {
            // Every other one is about a request that there is.
            Some((who, id)) if pick.is_multiple_of(2) => (*who, id.clone()),
            _ => (claimed, format!("forged {pick}").as_str().into()),
        };
        let sender = if matches!(kind, Kind::OfMallory) { MALLORY } else { ALICE };
        let event_type =
            if matches!(kind, Kind::PlainAnswer) { SECRET_SEND } else { SECRET_REQUEST };
        let mut content = json!({
            "requesting_device_id": claimed.id().as_str(),
            "request_id": id.as_str(),
        });
        let action = match kind {
            Kind::Cancellation => "request_cancellation",
            Kind::CancellationOfADraft => "cancel_request",
            Kind::Unknown => "org.example.ask_nicely",
            _ => "request",
        };
        if !matches!(kind, Kind::Broken) {
            content["action"] = action.into();
        }
        if matches!(kind, Kind::PlainAnswer) {
            content["secret"] = secret_text(name, self.truth.epoch).into();
        }
        if action == "request" {
            content["name"] = name.text().into();
        }
        let body = Body::Plain(event_type, content.to_string());
        self.hand_over(Message { to, sender, body });
    }

    /// Many requests in the name of one device.
    pub(crate) fn flood(&mut self, to: Who, claimed: Who) {
        for number in 0..FLOOD {
            let content = json!({
                "action": "request",
                "name": Name::Backup.text(),
                "requesting_device_id": claimed.id().as_str(),
                "request_id": format!("flood {number}"),
            });
            let body = Body::Plain(SECRET_REQUEST, content.to_string());
            self.hand_over(Message { to, sender: ALICE, body });
        }
    }

    /// A box of a hostile device, with anything in it.
    pub(crate) fn forge_answer(
        &mut self,
        from: Forger,
        to: Who,
        pick: usize,
        text: Text,
        lie: Lie,
    ) {
        let Some((_, id)) = from_newest(&self.seen, pick).cloned() else { return };
        if let Text::Foreign(before @ 1..) = text {
            self.forge_answer(from, to, pick, Text::Foreign(before - 1), lie);
        }
        let secret = self.forged_secret(&id, text);
        let (from, user) = forger(from);
        let mut payload = json!({
            "type": SECRET_SEND,
            "sender": user,
            "recipient": ALICE,
            "recipient_keys": keys(to.key()),
            "keys": keys(from),
            "content": { "request_id": id.as_str(), "secret": secret },
        });
        let mut sender = user;
        match lie {
            Lie::None => {}
            Lie::Ed25519 => payload["keys"] = keys(Who::Laptop.key()),
            Lie::Recipient => payload["recipient_keys"] = keys(Who::Stolen.key()),
            Lie::PayloadSender => payload["sender"] = MALLORY.into(),
            Lie::Type => payload["type"] = "m.dummy".into(),
            Lie::Sender => {
                sender = MALLORY;
                payload["sender"] = MALLORY.into();
            }
        }
        let plaintext = payload.to_string().into_bytes();
        let content = self.boxes.put(SealedBox { from, to: to.key(), plaintext });
        self.hand_over(Message { to, sender, body: Body::Sealed(content) });
    }

    /// A taken over device has the secrets of the account, and sends one or another.
    fn forged_secret(&self, id: &RequestId, text: Text) -> String {
        let epoch = self.truth.epoch;
        let mut questions = self.hosts.iter().filter_map(|host| host.find_question(id));
        let name = questions.next().map_or(Name::Backup, |question| question.name);
        let other = NAMES[(name as usize + 1) % NAMES.len()];
        match text {
            Text::Right => secret_text(name, epoch).to_owned(),
            Text::OfAnotherName => secret_text(other, epoch).to_owned(),
            Text::OfAnotherIdentity => secret_text(name, (epoch + 1) % EPOCHS).to_owned(),
            Text::Foreign(number) => base64::encode(&[number; 32]),
            Text::Garbage => "\u{feff}no key, no \u{0}base64 \\\" 💥".to_owned(),
            Text::Huge => "A".repeat(70_000),
        }
    }
}

fn forger(forger: Forger) -> (Key, &'static str) {
    match forger {
        Forger::Stolen => (Who::Stolen.key(), ALICE),
        Forger::Rogue => (Who::Rogue.key(), ALICE),
        Forger::Mallory => (KEY_OF_MALLORY, MALLORY),
    }
}

fn keys(key: Key) -> Value {
    json!({ "ed25519": ed25519(key).to_base64() })
}

/// More than a responder looks at in one window.
const FLOOD: usize = 24;
