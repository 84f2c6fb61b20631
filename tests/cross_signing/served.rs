//! On the in-memory homeserver, which verifies what is published.

use http::{Request, Response};
use strongroom::{
    Limits,
    api::{self, ApiError, QueriedKeys},
    cross_signing::{ExpectedDevice, NewIdentity, SelfSigningKey},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    homeserver::Homeserver,
    ids::{DeviceId, KeyId, UserId},
    secret_storage::SecretStorage,
    signed_json::TrustedSigner,
};

use crate::{
    account::USER,
    host::{Device, Remote, Result, Server},
};

struct House {
    server: Server,
    device: Device,
}

/// A homeserver that wants the password for another identity.
struct WithPassword(Homeserver);

impl Remote for WithPassword {
    fn respond(&mut self, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.0.respond(request)
    }

    fn log_in(&mut self, user_id: &UserId, device_id: &DeviceId) -> String {
        self.0.add_user(user_id.clone(), PASSWORD);
        self.0.log_in(user_id.clone(), device_id.clone())
    }
}

const PASSWORD: &str = "a \"password\"";

impl House {
    fn new() -> Result<Self> {
        let remote = Box::new(WithPassword(Homeserver::new()));
        let mut server = Server::at("https://matrix.example.org", remote)?;
        let device = Device::log_in(&mut server, &USER.into(), "PHONE", 0)?;
        Ok(Self { server, device })
    }

    fn published(&mut self) -> Result<QueriedKeys> {
        self.server.send(self.device.token(), &api::query_keys([(USER.into(), vec![])], None))
    }

    fn own(&self) -> ExpectedDevice {
        let own = self.device.identity().clone();
        ExpectedDevice::own(USER.into(), own.device_id, own.curve25519, own.ed25519)
    }

    /// Signs the device and the master key, as the seeds say.
    fn verify(&mut self, key: &SelfSigningKey) -> Result<()> {
        let published = self.published()?;
        let device = &published.device_keys[USER]["PHONE"];
        let signed = key.sign_device(device, &self.own(), &Limits::default())?;
        let made = self.device.olm.sign(key.master_key_to_sign().bytes()).to_bytes();
        let master = key.master_key_signed_by(&self.own(), &Ed25519Signature::from_bytes(made))?;
        let upload = api::upload_signatures([signed, master]);
        assert_eq!(self.server.send(self.device.token(), &upload)?, []);
        Ok(())
    }

    #[track_caller]
    fn assert_verified(&mut self, pinned: Ed25519PublicKey) -> Result<()> {
        let limits = Limits::default();
        let published = self.published()?;
        let own = self.device.identity().clone();
        let master = &published.master_keys[USER];
        assert_eq!(*master.ed25519(), pinned);
        let device = TrustedSigner::new(KeyId::from("ed25519:PHONE"), own.ed25519);
        let report = master.object().verify(&USER.into(), &[device], &limits);
        assert!(report.trusted_signer().is_some(), "the device has signed the master key");
        let self_signing = &published.self_signing_keys[USER];
        assert!(self_signing.is_signed_by(&pinned, &limits));
        let signer = TrustedSigner::of_cross_signing_key(*self_signing.ed25519());
        assert!(published.device_keys[USER]["PHONE"].is_signed_by(&signer, &limits));
        Ok(())
    }
}

#[test]
fn a_new_identity_is_published_and_its_first_device_verified() -> Result<()> {
    let mut house = House::new()?;
    let new = house.published()?.new_identity(&USER.into(), &SecretStorage::default())?;
    house.server.send(house.device.token(), &api::upload_signing_keys(&new))?;
    house.verify(&new.self_signing_key())?;
    house.assert_verified(*new.master_key())?;
    // From then on there is one.
    let again = house.published()?.new_identity(&USER.into(), &SecretStorage::default());
    assert!(again.is_err());
    Ok(())
}

#[test]
fn the_secrets_of_an_identity_verify_a_device_once_more() -> Result<()> {
    let mut house = House::new()?;
    let new = NewIdentity::replacing_old_identity(USER.into())?;
    house.server.send(house.device.token(), &api::upload_signing_keys(&new))?;
    let published = house.published()?;
    let key = SelfSigningKey::new(
        &published.master_keys[USER],
        &published.self_signing_keys[USER],
        None,
        &new.secrets(),
        &Limits::default(),
    )?;
    house.verify(&key)?;
    house.assert_verified(*new.master_key())?;
    // Homeservers take a signature that they have already.
    house.verify(&key)?;
    house.assert_verified(*new.master_key())
}

#[test]
fn an_identity_is_replaced_when_the_user_authenticates() -> Result<()> {
    let mut house = House::new()?;
    let [old, new] = [
        NewIdentity::replacing_old_identity(USER.into())?,
        NewIdentity::replacing_old_identity(USER.into())?,
    ];
    house.server.send(house.device.token(), &api::upload_signing_keys(&old))?;
    house.verify(&old.self_signing_key())?;
    let upload = api::upload_signing_keys(&new);
    let error = house.server.send(house.device.token(), &upload).unwrap_err();
    let Some(ApiError::UserInteractiveAuth(asked)) = error.downcast_ref() else {
        panic!("{error}")
    };
    let upload = api::upload_signing_keys_with_password(&new, &PASSWORD.into(), Some(asked));
    house.server.send(house.device.token(), &upload)?;
    house.verify(&new.self_signing_key())?;
    house.assert_verified(*new.master_key())
}
