//! Megolm sessions as they are backed up and exported.
//!
//! [`SessionData`] is the plaintext of one backed-up session, `BackedUpSessionData` of the
//! [specification](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2).
//! [`ExportedSession`] is the same with its room, as clients import it.
//!
//! Reading is tolerant: whatever a real client got wrong and can be made good is made good, and
//! [`Repair`] says what was. Writing is strict: [`SessionData::to_json`] says exactly what is written.
//!
//! ```
//! use strongroom::{
//!     crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
//!     session_data::{SessionData, SessionKey},
//! };
//!
//! # let device = vodozemac::olm::Account::new();
//! # let (identity_key, signing_key) = (device.curve25519_key().to_base64(), device.ed25519_key().to_base64());
//! # let megolm = vodozemac::megolm::GroupSession::new(Default::default());
//! # let session_key = megolm.session_key().to_base64();
//! let session = SessionData::new(
//!     SessionKey::from_base64(&session_key)?,
//!     Curve25519PublicKey::from_base64(&identity_key)?, // of the device that made the session
//!     Ed25519PublicKey::from_base64(&signing_key)?,     // of the same device
//! );
//! let json = session.to_json();
//! let read = SessionData::from_json(json.expose_bytes())?;
//! assert_eq!(read.value, session);
//! assert!(read.repairs.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod authenticity;
mod best_copies;
mod claimed;
mod exported;
mod read;
mod session_key;
mod write;

use std::{collections::BTreeMap, fmt};

pub(crate) use self::read::Claims;
pub use self::{
    best_copies::BestCopies,
    exported::ExportedSession,
    read::{Repair, SessionDataError},
    session_key::SessionKey,
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
    /// Returns the session of `session_key` that was made by the device with the Curve25519 key
    /// `sender_key`, which claims the Ed25519 key `claimed`: not forwarded, its history not shared.
    ///
    /// These are the keys `sender_key` and `keys.ed25519` of the Olm message that brought the session,
    /// or the device's own if it made the session itself.
    #[must_use]
    pub fn new(
        session_key: SessionKey,
        sender_key: Curve25519PublicKey,
        claimed: Ed25519PublicKey,
    ) -> Self {
        let mut session = Self::of_unknown_sender(session_key);
        session.sender_key = known(sender_key);
        session.sender_claimed_keys.insert(ED25519.to_owned(), claimed.to_base64());
        session
    }

    /// Returns a session of which nobody knows any more which device made it: not forwarded, its
    /// history not shared.
    ///
    /// Clients decrypt with it, and show its messages as coming from an unknown device. Use
    /// [`SessionData::new`] if the sender is known.
    #[must_use]
    pub fn of_unknown_sender(session_key: SessionKey) -> Self {
        Self {
            session_key,
            sender_key: None,
            sender_claimed_keys: BTreeMap::new(),
            forwarding_chain: Vec::new(),
            shared_history: false,
            unknown_members: UnknownSecretMembers::default(),
        }
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

    /// The keys that this device claimed to have: algorithm to key. What stands under `ed25519` is one.
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

    /// Whether this copy of a session takes the place of one that is kept: the order that the specification has for
    /// backups, as far as the copies say it themselves. The lower [first index](SessionKey::first_known_index) wins, then the
    /// shorter forwarding chain; if both are equal, what is kept stays.
    ///
    /// [`KeyBackupMetadata::replaces`](crate::backup::KeyBackupMetadata::replaces) is the same order for sessions in a backup, where
    /// it is also known which ones are verified. Both copies must have the same [ID](Self::session_id).
    #[must_use]
    pub fn replaces(&self, kept: &Self) -> bool {
        let rank = |session: &Self| {
            (session.session_key.first_known_index(), session.forwarding_chain.len())
        };
        rank(self) < rank(kept)
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

/// The key, unless it is the one that stands for an unknown sender.
fn known(sender_key: Curve25519PublicKey) -> Option<Curve25519PublicKey> {
    (sender_key != UNKNOWN_SENDER).then_some(sender_key)
}

/// Stands for the Curve25519 key of an unknown sender where clients insist on one: 32 zero bytes, of
/// which no device has the secret key.
const UNKNOWN_SENDER: Curve25519PublicKey = Curve25519PublicKey::from_bytes([0; 32]);

/// The one algorithm of Megolm sessions.
const MEGOLM_V1: &str = "m.megolm.v1.aes-sha2";

/// The claimed key that every device has.
const ED25519: &str = "ed25519";
