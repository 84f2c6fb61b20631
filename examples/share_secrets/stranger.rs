//! A device that is logged in with a stolen password. It keeps to no rule.

use strongroom::{
    api,
    ids::{RequestId, UserId},
    secret_sharing::{DeviceIdentity, SecretRequest},
};

use crate::host::{Device, Result, Server};

pub(crate) struct Stranger(Device);

impl Stranger {
    pub(crate) fn log_in(server: &mut Server, user_id: &UserId) -> Result<Self> {
        let device = Device::log_in(server, user_id, "STRANGER", 10)?;
        println!("The stranger logs in as {}, which nobody verifies.", device.device_id());
        Ok(Self(device))
    }

    /// Asks a device for a secret.
    pub(crate) fn ask(
        &mut self,
        server: &mut Server,
        whom: &DeviceIdentity,
        name: &str,
    ) -> Result<()> {
        println!("The stranger asks {} for {name}.", whom.device_id);
        let device = &mut self.0;
        let request_id = RequestId::new(format!("give me {name}"));
        let request =
            SecretRequest::new(name.into(), device.device_id().clone(), request_id).to_json();
        let contents = [(device.olm.user_id().clone(), whom.device_id.clone(), request)];
        let send = api::send_secret_request(&device.next_transaction(), contents);
        server.send(device.token(), &send)
    }

    /// Looks whether something was sent to it.
    pub(crate) fn finds_nothing(&mut self, server: &mut Server) -> Result<()> {
        let found = self.0.sync(server)?.len();
        println!("The stranger finds {found} messages.");
        if found == 0 { Ok(()) } else { Err("the stranger was sent something".into()) }
    }
}
