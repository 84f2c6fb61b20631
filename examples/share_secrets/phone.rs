//! The new device, which asks.

use std::collections::BTreeMap;

use strongroom::{
    Limits,
    api::{self, OwnKeys},
    backup::{BackupVersionInfo, TrustedBackup},
    crypto::ed25519::Ed25519PublicKey,
    ids::{SecretName, UserId},
    saved_state::StateKey,
    secret_sharing::{DeviceIdentity, Receipt, Requester},
    secret_value::{MEGOLM_BACKUP_V1, SecretValue},
    session_data::ExportedSession,
};

use crate::{
    host::{Device, Received, Result, Server},
    now_ms,
};

pub(crate) struct Phone {
    device: Device,
    /// The master key, which the user compared when the phone was verified.
    pinned: Ed25519PublicKey,
    requester: Requester,
    /// What would lie in a keychain.
    secrets: BTreeMap<SecretName, SecretValue>,
}

impl Phone {
    pub(crate) fn log_in(
        server: &mut Server,
        user_id: &UserId,
        pinned: Ed25519PublicKey,
    ) -> Result<Self> {
        let device = Device::log_in(server, user_id, "PHONE", 10)?;
        let requester = Requester::new(user_id.clone(), device.device_id().clone());
        Ok(Self { device, pinned, requester, secrets: BTreeMap::new() })
    }

    pub(crate) fn identity(&self) -> &DeviceIdentity {
        self.device.identity()
    }

    pub(crate) fn secret(&self, name: &SecretName) -> Option<&SecretValue> {
        self.secrets.get(name)
    }

    /// How many secrets it has.
    pub(crate) fn count(&self) -> usize {
        self.secrets.len()
    }

    /// Asks all verified devices of its user.
    pub(crate) fn ask(&mut self, server: &mut Server, name: &str) -> Result<()> {
        let OwnKeys { devices, .. } = self.device.snapshot(server, self.pinned)?;
        let request = self.requester.request(name.into(), None, &devices, now_ms()?)?;
        for device_id in request.device_ids() {
            println!("The phone asks {device_id} for {name}.");
        }
        self.device.send_request(server, &request)
    }

    /// Takes the answers, each checked against the public key of its secret.
    pub(crate) fn receive(&mut self, server: &mut Server) -> Result<()> {
        let OwnKeys { devices, public_keys, .. } = self.device.snapshot(server, self.pinned)?;
        let mut public_keys = public_keys.as_public_keys().clone();
        // The homeserver says what the public key is. It can make the right secret look wrong by that, but no
        // other one right: the secret comes from a verified device.
        let backup = self.backup(server)?;
        let backup = backup.auth_data().map_err(Clone::clone)?.public_key();
        public_keys.backup = Some(*backup.as_curve25519());
        for event in self.device.receive(server, &devices)? {
            let Received::Decrypted(event) = event else { continue };
            let limits = Limits::default();
            let receipt =
                self.requester.receive(&event, &devices, &public_keys, &limits, now_ms()?);
            match receipt {
                Receipt::Accepted(accepted) => {
                    if !accepted.belongs_to_public_key {
                        return Err("the secret was not compared with its public key".into());
                    }
                    let from = &accepted.from.device_id;
                    println!(
                        "The phone takes {} from {from}: it fits its public key.",
                        accepted.name
                    );
                }
                Receipt::Kept { device_id, .. } => {
                    println!("The phone keeps an answer of {device_id}.")
                }
                Receipt::Dropped(dropped) => {
                    println!("The phone drops an answer: {}.", dropped.reason)
                }
                _ => return Err("the receipt is unknown to this example".into()),
            }
        }
        Ok(())
    }

    /// Ends and goes on from what was saved: sealed on a disk, with the key of the seal in a keychain.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let in_keychain = StateKey::generate()?;
        let on_disk = in_keychain.seal(&self.requester.save())?;
        let saved = in_keychain.open(&on_disk)?;
        let (user_id, device_id) = (self.device.olm.user_id(), self.device.device_id());
        self.requester = Requester::from_saved(&saved, user_id.clone(), device_id.clone())?;
        println!("The phone is restarted, with {} bytes of sealed state.", on_disk.len());
        Ok(())
    }

    /// Stores what was accepted, and tells the other devices that were asked.
    pub(crate) fn store_received(&mut self, server: &mut Server) -> Result<()> {
        let OwnKeys { devices, .. } = self.device.snapshot(server, self.pinned)?;
        let received: Vec<_> = self.requester.received(&devices).collect();
        for accepted in received {
            println!("The phone stores {}.", accepted.name);
            self.secrets.insert(accepted.name, accepted.secret.value);
            self.requester.stored(&accepted.request_id)?;
            if let Some(cancellation) = accepted.cancellation {
                self.device.send_request(server, &cancellation)?;
            }
        }
        Ok(())
    }

    /// Opens the backup with the key that it got.
    pub(crate) fn restore(&self, server: &mut Server) -> Result<Vec<ExportedSession>> {
        let secret = self.secrets.get(MEGOLM_BACKUP_V1);
        let key = secret.and_then(SecretValue::backup_key).ok_or("the phone has no backup key")?;
        let backup = TrustedBackup::by_decryption_key(&self.backup(server)?, &key, &[])?;
        println!("The phone trusts backup version {}: {:?}.", backup.version(), backup.reason());
        let get = api::get_room_keys(backup.version());
        let keys = server.send(self.device.token(), &get)?;
        let mut restored = Vec::new();
        for session in key.open_sessions(&keys.sessions) {
            restored.push(session?.into_exported());
        }
        println!("The phone restores {} session.", restored.len());
        Ok(restored)
    }

    fn backup(&self, server: &mut Server) -> Result<BackupVersionInfo> {
        let current = server.send(self.device.token(), &api::get_current_backup_version())?;
        Ok(current.ok_or("the homeserver has no backup")?)
    }
}
