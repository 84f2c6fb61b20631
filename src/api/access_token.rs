//! What a request proves its sender's rights with.

use std::fmt;

use http::HeaderValue;

use super::RequestError;
use crate::secret::SecretString;

/// An access token: whoever has it acts for the user.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(SecretString);

impl AccessToken {
    pub(super) fn to_header(&self) -> Result<HeaderValue, RequestError> {
        let text = SecretString::from(format!("Bearer {}", self.0.expose_str()));
        let mut value =
            HeaderValue::from_str(text.expose_str()).map_err(|_| RequestError::AccessToken)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl From<&str> for AccessToken {
    fn from(token: &str) -> Self {
        Self(token.into())
    }
}

impl From<SecretString> for AccessToken {
    fn from(token: SecretString) -> Self {
        Self(token)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("AccessToken").finish_non_exhaustive()
    }
}
