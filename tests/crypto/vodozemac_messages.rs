//! Sealed messages of every size, from us to vodozemac and back.

use getrandom::{SysRng, rand_core::UnwrapErr};
use vodozemac::pk_encryption::{Error, Message, PkDecryption, PkEncryption};

use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        curve25519_aes_sha2::{MacScheme, SealedMessage, open, seal_with_rng},
    },
    secret::SecretBytes,
};

#[test]
fn vodozemac_opens_what_we_seal_at_every_size() {
    let owner = PkDecryption::new();
    let key = Curve25519PublicKey::from_bytes(owner.public_key().to_bytes());
    for size in (0..=300).chain(LARGE) {
        let plaintext = pattern(size);
        let mut rng = UnwrapErr(SysRng);
        let sealed = seal_with_rng(&key, &plaintext, MacScheme::EmptyString, &mut rng);
        let sealed = sealed.expect("a usable key");
        let opened = owner.decrypt(&vodozemac_message(sealed)).expect("our message");
        assert!(opened == plaintext, "{size} bytes");
    }
}

#[test]
fn we_open_what_vodozemac_seals_at_every_size() {
    let owner = PkDecryption::new();
    let sender = PkEncryption::from(&owner);
    let secret = SecretBytes::init_with(|bytes| *bytes = *owner.secret_key().to_bytes());
    let secret = Curve25519SecretKey::from_bytes(secret);
    for size in (0..=300).chain(LARGE) {
        let plaintext = pattern(size);
        let sealed = sender.encrypt(&plaintext).expect("a usable key");
        let sealed = SealedMessage::from_base64(
            &sealed.ephemeral_key.to_base64(),
            &vodozemac::base64_encode(sealed.ciphertext),
            &vodozemac::base64_encode(sealed.mac),
        );
        let opened = open(&secret, &sealed.expect("a message")).expect("their message");
        assert!(opened.plaintext.expose_bytes() == plaintext, "{size} bytes");
        assert_eq!(opened.mac_scheme, MacScheme::EmptyString);
    }
}

#[test]
fn vodozemac_refuses_a_mac_over_the_ciphertext_as_deployed_clients_do() {
    let owner = PkDecryption::new();
    let key = Curve25519PublicKey::from_bytes(owner.public_key().to_bytes());
    let sealed = seal_with_rng(&key, b"key", MacScheme::Ciphertext, &mut UnwrapErr(SysRng));
    let sealed = sealed.expect("a usable key");
    assert!(matches!(owner.decrypt(&vodozemac_message(sealed)), Err(Error::Mac(_))));
}

fn pattern(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

fn vodozemac_message(message: SealedMessage) -> Message {
    Message {
        ciphertext: message.ciphertext,
        mac: message.mac.as_bytes().to_vec(),
        ephemeral_key: vodozemac::Curve25519PublicKey::from_bytes(*message.ephemeral.as_bytes()),
    }
}

const LARGE: [usize; 4] = [1000, 5000, 65_536, 1_000_000];
