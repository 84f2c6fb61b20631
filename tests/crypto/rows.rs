//! What real clients have stored as secrets and key checks: rows 32 and 33 of the list of malformations.

use getrandom::{SysRng, rand_core::UnwrapErr};

use crate::{
    crypto::{
        aes_hmac_sha2::{KeyCheck, SymmetricSecret, open, seal_with_rng},
        key_material::KeyMaterial,
    },
    encoding::{base64, format::FormatProblem},
};

#[test]
fn row_32_a_mac_of_any_other_length_is_refused() {
    let (key, iv) = (KeyMaterial::from_slice(&KEY).unwrap(), base64::encode(&[1; 16]));
    let secret = seal_with_rng(&key, "name", b"text", &mut UnwrapErr(SysRng));
    let ciphertext = base64::encode(&secret.ciphertext);
    let mac = [*secret.mac.as_bytes(), [0; 32]].concat();
    for found in 0..=64 {
        let mac = base64::encode(&mac[..found]);
        let expected = FormatProblem::MemberLength { member: "mac", expected: 32, found };
        let read = SymmetricSecret::from_base64(&secret.iv.to_base64(), &ciphertext, &mac);
        let check = KeyCheck::from_base64(&iv, &mac);
        if found == 32 {
            assert_eq!(open(&key, "name", &read.unwrap()).unwrap().expose_bytes(), b"text");
            assert!(check.is_ok());
        } else {
            assert_eq!(read, Err(expected.of("the encrypted data")));
            assert_eq!(check, Err(expected.of("it")));
        }
    }
}

#[test]
fn row_33_of_a_key_check_with_an_iv_of_32_bytes_the_first_16_count() {
    let key = KeyMaterial::from_slice(&KEY).unwrap();
    let check = KeyCheck::with_rng(&key, &mut UnwrapErr(SysRng));
    let iv = [check.iv.as_bytes().as_slice(), &[0xa5; 48]].concat();
    for found in 0..=64 {
        let read = KeyCheck::from_base64(&base64::encode(&iv[..found]), &check.mac.to_base64());
        if found == 16 || found == 32 {
            assert_eq!(read, Ok(check));
            assert!(read.unwrap().fits(&key));
        } else {
            let length = FormatProblem::MemberLength { member: "iv", expected: 16, found };
            assert_eq!(read, Err(length.of("it")));
        }
    }
}

#[test]
fn row_33_a_secret_has_an_iv_of_16_bytes() {
    let mac = base64::encode(&[0; 32]);
    for found in [0, 15, 17, 32] {
        let read = SymmetricSecret::from_base64(&base64::encode(&vec![0; found]), "", &mac);
        let length = FormatProblem::MemberLength { member: "iv", expected: 16, found };
        assert_eq!(read, Err(length.of("the encrypted data")));
    }
}

const KEY: [u8; 32] = [7; 32];
