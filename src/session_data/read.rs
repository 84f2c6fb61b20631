//! From JSON to a session, with everything that real clients got wrong.

// docs/decisions.md, 19: tolerant reader, strict writer.

use std::fmt;

use serde_json::value::RawValue;
use thiserror::Error;

use super::{MEGOLM_V1, SessionData, SessionKey, claimed::read_all_claimed_keys, known};
use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::PointTest},
    encoding::{
        json::{self, JsonTextError, RawObject, RawObjectError, UnknownSecretMembers},
        read::Read,
    },
    excerpt::Excerpt,
    ids::{RoomId, SessionId},
};

/// What the JSON of a session names by itself, which `SessionData` has no place for: the ID inside the session key counts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) room_id: Option<RoomId>,
    pub(crate) session_id: Option<SessionId>,
}

/// Something in a session's JSON that was not as specified, and what was made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// `algorithm` is missing, and was taken to be the only one there is.
    AlgorithmMissing,
    /// `sender_key` is no Curve25519 key, and was dropped.
    SenderKeyDropped,
    /// `sender_claimed_keys` was found under the name `sender_clencaimed_keys`, which one family of
    /// clients wrote for years.
    SenderClaimedKeysRenamed,
    /// The sender's Ed25519 key was found under the name `sender_claimed_ed25519_key`, beside `sender_claimed_keys` or in
    /// its place, as in the exports of some old clients.
    SenderClaimedKeyMoved,
    /// `sender_claimed_keys` is no object, or some of its values are no strings; these were dropped.
    SenderClaimedKeysDropped,
    /// Elements of `forwarding_curve25519_key_chain` are no Curve25519 keys, and were dropped.
    ForwardingKeysDropped {
        /// How many; 1 if the whole member is no array.
        count: usize,
    },
    /// An exported session names another session ID than the one inside its session key, which counts.
    OtherSessionIdClaimed,
}

/// Why a JSON text is not a session, or a session not exported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionDataError {
    /// It is no JSON.
    #[error("the session is not valid JSON")]
    NotJson,
    /// It is JSON of another type: `null`, say.
    #[error("the session is not a JSON object")]
    NotAnObject,
    /// Its algorithm is one that this version does not know.
    #[error("the session uses the algorithm \u{201c}{0}\u{201d}, which this client does not know")]
    UnsupportedAlgorithm(Excerpt),
    /// Its algorithm is not named by a string.
    #[error("the session's algorithm is not a string")]
    AlgorithmNotAString,
    /// It does not say which room it belongs to, as one that is exported has to.
    #[error("the exported session names no room")]
    NoRoom,
    /// It has no session key, or the session key is not a string.
    #[error("the session has no session key")]
    NoSessionKey,
    /// The text is not base64.
    #[error("the session key is not valid base64")]
    KeyBase64,
    /// The first byte names no known format.
    #[error("the session key has the unknown format {0}")]
    KeyFormat(u8),
    /// The length is not that of the format: 165 bytes for export, 229 for sharing.
    #[error("the session key has {found} bytes instead of {expected}")]
    KeyLength {
        /// How many bytes the format has; 165 if there is no first byte to name one.
        expected: usize,
        /// How many bytes were found.
        found: usize,
    },
    /// The sharing format is signed, and the signature is wrong.
    #[error("the session key is not signed by the session it is for")]
    KeySignature,
    /// The public key inside, which is the session ID, is no Ed25519 key.
    #[error("the session key holds no valid session ID")]
    KeyWithoutId,
    /// It has more bytes than are [allowed](crate::Limits::session_bytes).
    #[error("the session has {found} bytes, and no more than {limit} are allowed")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many it has.
        found: usize,
    },
    /// Its arrays and objects are nested too deep.
    #[error("the session is nested deeper than the {limit} levels that are allowed")]
    TooDeep {
        /// How deep they [may be](crate::Limits::response_depth), the list around the session included.
        limit: usize,
    },
    /// It is not exported: its room ID does not begin with `!`, or has a NUL in it.
    ///
    /// Clients refuse a key file whole in which one session has such a room ID. The session may come from a backup, where
    /// anybody with the account could have named its room so. The ID is not shown: what stands in its place in a session may
    /// be a piece of a session key.
    #[error(
        "the session\u{2019}s room ID does not begin with \u{201c}!\u{201d}, or is damaged: other clients would refuse a key \
         file with it, and all sessions in that file"
    )]
    NotARoomId,
    /// A text in it has half a character, or it is nested too deep to be kept.
    #[error("the session contains text that is not Unicode, or is nested too deep")]
    Unkeepable,
}

