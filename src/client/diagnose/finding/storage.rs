//! What may be found about the keys of a key storage.

use super::{
    super::remedy::Remedy, Severity, argument::Argument as _, names::Names, table::findings,
};
use crate::{
    encoding::format::FormatError,
    excerpt::Excerpt,
    ids::{KeyId, SecretStorageKeyId},
    passphrase::PassphraseError,
};

findings! {
    /// Something about the keys of the key storage.
    enum StorageFinding {
        /// There is no key storage: no key is described, and nothing is encrypted.
        Absent =
            "storage.absent", Severity::Warning, Some(Remedy::SetUpStorage),
            "The account has no key storage.";

        /// There are keys, and none is default.
        NoDefaultKey =
            "storage.no_default_key", Severity::Warning, Some(Remedy::SetDefaultKey),
            "Your key storage does not say which of its keys is the default one.";

        /// The default key is not described.
        DefaultKeyMissing { key: SecretStorageKeyId } =
            "storage.default_key_missing", Severity::Warning, Some(Remedy::SetDefaultKey),
            "Your key storage names {key} as its default key, but the description of that key is gone.";

        /// Secrets are encrypted with a key whose description is gone.
        DescriptionGone { key: SecretStorageKeyId } =
            "storage.description_gone", Severity::Warning, Some(Remedy::DescribeKey(key.clone())),
            "Secrets in your key storage are encrypted with the key {key}, whose description is gone from your account.";

        /// No key is described that could be used, and none was entered that secrets are encrypted with.
        NoKeyLeft =
            "storage.no_key_left", Severity::Warning, Some(Remedy::SetUpStorage),
            "Your key storage holds secrets, but the descriptions of its keys are gone or cannot be used, and none of these keys was entered. Try every recovery key that you have, and your other devices, before you set up key storage anew.";

        /// Secrets are encrypted with a key whose description cannot be used.
        DescriptionUnusable { key: SecretStorageKeyId, error: FormatError } =
            "storage.description_unusable", Severity::Warning,
            Some(Remedy::DescribeKey(key.clone())),
            "The description of the key {key}, with which secrets in your key storage are encrypted, cannot be used: {error}.";

        /// The event that names the default key cannot be read.
        DefaultKeyUnreadable =
            "storage.default_key_unreadable", Severity::Warning, Some(Remedy::SetDefaultKey),
            "The entry that names the default key of your key storage cannot be read.";

        /// A key is marked as default by its name, as an early draft had it.
        DefaultByName { key: SecretStorageKeyId } =
            "storage.default_by_name", Severity::Notice, None,
            "The key {key} is marked as the default one by its name, as old clients did.";

        /// No entry names the default key, and one key is marked as it by its name, as an early draft had it.
        DefaultByNameAlone { key: SecretStorageKeyId } =
            "storage.default_by_name_alone", Severity::Warning, Some(Remedy::SetDefaultKey),
            "The key {key} is marked as the default one of your key storage by its name alone, as old clients did; clients of today do not find it.";

        /// The description of a key cannot be read.
        KeyUnreadable { key: SecretStorageKeyId, error: FormatError } =
            "storage.key_unreadable", Severity::Warning, Some(Remedy::RemoveKey(key.clone())),
            "The description of the key {key} cannot be used: {error}.";

        /// A key is of an algorithm that is not known.
        KeyUnsupported { key: SecretStorageKeyId, algorithm: Excerpt } =
            "storage.key_unsupported", Severity::Warning, Some(Remedy::UpdateClient),
            "The key {key} uses the algorithm {algorithm}, which this client does not know.";

        /// A key opens secrets in the usual way, and its description names an algorithm that is not known.
        AlgorithmDamaged { key: SecretStorageKeyId, algorithm: Excerpt } =
            "storage.algorithm_damaged", Severity::Warning, Some(Remedy::DescribeKey(key.clone())),
            "The description of the key {key} is damaged: what you entered opens what is encrypted with the key, but the description names the algorithm {algorithm}, which this client does not know.";

        /// A key opens secrets and does not fit what its description has to check it with.
        KeyCheckWrong { key: SecretStorageKeyId } =
            "storage.key_check_wrong", Severity::Warning,
            Some(Remedy::RotateStorageKey(key.clone())),
            "The description of the key {key} is damaged or was changed: what you entered opens what is encrypted with the key, but does not fit the description, so other clients refuse it.";

        /// The description of a key has nothing to check a key with.
        KeyUnverifiable { key: SecretStorageKeyId } =
            "storage.key_unverifiable", Severity::Warning,
            Some(Remedy::RotateStorageKey(key.clone())),
            "The description of the key {key} has nothing to check a recovery key against, so a wrong one may go unnoticed.";

        /// What there is to check a key with cannot be read.
        KeyCheckUnreadable { key: SecretStorageKeyId, error: FormatError } =
            "storage.key_check_unreadable", Severity::Warning,
            Some(Remedy::RotateStorageKey(key.clone())),
            "A recovery key cannot be checked against the description of the key {key}: {error}.";

        /// A key comes from a passphrase by few rounds.
        FewRounds { key: SecretStorageKeyId, rounds: u32 } =
            "storage.few_rounds", Severity::Danger, Some(Remedy::RotateStorageKey(key.clone())),
            "The passphrase of the key {key} is weakly protected (rounds of computation: {rounds}), so others could guess it.";

        /// How a key comes from its passphrase cannot be used. Who has the key can put one with another passphrase in its
        /// place.
        PassphraseUnusable {
            key: SecretStorageKeyId,
            error: PassphraseError,
            is_at_hand: bool,
        } =
            "storage.passphrase_unusable", Severity::Warning,
            Some(if *is_at_hand {
                Remedy::RotateStorageKey(key.clone())
            } else {
                Remedy::EnterRecoveryKey
            }),
            "The passphrase of the key {key} cannot be used: {error}.";

        /// A key is of the algorithm of 2019.
        Asymmetric { key: SecretStorageKeyId } =
            "storage.asymmetric", Severity::Notice, Some(Remedy::Migrate),
            "The key {key} is of a kind that was abandoned in 2020: anyone who can change your account data can store secrets under it.";

        /// A signature of the description of a key is wrong.
        WrongSignature { key: SecretStorageKeyId, signer: KeyId } =
            "storage.wrong_signature", Severity::Danger,
            Some(Remedy::RotateStorageKey(key.clone())),
            "The signature of {signer} on the description of the key {key} is wrong: the description was changed after it was signed, or another key made the signature.";
    }
}
