//! `POST /_matrix/client/v3/keys/device_signing/upload`

use std::fmt;

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
    ids::UserId,
    secret::{SecretString, SecretVec},
};

/// Publishes the cross-signing keys of a new identity
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysdevice_signingupload)).
///
/// Homeservers take the first identity of a user as it is
/// ([MSC3967](https://github.com/matrix-org/matrix-spec-proposals/pull/3967)), or want the user to authenticate: then the
/// response is [`UserInteractiveAuth`], and the same request is sent again with what the user did. The secrets of the
/// identity are not in it; a password may be.
#[derive(Clone)]
pub struct UploadSigningKeys {
    keys: [JsonObject; 3],
    auth: Option<SecretVec>,
}

impl UploadSigningKeys {
    /// The keys of this identity.
    #[must_use]
    pub fn new(identity: &NewIdentity) -> Self {
        let keys = identity.to_publish().map(|key| JsonObject::from_our_own(&key));
        Self { keys, auth: None }
    }

    /// The same, authenticated by the user's password (`m.login.password`), in the session that the homeserver has opened,
    /// if it has.
    #[must_use]
    pub fn with_password(
        self,
        user_id: &UserId,
        password: &SecretString,
        session: Option<&UserInteractiveAuth>,
    ) -> Self {
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
        let (user, password) = (user_id.as_str(), password.expose_str());
        let auth = Auth {
            r#type: "m.login.password",
            identifier: Identifier { r#type: "m.id.user", user },
            password,
            session: session.and_then(UserInteractiveAuth::expose_session),
        };
        let capacity = 6 * password.len() + 2 * user.len() + MAX_SESSION;
        Self { auth: Some(json::to_secret_bytes(&auth, capacity)), ..self }
    }

    /// The same, authenticated in whatever way the host has gone with the user: the whole member `auth`, a JSON object.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is not a JSON object.
    pub fn with_auth(self, auth: SecretString) -> Result<Self, FormatError> {
        let bytes = auth.expose_str().as_bytes();
        RawObject::parse(bytes).map_err(|_| FormatProblem::NotAnObject.of("the authentication"))?;
        Ok(Self { auth: Some(SecretVec::from(bytes)), ..self })
    }

    /// The request that publishes them. A password in it is not wiped, as the access token is not: that is up to the HTTP
    /// stack.
    #[must_use]
    pub fn request(&self) -> Request<()> {
        #[derive(Serialize)]
        struct Body<'a> {
            master_key: &'a JsonObject,
            self_signing_key: &'a JsonObject,
            user_signing_key: &'a JsonObject,
            #[serde(skip_serializing_if = "Option::is_none")]
            auth: Option<&'a RawValue>,
        }
        let [master_key, self_signing_key, user_signing_key] = &self.keys;
        let auth = self.auth.as_ref().map(SecretVec::expose_bytes);
        let length = auth.map_or(0, <[u8]>::len);
        let auth = auth.and_then(|auth| serde_json::from_slice(auth).ok());
        let body = Body { master_key, self_signing_key, user_signing_key, auth };
        let body = json::to_bytes(&body, length + 2_048);
        Request::new(Method::POST, Ok(Path::new("/keys/device_signing/upload")), done)
            .with_body(body)
    }
}

impl fmt::Debug for UploadSigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, auth } = self;
        f.debug_struct("UploadSigningKeys")
            .field("keys", keys)
            .field("has_auth", &auth.is_some())
            .finish_non_exhaustive()
    }
}

/// Room for the session and for what is around the password, in bytes.
const MAX_SESSION: usize = 1_024;
