//! The key that makes a user's devices trusted.

// docs/decisions.md, 33: a device is signed as the caller knows it.

use std::fmt;

use super::CrossSigningError;
use crate::{
    Limits,
    crypto::ed25519::{Ed25519PublicKey, Ed25519SigningKey},
    ids::{KeyId, UserId},
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, SecretValue},
    signed_json::{CrossSigningKey, CrossSigningUsage, KeysToSign, TrustedSigner},
};

/// The user's self-signing key with its seed, under a master key that is the user's for sure.
///
/// It signs [devices](Self::sign_device), and lets a device sign the [master key](Self::master_key_to_sign).
#[derive(Clone)]
pub struct SelfSigningKey {
    pub(super) user_id: UserId,
    pub(super) master_key: Ed25519PublicKey,
    pub(super) key: Ed25519SigningKey,
}

impl SelfSigningKey {
    /// Takes the self-signing seed out of `secrets`, if it may sign.
    ///
    /// The published master key has to be the `pinned` one; if the host has pinned none, an authentic master seed among
    /// the `secrets` has to give it. The published self-signing key has to be signed by the master key, and the authentic
    /// self-signing seed has to give it. Secrets of other names are not looked at.
    ///
    /// # Security
    ///
    /// A self-signing seed alone is not enough, even an authentic one: the homeserver could put the self-signing key under a
    /// master key of its own, and the device would be verified in an identity that is not the user's.
    ///
    /// A seed out of secret storage shows that the identity is or once was the user's. A homeserver that shows an old
    /// storage and the old keys that go with it is found out only by a pinned master key.
    ///
    /// # Errors
    ///
    /// [`CrossSigningError`] says which of these does not hold.
    pub fn new<'a>(
        published_master: &CrossSigningKey,
        published_self_signing: &CrossSigningKey,
        pinned: Option<Ed25519PublicKey>,
        secrets: impl IntoIterator<Item = &'a SecretValue>,
        limits: &Limits,
    ) -> Result<Self, CrossSigningError> {
        let (master, self_signing) = (published_master, published_self_signing);
        let is_one_identity = master.usage() == CrossSigningUsage::Master
            && self_signing.usage() == CrossSigningUsage::SelfSigning
            && master.user_id() == self_signing.user_id()
            && master.ed25519() != self_signing.ed25519();
        if !is_one_identity {
            return Err(CrossSigningError::NotOneIdentity);
        }
        let secrets = Vec::from_iter(secrets);
        check_master(master.ed25519(), pinned, &secrets)?;
        for key in [master, self_signing] {
            check_members(key)?;
        }
        if !self_signing.is_signed_by(master.ed25519(), limits) {
            return Err(CrossSigningError::NotSignedByMaster);
        }
        let key = seed_of(self_signing.ed25519(), &secrets)?;
        Ok(Self { user_id: master.user_id().clone(), master_key: *master.ed25519(), key })
    }

    /// Whose key it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The user's master key: pin it once a device is signed.
    #[must_use]
    pub fn master_key(&self) -> &Ed25519PublicKey {
        &self.master_key
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &Ed25519PublicKey {
        self.key.public_key()
    }

    /// The label of its signatures.
    pub(super) fn key_id(&self) -> KeyId {
        TrustedSigner::of_cross_signing_key(*self.public_key()).key_id().clone()
    }
}

impl fmt::Debug for SelfSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, master_key, key } = self;
        f.debug_struct("SelfSigningKey")
            .field("user_id", user_id)
            .field("master_key", master_key)
            .field("public_key", key.public_key())
            .finish_non_exhaustive()
    }
}

/// Whether the published master key is the user's by anything but the word of the homeserver. What only a device vouches
/// for does not become a signature, so a seed that a device has shared is not enough.
fn check_master(
    published: &Ed25519PublicKey,
    pinned: Option<Ed25519PublicKey>,
    secrets: &[&SecretValue],
) -> Result<(), CrossSigningError> {
    if let Some(pinned) = pinned {
        let is_pinned = pinned == *published;
        return if is_pinned { Ok(()) } else { Err(CrossSigningError::OtherMasterKey) };
    }
    let mut proofs = named(secrets, CROSS_SIGNING_MASTER)
        .filter(|secret| secret.provenance().is_lasting())
        .peekable();
    if proofs.peek().is_none() {
        return Err(CrossSigningError::MasterKeyNotVerified);
    }
    let fits = |secret: &SecretValue| secret.check_cross_signing_key(published).is_ok();
    if proofs.any(fits) { Ok(()) } else { Err(CrossSigningError::OtherMasterSeed) }
}

fn check_members(key: &CrossSigningKey) -> Result<(), CrossSigningError> {
    let typed = KeysToSign::cross_signing_key(key.user_id(), key.usage(), key.ed25519());
    let members = typed.differing_members(key.object(), super::NAMED_MEMBERS);
    match members.as_slice() {
        [] => Ok(()),
        _ => Err(CrossSigningError::Members { usage: key.usage(), members }),
    }
}

fn seed_of(
    published: &Ed25519PublicKey,
    secrets: &[&SecretValue],
) -> Result<Ed25519SigningKey, CrossSigningError> {
    let seeds = Vec::from_iter(named(secrets, CROSS_SIGNING_SELF_SIGNING));
    if seeds.is_empty() {
        return Err(CrossSigningError::NoSeed);
    }
    let mut authentic = seeds.iter().filter(|seed| seed.provenance().is_authentic()).peekable();
    if authentic.peek().is_none() {
        return Err(CrossSigningError::Unauthenticated);
    }
    let fitting = authentic.find(|seed| seed.check_cross_signing_key(published).is_ok());
    let seed = fitting.and_then(|secret| secret.cross_signing_seed());
    let seed = seed.ok_or(CrossSigningError::OtherSeed)?;
    Ok(Ed25519SigningKey::new(seed.clone()))
}

fn named<'a>(
    secrets: &[&'a SecretValue],
    name: &'static str,
) -> impl Iterator<Item = &'a SecretValue> {
    secrets.iter().copied().filter(move |secret| secret.name().as_str() == name)
}
