//! Laws of symmetric secrets, of key checks, and of keys derived in slices.

use super::recorded_rng::RecordedRng;
use crate::crypto::{
    aes_hmac_sha2::{Iv, KeyCheck, SymmetricMac, SymmetricSecret, open, seal_with_rng},
    key_material::{KeyLength, KeyMaterial},
    pbkdf2::{Derivation, Rounds, derive},
};
use getrandom::{SysRng, rand_core::UnwrapErr};
use proptest::{
    array::uniform16,
    collection::vec,
    prelude::{ProptestConfig, Strategy, any, proptest},
    prop_assert, prop_assert_eq, prop_assert_ne,
    sample::Index,
};
use sha2::Sha512;

proptest! {
    #[test]
    fn what_is_encrypted_is_decrypted_again(
        key in key(), name: String, plaintext in vec(any::<u8>(), 0..2000), iv in uniform16(any::<u8>()),
    ) {
        let mut rng = RecordedRng::new(&iv);
        let secret = seal_with_rng(&key, &name, &plaintext, &mut rng);
        let opened = open(&key, &name, &secret).expect("our own secret");
        prop_assert_eq!(opened.expose_bytes(), &plaintext);
        prop_assert_eq!(secret.ciphertext.len(), plaintext.len());
        let mut expected = iv;
        expected[8] &= 0x7f;
        prop_assert_eq!(secret.iv.as_bytes(), &expected);
    }

    #[test]
    fn a_flipped_bit_of_the_ciphertext_is_refused(
        key in key(), plaintext in vec(any::<u8>(), 1..200), bit: Index,
    ) {
        let mut secret = seal_with_rng(&key, "name", &plaintext, &mut UnwrapErr(SysRng));
        flip(&mut secret.ciphertext, bit);
        prop_assert_eq!(open(&key, "name", &secret), None);
    }

    #[test]
    fn a_flipped_bit_of_the_mac_is_refused(
        key in key(), plaintext in vec(any::<u8>(), 0..200), bit: Index,
    ) {
        let mut secret = seal_with_rng(&key, "name", &plaintext, &mut UnwrapErr(SysRng));
        let mut mac = *secret.mac.as_bytes();
        flip(&mut mac, bit);
        secret.mac = SymmetricMac::from_bytes(mac);
        prop_assert_eq!(open(&key, "name", &secret), None);
    }

    #[test]
    fn a_flipped_bit_of_the_iv_is_not_noticed_and_gives_another_text(
        key in key(), plaintext in vec(any::<u8>(), 16..200), bit: Index,
    ) {
        let mut secret = seal_with_rng(&key, "name", &plaintext, &mut UnwrapErr(SysRng));
        let mut iv = *secret.iv.as_bytes();
        flip(&mut iv, bit);
        secret.iv = Iv::from_bytes(iv);
        let opened = open(&key, "name", &secret).expect("the MAC does not cover the IV");
        prop_assert_ne!(opened.expose_bytes(), &plaintext);
    }

    #[test]
    fn a_cut_or_longer_ciphertext_is_refused(
        key in key(), plaintext in vec(any::<u8>(), 1..200), cut: Index, extra: u8,
    ) {
        let secret = seal_with_rng(&key, "name", &plaintext, &mut UnwrapErr(SysRng));
        let mut other = secret.clone();
        other.ciphertext.truncate(cut.index(plaintext.len()));
        prop_assert_eq!(open(&key, "name", &other), None);
        let longer = [&secret.ciphertext[..], &[extra]].concat();
        let other = SymmetricSecret { ciphertext: longer, ..secret };
        prop_assert_eq!(open(&key, "name", &other), None);
    }

    #[test]
    fn a_check_fits_its_key_alone(key in key(), other in key(), bit: Index) {
        let check = KeyCheck::with_rng(&key, &mut UnwrapErr(SysRng));
        prop_assert!(check.fits(&key));
        prop_assert_eq!(check.fits(&other), key == other);
        let mut bytes = key.expose_bytes().to_vec();
        flip(&mut bytes, bit);
        prop_assert!(!check.fits(&KeyMaterial::from_slice(&bytes).expect("as long as before")));
    }

    #[test]
    fn a_secret_reads_its_own_base64(secret in secret(), padding: bool) {
        let pad = |text: String| {
            let missing = if padding { text.len().next_multiple_of(4) - text.len() } else { 0 };
            text + &"=".repeat(missing)
        };
        let ciphertext = crate::encoding::base64::encode(&secret.ciphertext);
        let [iv, ciphertext, mac] =
            [secret.iv.to_base64(), ciphertext, secret.mac.to_base64()].map(pad);
        prop_assert_eq!(SymmetricSecret::from_base64(&iv, &ciphertext, &mac), Ok(secret));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_key_is_the_same_in_one_go_in_any_slices_and_by_the_crate_pbkdf2(
        passphrase in vec(any::<u8>(), 0..300), salt in vec(any::<u8>(), 0..300), asked in 1..300_u32,
        bytes in 16..=64_usize, slices in vec(0..100_u32, 0..20),
    ) {
        let length = KeyLength::from_bytes(bytes).expect("a length");
        let rounds = Rounds::new(asked.into(), 300).expect("not too many");
        let mut sliced = Derivation::new(&passphrase, &salt, rounds, length);
        for slice in slices {
            let before = sliced.done();
            let is_finished = sliced.advance(slice);
            prop_assert_eq!(sliced.done(), (before + slice).min(asked));
            prop_assert_eq!(is_finished, sliced.done() == asked);
        }
        let mut expected = vec![0; bytes];
        pbkdf2::pbkdf2_hmac::<Sha512>(&passphrase, &salt, asked, &mut expected);
        let whole = derive(&passphrase, &salt, rounds, length);
        prop_assert_eq!(whole.expose_bytes(), &expected);
        prop_assert_eq!(sliced.finish(), whole);
    }
}

fn key() -> impl Strategy<Value = KeyMaterial> {
    let bytes = vec(any::<u8>(), 16..=64);
    bytes.prop_map(|bytes| KeyMaterial::from_slice(&bytes).expect("16 to 64 bytes"))
}

fn secret() -> impl Strategy<Value = SymmetricSecret> {
    let parts = (any::<[u8; 16]>(), vec(any::<u8>(), 0..100), any::<[u8; 32]>());
    parts.prop_map(|(iv, ciphertext, mac)| SymmetricSecret {
        iv: Iv::from_bytes(iv),
        ciphertext,
        mac: SymmetricMac::from_bytes(mac),
    })
}

fn flip(bytes: &mut [u8], bit: Index) {
    let bit = bit.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}
