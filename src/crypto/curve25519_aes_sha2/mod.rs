//! The sealed message of `curve25519-aes-sha2`: anyone who knows a public key can seal, its owner opens.
//!
//! Key backup ([`m.megolm_backup.v1.curve25519-aes-sha2`](https://spec.matrix.org/v1.16/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2))
//! and the asymmetric secret storage of MSC1946 share it:
//!
//! ```text
//! shared secret = X25519(ephemeral secret, public key)
//! AES key (32) | MAC key (32) | IV (16) = HKDF-SHA-256(salt: 32 zero bytes, shared secret, info: "")
//! ciphertext = AES-256-CBC(AES key, IV, plaintext padded by PKCS#7)
//! mac = the first 8 bytes of HMAC-SHA-256(MAC key, "" or ciphertext)
//! ```
//!
//! # Security
//!
//! Nothing authenticates the sender. Under the scheme that every deployed client writes, the MAC
//! does not even cover the ciphertext ([`MacScheme::EmptyString`]): it shows that the key is right,
//! not that the message is whole.

// docs/decisions.md, 18: the MAC covers the empty string, and comes first.

mod agreements;
mod batch;
mod message_keys;
mod open;
mod seal;

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

pub(crate) use self::{
    agreements::Agreement,
    batch::{Batch, BatchSealer},
    open::{MessageOpenError, OpenedMessage, open, open_each},
    seal::seal_with_rng,
};
use crate::{
    crypto::curve25519::Curve25519PublicKey,
    encoding::{base64, format::FormatError},
};

/// A message sealed to a public key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedMessage {
    /// The public half of the key that was drawn for this message alone.
    pub(crate) ephemeral: Curve25519PublicKey,
    /// The encrypted and padded plaintext: whole blocks of 16 bytes, if it is intact.
    pub(crate) ciphertext: Vec<u8>,
    /// The authentication code.
    pub(crate) mac: MessageMac,
}

impl SealedMessage {
    /// Reads the three parts from base64, padded or not.
    ///
    /// # Errors
    ///
    /// [`FormatError`] says which of them cannot be read.
    pub(crate) fn from_base64(
        ephemeral: &str,
        ciphertext: &str,
        mac: &str,
    ) -> Result<Self, FormatError> {
        let damaged = |member| {
            move |error: FormatError| error.problem.in_member(member).of("the encrypted data")
        };
        let ephemeral = base64::decode_array(ephemeral).map_err(damaged("ephemeral"))?;
        let ciphertext = base64::decode(ciphertext).map_err(damaged("ciphertext"))?;
        let mac = base64::decode_array(mac).map_err(damaged("mac"))?;
        Ok(Self {
            ephemeral: Curve25519PublicKey::from_bytes(ephemeral),
            ciphertext,
            mac: MessageMac(mac),
        })
    }
}

impl fmt::Debug for SealedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ephemeral, ciphertext, mac } = self;
        f.debug_struct("SealedMessage")
            .field("ephemeral", ephemeral)
            .field("ciphertext_bytes", &ciphertext.len())
            .field("mac", mac)
            .finish()
    }
}

/// The message authentication code: 8 bytes.
///
/// Two codes are compared in constant time.
#[derive(Clone, Copy)]
pub(crate) struct MessageMac([u8; 8]);

impl MessageMac {
    /// The length of the code in bytes.
    pub(crate) const LENGTH: usize = 8;

    #[cfg(test)]
    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes of the code.
    #[must_use]
    pub(crate) const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl ConstantTimeEq for MessageMac {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for MessageMac {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for MessageMac {}

impl fmt::Debug for MessageMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageMac({})", base64::encode(&self.0))
    }
}

/// What the message authentication code covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum MacScheme {
    /// The empty string, as libolm computed it by mistake, every client since, and now the
    /// specification. Every client reads it.
    #[default]
    EmptyString,
    /// The ciphertext, as the proposals (MSC1219, MSC1946) have it. Deployed clients refuse it.
    Ciphertext,
}
