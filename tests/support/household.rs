//! A user with three verified devices, one of which asks the others for secrets over real Olm sessions.
#![allow(dead_code, reason = "each test includes it and uses a part")]

use std::error::Error;

use strongroom::{
    Limits, api,
    encoding::json_object::JsonObject,
    ids::{RequestId, UserId},
    secret_sharing::{
        AcceptedSecret, AnswerState, Decision, DeviceIdentity, DroppedAnswer, EncryptedSecretSend,
        IncomingRequest, OutgoingRequest, OwnDevices, Receipt, Requester, Responder,
        SecretToEncrypt, SharePolicy,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

use crate::host::{CrossSigning, Device, Received, Result, Server};

pub(crate) const ALICE: &str = "@alice:example.org";

/// 32 bytes of nobody's in base64.
pub(crate) const BACKUP_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg";

pub(crate) struct Household {
    pub(crate) user_id: UserId,
    pub(crate) server: Server,
    pub(crate) cross_signing: CrossSigning,
    pub(crate) phone: Device,
    pub(crate) requester: Requester,
    pub(crate) laptop: Answering,
    pub(crate) tablet: Answering,
}

/// A device that is asked.
pub(crate) struct Answering {
    pub(crate) device: Device,
    pub(crate) responder: Responder,
}

impl Household {
    /// The phone has so many one-time keys on the server.
    pub(crate) fn new(one_time_keys: usize) -> Result<Self> {
        Self::on(Server::new()?, ALICE.into(), one_time_keys)
    }

    /// Of this user, on any homeserver.
    pub(crate) fn on(mut server: Server, user_id: UserId, one_time_keys: usize) -> Result<Self> {
        let phone = Device::log_in(&mut server, &user_id, "PHONE", one_time_keys)?;
        let laptop = Device::log_in(&mut server, &user_id, "LAPTOP", 10)?;
        let tablet = Device::log_in(&mut server, &user_id, "TABLET", 10)?;
        let cross_signing = CrossSigning::new(user_id.clone());
        cross_signing.publish(&mut server, laptop.token())?;
        for device in [&phone, &laptop, &tablet] {
            laptop.verify(&mut server, device.identity(), &cross_signing)?;
        }
        let requester = Requester::new(user_id.clone(), phone.device_id().clone());
        let [laptop, tablet] = [laptop, tablet].map(Answering::new);
        Ok(Self { user_id, server, cross_signing, phone, requester, laptop, tablet })
    }

    /// What a device knows of the account.
    pub(crate) fn seen_by(&mut self, device: Whose) -> Result<OwnDevices> {
        let device = match device {
            Whose::Phone => &self.phone,
            Whose::Laptop => &self.laptop.device,
            Whose::Tablet => &self.tablet.device,
        };
        Ok(device.snapshot(&mut self.server, self.cross_signing.master()?)?.devices)
    }

    /// The phone asks both others for the backup key.
    pub(crate) fn ask(&mut self) -> Result<OutgoingRequest> {
        let (devices, name) = (self.seen_by(Whose::Phone)?, MEGOLM_BACKUP_V1.into());
        let request = self.requester.request(name, None, &devices, 0)?;
        self.phone.send_request(&mut self.server, &request)?;
        Ok(request)
    }

    /// What the laptop or the tablet decides about all that came.
    pub(crate) fn decisions(&mut self, device: Whose) -> Result<Vec<Decision>> {
        let devices = self.seen_by(device)?;
        let answering = if device == Whose::Tablet { &mut self.tablet } else { &mut self.laptop };
        let events = answering.device.receive(&mut self.server, &devices)?;
        Ok(events.into_iter().map(|event| answering.decide(&event, &devices)).collect())
    }

    /// The laptop is asked, and its user says yes.
    pub(crate) fn laptop_allows(&mut self) -> Result<IncomingRequest> {
        let decisions = self.decisions(Whose::Laptop)?;
        let [Decision::AskUser(request)] = &decisions[..] else {
            return Err(format!("{decisions:?}").into());
        };
        self.laptop.responder.allow(request, 0)?;
        Ok(request.clone())
    }

    /// The laptop takes the backup key out, to encrypt it.
    pub(crate) fn laptop_takes(&mut self, request: &IncomingRequest) -> Result<SecretToEncrypt> {
        let devices = self.seen_by(Whose::Laptop)?;
        Ok(self.laptop.responder.take(request, &backup_key()?, &devices, 0)?)
    }

    /// The laptop encrypts it with Olm; nothing if the phone has no one-time key.
    pub(crate) fn laptop_encrypts(
        &mut self,
        secret: &SecretToEncrypt,
    ) -> Result<Option<JsonObject>> {
        let payload = secret.expose_olm_payload();
        let (laptop, server) = (&mut self.laptop.device, &mut self.server);
        laptop.encrypt(server, secret.device(), payload.expose_bytes())
    }

    /// The laptop sends it.
    pub(crate) fn laptop_sends(
        &mut self,
        secret: SecretToEncrypt,
        content: JsonObject,
    ) -> Result<EncryptedSecretSend> {
        let devices = self.seen_by(Whose::Laptop)?;
        let sealed = self.laptop.responder.encrypted(secret, content, &devices, 0)?;
        self.laptop.device.send_secret(&mut self.server, &sealed)?;
        Ok(sealed)
    }

    /// All of that.
    pub(crate) fn laptop_shares(&mut self) -> Result<EncryptedSecretSend> {
        let request = self.laptop_allows()?;
        let secret = self.laptop_takes(&request)?;
        let content = self.laptop_encrypts(&secret)?.ok_or("the phone has no one-time key")?;
        self.laptop_sends(secret, content)
    }

    /// The laptop sends the phone something else than the crate would have it send.
    pub(crate) fn laptop_sends_payload(&mut self, payload: &[u8]) -> Result<()> {
        let (user_id, phone) = (self.user_id.clone(), self.phone.identity().clone());
        let laptop = &mut self.laptop.device;
        send_payload(laptop, &mut self.server, &user_id, &phone, payload)
    }

    /// What the phone got.
    pub(crate) fn phone_receives(&mut self) -> Result<Vec<Received>> {
        let devices = self.seen_by(Whose::Phone)?;
        self.phone.receive(&mut self.server, &devices)
    }

    /// What the requester makes of the one event that the phone got, which Olm decrypted.
    pub(crate) fn receipt(&mut self) -> Result<Receipt> {
        let received = self.phone_receives()?;
        let [event] = &received[..] else {
            return Err(format!("{} events, not one", received.len()).into());
        };
        self.receipt_for(event)
    }

    /// What the requester makes of an event.
    pub(crate) fn receipt_for(&mut self, event: &Received) -> Result<Receipt> {
        let Received::Decrypted(event) = event else { return Err("it was not decrypted".into()) };
        let (devices, limits) = (self.seen_by(Whose::Phone)?, Limits::default());
        Ok(self.requester.receive(event, &devices, &public_keys()?, &limits, 0))
    }

    pub(crate) fn laptop_state(&self, id: &RequestId) -> Option<AnswerState> {
        self.laptop.responder.state(self.phone.device_id(), id)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Phone,
    Laptop,
    Tablet,
}

impl Answering {
    fn new(device: Device) -> Self {
        let (user_id, device_id) = (device.olm.user_id().clone(), device.device_id().clone());
        Self { device, responder: Responder::new(user_id, device_id, SharePolicy::default()) }
    }

    fn decide(&mut self, event: &Received, devices: &OwnDevices) -> Decision {
        let Received::Plain(event) = event else { panic!("nobody encrypts a request") };
        self.responder.receive(event, devices, &Limits::default(), 0)
    }
}

/// Encrypts any payload for a device, and sends it.
pub(crate) fn send_payload(
    from: &mut Device,
    server: &mut Server,
    user_id: &UserId,
    to: &DeviceIdentity,
    payload: &[u8],
) -> Result<()> {
    let content = from.encrypt_for(server, user_id, to, payload)?.ok_or("no one-time key")?;
    send_encrypted(from, server, user_id, to, content)
}

/// Sends anything as `m.room.encrypted`.
pub(crate) fn send_encrypted(
    from: &mut Device,
    server: &mut Server,
    user_id: &UserId,
    to: &DeviceIdentity,
    content: JsonObject,
) -> Result<()> {
    let contents = [(user_id.clone(), to.device_id.clone(), content)];
    let send = api::send_encrypted(&from.next_transaction(), contents);
    server.send(from.token(), &send)
}

pub(crate) fn backup_key() -> Result<SecretValue> {
    Ok(SecretValue::kept_by_host(&MEGOLM_BACKUP_V1.into(), BACKUP_KEY.as_bytes())?.value)
}

/// The public key that the backup key belongs to.
pub(crate) fn public_keys() -> Result<PublicKeys> {
    let backup_key = backup_key()?;
    let key = backup_key.backup_key().ok_or("it is no backup key")?;
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(*key.public_key().as_curve25519());
    Ok(public_keys)
}

pub(crate) fn accepted(receipt: Receipt) -> Result<AcceptedSecret> {
    match receipt {
        Receipt::Accepted(accepted) => Ok(*accepted),
        other => Err(format!("it was not accepted: {other:?}").into()),
    }
}

pub(crate) fn dropped(receipt: Receipt) -> Result<DroppedAnswer> {
    match receipt {
        Receipt::Dropped(dropped) => Ok(dropped),
        other => Err(Box::<dyn Error>::from(format!("it was not dropped: {other:?}"))),
    }
}
