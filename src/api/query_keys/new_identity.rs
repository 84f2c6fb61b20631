//! A digital identity for an account that has none.

// docs/decisions.md, 33: a device is signed as the caller knows it.

use rand_core::CryptoRng;

use super::QueriedKeys;
use crate::{
    cross_signing::{CrossSigningError, NewIdentity},
    ids::{SecretName, UserId},
    randomness::with_os_rng,
    secret_storage::SecretStorage,
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
};

impl QueriedKeys {
    /// Draws an identity for a user that has none: nothing of one is published, and the secret storage, as all of the
    /// account's data has it, holds no seed of one.
    ///
    /// A seed that is stored belongs to an identity that others may have verified. It is used or published again, not
    /// replaced, unless the user wants that:
    /// [`NewIdentity::replacing_old_identity`].
    ///
    /// # Errors
    ///
    /// [`CrossSigningError`] if there is a trace of an identity, readable or not, if the user's server was not asked, or if
    /// there is no randomness.
    pub fn new_identity(
        &self,
        user_id: &UserId,
        storage: &SecretStorage,
    ) -> Result<NewIdentity, CrossSigningError> {
        self.check_no_identity(user_id, storage)?;
        let draw = |rng: &mut _| NewIdentity::replacing_old_identity_with_rng(user_id.clone(), rng);
        Ok(with_os_rng(draw)?)
    }

    /// The same with the caller's random source.
    ///
    /// # Errors
    ///
    /// [`CrossSigningError`] if there is a trace of an identity, readable or not, or if the user's server was not asked.
    pub fn new_identity_with_rng(
        &self,
        user_id: &UserId,
        storage: &SecretStorage,
        rng: &mut impl CryptoRng,
    ) -> Result<NewIdentity, CrossSigningError> {
        self.check_no_identity(user_id, storage)?;
        Ok(NewIdentity::replacing_old_identity_with_rng(user_id.clone(), rng))
    }

    fn check_no_identity(
        &self,
        user_id: &UserId,
        storage: &SecretStorage,
    ) -> Result<(), CrossSigningError> {
        let lists = [&self.master_keys, &self.self_signing_keys, &self.user_signing_keys];
        let unusable = self.unusable.iter();
        let is_of_identity = |user: &UserId, device: bool| user == user_id && !device;
        let is_published = lists.iter().any(|keys| keys.contains_key(user_id))
            || unusable.clone().any(|(user, device, _)| is_of_identity(user, device.is_some()))
            // What is not named may be one.
            || self.unusable_count > unusable.len() as u64;
        if is_published {
            return Err(CrossSigningError::Published);
        }
        let server = user_id.as_str().split_once(':').map_or("", |(_, server)| server);
        if self.failures.contains_key(server) {
            return Err(CrossSigningError::NotAnswered);
        }
        let seeds = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
        let is_stored =
            |name: &SecretName| storage.secret(name).is_some() || storage.is_unreadable(name);
        match seeds.map(SecretName::from).into_iter().find(is_stored) {
            Some(name) => Err(CrossSigningError::Stored(name)),
            None => Ok(()),
        }
    }
}
