//! What others write into accounts and backups, encrypted without the crate: secrets, the checks of keys, and sealed
//! messages, right or wrong as a test needs them.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

/// The symmetric secrets of secret storage.
pub(crate) mod aes_hmac_sha2 {
    use aes::Aes256;
    use ctr::{
        Ctr64BE,
        cipher::{KeyIvInit as _, StreamCipher as _},
    };
    use getrandom::{SysRng, rand_core::UnwrapErr};
    use hkdf::Hkdf;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use rand_core::CryptoRng;
    use sha2::Sha256;
    use strongroom::crypto::key_material::KeyMaterial;

    use super::Part;

    /// What zeros become under a key, as its description has it.
    pub(crate) struct KeyCheck {
        pub(crate) iv: Part,
        pub(crate) mac: Part,
    }

    impl KeyCheck {
        pub(crate) fn new(key: &KeyMaterial) -> Self {
            Self::with_rng(key, &mut UnwrapErr(SysRng))
        }

        pub(crate) fn with_rng(key: &KeyMaterial, rng: &mut impl CryptoRng) -> Self {
            let secret = seal_with_rng(key, "", &[0; 32], rng);
            Self { iv: secret.iv, mac: secret.mac }
        }
    }

    /// A secret under a key.
    pub(crate) struct SymmetricSecret {
        pub(crate) iv: Part,
        pub(crate) ciphertext: Vec<u8>,
        pub(crate) mac: Part,
    }

    pub(crate) fn seal(key: &KeyMaterial, name: &str, plaintext: &[u8]) -> SymmetricSecret {
        seal_with_rng(key, name, plaintext, &mut UnwrapErr(SysRng))
    }

    pub(crate) fn seal_with_rng(
        key: &KeyMaterial,
        name: &str,
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> SymmetricSecret {
        let mut iv = [0; 16];
        rng.fill_bytes(&mut iv);
        iv[8] &= 0x7f;
        let mut keys = [[0; 32]; 2];
        Hkdf::<Sha256>::new(Some(&[0; 32]), key.expose_bytes())
            .expand(name.as_bytes(), keys.as_flattened_mut())
            .unwrap();
        let mut ciphertext = plaintext.to_vec();
        Ctr64BE::<Aes256>::new(&keys[0].into(), &iv.into()).apply_keystream(&mut ciphertext);
        let mut hmac = Hmac::<Sha256>::new_from_slice(&keys[1]).unwrap();
        hmac.update(&ciphertext);
        let mac = Part(hmac.finalize().into_bytes().to_vec());
        SymmetricSecret { iv: Part(iv.to_vec()), ciphertext, mac }
    }
}

/// The sealed messages of backups, and of secret storage until MSC2472.
pub(crate) mod curve25519_aes_sha2 {
    use aes::Aes256;
    use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
    use hkdf::Hkdf;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use rand_core::CryptoRng;
    use sha2::Sha256;
    use strongroom::crypto::{curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme};

    use super::Part;

    /// A message to the owner of a key.
    #[derive(Clone)]
    pub(crate) struct SealedMessage {
        pub(crate) ephemeral: Part,
        pub(crate) ciphertext: Part,
        pub(crate) mac: Part,
    }

    impl SealedMessage {
        pub(crate) fn to_value(&self) -> serde_json::Value {
            serde_json::json!({
                "ciphertext": self.ciphertext.to_base64(),
                "ephemeral": self.ephemeral.to_base64(),
                "mac": self.mac.to_base64(),
            })
        }

        pub(crate) fn to_json(&self) -> Vec<u8> {
            self.to_value().to_string().into_bytes()
        }
    }

    pub(crate) fn seal_with_rng(
        to: &Curve25519PublicKey,
        plaintext: &[u8],
        scheme: MacScheme,
        rng: &mut impl CryptoRng,
    ) -> SealedMessage {
        let mut ephemeral = [0; 32];
        rng.fill_bytes(&mut ephemeral);
        let ephemeral = vodozemac::Curve25519SecretKey::from_slice(&ephemeral);
        let shared = ephemeral
            .diffie_hellman(&vodozemac::Curve25519PublicKey::from_bytes(*to.as_bytes()))
            .unwrap();
        let mut keys = [0; 80];
        Hkdf::<Sha256>::new(Some(&[0; 32]), shared.as_bytes()).expand(b"", &mut keys).unwrap();
        let (aes_key, iv): ([u8; 32], [u8; 16]) =
            (keys[..32].try_into().unwrap(), keys[64..].try_into().unwrap());
        let mut ciphertext = vec![0; (plaintext.len() / 16 + 1) * 16];
        cbc::Encryptor::<Aes256>::new(&aes_key.into(), &iv.into())
            .encrypt_padded_b2b::<Pkcs7>(plaintext, &mut ciphertext)
            .unwrap();
        let mut hmac = Hmac::<Sha256>::new_from_slice(&keys[32..64]).unwrap();
        hmac.update(if scheme == MacScheme::Ciphertext { &ciphertext } else { b"" });
        let mac = Part(hmac.finalize().into_bytes()[..8].to_vec());
        let ephemeral = vodozemac::Curve25519PublicKey::from(&ephemeral);
        let ephemeral = Part(ephemeral.to_bytes().to_vec());
        SealedMessage { ephemeral, ciphertext: Part(ciphertext), mac }
    }
}

/// Bytes that stand in JSON as base64.
#[derive(Clone)]
pub(crate) struct Part(pub(crate) Vec<u8>);

impl Part {
    pub(crate) fn to_base64(&self) -> String {
        strongroom::encoding::base64::encode(&self.0)
    }
}
