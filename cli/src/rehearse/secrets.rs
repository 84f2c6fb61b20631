//! Which secrets would come back.

use std::collections::BTreeMap;

use strongroom::{
    Limits,
    saved_files::SavedFiles,
    secret::SecretString,
    secret_storage::{SecretOpenError, SecretStorage, VerifiedPublicKeys},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, PublicKeys,
    },
};

use crate::bundle::published;

/// Of each secret by name why it would not come back; `None` if it would.
pub(super) type Returning = BTreeMap<String, Option<String>>;

/// Opens all with what was entered. What the account has published and does not store is lost, too. `None` if there is no account
/// data, so that nobody knows what is stored.
pub(super) fn returning(
    saved: &SavedFiles,
    storage: Option<&SecretStorage>,
    typed: &[SecretString],
    limits: &Limits,
) -> Option<Returning> {
    let storage = storage?;
    let published = published(saved, limits);
    let published = published.as_ref().map(VerifiedPublicKeys::as_public_keys);
    let mut secrets = published.map(not_stored).unwrap_or_default();
    let mut keys = Vec::new();
    for text in typed {
        let unlocked = storage.unlock(text.expose_str(), &PublicKeys::default(), limits);
        keys.extend(unlocked.into_iter().flat_map(|it| it.keys));
    }
    let public_keys = published.cloned().unwrap_or_default();
    for verdict in storage.open_all(&mut keys, &public_keys) {
        let why_not = match verdict.outcome {
            Ok(opened) => opened.value().err().map(|error| error.to_string()),
            Err(SecretOpenError::OtherKeys) => Some(OTHER_KEYS.to_owned()),
            Err(error) => Some(error.to_string()),
        };
        secrets.insert(verdict.name.as_str().to_owned(), why_not);
    }
    Some(secrets)
}

/// The keys that are published, none of which is known to be stored yet.
fn not_stored(published: &PublicKeys) -> Returning {
    let keys = [
        (CROSS_SIGNING_MASTER, published.master),
        (CROSS_SIGNING_SELF_SIGNING, published.self_signing),
        (CROSS_SIGNING_USER_SIGNING, published.user_signing),
    ];
    let published = keys.into_iter().filter(|(_, key)| key.is_some());
    published.map(|(name, _)| (name.to_owned(), Some(NOT_STORED.to_owned()))).collect()
}

const OTHER_KEYS: &str = "what was entered is not its key";

const NOT_STORED: &str = "it is not in the key storage";
