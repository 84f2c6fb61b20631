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
/// It is read out of what was decrypted and out of nothing else.
///
/// # Security
///
/// That it was decrypted does not make its sender one to be believed. `Requester` looks at that.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretSend {
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
    pub(crate) fn read(event: &DecryptedToDevice, limits: &Limits) -> Result<Self, FormatError> {
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
    pub(crate) fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The secret, of whose shape nothing is known yet.
    #[must_use]
    pub(crate) fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The content of the event, in clear.
    #[must_use]
    pub(crate) fn to_json(&self) -> SecretVec {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519Seed},
        secret::SecretBytes,
    };

    fn read(content: &str, limits: &Limits) -> Result<SecretSend, FormatError> {
        let curve25519 = Curve25519PublicKey::from_bytes([9; 32]);
        let ed25519 = Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| bytes.fill(1)));
        let event = DecryptedToDevice::from_checked_parts(
            "@a:b.org".into(),
            curve25519,
            ed25519.public_key(),
            SECRET_SEND,
            content.as_bytes().into(),
        );
        SecretSend::read(&event, limits)
    }

    fn written(content: &str) -> Result<String, FormatError> {
        let read = read(content, &Limits::default())?;
        Ok(str::from_utf8(read.to_json().expose_bytes()).unwrap().to_owned())
    }

    #[test]
    fn what_is_not_known_is_kept_unless_it_is_nested_too_deep() {
        let content = r#"{"request_id":"1","secret":"a\"\\\n ä","org.example":{"kept":[1]}}"#;
        assert_eq!(written(content).as_deref(), Ok(content));
        let content = |levels| {
            let deep = "[".repeat(levels) + &"]".repeat(levels);
            format!(r#"{{"request_id":"1","secret":"s","x":{deep}}}"#)
        };
        assert_eq!(written(&content(64)), Ok(content(64)));
        for levels in [65, 30_000] {
            assert_eq!(written(&content(levels)), Err(FormatProblem::Unkeepable.of(WHAT)));
        }
    }

    #[test]
    fn of_several_members_with_one_name_the_last_counts() {
        let text = r#"{"request_id":"0","secret":"a","secret":"b","x":1,"request_id":"1","x":2}"#;
        let sent = read(text, &Limits::default()).unwrap();
        assert_eq!((sent.request_id().as_str(), sent.secret().expose_str()), ("1", "b"));
        assert_eq!(written(text).as_deref(), Ok(r#"{"request_id":"1","secret":"b","x":2}"#));
    }

    #[test]
    fn a_secret_of_just_the_size_that_is_allowed_is_read() {
        let content = r#"{"request_id":"1","secret":"s"}"#;
        let mut limits = Limits { secret_send_bytes: content.len(), ..Limits::default() };
        read(content, &limits).unwrap();
        limits.secret_send_bytes -= 1;
        let (found, limit) = (content.len(), content.len() - 1);
        let error = FormatProblem::TooLarge { limit, found }.of(WHAT);
        assert_eq!(read(content, &limits), Err(error));
    }
}
