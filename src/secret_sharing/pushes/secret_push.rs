//! `m.secret.push`: a secret on its way to a device that has not asked for it.

use serde::Serialize;

use crate::{
    Limits,
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject},
    },
    ids::SecretName,
    secret::{SecretString, SecretVec},
    secret_sharing::to_device::DecryptedToDevice,
    secret_value::SecretValue,
};

/// Reads what a device sent through Olm: the name of the secret and its text.
pub(super) fn read(
    event: &DecryptedToDevice,
    limits: &Limits,
) -> Result<(SecretName, SecretString), FormatError> {
    if ![SECRET_PUSH, SECRET_PUSH_UNSTABLE].contains(&event.event_type()) {
        return Err(FormatProblem::OtherType.of("the event"));
    }
    let (content, limit) = (event.expose_content(), limits.secret_send_bytes);
    if content.len() > limit {
        return Err(FormatProblem::TooLarge { limit, found: content.len() }.of(WHAT));
    }
    let mut object = RawObject::parse(content).map_err(|_| FormatProblem::NotAnObject.of(WHAT))?;
    let mut text = |name| {
        let value = object.take(name).and_then(|value| json::string(value).ok());
        value.ok_or(FormatProblem::Missing(name).of(WHAT))
    };
    let name = text("name")?.as_str().into();
    Ok((name, SecretString::from(text("secret")?.as_str())))
}

/// The content of the event, in clear.
pub(in crate::secret_sharing) fn write(secret: &SecretValue) -> SecretVec {
    #[derive(Serialize)]
    struct Wire<'a> {
        name: &'a str,
        secret: &'a str,
    }
    let text = secret.to_text();
    let wire = Wire { name: secret.name().as_str(), secret: text.expose_str() };
    json::to_secret_bytes(&wire, wire.name.len() + wire.secret.len() + AROUND)
}

/// The type of the event inside the ciphertext, once the proposal is accepted. It is read.
pub const SECRET_PUSH: &str = "m.secret.push";

/// The type of the event inside the ciphertext until the proposal is accepted. It is read and written.
pub const SECRET_PUSH_UNSTABLE: &str = "io.element.msc4385.secret.push";

const WHAT: &str = "the event with the secret";

/// Names, quotes and braces.
const AROUND: usize = 32;
