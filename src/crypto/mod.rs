//! Cryptography on bytes: no JSON, no Matrix topic.

pub mod aes_hmac_sha2;
pub mod curve25519;
pub mod curve25519_aes_sha2;
pub mod ed25519;
pub mod key_material;
pub mod pbkdf2;
pub(crate) mod xchacha20_poly1305;
