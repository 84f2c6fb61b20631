//! Laws of sealed messages, of recovery keys, and of which backed-up session is better.
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test may fail by a panic")]

use std::cmp::Ordering;

use crate::support::{base58, recorded_rng::RecordedRng};
use proptest::{
    array::uniform32,
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    prop_assert, prop_assert_eq, prop_assert_ne,
    sample::{Index, select},
};
use strongroom::{
    backup::KeyBackupMetadata,
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        curve25519_aes_sha2::{
            MacScheme, MessageMac, MessageOpenError, SealedMessage, open, seal_with_rng,
        },
    },
    recovery_key::{RecoveryKey, RecoveryKeyError},
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

    #[test]
    fn the_better_order_is_total(a in metadata(), b in metadata(), c in metadata()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.partial_cmp(&b), Some(a.cmp(&b)));
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        let replacements = [a.replaces(&b), b.replaces(&a), a == b];
        prop_assert_eq!(replacements.into_iter().filter(|applies| *applies).count(), 1);
    }

    #[test]
    fn replacing_is_what_the_specification_says(offered in metadata(), stored in metadata()) {
        prop_assert_eq!(offered.replaces(&stored), naively_replaces(&offered, &stored));
    }

    #[test]
    fn a_recovery_key_is_read_as_it_was_written(key in uniform32(any::<u8>())) {
        let text = recovery_key(&key).to_text();
        prop_assert_eq!(text.expose_str().replace(' ', ""), base58::encode(&decoded(&key)));
        let read = RecoveryKey::parse(text.expose_str()).expect("our own");
        prop_assert_eq!(read.as_secret().expose_bytes(), &key);
    }

    #[test]
    fn white_space_in_a_recovery_key_does_not_matter(
        key in uniform32(any::<u8>()),
        spaces in vec(select(vec!["", " ", "\t", "\r\n", "\u{a0}", "\u{2003}", "\u{3000}"]), 48),
    ) {
        let text = base58::encode(&decoded(&key));
        let spaced = spaces.iter().zip(text.chars()).map(|(space, c)| format!("{space}{c}"));
        let spaced: String = spaced.collect();
        prop_assert_eq!(RecoveryKey::parse(&spaced), Ok(recovery_key(&key)));
    }

    #[test]
    fn any_changed_byte_of_a_recovery_key_is_refused(
        key in uniform32(any::<u8>()), place in 0..35_usize, change in 1..=255_u8,
    ) {
        let mut bytes = decoded(&key);
        bytes[place] ^= change;
        prop_assert!(RecoveryKey::parse(&base58::encode(&bytes)).is_err());
    }

    #[test]
    fn any_changed_character_of_a_recovery_key_is_refused_or_another_key(
        key in uniform32(any::<u8>()), place in 0..48_usize, character in any::<char>(),
    ) {
        let mut text: Vec<char> = base58::encode(&decoded(&key)).chars().collect();
        let folded = match character {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).expect("ASCII"),
            other => other,
        };
        let unchanged = text[place] == folded;
        text[place] = character;
        let read = RecoveryKey::parse(&text.into_iter().collect::<String>());
        match read {
            Ok(read) => prop_assert_eq!(read.as_secret().expose_bytes() == &key, unchanged),
            Err(
                RecoveryKeyError::Character { position }
                | RecoveryKeyError::Invisible { position, .. },
            ) => prop_assert_eq!(position, place + 1),
            Err(RecoveryKeyError::Length { found }) => {
                prop_assert_eq!(found, 47);
                prop_assert!(!folded.is_ascii_alphanumeric());
            }
            Err(_) => prop_assert!(base58::has(folded)),
        }
    }

    #[test]
    fn any_mistyped_character_of_a_recovery_key_is_refused_or_another_key(
        key in uniform32(any::<u8>()), place in 0..48_usize, step in 1..58_usize,
    ) {
        let mut text = base58::encode(&decoded(&key)).into_bytes();
        let digit = BASE58.iter().position(|known| *known == text[place]).expect("base58");
        text[place] = BASE58[(digit + step) % 58];
        let read = RecoveryKey::parse(&String::from_utf8(text).expect("ASCII"));
        match read {
            Ok(read) => prop_assert_ne!(read.as_secret().expose_bytes(), &key),
            Err(error) => {
                prop_assert!(matches!(error, RecoveryKeyError::Prefix | RecoveryKeyError::Parity));
            }
        }
    }

    #[test]
    fn an_arbitrary_text_is_no_panic(text in any::<String>()) {
        prop_assert!(RecoveryKey::parse(&text).is_err());
    }
}

/// The specification, sentence by sentence; what is not known is worse than any number.
fn naively_replaces(offered: &KeyBackupMetadata, stored: &KeyBackupMetadata) -> bool {
    if offered.is_verified != stored.is_verified {
        return offered.is_verified;
    }
    let number = |number: Option<u64>| number.map_or(u128::MAX, u128::from);
    let (offered_index, stored_index) =
        (number(offered.first_message_index), number(stored.first_message_index));
    if offered_index != stored_index {
        return offered_index < stored_index;
    }
    number(offered.forwarded_count) < number(stored.forwarded_count)
}

fn metadata() -> impl Strategy<Value = KeyBackupMetadata> {
    let number = || prop_oneof![Just(None), (0..3_u64).prop_map(Some), any::<u64>().prop_map(Some)];
    (any::<bool>(), number(), number()).prop_map(
        |(is_verified, first_message_index, forwarded_count)| KeyBackupMetadata {
            is_verified,
            first_message_index,
            forwarded_count,
        },
    )
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

fn recovery_key(key: &[u8; 32]) -> RecoveryKey {
    RecoveryKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *key))
}

/// The 35 bytes of a recovery key.
fn decoded(key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = [&[0x8b, 0x01], key.as_slice()].concat();
    bytes.push(bytes.iter().fold(0, |parity, byte| parity ^ byte));
    bytes
}

fn flip_ephemeral(message: &mut SealedMessage, bit: usize) {
    let mut ephemeral = *message.ephemeral.as_bytes();
    flip(&mut ephemeral, bit);
    message.ephemeral = Curve25519PublicKey::from_bytes(ephemeral);
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
