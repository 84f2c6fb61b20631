//! Sealing one message.

use aes::Aes256;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use rand_core::CryptoRng;

use super::{MacScheme, SealedMessage, message_keys::MessageKeys};
use crate::crypto::curve25519::{
    Curve25519PublicKey, EphemeralSecret, NonContributory, SharedSecret,
};

/// Seals a message to a public key, with an ephemeral key of its own: 32 bytes from `rng`.
///
/// # Errors
///
/// [`NonContributory`] if the public key is one of the few that give everybody the same secret.
pub(crate) fn seal_with_rng(
    public_key: &Curve25519PublicKey,
    plaintext: &[u8],
    scheme: MacScheme,
    rng: &mut impl CryptoRng,
) -> Result<SealedMessage, NonContributory> {
    let secret = EphemeralSecret::generate_with_rng(rng);
    let (ephemeral, shared_secret) = secret.diffie_hellman(public_key)?;
    Ok(seal_under(&shared_secret, ephemeral, plaintext, scheme))
}

/// Seals a message under the secret that its ephemeral key agreed upon.
pub(super) fn seal_under(
    shared_secret: &SharedSecret,
    ephemeral: Curve25519PublicKey,
    plaintext: &[u8],
    scheme: MacScheme,
) -> SealedMessage {
    let keys = MessageKeys::derive(shared_secret);
    let ciphertext = encrypt(&keys, plaintext);
    let mac = keys.mac(scheme, &ciphertext);
    SealedMessage { ephemeral, ciphertext, mac }
}

fn encrypt(keys: &MessageKeys, plaintext: &[u8]) -> Vec<u8> {
    let padded = (plaintext.len() / BLOCK + 1) * BLOCK;
    let mut ciphertext = vec![0; padded];
    #[expect(clippy::expect_used, reason = "the buffer has room for the padding")]
    cbc::Encryptor::<Aes256>::new(keys.aes_key().into(), keys.iv().into())
        .encrypt_padded_b2b::<Pkcs7>(plaintext, &mut ciphertext)
        .expect("the buffer is one block longer than the whole blocks of the plaintext");
    ciphertext
}

/// The block length of AES in bytes.
const BLOCK: usize = 16;
