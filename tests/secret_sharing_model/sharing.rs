//! A host that shares, and what must hold of every secret that it seals.

use serde_json::Value;
use strongroom::{
    encoding::json_object::JsonObject,
    ids::RequestId,
    secret_sharing::{
        AnswerState, DeviceIdentity, IncomingRequest, ResponderError, SECRET_SEND, SecretToEncrypt,
        ShareRule,
    },
};

use crate::{
    account::differ,
    action::Olm,
    cast::{
        ALICE, EPOCHS, Key, NAMES, Name, Who, curve25519, ed25519, key_of, secret, secret_text,
    },
    clock::Moment,
    host::{Generation, Host, Outgoing},
    network::{Boxes, SealedBox},
};

impl Host {
    /// Everything that somebody could want shared: what waits, and what was ever asked.
    pub(crate) fn wanted(&self) -> Vec<IncomingRequest> {
        let waiting = self.machines().1.waiting().map(|(incoming, _)| incoming);
        self.questions.iter().cloned().chain(waiting).collect()
    }

    /// Takes the secret, and encrypts it unless it has to wait.
    pub(crate) fn share(
        &mut self,
        incoming: &IncomingRequest,
        olm: Olm,
        boxes: &mut Boxes,
    ) -> Result<(), ResponderError> {
        let name = Name::of(&incoming.name).unwrap();
        let other = NAMES[(name as usize + 1) % NAMES.len()];
        let is_wrong = matches!(olm, Olm::WrongSecret);
        let value = secret(if is_wrong { other } else { name }, self.view.epoch);
        let taken = self.responder(
            |responder, told| responder.take(incoming, value, &told.devices, told.now_ms),
            |taken| taken.as_ref().map(|_| ()).map_err(Clone::clone),
        )?;
        assert!(!is_wrong, "another secret was taken than the one that was asked for");
        self.check_trusted(taken.device());
        self.counts.add("taken");
        self.in_hand.push(taken);
        if matches!(olm, Olm::Waits) { Ok(()) } else { self.encrypt(0, olm, boxes) }
    }

    /// Goes on with what was taken: the newest first.
    pub(crate) fn encrypt(
        &mut self,
        pick: usize,
        olm: Olm,
        boxes: &mut Boxes,
    ) -> Result<(), ResponderError> {
        let Some(last) = self.in_hand.len().checked_sub(1) else { return Ok(()) };
        let taken = self.in_hand.remove(last - pick % self.in_hand.len());
        if matches!(olm, Olm::NoSession) {
            self.counts.add("no session");
            return self.responder_once(|responder, told| responder.no_session(taken, told.now_ms));
        }
        let (to, payload) = (taken.device().clone(), read_payload(&taken));
        let content = self.olm(&taken, olm, boxes);
        let given = JsonObject::from_json(content.as_bytes()).unwrap();
        let encrypted = self.responder_once(|responder, told| {
            responder.encrypted(taken, given, &told.devices, told.now_ms)
        });
        if let Err(ResponderError::Device(_) | ResponderError::IdentityChanged) = &encrypted {
            self.counts.add("not trusted any more when encrypted");
        }
        let encrypted = encrypted?;
        let is_mistaken = matches!(olm, Olm::ForRogue | Olm::ForTwo | Olm::FromAnotherKey);
        assert!(!is_mistaken, "{olm:?} counts as encrypted");
        assert_eq!(*encrypted.device_id(), to.device_id);
        assert_eq!(
            (encrypted.user_id().as_str(), encrypted.content().as_str()),
            (ALICE, &*content)
        );
        self.check_sealed(&to, &payload);
        let to = Who::of(&to.device_id);
        let request_id = request_id(&payload);
        let generation = self.generation(to);
        let at = self.clock;
        self.outbox.push(Outgoing::Sealed { to, generation, request_id, content, at });
        Ok(())
    }

    /// The host encrypts, or makes a mistake.
    fn olm(&self, taken: &SecretToEncrypt, olm: Olm, boxes: &mut Boxes) -> String {
        let (from, to) = (self.who.key(), key_of(&taken.device().curve25519));
        let plaintext = taken.expose_olm_payload().expose_bytes().to_vec();
        mistaken(boxes.put(SealedBox { from, to, plaintext }), olm, from, to)
    }

    /// The user says yes to everything, and whatever may be shared is shared; what may not is refused if
    /// that is wished.
    pub(crate) fn serve(&mut self, refuse: bool, boxes: &mut Boxes) {
        let waiting: Vec<_> = self.machines().1.waiting().collect();
        for (incoming, state) in waiting {
            if state == AnswerState::Asking {
                self.reply(&incoming, true);
            }
            let shared = self.share(&incoming, Olm::Works, boxes);
            if shared.is_err() && refuse {
                self.reply(&incoming, false);
            }
        }
    }

