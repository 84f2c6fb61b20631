//! XChaCha20-Poly1305: sealing bytes under a key of 32 bytes, so that a change is noticed
//! ([draft](https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03)).
//!
//! ```text
//! sealed = nonce (24 bytes, drawn at random) | ciphertext | tag (16 bytes)
//! ```
//!
//! The nonce is long enough to be drawn at random for as many messages as anybody seals, and a processor without AES
//! instructions loses nothing.

use chacha20poly1305::{
    AeadInOut as _, KeyInit as _, XChaCha20Poly1305,
    aead::{Tag, inout::InOutBuf},
};
use rand_core::CryptoRng;

use crate::secret::{SecretBytes, SecretVec};

/// Seals bytes; what they are for is authenticated with them.
pub(crate) fn seal_with_rng(
    key: &SecretBytes<32>,
    context: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    // Wiped if it is dropped before it is encrypted.
    let mut text = SecretVec::from(plaintext);
    let buffer = InOutBuf::from(text.expose_bytes_mut());
    #[expect(clippy::expect_used, reason = "the cipher takes 256 GB")]
    let tag = cipher(key)
        .encrypt_inout_detached(&nonce.into(), context, buffer)
        .expect("nobody has so much");
    [&nonce[..], text.expose_bytes(), &tag].concat()
}

/// Opens what was sealed under this key for this purpose; `None` if anything of it was changed.
pub(crate) fn open(key: &SecretBytes<32>, context: &[u8], sealed: &[u8]) -> Option<SecretVec> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
    let mut text = SecretVec::from(ciphertext);
    let buffer = InOutBuf::from(text.expose_bytes_mut());
    let tag: Tag<XChaCha20Poly1305> = (*tag).into();
    cipher(key).decrypt_inout_detached(&(*nonce).into(), context, buffer, &tag).ok()?;
    Some(text)
}

fn cipher(key: &SecretBytes<32>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose_bytes().into())
}

/// The length of a nonce, in bytes.
const NONCE: usize = 24;

/// The length of a tag, in bytes.
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that gives the nonce of the draft's example.
    struct Nonce;

    impl rand_core::TryRng for Nonce {
        type Error = std::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.iter_mut().zip(0x40..).for_each(|(to, from)| *to = from);
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Nonce {}

    /// Appendix A.3.1 of the draft.
    #[test]
    fn the_example_of_the_draft_is_sealed_and_opened() {
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let context = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let key = SecretBytes::init_with(|key| {
            key.iter_mut().zip(0x80..).for_each(|(to, from)| *to = from);
        });
        let sealed = seal_with_rng(&key, &context, text, &mut Nonce);
        assert_eq!(sealed[24..32], [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b]);
        let tag = [
            0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79, 0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a,
            0xcf, 0x49,
        ];
        assert_eq!(sealed[sealed.len() - 16..], tag);
        assert_eq!(open(&key, &context, &sealed).unwrap().expose_bytes(), text);
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let key = SecretBytes::init_with(|key| key.fill(7));
        let sealed = seal_with_rng(&key, b"context", b"text", &mut Nonce);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(open(&key, b"context", &changed).is_none(), "{index}");
            assert!(open(&key, b"context", &sealed[..index]).is_none(), "{index}");
        }
        assert!(open(&key, b"another", &sealed).is_none());
        let other = SecretBytes::init_with(|key| key.fill(8));
        assert!(open(&other, b"context", &sealed).is_none());
    }
}
