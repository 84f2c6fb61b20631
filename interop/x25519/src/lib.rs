//! The multiplications of `strongroom`, on every path of this processor, and other implementations of X25519.
//!
//! The library shows nothing of them. So this crate compiles the same source, `src/crypto/lanes/`, a second time.

mod crypto;
pub mod others;

pub use crypto::{Path, Prepared};

/// 32 bytes: a secret, the u-coordinate of a point, or that of a product.
pub type Bytes = [u8; 32];
