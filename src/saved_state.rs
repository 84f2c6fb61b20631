//! Saved state: whose it is, in which format, and how it is kept.
//!
//! What a machine or a flow saves is JSON, and all that matters of it is secret: it has keys, and who could
//! write it could decide what is trusted. Each part says of which machine, user and device it is, and is taken
//! up by these alone.
//!
//! A host keeps it where it keeps its other keys. Where a keychain holds little, or there is none, the host seals
//! it under a [`StateKey`] of 32 bytes, keeps that in the keychain or derives it, and writes the rest to a disk:
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     client::backup::{Backup, BackupOptions},
//!     saved_state::StateKey,
//! };
//!
//! let key = StateKey::generate()?; // 32 bytes, for the keychain
//! let options = BackupOptions::default();
//! let backup = Backup::new("@a:b.org".into(), "PHONE".into(), options, Limits::default());
//! let on_disk = key.seal(&backup.save().secret)?;
//!
//! let secret = key.open(&on_disk)?;
//! assert_eq!(secret, backup.save().secret);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//!
//! Sealed or not, an old state that is put back is one that was good once: nothing in it tells that there is a
//! newer one. SECURITY.md says what that does.

// docs/decisions.md, 23: the secret part is the state.

use std::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    crypto::xchacha20_poly1305,
    encoding::json::{self, RawObject, WipedJson},
    ids::{DeviceId, UserId},
    randomness::{NoRandomness, with_os_rng},
    secret::{SecretBytes, SecretVec},
};

/// A key of 32 bytes under which a host seals saved states before it writes them to a disk.
///
/// The cipher is XChaCha20-Poly1305 with a nonce drawn for each state: 41 bytes are added, and any change is
/// noticed.
#[derive(Clone, PartialEq, Eq)]
pub struct StateKey(SecretBytes<32>);

impl StateKey {
    /// Draws a key.
    pub fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        Self(SecretBytes::init_with(|bytes| rng.fill_bytes(bytes)))
    }

    /// Draws a key from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        with_os_rng(Self::generate_with_rng)
    }

    /// Takes the 32 bytes of a key: out of a keychain, or derived from something that the user enters.
    #[must_use]
    pub fn from_bytes(bytes: SecretBytes<32>) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the keychain.
    #[must_use]
    pub fn as_secret(&self) -> &SecretBytes<32> {
        &self.0
    }

    /// Seals the secret part of a state.
    pub fn seal_with_rng(&self, secret: &SecretVec, rng: &mut impl CryptoRng) -> Vec<u8> {
        let sealed =
            xchacha20_poly1305::seal_with_rng(&self.0, CONTEXT, secret.expose_bytes(), rng);
        [&[SEALED_FORMAT][..], &sealed].concat()
    }

    /// Seals the secret part of a state, with the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn seal(&self, secret: &SecretVec) -> Result<Vec<u8>, NoRandomness> {
        with_os_rng(|rng| self.seal_with_rng(secret, rng))
    }

    /// Opens what was sealed under this key.
    ///
    /// # Errors
    ///
    /// [`SavedStateError::Sealed`] if it does not open.
    pub fn open(&self, sealed: &[u8]) -> Result<SecretVec, SavedStateError> {
        let sealed = sealed.split_first().filter(|(format, _)| **format == SEALED_FORMAT);
        let (_, sealed) = sealed.ok_or(SavedStateError::Sealed)?;
        xchacha20_poly1305::open(&self.0, CONTEXT, sealed).ok_or(SavedStateError::Sealed)
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("StateKey").finish_non_exhaustive()
    }
}

/// Why saved state is not taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SavedStateError {
    /// It was sealed under another key, was cut or changed, or is something else.
    #[error("the saved state was sealed with another key, or it is damaged")]
    Sealed,
    /// It is not what was saved, or damaged.
    #[error("the saved state is damaged")]
    Damaged,
    /// Another version of this crate saved it.
    #[error("the saved state has the format {found}, and {FORMAT} is known")]
    Format {
        /// The format it has.
        found: u32,
    },
    /// It is that of another user or device.
    #[error("the saved state is that of another account or device")]
    OtherAccount,
    /// It is that of another machine or flow, or another part of the state.
    #[error("the saved state is another part of the state")]
    OtherPart,
}

/// What every part begins with.
#[derive(Serialize)]
pub(crate) struct Header {
    format: u32,
    part: &'static str,
    user_id: UserId,
    device_id: DeviceId,
}

impl Header {
    pub(crate) fn new(part: &'static str, user_id: &UserId, device_id: &DeviceId) -> Self {
        let (user_id, device_id) = (user_id.clone(), device_id.clone());
        Self { format: FORMAT, part, user_id, device_id }
    }

    /// Reads a part, if it is the part and of the account that is wanted.
    ///
    /// This is the one way in for all saved states. Whatever is wrong with one, no secret of it is left in memory: they
    /// are borrowed as `&str`. What stands where a name belongs is a name, whatever it is like: others choose names.
    pub(crate) fn read<'a, T: Deserialize<'a>>(
        saved: &'a [u8],
        part: &str,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<T, SavedStateError> {
        let damaged = SavedStateError::Damaged;
        let mut header = RawObject::parse(saved).map_err(|_| damaged)?;
        let format = header.take("format").and_then(|format| format.get().parse().ok());
        let found = format.ok_or(damaged)?;
        if found != FORMAT {
            return Err(SavedStateError::Format { found });
        }
        let mut is = |name, wanted: &str| {
            let text = header.take(name).and_then(|value| json::string(value).ok());
            text.map(|text| text.as_str() == wanted).ok_or(damaged)
        };
        let is_account =
            [is("user_id", user_id.as_str())?, is("device_id", device_id.as_str())?] == [true; 2];
        if !is("part", part)? {
            return Err(SavedStateError::OtherPart);
        }
        if !is_account {
            return Err(SavedStateError::OtherAccount);
        }
        let state: &RawValue = serde_json::from_slice(saved).map_err(|_| damaged)?;
        if json::depth(state) > MAX_DEPTH {
            return Err(damaged);
        }
        T::deserialize(WipedJson(state)).map_err(|_| damaged)
    }
}

/// Deeper than a key description is nested, and the state around it.
const MAX_DEPTH: usize = 100;

/// The format of what is saved, inside a seal and without one.
const FORMAT: u32 = 3;

/// The format of the seal.
const SEALED_FORMAT: u8 = 1;

/// What is sealed, so that the key seals nothing else.
const CONTEXT: &[u8] = b"strongroom saved state";
