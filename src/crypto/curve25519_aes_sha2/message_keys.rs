//! The keys of one message, derived from its shared secret.

use std::sync::LazyLock;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{MacScheme, MessageMac};
use crate::crypto::curve25519::SharedSecret;

/// What encrypts one message and authenticates it. The lengths are types, so no slice can be too short for a key.
pub(super) struct MessageKeys {
    aes_key: Zeroizing<[u8; 32]>,
    mac_key: Zeroizing<[u8; 32]>,
    iv: Zeroizing<[u8; 16]>,
}

impl MessageKeys {
    /// Derives 80 bytes: the first two blocks of HKDF-SHA-256, and half of the third.
    pub(super) fn derive(shared_secret: &SharedSecret) -> Self {
        let mut blocks = Zeroizing::new([[0; 32]; 3]);
        let extract = ZERO_SALT.clone().chain_update(shared_secret.expose_bytes());
        let pseudorandom_key = Zeroizing::new(<[u8; 32]>::from(extract.finalize().into_bytes()));
        #[expect(
            clippy::expect_used,
            reason = "HKDF-SHA-256 refuses only less than 32 and more than 8160 bytes"
        )]
        Hkdf::<Sha256>::from_prk(pseudorandom_key.as_slice())
            .expect("32 bytes are a valid key")
            .expand(&[], blocks.as_flattened_mut())
            .expect("96 bytes are a valid length");
        let [aes_key, mac_key, last] = &*blocks;
        let mut iv = Zeroizing::new([0; 16]);
        iv.iter_mut().zip(last).for_each(|(to, from)| *to = *from);
        Self { aes_key: Zeroizing::new(*aes_key), mac_key: Zeroizing::new(*mac_key), iv }
    }

    pub(super) fn aes_key(&self) -> &[u8; 32] {
        &self.aes_key
    }

    pub(super) fn iv(&self) -> &[u8; 16] {
        &self.iv
    }

    pub(super) fn mac(&self, scheme: MacScheme, ciphertext: &[u8]) -> MessageMac {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut hmac =
            Hmac::<Sha256>::new_from_slice(self.mac_key.as_slice()).expect("any length is valid");
        match scheme {
            MacScheme::EmptyString => {}
            MacScheme::Ciphertext => hmac.update(ciphertext),
        }
        let code = hmac.finalize().into_bytes();
        let mut mac = [0; MessageMac::LENGTH];
        mac.iter_mut().zip(code).for_each(|(to, from)| *to = from);
        MessageMac(mac)
    }
}

/// HMAC of the salt, which is public and the same for every message: HKDF-Extract of a shared secret begins here.
static ZERO_SALT: LazyLock<Hmac<Sha256>> = LazyLock::new(|| Hmac::new(&Default::default()));