impl SessionData {
    /// Reads a session from JSON, as it is backed up or exported.
    ///
    /// | what is met | what becomes of it |
    /// |---|---|
    /// | unknown members | kept, and written back |
    /// | `sender_claimed_ed25519_key` | read as `ed25519` of `sender_claimed_keys`, if that has none |
    /// | a claimed Ed25519 key that is none | dropped, since clients refuse a session that has one |
    /// | `sender_key`, `sender_claimed_keys`, `forwarding_curve25519_key_chain` missing | unknown, empty, empty |
    /// | camel case `forwardingCurve25519KeyChain` | read |
    /// | `sender_key` of 32 zero bytes, as it is written for an unknown sender | unknown |
    /// | `shared_history` under its two other names | read; absent or no boolean is `false` |
    /// | a session key in the signed sharing format | verified, kept in the export format |
    ///
    /// # Errors
    ///
    /// [`SessionDataError`] if there is no usable session key, or the algorithm is unknown.
    pub fn from_json(text: &[u8]) -> Result<Read<Self, Repair>, SessionDataError> {
        Self::from_json_with_claims(text, &mut PointTest::Now).map(|(read, _)| read)
    }

    /// The same with what the JSON names besides. If public keys are tested later, and one turns out to be none, neither the session nor an
    /// error counts.
    pub(crate) fn from_json_with_claims(
        text: &[u8],
        test: &mut PointTest<'_>,
    ) -> Result<(Read<Self, Repair>, Claims), SessionDataError> {
        let mut object = RawObject::parse(text).map_err(|error| match error {
            RawObjectError::Syntax => SessionDataError::NotJson,
            RawObjectError::NotAnObject => SessionDataError::NotAnObject,
        })?;
        let mut repairs = Vec::new();
        read_algorithm(&mut object, &mut repairs)?;
        let session = Self {
            session_key: read_session_key(&mut object, test)?,
            sender_key: read_sender_key(&mut object, &mut repairs),
            sender_claimed_keys: read_all_claimed_keys(&mut object, &mut repairs, test)?,
            forwarding_chain: read_forwarding_chain(&mut object, &mut repairs),
            shared_history: read_shared_history(&mut object),
            unknown_members: UnknownSecretMembers::default(),
        };
        let claims = Claims {
            room_id: read_claim(&mut object, "room_id").map(RoomId::new),
            session_id: read_claim(&mut object, "session_id").map(SessionId::new),
        };
        let unknown_members =
            UnknownSecretMembers::from_rest(object).ok_or(SessionDataError::Unkeepable)?;
        let value = Self { unknown_members, ..session };
        Ok((Read { value, repairs }, claims))
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmMissing => f.write_str("the session names no algorithm"),
            Self::SenderKeyDropped => {
                f.write_str("the sender key is not a valid Curve25519 key and was ignored")
            }
            Self::SenderClaimedKeysRenamed => {
                f.write_str("the sender's claimed keys stand under a misspelt name")
            }
            Self::SenderClaimedKeyMoved => {
                f.write_str("the sender's Ed25519 key stands outside of the sender's claimed keys")
            }
            Self::SenderClaimedKeysDropped => {
                f.write_str("some of the sender's claimed keys are not valid and were ignored")
            }
            Self::ForwardingKeysDropped { count } => {
                write!(f, "invalid keys in the forwarding chain were ignored ({count})")
            }
            Self::OtherSessionIdClaimed => {
                f.write_str("the session names another session ID than the one of its key")
            }
        }
    }
}

