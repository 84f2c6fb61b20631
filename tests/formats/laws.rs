//! Laws of recovery keys, and of which backed-up session is better.

use std::cmp::Ordering;

use crate::support::base58;
use proptest::{
    array::uniform32,
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    prop_assert, prop_assert_eq, prop_assert_ne,
    sample::select,
};
use strongroom::{
    backup::KeyBackupMetadata,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret::SecretBytes,
};

proptest! {
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

fn recovery_key(key: &[u8; 32]) -> RecoveryKey {
    RecoveryKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *key))
}

/// The 35 bytes of a recovery key.
fn decoded(key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = [&[0x8b, 0x01], key.as_slice()].concat();
    bytes.push(bytes.iter().fold(0, |parity, byte| parity ^ byte));
    bytes
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
