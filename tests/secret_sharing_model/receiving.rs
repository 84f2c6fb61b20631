//! A host that receives answers, and what must become of each.

use serde_json::Value;
use strongroom::{
    Limits,
    encoding::base64,
    ids::RequestId,
    secret_sharing::{DecryptedToDevice, Receipt, RequesterError, SECRET_SEND},
};

use crate::{
    account::differ,
    asking::Question,
    cast::{ALICE, Key, Name, curve25519, ed25519, secret_text},
    host::Host,
};

/// What must become of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Accepted,
    /// Kept, unless it came before.
    Kept,
    Dropped,
    /// The clock does not tell whether it is late.
    NotSure,
}

/// An answer, read apart from the library.
struct Answer {
    id: RequestId,
    secret: String,
    is_meant: bool,
}

impl Host {
    /// Takes what came out of an Olm session with the device that has these keys.
    pub(crate) fn receive_answer(&mut self, sender: &str, from: Key, plaintext: &[u8]) {
        let devices = self.view.snapshot(self.who);
        let event =
            DecryptedToDevice::from_olm(sender.into(), curve25519(from), plaintext, &devices);
        let Ok(event) = event else {
            self.counts.add("meant for somebody else");
            return;
        };
        let answer = Answer::read(sender, from, plaintext);
        let expected = self.expected(from, &answer);
        let receipt = self.requester(|requester, told| {
            let limits = Limits::default();
            requester.receive(&event, &told.devices, &told.public_keys, &limits, told.now_ms)
        });
        let what = || format!("{:?} gets {receipt:?} from the keys {from}", self.who);
        match (expected, &receipt) {
            (Expected::Accepted, Receipt::Accepted(_)) => {}
            (Expected::Kept, Receipt::Kept { .. }) => {}
            (Expected::Kept, Receipt::Dropped(dropped)) => {
                let reason = &dropped.reason;
                assert!(
                    matches!(reason, RequesterError::Duplicate | RequesterError::TooMany),
                    "{}",
                    what()
                );
            }
            (Expected::Dropped, Receipt::Dropped(_)) | (Expected::NotSure, _) => {}
            _ => panic!("{}, and should have {expected:?}", what()),
        }
        if let Some(answer) = answer {
            self.delivered.insert((from, answer.id, answer.secret));
        }
        self.took(&receipt);
    }

    /// The host learns the public key for a name.
    pub(crate) fn learn(&mut self, name: Name) {
        self.known.insert(name);
        let receipts = self.requester(|requester, told| {
            requester.learn(&told.devices, &told.public_keys, told.now_ms)
        });
        for receipt in &receipts {
            self.counts.add_if("accepted when a key was known", is_accepted(receipt));
            self.took(receipt);
        }
    }

    /// The user takes the word of a device for the secret.
    pub(crate) fn accept_unproven(&mut self, id: &RequestId) {
        let device = self.machines().0.candidates(id).next().cloned();
        let device = device.unwrap_or_else(|| self.who.id());
        let accepted = self.requester(|requester, told| {
            requester.accept_unproven(id, &device, &told.devices, told.now_ms)
        });
        if let Ok(accepted) = accepted {
            self.accepted(&accepted, true);
        }
    }

    /// The secret of this name, if its public key is known.
    pub(crate) fn right_secret(&self, name: Name) -> Option<&'static str> {
        let is_pinned = name == Name::Master && self.view.pinned;
        let is_known = name.has_public_key() && (is_pinned || self.known.contains(&name));
        is_known.then(|| secret_text(name, self.view.epoch))
    }

    fn took(&mut self, receipt: &Receipt) {
        match receipt {
            Receipt::Accepted(accepted) => self.accepted(accepted, false),
            Receipt::Kept { request_id, .. } => {
                assert!(self.right_secret(self.question(request_id).name).is_none(), "{receipt:?}");
                self.counts.add("kept");
            }
            Receipt::Dropped(dropped) => self.counts.add(name_of(&dropped.reason)),
            _ => panic!("a receipt that the model does not know: {receipt:?}"),
        }
    }

    fn expected(&self, from: Key, answer: &Option<Answer>) -> Expected {
        let Some(answer) = answer.as_ref().filter(|answer| answer.is_meant) else {
            return Expected::Dropped;
        };
        let device = self.view.devices.iter().find(|device| device.key == from);
        let device = device.filter(|device| self.view.trusts(self.who, device.who, from));
        let (Some(device), Some(question)) = (device, self.find_question(&answer.id)) else {
            return Expected::Dropped;
        };
        let was_asked = question.asked.contains(&(device.who, from));
        let is_reset = differ(question.epoch, self.view.pinned_epoch());
        if !question.is_open() || !was_asked || is_reset || !fits(&answer.secret, question) {
            return Expected::Dropped;
        }
        match (question.has_expired(&self.clock), self.right_secret(question.name)) {
            (Some(true), _) => Expected::Dropped,
            (_, Some(right)) if right != answer.secret => Expected::Dropped,
            (None, _) => Expected::NotSure,
            (Some(false), Some(_)) => Expected::Accepted,
            (Some(false), None) if !question.name.has_public_key() => Expected::Accepted,
            (Some(false), None) => Expected::Kept,
        }
    }
}

impl Answer {
    fn read(sender: &str, from: Key, plaintext: &[u8]) -> Option<Self> {
        let payload: Value = serde_json::from_slice(plaintext).ok()?;
        let is_meant = sender == ALICE
            && payload["type"] == SECRET_SEND
            && payload["keys"]["ed25519"] == ed25519(from).to_base64()
            && payload["content"].to_string().len() <= Limits::default().secret_send_bytes;
        let content = &payload["content"];
        Some(Self {
            id: content["request_id"].as_str()?.into(),
            secret: content["secret"].as_str()?.to_owned(),
            is_meant,
        })
    }
}

fn fits(secret: &str, question: &Question) -> bool {
    !question.name.has_public_key() || base64::decode_array::<32>(secret).is_ok()
}

fn is_accepted(receipt: &Receipt) -> bool {
    matches!(receipt, Receipt::Accepted(_))
}

fn name_of(reason: &RequesterError) -> &'static str {
    match reason {
        RequesterError::OtherUser => "dropped: another user",
        RequesterError::Sender(_) => "dropped: not trusted",
        RequesterError::Content(_) => "dropped: no answer",
        RequesterError::Unknown
        | RequesterError::AlreadyReceived
        | RequesterError::AlreadyStored
        | RequesterError::Cancelled
        | RequesterError::Expired => "dropped: not open",
        RequesterError::NotAsked => "dropped: not asked",
        RequesterError::IdentityChanged => "dropped: identity reset",
        RequesterError::Shape(_) => "dropped: no secret",
        RequesterError::PublicKey(_) => "dropped: mismatch",
        RequesterError::Duplicate => "dropped: again",
        RequesterError::TooMany => "dropped: too many",
        RequesterError::NotNeeded => "dropped: not needed",
        _ => "dropped: otherwise",
    }
}
