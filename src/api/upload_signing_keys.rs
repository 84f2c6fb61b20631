//! `POST /_matrix/client/v3/keys/device_signing/upload`

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Request, UserInteractiveAuth, path::Path, request::done};
use crate::{
    cross_signing::NewIdentity,
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject},
        json_object::JsonObject,
    },
    secret::SecretString,
};

/// Publishes the cross-signing keys of a new identity
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysdevice_signingupload)).
///
/// Homeservers take the first identity of a user as it is
/// ([MSC3967](https://github.com/matrix-org/matrix-spec-proposals/pull/3967)), or want the user to authenticate: then the
/// response is [`UserInteractiveAuth`], and the keys are sent again with what the user did, by
/// [`upload_signing_keys_with_password`] or [`upload_signing_keys_with_auth`]. The secrets of the identity are not in the request.
#[must_use]
pub fn upload_signing_keys(identity: &NewIdentity) -> Request<()> {
    request(identity, None)
}

/// The same, authenticated by the user's password (`m.login.password`), in the session that the homeserver has opened,
/// if it has.
///
/// The password in the request is not wiped, as the access token is not: that is up to the HTTP stack.
#[must_use]
pub fn upload_signing_keys_with_password(
    identity: &NewIdentity,
    password: &SecretString,
    session: Option<&UserInteractiveAuth>,
) -> Request<()> {
    #[derive(Serialize)]
    struct Identifier<'a> {
        r#type: &'static str,
        user: &'a str,
    }
    #[derive(Serialize)]
    struct Auth<'a> {
        r#type: &'static str,
        identifier: Identifier<'a>,
        password: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<&'a str>,
    }
    let (user, password) = (identity.user_id().as_str(), password.expose_str());
    let auth = Auth {
        r#type: "m.login.password",
        identifier: Identifier { r#type: "m.id.user", user },
        password,
        session: session.and_then(UserInteractiveAuth::expose_session),
    };
    let capacity = 6 * password.len() + 2 * user.len() + MAX_SESSION;
    let auth = json::to_secret_bytes(&auth, capacity);
    request(identity, Some(auth.expose_bytes()))
}

/// The same, authenticated in whatever way the host has gone with the user: `auth` is the whole member of this name, a JSON
/// object. It is not wiped in the request.
///
/// # Errors
///
/// [`FormatError`] if it is not a JSON object.
pub fn upload_signing_keys_with_auth(
    identity: &NewIdentity,
    auth: &SecretString,
) -> Result<Request<()>, FormatError> {
    let auth = auth.expose_str().as_bytes();
    RawObject::parse(auth).map_err(|_| FormatProblem::NotAnObject.of("the authentication"))?;
    Ok(request(identity, Some(auth)))
}

fn request(identity: &NewIdentity, auth: Option<&[u8]>) -> Request<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        master_key: JsonObject,
        self_signing_key: JsonObject,
        user_signing_key: JsonObject,
        #[serde(skip_serializing_if = "Option::is_none")]
        auth: Option<&'a RawValue>,
    }
    let keys = identity.to_publish().map(|key| JsonObject::from_our_own(&key));
    let [master_key, self_signing_key, user_signing_key] = keys;
    let length = auth.map_or(0, <[u8]>::len);
    let auth = auth.and_then(|auth| serde_json::from_slice(auth).ok());
    let body = Body { master_key, self_signing_key, user_signing_key, auth };
    let body = json::to_bytes(&body, length + 2_048);
    Request::new(Method::POST, Ok(Path::new("/keys/device_signing/upload")), done).with_body(body)
}

/// Room for the session and for what is around the password, in bytes.
const MAX_SESSION: usize = 1_024;
