//! What may be found about the user's own keys.

use std::fmt;

use super::{super::remedy::Remedy, Severity, argument::Argument as _, table::findings};
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, SecretName},
    signed_json::QueriedKeyError,
};

findings! {
    /// Something about the user's digital identity, which are the cross-signing keys, and devices.
    enum IdentityFinding {
        /// No cross-signing keys are published, and none are stored.
        NoCrossSigning =
            "identity.no_cross_signing", Severity::Notice, Some(Remedy::SetUpCrossSigning),
            "The account has no digital identity.";

        /// No cross-signing keys are published; whether any are stored is not known.
        NonePublished =
            "identity.none_published", Severity::Notice, None,
            "No digital identity is published for the account; it was not checked whether its keys are stored.";

        /// A key is stored, and not published.
        NotPublished { name: SecretName } =
            "identity.not_published", Severity::Warning, Some(Remedy::PublishKey(name.clone())),
            "The stored key is not published: your key storage holds {name}, but the homeserver does not show its public half.";

        /// Part of the digital identity is neither published nor stored.
        KeyMissing { name: SecretName } =
            "identity.key_missing", Severity::Warning, Some(Remedy::AskOtherDevice(name.clone())),
            "Your digital identity is incomplete: {name} is neither published nor stored.";

        /// The published master key is not the one that is pinned.
        MasterKeyDiffers { pinned: Ed25519PublicKey, published: Ed25519PublicKey } =
            "identity.master_key_differs", Severity::Danger, Some(Remedy::VerifyIdentity),
            "Your digital identity has changed: the homeserver shows another one ({published}) than the one that you verified ({pinned}). If you did not reset it yourself, somebody else may have.";

        /// A published cross-signing key is not signed by the master key.
        NotSignedByMaster { name: SecretName } =
            "identity.not_signed_by_master", Severity::Danger, Some(Remedy::VerifyIdentity),
            "The key that the homeserver shows as {name} is not signed by the master key: somebody else may have put it there.";

        /// In the place of the user's devices stands something else.
        DevicesUnreadable =
            "identity.devices_unreadable", Severity::Warning, Some(Remedy::FetchAgain),
            "The homeserver returns something else instead of the list of your devices.";

        /// A published key cannot be used: one of this device, or a cross-signing key.
        KeyUnusable { device: Option<DeviceId>, error: QueriedKeyError } =
            "identity.key_unusable", Severity::Warning,
            Some(match device {
                Some(_) => Remedy::UploadKeysAgain,
                None => Remedy::VerifyIdentity,
            }),
            "A published key of {device} cannot be used: {error}.";

        /// Not all signatures of the keys, devices and backup were checked: there are more than the limits allow.
        SignaturesNotChecked =
            "identity.signatures_not_checked", Severity::Warning, None,
            "The account has too many signatures to check them all, so valid or invalid ones may have been missed.";
    }
}
