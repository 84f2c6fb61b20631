//! ruma, an independent reading of the same specification.

mod canonical_json;
mod requests;
mod sealed_messages;
mod secret_sharing;
