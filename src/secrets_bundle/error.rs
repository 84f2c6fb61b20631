//! Why secrets are not the user's, or not put into a bundle.

use thiserror::Error;

/// Why a bundle is not believed, or not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretsBundleError {
    /// A seed is not at hand.
    #[error(
        "the {0} is missing, and a bundle has all three keys of the digital identity: open the key storage first"
    )]
    Missing(&'static str),
    /// No public key that is the user's for sure stands for a seed: the account has none, or the master key did not sign it.
    #[error(
        "nothing shows that the {0} is yours: the account has published none that your master key has signed"
    )]
    NotVerified(&'static str),
    /// A seed is not that of the public key of the user.
    #[error(
        "the {0} is not that of the account: it is of another account, or older than the digital identity that the account has now"
    )]
    OtherKey(&'static str),
    /// Nothing shows that the backup key is the user's, or others can find it.
    #[error(
        "nothing shows that the key of the backup is yours: the homeserver could have planted or found it"
    )]
    Unauthenticated,
    /// Only a device that has shared the backup key vouches for it.
    #[error(
        "only another of your devices shows that the key of the backup is yours: that device has to hand it over itself"
    )]
    OnlyDevice,
}
