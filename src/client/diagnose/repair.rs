//! Performing the remedies that change account data, or the signatures of the current version.

use std::cmp::Reverse;

use rand_core::CryptoRng;
use thiserror::Error;

use super::{Diagnosis, Remedy, facts::Facts};
use crate::{
    backup::{TrustError, UnsignedAuthData},
    ids::{BackupVersion, SecretName, SecretStorageKeyId},
    secret_storage::{
        Change, ChangeError, NewKey, OpenedSecret, Plan, SecretStorage, SecretStorageKey,
    },
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretValue},
};

/// What a remedy needs besides what was found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RepairParts {
    /// A new key: for a new storage, for a rotation, and for a migration, which uses it only where no default key can
    /// take the secrets. If the plan describes it, the user has to be shown it.
    pub new_key: Option<NewKey>,
    /// Secrets that the host has, besides those in [`Evidence::cached`](super::Evidence::cached). They are stored if they are authentic, belong to a public key that is the user's for
    /// sure, or are accepted.
    pub secrets: Vec<SecretValue>,
    /// Secrets that are stored or move although nobody vouches for them, because the user said so.
    pub accepted: Vec<SecretName>,
    /// Whether nothing is taken away that is readable now: steps that would remove a key, a secret, or a secret from what a key
    /// opens, are left out. For a plan that somebody carries out by hand.
    pub keeps_all: bool,
}

/// How a remedy is performed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RepairPlan {
    /// By writes to the account data.
    AccountData(Plan),
    /// By a signature of a key of the user, in the place of an earlier one of this key: it is added
    /// [to this](UnsignedAuthData::with_signature), and the result written by
    /// [`update_backup_version`](crate::api::update_backup_version) of this version. Signatures of the user that are wrong or
    /// unreadable are left out, all others stay.
    Sign(BackupVersion, Box<UnsignedAuthData>),
}

/// Why a remedy is not performed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RepairError {
    /// It is for the user or the client, not for a plan.
    #[error("this cannot be done by changing the account\u{2019}s data")]
    NotAPlan,
    /// It was not found to be needed.
    #[error("nothing was found that needs this")]
    NotNeeded,
    /// A new key is needed.
    #[error("a new key is needed for this")]
    NoNewKey,
    /// The value of the secret is not at hand.
    #[error("the secret is not at hand; another device may have it")]
    NoValue(SecretName),
    /// No key at hand can be the default one.
    #[error("no key of the key storage is at hand that could be the default one")]
    NoKey,
    /// What is to be deleted may be all that opens a backup.
    #[error("something may still be needed that would be deleted")]
    StillNeeded,
    /// Nobody vouches for the current backup, or it was given up: it is not signed, and its key is not stored.
    #[error("no trusted key has signed the backup, and no key at hand shows that it is yours")]
    NotTrusted,
    /// Devices alone vouch for the current backup, by a signature or by the key that they shared. A signature of the user
    /// would say for good what ends with them: enter the key, or compare the identity.
    #[error("only other devices show that the backup is yours; enter its recovery key to sign it")]
    OnlyDevices,
    /// The backup's public data is not signed. A new backup can be put in its place
    /// ([`Remedy::ReplaceBackup`]); the old version stays.
    #[error("the backup is not signed: {0}; make a new one in its place")]
    NotSignable(TrustError),
    /// The change cannot be planned.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl From<TrustError> for RepairError {
    fn from(error: TrustError) -> Self {
        Self::NotSignable(error)
    }
}

