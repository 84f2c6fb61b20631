//! What other implementations have written: test vectors and recorded accounts.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too, and looks at its environment"
)]

mod aes_hmac_sha2;
mod folder;
mod js_sdk;
mod js_sdk_secrets;
mod js_sdk_trust;
mod legacy_backup;
mod legacy_ssss;
mod recovery_key;
mod wrong_keys;

#[path = "../support/mod.rs"]
mod support;

/// One of each so many, or all with `STRONGROOM_LONG`: a passphrase costs all rounds of its key.
fn one_of_each<T>(number: usize, all: Vec<T>) -> impl Iterator<Item = T> {
    let number = if std::env::var_os("STRONGROOM_LONG").is_some() { 1 } else { number };
    all.into_iter().step_by(number)
}
