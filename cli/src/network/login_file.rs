//! A login, as it is kept in a file.

use std::{borrow::Cow, path::Path};

use serde::Deserialize;
use strongroom::{
    ids::{DeviceId, UserId},
    secret::SecretString,
};

use super::{Outcome, access::require_token};
use crate::{failure::Failure, input, output::NewFile};

/// Who is logged in where.
pub(crate) struct Login {
    pub(crate) homeserver: String,
    pub(crate) user_id: UserId,
    pub(crate) device_id: DeviceId,
    pub(crate) access_token: SecretString,
}

#[derive(Deserialize)]
struct Members<'a> {
    homeserver: String,
    user_id: String,
    device_id: String,
    #[serde(borrow)]
    access_token: Cow<'a, str>,
}

impl Login {
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = input::secret_in(path, input::Wanted::Login)?;
        let members: Members<'_> = serde_json::from_str(text.expose_str()).map_err(|_| {
            Failure::content(
                path,
                "this is no login: it should be what \u{201c}strongroom login\u{201d} has written; a file with nothing but an \
                 access token is named with --access-token-file",
            )
        })?;
        let access_token = SecretString::from(&*members.access_token);
        require_token(&access_token, path)?;
        Ok(Self {
            homeserver: members.homeserver,
            user_id: members.user_id.into(),
            device_id: members.device_id.into(),
            access_token,
        })
    }

    pub(crate) fn write(&self, mut file: NewFile) -> Outcome<()> {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let token = SecretString::from(text(self.access_token.expose_str()));
        for piece in [
            "{\n  \"homeserver\": ",
            &text(&self.homeserver),
            ",\n  \"user_id\": ",
            &text(self.user_id.as_str()),
            ",\n  \"device_id\": ",
            &text(self.device_id.as_str()),
            ",\n  \"access_token\": ",
            token.expose_str(),
            "\n}\n",
        ] {
            file.put(piece.as_bytes())?;
        }
        file.finish()
    }
}
