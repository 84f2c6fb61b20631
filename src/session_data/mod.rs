//! Megolm sessions as they are backed up and exported.
//!
//! [`SessionData`] is the plaintext of one backed-up session, `BackedUpSessionData` of the
//! [specification](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2).
//! [`ExportedSession`] is the same with its room, as clients import it.
//!
//! Reading is tolerant: whatever a real client got wrong and can be made good is made good, and
//! [`Repair`] says what was. Writing is exactly the current specification.
//!
//! ```
//! use strongroom::session_data::{SessionData, SessionKey};
//!
//! # let megolm = vodozemac::megolm::GroupSession::new(Default::default());
//! # let text = megolm.session_key().to_base64();
//! let session = SessionData::new(SessionKey::from_base64(&text)?);
//! let json = session.to_json();
//! let read = SessionData::from_json(json.expose_bytes())?;
//! assert_eq!(read.session, session);
//! assert!(read.repairs.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod exported;
mod read;
mod session_key;
mod write;

use std::{collections::BTreeMap, fmt};

pub use self::{
    exported::{ExportedSession, ExportedSessionError, ReadExportedSession},
    read::{ReadSessionData, Repair, SessionDataError},
    session_key::{SessionKey, SessionKeyError},
};
use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::json::UnknownSecretMembers,
    ids::SessionId,
};

/// One Megolm session: its key, and what is claimed about where it came from.
///
/// # Security
///
/// Nothing but the session key matters for decryption, and nothing but the session key can be
/// checked: the sender's keys are whatever the device that backed the session up believed.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionData {
    session_key: SessionKey,
    sender_key: Option<Curve25519PublicKey>,
    sender_claimed_keys: BTreeMap<String, String>,
    forwarding_chain: Vec<Curve25519PublicKey>,
    shared_history: bool,
    /// Members that this version does not know, as the inside of a JSON object.
    unknown_members: UnknownSecretMembers,
}

impl SessionData {
    /// A session of an unknown sender, not forwarded, its history not shared.
    #[must_use]
    pub fn new(session_key: SessionKey) -> Self {
        Self {
            session_key,
            sender_key: None,
            sender_claimed_keys: BTreeMap::new(),
            forwarding_chain: Vec::new(),
            shared_history: false,
            unknown_members: UnknownSecretMembers::default(),
        }
    }

    /// Names the device that the session came from: its Curve25519 key and the Ed25519 key it claims.
    #[must_use]
    pub fn with_sender(mut self, key: Curve25519PublicKey, claimed: Ed25519PublicKey) -> Self {
        self.sender_key = Some(key);
        self.sender_claimed_keys.insert(ED25519.to_owned(), claimed.to_base64());
        self
    }

    /// Names the Curve25519 keys of the devices that forwarded the session, the first one first.
    #[must_use]
    pub fn with_forwarding_chain(mut self, chain: Vec<Curve25519PublicKey>) -> Self {
        self.forwarding_chain = chain;
        self
    }

    /// Says whether the session may be shared with people invited later (MSC3061).
    #[must_use]
    pub fn with_shared_history(mut self, shared: bool) -> Self {
        self.shared_history = shared;
        self
    }

    /// The key of the session.
    #[must_use]
    pub fn session_key(&self) -> &SessionKey {
        &self.session_key
    }

    /// The ID inside the session key.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session_key.session_id()
    }

    /// The Curve25519 key of the device that the session came from, if it is known.
    #[must_use]
    pub fn sender_key(&self) -> Option<&Curve25519PublicKey> {
        self.sender_key.as_ref()
    }

    /// The keys that this device claimed to have: algorithm to key, as they came.
    #[must_use]
    pub fn sender_claimed_keys(&self) -> &BTreeMap<String, String> {
        &self.sender_claimed_keys
    }

    /// The Ed25519 key that this device claimed to have, if it is one.
    #[must_use]
    pub fn sender_claimed_ed25519(&self) -> Option<Ed25519PublicKey> {
        Ed25519PublicKey::from_base64(self.sender_claimed_keys.get(ED25519)?).ok()
    }

    /// The Curve25519 keys of the devices that forwarded the session.
    #[must_use]
    pub fn forwarding_chain(&self) -> &[Curve25519PublicKey] {
        &self.forwarding_chain
    }

    /// Whether the session may be shared with people invited later (MSC3061).
    #[must_use]
    pub fn shared_history(&self) -> bool {
        self.shared_history
    }
}

impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            session_key,
            sender_key,
            sender_claimed_keys: _,
            forwarding_chain,
            shared_history,
            unknown_members: _,
        } = self;
        f.debug_struct("SessionData")
            .field("session_key", session_key)
            .field("sender_key", sender_key)
            .field("forwarding_chain", &forwarding_chain.len())
            .field("shared_history", shared_history)
            .finish_non_exhaustive()
    }
}

/// The one algorithm of Megolm sessions.
const MEGOLM_V1: &str = "m.megolm.v1.aes-sha2";

/// The claimed key that every device has.
const ED25519: &str = "ed25519";
