//! What several integration tests share. Each of them includes all of it and uses a part.

pub(crate) mod ask;
pub(crate) mod asserted;
pub(crate) mod base58;
pub(crate) mod base64;
pub(crate) mod endpoints;
pub(crate) mod js_sdk;
pub(crate) mod recorded_account;
pub(crate) mod recorded_accounts;
pub(crate) mod recorded_rng;
pub(crate) mod recovery_key_verdicts;
pub(crate) mod rows;
pub(crate) mod signing;
pub(crate) mod synapse;
pub(crate) mod vectors;
