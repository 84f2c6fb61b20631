//! Laws of sealed messages.

use proptest::{
    array::uniform32,
    collection::vec,
    prelude::{Strategy, any, proptest},
    prop_assert, prop_assert_eq, prop_assert_ne,
    sample::{Index, select},
};

use super::recorded_rng::RecordedRng;
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        curve25519_aes_sha2::{
            MacScheme, MessageMac, MessageOpenError, SealedMessage, open, seal_with_rng,
        },
    },
    secret::SecretBytes,
};

proptest! {
    #[test]
    fn what_is_sealed_opens_again_under_both_schemes(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..2000), scheme in scheme(),
    ) {
        let message = seal(&secret, &ephemeral, &plaintext, scheme);
        let opened = open(&curve25519(&secret), &message).expect("our own message");
        prop_assert_eq!(opened.plaintext.expose_bytes(), plaintext);
        prop_assert_eq!(opened.mac_scheme, scheme);
    }

    #[test]
    fn a_flipped_bit_of_the_mac_is_another_key(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..200),
        scheme in scheme(), bit in 0..64_usize,
    ) {
        let mut message = seal(&secret, &ephemeral, &plaintext, scheme);
        let mut mac = *message.mac.as_bytes();
        flip(&mut mac, bit);
        message.mac = MessageMac::from_bytes(mac);
        prop_assert_eq!(verdict(&secret, &message), Err(MessageOpenError::WrongKey));
    }

    #[test]
    fn a_flipped_bit_of_the_ephemeral_key_is_another_key_or_not_a_usable_one(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..200),
        scheme in scheme(), bit in 0..255_usize,
    ) {
        let mut message = seal(&secret, &ephemeral, &plaintext, scheme);
        flip_ephemeral(&mut message, bit);
        let error = verdict(&secret, &message).expect_err("another ephemeral key");
        prop_assert_ne!(error, MessageOpenError::Damaged);
    }

    #[test]
    fn the_top_bit_of_the_ephemeral_key_is_ignored(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..200), scheme in scheme(),
    ) {
        let mut message = seal(&secret, &ephemeral, &plaintext, scheme);
        flip_ephemeral(&mut message, 255);
        prop_assert_eq!(verdict(&secret, &message), Ok(plaintext));
    }

    #[test]
    fn a_flipped_bit_of_the_ciphertext_never_opens_to_the_original(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..200), bit in any::<Index>(),
    ) {
        let mut message = seal(&secret, &ephemeral, &plaintext, MacScheme::EmptyString);
        let bit = bit.index(message.ciphertext.len() * 8);
        flip(&mut message.ciphertext, bit);
        match verdict(&secret, &message) {
            Ok(other) => prop_assert_ne!(other, plaintext),
            Err(error) => prop_assert_eq!(error, MessageOpenError::Damaged),
        }
    }

    #[test]
    fn a_flipped_bit_of_the_ciphertext_is_noticed_where_the_mac_covers_it(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..200), bit in any::<Index>(),
    ) {
        let mut message = seal(&secret, &ephemeral, &plaintext, MacScheme::Ciphertext);
        let bit = bit.index(message.ciphertext.len() * 8);
        flip(&mut message.ciphertext, bit);
        prop_assert_eq!(verdict(&secret, &message), Err(MessageOpenError::WrongKey));
    }

    #[test]
    fn a_message_does_not_open_with_another_key(
        (secret, ephemeral) in keys(), plaintext in vec(any::<u8>(), 0..200),
        scheme in scheme(), other in uniform32(any::<u8>()),
    ) {
        let message = seal(&secret, &ephemeral, &plaintext, scheme);
        let same = curve25519(&secret).public_key() == curve25519(&other).public_key();
        prop_assert!(same || verdict(&other, &message) == Err(MessageOpenError::WrongKey));
    }

    #[test]
    fn an_arbitrary_message_is_a_verdict_and_no_panic(
        secret in uniform32(any::<u8>()), ephemeral in uniform32(any::<u8>()),
        ciphertext in vec(any::<u8>(), 0..100), mac in any::<[u8; 8]>(),
    ) {
        let ephemeral = Curve25519PublicKey::from_bytes(ephemeral);
        let message = SealedMessage { ephemeral, ciphertext, mac: MessageMac::from_bytes(mac) };
        prop_assert!(verdict(&secret, &message).is_err());
    }
}

fn keys() -> impl Strategy<Value = ([u8; 32], [u8; 32])> {
    (uniform32(any::<u8>()), uniform32(any::<u8>()))
}

fn scheme() -> impl Strategy<Value = MacScheme> {
    select(vec![MacScheme::EmptyString, MacScheme::Ciphertext])
}

fn seal(
    secret: &[u8; 32],
    ephemeral: &[u8; 32],
    plaintext: &[u8],
    scheme: MacScheme,
) -> SealedMessage {
    let public_key = curve25519(secret).public_key();
    seal_with_rng(&public_key, plaintext, scheme, &mut RecordedRng::new(ephemeral))
        .expect("the key of a secret")
}

fn verdict(secret: &[u8; 32], message: &SealedMessage) -> Result<Vec<u8>, MessageOpenError> {
    open(&curve25519(secret), message).map(|opened| opened.plaintext.expose_bytes().to_vec())
}

fn curve25519(secret: &[u8; 32]) -> Curve25519SecretKey {
    Curve25519SecretKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *secret))
}

fn flip_ephemeral(message: &mut SealedMessage, bit: usize) {
    let mut ephemeral = *message.ephemeral.as_bytes();
    flip(&mut ephemeral, bit);
    message.ephemeral = Curve25519PublicKey::from_bytes(ephemeral);
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}
