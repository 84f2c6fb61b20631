//! What may be found about the user's own keys.

use thiserror::Error;

use super::{super::remedy::Remedy, Severity, quoted};
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, SecretName},
    signed_json::QueriedKeyError,
};

/// Something about the user's cross-signing keys and devices.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityFinding {
    /// No cross-signing keys are published.
    #[error("The account has no cross-signing keys.")]
    NoCrossSigning,
    /// The published master key is not the one that is pinned.
    #[error(
        "The homeserver says that your master key is {published}, but the one you have verified is {pinned}."
    )]
    MasterKeyDiffers {
        /// The pinned one.
        pinned: Ed25519PublicKey,
        /// The published one.
        published: Ed25519PublicKey,
    },
    /// A published cross-signing key is not signed by the master key.
    #[error("The published key {first} is not signed by the master key.", first = quoted(.0))]
    NotSignedByMaster(SecretName),
    /// A key cannot be used.
    #[error("A published key{device} cannot be used: {1}.", device = of_device(.0.as_ref()))]
    KeyUnusable(Option<DeviceId>, #[source] QueriedKeyError),
    /// Not all signatures of the keys, devices and backup were checked: there are more than the limits allow.
    #[error(
        "The account shows more signatures than are checked, so some that are right or wrong were not seen."
    )]
    SignaturesNotChecked,
}

impl IdentityFinding {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::MasterKeyDiffers { .. } | Self::NotSignedByMaster(_) => Severity::Danger,
            Self::KeyUnusable(..) | Self::SignaturesNotChecked => Severity::Warning,
            Self::NoCrossSigning => Severity::Notice,
        }
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::MasterKeyDiffers { .. } | Self::NotSignedByMaster(_) => {
                Some(Remedy::VerifyIdentity)
            }
            Self::NoCrossSigning => Some(Remedy::SetUpCrossSigning),
            Self::KeyUnusable(..) => Some(Remedy::UploadKeysAgain),
            Self::SignaturesNotChecked => None,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoCrossSigning => "identity.no_cross_signing",
            Self::MasterKeyDiffers { .. } => "identity.master_key_differs",
            Self::NotSignedByMaster(_) => "identity.not_signed_by_master",
            Self::KeyUnusable(..) => "identity.key_unusable",
            Self::SignaturesNotChecked => "identity.signatures_not_checked",
        }
    }
}

fn of_device(device_id: Option<&DeviceId>) -> String {
    let device_id = device_id.map(quoted);
    device_id.map_or_else(String::new, |device_id| format!(" of the device {device_id}"))
}
