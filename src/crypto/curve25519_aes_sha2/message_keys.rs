//! The keys of one message, derived from its shared secret.

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
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 refuses only more than 8160 bytes")]
        Hkdf::<Sha256>::new(Some(&[0; 32]), shared_secret.expose_bytes())
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