fn read_algorithm(
    object: &mut RawObject<'_>,
    repairs: &mut Vec<Repair>,
) -> Result<(), SessionDataError> {
    let name = object.take_present("algorithm");
    let name = name.map(|name| read_text(name, SessionDataError::AlgorithmNotAString));
    match name.transpose()?.as_ref().map(json::JsonText::as_str) {
        Some(MEGOLM_V1) => Ok(()),
        None | Some("") => {
            repairs.push(Repair::AlgorithmMissing);
            Ok(())
        }
        Some(other) => {
            Err(SessionDataError::UnsupportedAlgorithm(Excerpt::of_decrypted_name(other)))
        }
    }
}

fn read_session_key(
    object: &mut RawObject<'_>,
    test: &mut PointTest<'_>,
) -> Result<SessionKey, SessionDataError> {
    let value = object.take("session_key").ok_or(SessionDataError::NoSessionKey)?;
    let text = read_text(value, SessionDataError::NoSessionKey)?;
    SessionKey::from_base64_with(text.as_str(), test)
}

fn read_sender_key(
    object: &mut RawObject<'_>,
    repairs: &mut Vec<Repair>,
) -> Option<Curve25519PublicKey> {
    let key = read_curve25519(object.take_present("sender_key")?);
    if key.is_none() {
        repairs.push(Repair::SenderKeyDropped);
    }
    key.and_then(known)
}

fn read_forwarding_chain(
    object: &mut RawObject<'_>,
    repairs: &mut Vec<Repair>,
) -> Vec<Curve25519PublicKey> {
    let camel_case = object.take_present("forwardingCurve25519KeyChain");
    let value = object.take_present("forwarding_curve25519_key_chain");
    let is_full = |value: &&RawValue| json::array(value).is_none_or(|keys| !keys.is_empty());
    let Some(value) = value.filter(is_full).or(camel_case) else { return Vec::new() };
    let Some(elements) = json::array(value) else {
        repairs.push(Repair::ForwardingKeysDropped { count: 1 });
        return Vec::new();
    };
    let chain: Vec<_> = elements.iter().filter_map(|element| read_curve25519(element)).collect();
    let count = elements.len() - chain.len();
    if count > 0 {
        repairs.push(Repair::ForwardingKeysDropped { count });
    }
    chain
}

/// The name of the specification counts before those that clients write.
fn read_shared_history(object: &mut RawObject<'_>) -> bool {
    let named = ["shared_history", "m.shared_history", "org.matrix.msc3061.shared_history"]
        .map(|name| object.take(name).and_then(|value| value.get().parse().ok()));
    named.into_iter().flatten().next().unwrap_or(false)
}

/// What the JSON says beside the session itself; what is empty, or no string, says nothing. It is compared and never used,
/// so half a character in it costs no session.
fn read_claim(object: &mut RawObject<'_>, name: &str) -> Option<String> {
    let text = json::public_string(object.take(name)?).ok()?;
    Some(text.into_owned()).filter(|text| !text.is_empty())
}

fn read_curve25519(value: &RawValue) -> Option<Curve25519PublicKey> {
    Curve25519PublicKey::from_base64(json::string(value).ok()?.as_str()).ok()
}

pub(super) fn read_text(
    value: &RawValue,
    other_type: SessionDataError,
) -> Result<json::JsonText<'_>, SessionDataError> {
    json::string(value).map_err(|error| match error {
        JsonTextError::NotAString => other_type,
        JsonTextError::LoneSurrogate => SessionDataError::Unkeepable,
    })
}
