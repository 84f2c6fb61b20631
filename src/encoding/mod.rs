//! Encodings: base64, base58, canonical JSON, and JSON that is kept as it came.
//!
//! Two codecs for base64 exist on purpose: [`base64`] for what everyone may see, and
//! [`secret_base64`], whose running time does not depend on the data.

pub(crate) mod as_text;
pub mod base58;
pub mod base64;
pub mod canonical_json;
pub mod format;
pub(crate) mod json;
pub mod json_object;
pub mod read;
pub mod secret_base64;
pub mod text_file;