    /// An answer leaves the device.
    pub(crate) fn note_sent(&mut self, key: (Who, Generation, RequestId), at: Moment) {
        let to = key.0;
        let before = self.answered.insert(key, at);
        let is_remembered = !self.may_have_forgotten(to);
        if let Some(before) = before.filter(|_| is_remembered) {
            let is_long_ago = at.is_past(&before, self.policy.memory_ms);
            assert_ne!(is_long_ago, Some(false), "{:?} answers {to:?} twice", self.who);
        }
    }

    fn check_trusted(&self, to: &DeviceIdentity) {
        let (who, key) = (Who::of(&to.device_id), key_of(&to.curve25519));
        assert_eq!(to.ed25519, ed25519(key));
        assert!(self.view.trusts(self.who, who, key), "{:?} shares with {who:?}", self.who);
    }

    /// What must hold of every secret that is sealed, when it is sealed.
    fn check_sealed(&mut self, to: &DeviceIdentity, payload: &Value) {
        self.check_trusted(to);
        let (who, key) = (Who::of(&to.device_id), key_of(&to.curve25519));
        assert_eq!(payload["type"], SECRET_SEND);
        assert_eq!((&payload["sender"], &payload["recipient"]), (&ALICE.into(), &ALICE.into()));
        assert_eq!(payload["recipient_keys"]["ed25519"], ed25519(key).to_base64());
        assert_eq!(payload["keys"]["ed25519"], ed25519(self.who.key()).to_base64());
        let id = request_id(payload);
        let (forgotten, generation) = (self.may_have_forgotten(who), self.generation(who));
        let heard = self.notes.heard.get_mut(&(who, id)).unwrap();
        let sent = name_of(payload["content"]["secret"].as_str().unwrap());
        let rule = self.policy.rule(&sent.text().into());
        assert!(heard.names.contains(sent.text()), "{who:?} did not ask for {sent:?}");
        assert_ne!(rule, ShareRule::Never, "{sent:?} is not to be shared");
        let is_allowed = rule == ShareRule::Share || heard.allowed == Some(key);
        assert!(is_allowed, "nobody asked the user: {heard:?}");
        assert!(!differ(heard.epoch, self.view.pinned_epoch()), "reset since {who:?} asked");
        let late = self.clock.is_past(&heard.at, self.policy.lifetime_ms);
        assert_ne!(late, Some(true), "{who:?} asked too long ago");
        let ended = heard.ended.filter(|ended| (ended.1, ended.2) == (key, generation));
        if let (Some((ended, ..)), false) = (ended, forgotten) {
            let is_long_ago = self.clock.is_past(&ended, self.policy.memory_ms);
            assert_ne!(is_long_ago, Some(false), "refused or cancelled: {heard:?}");
        }
        (heard.is_waiting, heard.may_be_done) = (false, true);
        self.counts.add(if who.is_honest() { "sealed" } else { "sealed for a stolen device" });
    }
}

/// What the host gives back: the truth, or a mistake that it makes.
fn mistaken(content: String, olm: Olm, from: Key, to: Key) -> String {
    let key = |key: Key| curve25519(key).to_base64();
    match olm {
        Olm::ForRogue => content.replace(&key(to), &key(Who::Rogue.key())),
        Olm::ForTwo => {
            let other = format!(",{:?}:{{\"type\":1,\"body\":\"\"}}}}", key(Who::Rogue.key()));
            content.replacen("}}", &format!("}}{other}"), 1)
        }
        Olm::FromAnotherKey => content.replace(&key(from), &key(Who::Rogue.key())),
        _ => content,
    }
}

fn read_payload(taken: &SecretToEncrypt) -> Value {
    let payload: Value = serde_json::from_slice(taken.expose_olm_payload().expose_bytes()).unwrap();
    let content: Value = serde_json::from_slice(taken.expose_content()).unwrap();
    assert_eq!(payload["content"], content);
    payload
}

fn request_id(payload: &Value) -> RequestId {
    payload["content"]["request_id"].as_str().unwrap().into()
}

/// The name of a secret that this account has or had.
fn name_of(text: &str) -> Name {
    let is_it = |name: &Name| (0..EPOCHS).any(|epoch| secret_text(*name, epoch) == text);
    NAMES.into_iter().find(is_it).unwrap()
}