impl Diagnosis {
    /// Plans a remedy that this diagnosis has: the changes of account data, or of the current version, that perform it. No plan
    /// deletes a version, and a backup key that opens and is to be overwritten or deleted is stored under a name of its own
    /// first.
    ///
    /// # Errors
    ///
    /// [`RepairError`] if it is no change of these, something is missing for it, or it would not be safe.
    pub fn repair(
        &self,
        remedy: &Remedy,
        parts: &RepairParts,
        rng: &mut impl CryptoRng,
    ) -> Result<RepairPlan, RepairError> {
        if let Remedy::SignBackup(version) = remedy
            && self.findings.iter().any(|finding| finding.remedy().as_ref() == Some(remedy))
        {
            return self.sign(version);
        }
        if !self.remedies().contains(remedy) {
            return Err(RepairError::NotNeeded);
        }
        let nothing = SecretStorage::default();
        let storage = self.evidence.storage.as_ref().unwrap_or(&nothing);
        let mut failure = None;
        let plan = storage.plan_with_rng(&self.facts.storage_keys, &self.limits, rng, |change| {
            self.change(remedy, parts, change).or_else(|error| match error {
                RepairError::Change(error) => Err(error),
                other => {
                    failure = Some(other);
                    Ok(())
                }
            })
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(RepairPlan::AccountData(plan?)),
        }
    }

    fn change(
        &self,
        remedy: &Remedy,
        parts: &RepairParts,
        change: &mut Change<'_>,
    ) -> Result<(), RepairError> {
        let new_key = parts.new_key.as_ref().ok_or(RepairError::NoNewKey);
        change.believe(&self.facts.verified, &parts.accepted);
        if parts.keeps_all {
            change.keep_all();
        }
        match remedy {
            Remedy::SetUpStorage => {
                change.create(new_key?)?;
                let mut names = parts.secrets.iter().map(SecretValue::name);
                names.try_for_each(|name| self.store(name, parts, change))?;
            }
            Remedy::SetDefaultKey => {
                let key = self.best_key().ok_or(RepairError::NoKey)?;
                change.set_default(key.id())?;
            }
            Remedy::DescribeKey(id) => change.describe_again(id)?,
            Remedy::RotateStorageKey(id) if self.has_other_default(id) => change.remove_key(id)?,
            Remedy::RotateStorageKey(id) => change.rotate(id, new_key?)?,
            Remedy::RemoveKey(id) => change.remove_key(id)?,
            Remedy::Migrate => change.migrate(new_key?, &self.facts.verified, &parts.accepted)?,
            Remedy::StoreSecret(name) => self.store(name, parts, change)?,
            Remedy::EncryptToDefaultKey(name) => {
                if !change.store_again(name)? {
                    self.store(name, parts, change)?;
                }
            }
            Remedy::DeleteDraftBackupKey => self.delete_draft(change)?,
            _ => return Err(RepairError::NotAPlan),
        }
        Ok(())
    }

    /// Deletes the backup key under the name of a draft, which stands elsewhere by then.
    fn delete_draft(&self, change: &mut Change<'_>) -> Result<(), RepairError> {
        if self.needs_draft() {
            return Err(RepairError::StillNeeded);
        }
        let draft = MEGOLM_BACKUP_V1_RECOVERY_KEY.into();
        let stored = self.facts.opened(MEGOLM_BACKUP_V1).and_then(OpenedSecret::backup_key);
        change.keep_backup_keys(&draft, stored.map(|key| *key.public_key()))?;
        Ok(change.delete(&draft)?)
    }

    /// Whether another key is default and at hand, which can take what this one opens: a rotation that
    /// cannot finish would make a new key each time.
    fn has_other_default(&self, id: &SecretStorageKeyId) -> bool {
        let default_key = self.evidence.storage.as_ref().and_then(SecretStorage::default_key);
        default_key.is_some_and(|default_key| {
            let mut at_hand = self.facts.storage_keys.iter();
            default_key != id && at_hand.any(|key| key.id() == default_key)
        })
    }

    /// Stores a secret that the host has, or a key at hand.
    fn store(
        &self,
        name: &SecretName,
        parts: &RepairParts,
        change: &mut Change<'_>,
    ) -> Result<(), RepairError> {
        let is_backup_key = name.as_str() == MEGOLM_BACKUP_V1;
        if is_backup_key && self.is_given_up() {
            return Err(RepairError::NotTrusted);
        }
        let value = self.value(name, parts);
        let value = value.ok_or_else(|| RepairError::NoValue(name.clone()))?;
        if is_backup_key {
            change.replace_backup_key(&value)?;
        } else {
            change.store(&value)?;
        }
        Ok(())
    }

    /// The value of a secret that the host has; of the backup key, one at hand that belongs to the backup.
    fn value(&self, name: &SecretName, parts: &RepairParts) -> Option<SecretValue> {
        let fits = |value: &SecretValue| match name.as_str() {
            MEGOLM_BACKUP_V1 => self.evidence.current().is_none_or(|info| {
                info.auth_data().is_ok_and(|auth_data| {
                    value.check_backup_key(auth_data.public_key().as_curve25519()).is_ok()
                })
            }),
            _ => Facts::published(&self.evidence, name)
                .is_none_or(|published| value.check_cross_signing_key(&published).is_ok()),
        };
        let mut held = parts.secrets.iter().chain(&self.evidence.cached);
        let given = held.find(|value| value.name() == name && fits(value));
        let found = || {
            let info = self.evidence.current().filter(|_| name.as_str() == MEGOLM_BACKUP_V1)?;
            let key = self.facts.key_of(&self.evidence, info);
            let key = key.filter(|key| self.facts.stands(key))?;
            Some(key.to_secret())
        };
        given.cloned().or_else(found)
    }

    fn sign(&self, version: &BackupVersion) -> Result<RepairPlan, RepairError> {
        let info = self.evidence.current().filter(|info| info.version() == version);
        let info = info.ok_or(RepairError::NotNeeded)?;
        let trusted = self.facts.trusted_backup(&self.evidence);
        let trusted = trusted.ok_or(RepairError::NotTrusted)?;
        if !self.facts.trusts_for_good(&self.evidence) {
            return Err(RepairError::OnlyDevices);
        }
        let unsigned = UnsignedAuthData::of_trusted(&trusted, info, self.facts.passphrase())?;
        let bad = self.facts.bad_signatures().collect();
        let unsigned = unsigned.without_signatures(&self.evidence.user_id, &bad);
        Ok(RepairPlan::Sign(version.clone(), Box::new(unsigned)))
    }
}

impl Diagnosis {
    /// Of the keys that may be default, the one that is hardest to guess, so that no server's guess at the same text takes its
    /// place.
    fn best_key(&self) -> Option<&SecretStorageKey> {
        let rounds = |key: &&SecretStorageKey| {
            let description = self.evidence.storage.as_ref()?.key(key.id())?;
            Some(description.passphrase().ok()??.value.rounds())
        };
        let usable = self.facts.storage_keys.iter().filter(|key| is_usable(key));
        usable.min_by_key(|key| Reverse(rounds(key).unwrap_or(u32::MAX)))
    }
}

/// Whether a key may encrypt, so that it may be default: not one that a server may have described for a guess of its own.
fn is_usable(key: &SecretStorageKey) -> bool {
    !key.is_asymmetric() && key.is_sure()
}
