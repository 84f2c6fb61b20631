//! The device that has the secrets, and is asked for them.

use strongroom::{
    Limits,
    api::{self, OwnKeys, PutRoomKeys},
    backup::{AuthData, BackupDecryptionKey, SealOptions, SessionSealer, TrustedBackup},
    crypto::ed25519::Ed25519PublicKey,
    ids::{SecretName, UserId},
    secret_sharing::{
        AnswerState, Decision, DeviceIdentity, IncomingRequest, Responder, SharePolicy, ShareRule,
    },
    secret_value::{CROSS_SIGNING_SELF_SIGNING, MEGOLM_BACKUP_V1, SecretValue},
    session_data::ExportedSession,
};

use crate::{
    host::{CrossSigning, Device, Received, Result, Server},
    now_ms,
};

pub(crate) struct Laptop {
    device: Device,
    cross_signing: CrossSigning,
    secrets: Vec<SecretValue>,
    responder: Responder,
}

impl Laptop {
    /// Logs in, publishes the keys of the user, and backs a session up.
    pub(crate) fn new(
        server: &mut Server,
        user_id: &UserId,
        session: &ExportedSession,
    ) -> Result<Self> {
        let device = Device::log_in(server, user_id, "LAPTOP", 10)?;
        let cross_signing = CrossSigning::new(user_id.clone());
        cross_signing.publish(server, device.token())?;
        device.verify(server, device.identity(), &cross_signing)?;
        let key = back_up(server, &device, session)?;
        let name = MEGOLM_BACKUP_V1.into();
        let backup_key =
            SecretValue::kept_by_host(&name, key.to_base64().expose_str().as_bytes())?.value;
        let secrets = cross_signing.secrets()?.into_iter().chain([backup_key]).collect();
        let responder = Responder::new(user_id.clone(), device.device_id().clone(), policy());
        Ok(Self { device, cross_signing, secrets, responder })
    }

    pub(crate) fn identity(&self) -> &DeviceIdentity {
        self.device.identity()
    }

    pub(crate) fn master_key(&self) -> Result<Ed25519PublicKey> {
        self.cross_signing.master()
    }

    pub(crate) fn secret(&self, name: &SecretName) -> Option<&SecretValue> {
        self.secrets.iter().find(|secret| secret.name() == name)
    }

    /// The user has compared the keys of a new device on both screens, and says so.
    pub(crate) fn verify(&self, server: &mut Server, compared: &DeviceIdentity) -> Result<()> {
        self.device.verify(server, compared, &self.cross_signing)?;
        println!("The laptop signs {}, whose key is {}.", compared.device_id, compared.ed25519);
        Ok(())
    }

    /// Looks at every request that came, and shares what may be shared without a question.
    pub(crate) fn receive(&mut self, server: &mut Server) -> Result<()> {
        let OwnKeys { devices, .. } = self.snapshot(server)?;
        for event in self.device.receive(server, &devices)? {
            let Received::Plain(event) = event else { continue };
            match self.responder.receive(&event, &devices, &Limits::default(), now_ms()?) {
                Decision::Share(request) => {
                    println!(
                        "The laptop shares {} with {}.",
                        request.name, request.device.device_id
                    );
                    self.share(server, &request)?;
                }
                Decision::AskUser(request) => println!(
                    "The laptop has to ask its user whether {} may have {}.",
                    request.device.device_id, request.name
                ),
                Decision::Withdraw(request) => {
                    println!("The laptop asks no more for {}.", request.name)
                }
                Decision::Ignore(reason) => println!("The laptop ignores a request: {reason}."),
                _ => return Err("the decision is unknown to this example".into()),
            }
        }
        Ok(())
    }

    /// Ends and goes on from what was saved.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let saved = self.responder.save();
        let (user_id, device_id) = (self.device.olm.user_id(), self.device.device_id());
        self.responder =
            Responder::from_saved(&saved, user_id.clone(), device_id.clone(), policy())?;
        println!("The laptop is restarted, with {} bytes of state.", saved.expose_bytes().len());
        Ok(())
    }

    /// Asks the user what is still to be asked. This user says yes.
    pub(crate) fn ask_user(&mut self, server: &mut Server) -> Result<()> {
        let waiting: Vec<_> = self.responder.waiting().collect();
        for (request, _) in waiting.iter().filter(|(_, state)| *state == AnswerState::Asking) {
            println!("The laptop shows its user these facts, and the user says yes:");
            println!("  secret  {}", request.name);
            println!("  device  {}", request.device.device_id);
            println!("  key     {}", request.device.ed25519);
            self.responder.allow(request, now_ms()?)?;
            self.share(server, request)?;
        }
        Ok(())
    }

    /// Encrypts a secret for the device that asked, and sends it.
    fn share(&mut self, server: &mut Server, request: &IncomingRequest) -> Result<()> {
        let Some(secret) = self.secret(&request.name).cloned() else {
            return Ok(self.responder.refuse(request, now_ms()?)?);
        };
        let OwnKeys { devices, .. } = self.snapshot(server)?;
        let secret = self.responder.take(request, &secret, &devices, now_ms()?)?;
        let payload = secret.expose_olm_payload();
        let encrypted = self.device.encrypt(server, secret.device(), payload.expose_bytes())?;
        let Some(content) = encrypted else {
            println!("The laptop waits: {} has no one-time key.", request.device.device_id);
            return Ok(self.responder.no_session(secret, now_ms()?)?);
        };
        // As the devices are now: one that was blocked or deleted meanwhile gets nothing.
        let OwnKeys { devices, .. } = self.snapshot(server)?;
        let sealed = self.responder.encrypted(secret, content, &devices, now_ms()?)?;
        self.device.send_secret(server, &sealed)
    }

    fn snapshot(&self, server: &mut Server) -> Result<OwnKeys> {
        self.device.snapshot(server, self.master_key()?)
    }
}

/// The backup key costs a question. The self-signing key does not: the user has just verified the device.
fn policy() -> SharePolicy {
    let mut policy = SharePolicy::default();
    policy.rules.insert(MEGOLM_BACKUP_V1.into(), ShareRule::AskUser);
    policy.rules.insert(CROSS_SIGNING_SELF_SIGNING.into(), ShareRule::Share);
    policy
}

fn back_up(
    server: &mut Server,
    device: &Device,
    session: &ExportedSession,
) -> Result<BackupDecryptionKey> {
    let key = BackupDecryptionKey::generate()?;
    let create = api::create_backup_version(&AuthData::new(key.public_key()));
    server.send(device.token(), &create)?;
    let current = server.send(device.token(), &api::get_current_backup_version())?;
    let current = current.ok_or("the homeserver has lost the backup")?;
    let backup = TrustedBackup::by_decryption_key(&current, &key, &[])?;
    let to_seal = [(&session.room_id, &session.session, SealOptions::default())];
    let sealed = SessionSealer::for_sessions(&backup, to_seal.len()).seal(&to_seal)?;
    server.send(device.token(), &PutRoomKeys::new(&backup, sealed)?.request())?;
    println!("The laptop backs a session up, to the key {}.", key.public_key());
    Ok(key)
}
