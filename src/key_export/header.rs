//! What a key file says of itself before its ciphertext, and the keys that it is read and written with.

use aes::Aes256;
use ctr::{Ctr128BE, cipher::KeyIvInit as _};
use hmac::{Hmac, KeyInit as _};
use sha2::Sha256;

use super::KeyFileError;
use crate::crypto::{
    aes_hmac_sha2::Iv,
    key_material::{KeyLength, KeyMaterial},
    pbkdf2::{Derivation, Rounds},
};

/// How the keys of a file are derived, and where its counter starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) salt: [u8; 16],
    pub(super) iv: Iv,
    pub(super) rounds: u32,
}

impl Header {
    pub(super) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self, KeyFileError> {
        let [version, rest @ ..] = bytes;
        if *version != VERSION {
            return Err(KeyFileError::UnsupportedVersion { found: *version });
        }
        let (mut salt, mut iv, mut rounds) = ([0; 16], [0; 16], [0; 4]);
        let places = salt.iter_mut().chain(&mut iv).chain(&mut rounds);
        places.zip(rest).for_each(|(to, from)| *to = *from);
        Ok(Self { salt, iv: Iv::from_bytes(iv), rounds: u32::from_be_bytes(rounds) })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let rounds = self.rounds.to_be_bytes();
        [&[VERSION], self.salt.as_slice(), self.iv.as_bytes(), &rounds].concat()
    }

    /// Starts to derive the keys.
    pub(super) fn derive(&self, passphrase: &str, rounds: Rounds) -> Derivation {
        Derivation::new(passphrase.as_bytes(), &self.salt, rounds, KeyLength::longest())
    }
}

/// The key that encrypts a file and the key of its code, half of the bytes each.
pub(super) struct FileKeys(pub(super) KeyMaterial);

impl FileKeys {
    /// The key stream. Where the counter of 128 bits and one of 64 differ, which takes an IV with bit 63 set, those who wrote
    /// such IVs counted in 128; whoever counts in 64 clears the bit, as the specification asks for.
    pub(super) fn cipher(&self, iv: &Iv) -> Ctr128BE<Aes256> {
        Ctr128BE::new(self.half(0).into(), iv.as_bytes().into())
    }

    /// The code over what is yet to come.
    pub(super) fn code(&self) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        Hmac::new_from_slice(self.half(1)).expect("any length is valid")
    }

    #[expect(clippy::expect_used, reason = "both are made from 64 bytes alone")]
    fn half(&self, index: usize) -> &[u8; 32] {
        let (halves, _) = self.0.expose_bytes().as_chunks();
        halves.get(index).expect("there are two halves")
    }
}

/// The only version there is.
const VERSION: u8 = 1;

/// The length of a header in bytes: version, salt, IV, rounds.
pub(super) const HEADER_BYTES: usize = 1 + 16 + 16 + 4;
