//! `m.secret.send`: a secret on its way from device to device.

use std::fmt;

use serde::Serialize;

use super::to_device::DecryptedToDevice;
use crate::{
    Limits,
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject, UnknownSecretMembers},
    },
    ids::RequestId,
    secret::{SecretString, SecretVec},
};

/// The content of `m.secret.send`
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#msecretsend)).
///
/// It is read out of what was decrypted and out of nothing else; handing over an event that came in
/// clear does not compile:
///
/// ```compile_fail,E0308
/// # use strongroom::{Limits, secret_sharing::{ToDeviceEvent, SecretSend}};
/// fn read(event: &ToDeviceEvent) {
///     let _ = SecretSend::read(event, &Limits::default());
/// }
/// ```
///
/// # Security
///
/// That it was decrypted does not make its sender one to be believed. [`Requester`] looks at that.
///
/// [`Requester`]: super::Requester
#[derive(Clone, PartialEq, Eq)]
pub struct SecretSend {
    request_id: RequestId,
    secret: SecretString,
    unknown_members: UnknownSecretMembers,
}

impl SecretSend {
    pub(super) fn new(request_id: RequestId, secret: SecretString) -> Self {
        Self { request_id, secret, unknown_members: UnknownSecretMembers::default() }
    }

    /// Reads what a device sent through Olm. Unknown members are kept.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is another event, too large, or a member is missing.
    pub fn read(event: &DecryptedToDevice, limits: &Limits) -> Result<Self, FormatError> {
        if event.event_type() != SECRET_SEND {
            return Err(FormatProblem::OtherType.of("the event"));
        }
        let (content, limit) = (event.expose_content(), limits.secret_send_bytes);
        if content.len() > limit {
            return Err(FormatProblem::TooLarge { limit, found: content.len() }.of(WHAT));
        }
        let mut object =
            RawObject::parse(content).map_err(|_| FormatProblem::NotAnObject.of(WHAT))?;
        let mut text = |name| {
            let value = object.take(name).and_then(|value| json::string(value).ok());
            value.ok_or(FormatProblem::Missing(name).of(WHAT))
        };
        let request_id = text("request_id")?.as_str().into();
        let secret = SecretString::from(text("secret")?.as_str());
        let unknown_members =
            UnknownSecretMembers::from_rest(object).ok_or(FormatProblem::Unkeepable.of(WHAT))?;
        Ok(Self { request_id, secret, unknown_members })
    }

    /// The request that it answers.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The secret, of whose shape nothing is known yet.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The content of the event, in clear.
    #[must_use]
    pub fn to_json(&self) -> SecretVec {
        #[derive(Serialize)]
        struct Wire<'a> {
            request_id: &'a str,
            secret: &'a str,
        }
        let wire = Wire { request_id: self.request_id.as_str(), secret: self.secret.expose_str() };
        let length = wire.request_id.len() + wire.secret.len() + self.unknown_members.len();
        let mut json = json::to_secret_bytes(&wire, length + AROUND);
        self.unknown_members.append_to(&mut json);
        json
    }
}

impl fmt::Debug for SecretSend {
    /// Leaves out the request ID, too: it comes out of a ciphertext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_id: _, secret: _, unknown_members: _ } = self;
        f.debug_struct("SecretSend").finish_non_exhaustive()
    }
}

/// The type of the event inside the ciphertext.
pub const SECRET_SEND: &str = "m.secret.send";

const WHAT: &str = "the event with the secret";

/// Names, quotes and braces.
const AROUND: usize = 32;
