//! Identifiers as opaque newtypes.
//!
//! A server or another client chose them and nothing is assumed of their shape: room IDs without a
//! server part exist, and a session ID in a backup may be any text. They are kept as they came and
//! percent-encoded where they go into a path. A clone shares the text, since one room has many sessions.
//!
//! What is displayed is an [excerpt](crate::excerpt), for people; whoever writes JSON or a path takes `as_str`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use strongroom::ids::{DeviceId, KeyId, RoomId};
//!
//! let room = RoomId::from("!without_a_server_part");
//! assert_eq!(room.as_str(), "!without_a_server_part");
//! assert_eq!(RoomId::from("!a\n").to_string(), "!a\\u{a}");
//! assert_eq!("PHONE".parse(), Ok(DeviceId::from("PHONE")));
//! let devices = BTreeMap::from([(DeviceId::from("PHONE"), 1)]);
//! assert_eq!(devices.get("PHONE"), Some(&1), "a map of IDs is asked with a text");
//! assert_eq!(KeyId::ed25519(&DeviceId::from("PHONE")).as_str(), "ed25519:PHONE");
//! ```

// docs/decisions.md, 7: an error is a whole sentence, and a name from outside an excerpt.

use std::{borrow::Borrow, convert::Infallible, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::excerpt::Excerpt;

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes an identifier as it is.
            pub fn new(id: impl Into<String>) -> Self {
                Self(Arc::from(id.into()))
            }

            /// The identifier as it came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(Arc::from(id))
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(Arc::from(id))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            /// Takes an identifier as it is: there is none that is wrong.
            fn from_str(id: &str) -> Result<Self, Infallible> {
                Ok(Self::from(id))
            }
        }

        impl fmt::Display for $name {
            /// The beginning, without what steers a terminal: for people. [`Self::as_str`] has all of it.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Excerpt::new(&self.0).fmt(f)
            }
        }
    };
}

opaque_id! {
    /// A [room ID](https://spec.matrix.org/v1.16/appendices/#room-ids), with or without a server part.
    RoomId
}

opaque_id! {
    /// A Megolm session ID: the session's Ed25519 public key in unpadded base64.
    ///
    /// In a backup it is a map key that anyone may have written; the ID that counts is the one
    /// [inside the session key](crate::session_data::SessionKey::session_id).
    SessionId
}

opaque_id! {
    /// A [user ID](https://spec.matrix.org/v1.16/appendices/#user-identifiers).
    UserId
}

opaque_id! {
    /// A device ID.
    DeviceId
}

opaque_id! {
    /// The ID of a signing key, algorithm included: `ed25519:DEVICEID`, or `ed25519:` and a
    /// cross-signing public key.
    KeyId
}

opaque_id! {
    /// The ID of a key of the secret storage, which its owner's client drew at random.
    SecretStorageKeyId
}

opaque_id! {
    /// The type of an event: `m.secret_storage.default_key`, say.
    EventType
}

opaque_id! {
    /// The version of a key backup: opaque, chosen by the server.
    BackupVersion
}

opaque_id! {
    /// The name of a secret, which is also its type in account data: `m.megolm_backup.v1`.
    SecretName
}

opaque_id! {
    /// The ID of a request for a secret, which the device that asks drew at random.
    RequestId
}

/// Whether an identifier can be a segment of a path: not if it [is lost](is_lost_in_url) there, or has more than
/// [`MAX_ID_BYTES`]. What somebody else named otherwise is not asked for, and not kept for later.
pub(crate) fn is_segment(id: &str) -> bool {
    !is_lost_in_url(id) && id.len() <= MAX_ID_BYTES
}

/// Whether a segment of a path would be dropped on the way to the homeserver, percent-encoded or not.
pub(crate) fn is_lost_in_url(id: &str) -> bool {
    matches!(id, "" | "." | "..")
}

/// Four times as many as Matrix allows for any of them, though members of a room choose session IDs of any length.
/// Percent-encoded, those of one request fit into a URL.
pub(crate) const MAX_ID_BYTES: usize = 1_024;

impl BackupVersion {
    /// A version as a server names it, unless no request can have it: it could be used, and never be deleted.
    pub(crate) fn of_server(version: String) -> Option<Self> {
        (!is_lost_in_url(&version) && version.len() <= MAX_VERSION_BYTES).then(|| version.into())
    }
}

/// The longest version that is one, in bytes: it is remembered. Homeservers count from 1.
const MAX_VERSION_BYTES: usize = 255;

impl RoomId {
    /// Whether clients take it for the ID of a room: it begins with `!` and has no NUL. They refuse a list whole that
    /// has another one anywhere, so none is exported or backed up.
    #[must_use]
    pub fn is_read_by_clients(&self) -> bool {
        self.0.starts_with('!') && !self.0.contains('\0')
    }
}

impl KeyId {
    /// The ID of the Ed25519 key of a device.
    #[must_use]
    pub fn ed25519(device_id: &DeviceId) -> Self {
        Self::new(format!("ed25519:{}", device_id.as_str()))
    }

    /// The part before the first colon, which names the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// The part after the first colon: a device ID or a public key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_all_of_the_device_id() {
        let device_id = DeviceId::new("\n\u{202e}".repeat(100));
        let key_id = KeyId::ed25519(&device_id);
        assert_eq!(key_id.name(), device_id.as_str());
    }

    macro_rules! shows_an_excerpt {
        ($($name:ident)*) => {
            $(
                let text = format!("a\n\u{202e}\u{1b}{}", "b".repeat(300));
                let id = $name::from(text.as_str());
                assert_eq!(id.as_str(), text);
                let shown = id.to_string();
                assert!(shown.starts_with(r"a\u{a}\u{202e}\u{1b}bbb"), "{shown}");
                assert!(shown.ends_with('…') && shown.len() < 100, "{shown}");
            )*
        };
    }

    #[test]
    fn a_hostile_name_is_shown_as_an_excerpt_whatever_it_names() {
        shows_an_excerpt!(RoomId SessionId UserId DeviceId KeyId SecretStorageKeyId EventType
            BackupVersion SecretName RequestId);
    }

    #[test]
    fn a_key_id_splits_at_its_first_colon() {
        let id = KeyId::from("ed25519:A:B");
        assert_eq!((id.algorithm(), id.name()), ("ed25519", "A:B"));
        let without = KeyId::from("nothing");
        assert_eq!((without.algorithm(), without.name()), ("", "nothing"));
    }
}
