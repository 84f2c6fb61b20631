//! The keys of one message, derived from its shared secret.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{MacScheme, MessageMac};
use crate::crypto::curve25519::SharedSecret;

/// AES key, MAC key and IV: 32, 32 and 16 bytes.
pub(super) struct MessageKeys(Zeroizing<[u8; 80]>);

impl MessageKeys {
    pub(super) fn derive(shared_secret: &SharedSecret) -> Self {
        let mut keys = Self(Zeroizing::new([0; 80]));
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 refuses only more than 8160 bytes")]
        Hkdf::<Sha256>::new(Some(&[0; 32]), shared_secret.expose_bytes())
            .expand(&[], keys.0.as_mut_slice())
            .expect("80 bytes are a valid length");
        keys
    }

    pub(super) fn aes_key(&self) -> &[u8; 32] {
        let (key, _) = self.0.split_first_chunk().unwrap_or((&[0; 32], &[]));
        key
    }

    fn mac_key(&self) -> &[u8] {
        self.0.get(32..64).unwrap_or_default()
    }

    pub(super) fn iv(&self) -> &[u8; 16] {
        let (_, iv) = self.0.split_last_chunk().unwrap_or((&[], &[0; 16]));
        iv
    }

    pub(super) fn mac(&self, scheme: MacScheme, ciphertext: &[u8]) -> MessageMac {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut hmac = Hmac::<Sha256>::new_from_slice(self.mac_key()).expect("any length is valid");
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
