//! Cryptography on bytes: no JSON, no Matrix topic.

// docs/decisions.md, 4: no foreign type in the interface.
//
// Only what a host calls has a twin on the operating system's randomness; what is here takes a generator. The exception is
// `aes_hmac_sha2`, where the shortest call has to be the one that draws the IV.

pub(crate) mod aes_hmac_sha2;
pub mod curve25519;
pub mod curve25519_aes_sha2;
pub mod ed25519;
pub mod key_material;
mod lanes;
pub(crate) mod pbkdf2;
pub(crate) mod xchacha20_poly1305;

#[cfg(test)]
#[path = "../../tests/crypto/mod.rs"]
mod tests;
