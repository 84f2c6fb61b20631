//! [`POST /keys/device_signing/upload`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysdevice_signingupload)

use super::{
    identity::{CrossSigningKey, Identity},
    signed,
};
use crate::{
    Limits,
    encoding::json::RawObject,
    homeserver::{
        access::check_password,
        call::Call,
        logins::Caller,
        options::HomeserverOptions,
        refusal::Refusal,
        reply::empty,
        state::{Account, State},
    },
    ids::{DeviceId, UserId},
};

/// The keys of a request.
struct Uploaded {
    master: Option<CrossSigningKey>,
    self_signing: Option<CrossSigningKey>,
    user_signing: Option<CrossSigningKey>,
}

/// Publishes cross-signing keys, all or none; a new master key forgets what the old one signed.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    let mut body = call.json_object()?;
    let uploaded = Uploaded::read(&mut body, &caller.user)?;
    let account = state.account(caller);
    if options.password_for_cross_signing && uploaded.needs_password(&account.identity) {
        check_password(body.take("auth"), caller, account)?;
    }
    uploaded.check(account, &caller.user)?;
    uploaded.store(&mut account.identity);
    state.keys_changed(&caller.user);
    Ok(empty())
}

impl Uploaded {
    fn read(body: &mut RawObject<'_>, user: &UserId) -> Result<Self, Refusal> {
        let mut key = |member: &str, usage: &str| {
            let object = body.take_present(member).map(signed::read).transpose()?;
            object.map(|object| CrossSigningKey::new(object, usage, user)).transpose()
        };
        Ok(Self {
            master: key("master_key", "master")?,
            self_signing: key("self_signing_key", "self_signing")?,
            user_signing: key("user_signing_key", "user_signing")?,
        })
    }

    /// The keys beside those that they take the place of.
    fn beside<'a>(&'a self, stored: &'a Identity) -> [[Option<&'a CrossSigningKey>; 2]; 3] {
        [
            [self.master.as_ref(), stored.master.as_ref()],
            [self.self_signing.as_ref(), stored.self_signing.as_ref()],
            [self.user_signing.as_ref(), stored.user_signing.as_ref()],
        ]
    }

    /// Whether one of these keys is not what a user who has a master key has stored already.
    fn needs_password(&self, stored: &Identity) -> bool {
        let pairs = self.beside(stored);
        let is_new = pairs.iter().any(|pair| matches!(pair, [Some(new), old] if new.is_new(*old)));
        stored.master.is_some() && is_new
    }

    fn check(&self, account: &Account, user: &UserId) -> Result<(), Refusal> {
        let new = [&self.master, &self.self_signing, &self.user_signing];
        for key in new.into_iter().flatten() {
            if account.devices.contains_key(&DeviceId::from(key.key.key_id().name())) {
                return Err(Refusal::Forbidden("A cross-signing key has the name of a device"));
            }
        }
        let master = self.master.as_ref().or(account.identity.master.as_ref());
        let master = master.ok_or(Refusal::BadJson("There is no master key"))?;
        for key in [&self.self_signing, &self.user_signing].into_iter().flatten() {
            let trusted = [master.key.clone()];
            let report = key.object.verify(user, &trusted, &Limits::default());
            if report.trusted_signer().is_none() {
                return Err(Refusal::InvalidSignature(
                    "The master key did not sign the other keys",
                ));
            }
        }
        Ok(())
    }

    fn store(self, stored: &mut Identity) {
        if let Some(master) = self.master {
            if master.is_new(stored.master.as_ref()) {
                *stored = Identity::default();
            }
            master.store(&mut stored.master);
        }
        if let Some(key) = self.self_signing {
            key.store(&mut stored.self_signing);
        }
        if let Some(key) = self.user_signing {
            if key.is_new(stored.user_signing.as_ref()) {
                stored.given.clear();
            }
            key.store(&mut stored.user_signing);
        }
    }
}
