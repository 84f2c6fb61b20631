//! What must hold for any bytes that come as a secrets bundle: the fuzz target and `tests/stream_corpus.rs` check it.

use serde_json::Value;
use strongroom::{
    Limits,
    encoding::base64,
    provenance::Provenance,
    secret_storage::VerifiedPublicKeys,
    secrets_bundle::{SecretsBundle, SecretsBundleError},
};

/// Checks every law on one input.
pub(crate) fn check(input: &[u8]) {
    let limits = Limits::default();
    let read = SecretsBundle::read(input, &limits);
    let channel = SecretsBundle::from_verified_channel(input, &limits);
    let bundle = match (read, channel) {
        (Ok(bundle), Ok(_)) => bundle,
        (Err(error), Err(same)) => {
            assert_eq!(error, same);
            assert!(!error.to_string().is_empty());
            return;
        }
        (read, channel) => panic!("{read:?} from a file, {channel:?} from a channel"),
    };
    // It is what others read, too.
    let json: Value = serde_json::from_slice(input).expect("JSON");
    let seeds = ["master_key", "self_signing_key", "user_signing_key"];
    let texts = seeds.iter().map(|name| &json["cross_signing"][*name]);
    let backup = json.get("backup").filter(|backup| !backup.is_null());
    let texts = texts.chain(backup.map(|backup| &backup["key"]));
    let theirs: Vec<_> = texts.map(|text| base64::decode(text.as_str().expect("text"))).collect();
    let ours = bundle.secrets().map(|secret| base64::decode(secret.to_text().expose_str()));
    assert_eq!(ours.collect::<Vec<_>>(), theirs);
    check_that_nothing_is_proven(&bundle);
}

/// Whoever wrote it says nothing about the account.
fn check_that_nothing_is_proven(bundle: &SecretsBundle) {
    assert!(bundle.secrets().all(|secret| secret.provenance() == Provenance::Unauthenticated));
    let user_id = || "@alice:example.org".into();
    let master = bundle.public_keys().master.expect("it has a seed");
    for (verified, words) in [
        (VerifiedPublicKeys::none(user_id()), "master key"),
        (VerifiedPublicKeys::with_master(user_id(), master), "self-signing key"),
    ] {
        let error = SecretsBundleError::NotVerified(words);
        assert_eq!(bundle.to_json(&verified, []).expect_err("unproven"), error);
        assert_eq!(bundle.clone().verify(&verified).expect_err("unproven"), error);
    }
}
