//! What a set-up remembers over a restart.

use crate::{
    backup::BackupPublicKey,
    client::backup::Backup,
    ids::{BackupVersion, SecretStorageKeyId},
    secret_storage::{Belief, ChangeError, NewKey, SecretStorage, SecretStorageKey},
    secret_value::SecretValue,
};

/// What is remembered over a restart.
pub(in crate::client::flow) struct Kept {
    pub(in crate::client::flow) new_key: NewKey,
    /// What the host has to store besides the backup's key.
    pub(in crate::client::flow) secrets: Vec<SecretValue>,
    /// What may be believed of them, and of what stands under the old keys.
    pub(in crate::client::flow) belief: Belief,
    pub(in crate::client::flow) aim: Aim,
    /// The keys of what is there, as far as they are at hand.
    pub(in crate::client::flow) old_keys: Vec<SecretStorageKey>,
    /// What was there when the flow began. It is saved with what the machine is told then.
    pub(in crate::client::flow) before: Option<Before>,
    /// The public key of the backup that is made for this. Its key was drawn here, whatever the homeserver shows.
    pub(in crate::client::flow) made: Option<BackupPublicKey>,
    /// Whether the new key may be the default one: the request was about to be sent.
    pub(in crate::client::flow) may_be_default: bool,
    /// Whether the user has saved the recovery key.
    pub(in crate::client::flow) is_shown: bool,
    /// Whether all secrets were written and read back.
    pub(in crate::client::flow) is_stored: bool,
}

/// What becomes of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client::flow) enum Aim {
    /// Nothing may be there.
    Begin,
    /// Something new takes its place.
    Replace,
    /// It stays, and what is missing is added.
    Complete,
}

/// What was there when the flow began.
#[derive(Debug, Clone, Default)]
pub(in crate::client::flow) struct Before {
    pub(in crate::client::flow) version: Option<BackupVersion>,
    pub(in crate::client::flow) public_key: Option<BackupPublicKey>,
    /// The public key of the backup that the machine used. It does not change with what the homeserver shows.
    pub(in crate::client::flow) used: Option<BackupPublicKey>,
    pub(in crate::client::flow) default_key: Option<SecretStorageKeyId>,
}

impl Kept {
    pub(super) fn new(new_key: NewKey, secrets: Vec<SecretValue>) -> Self {
        let (aim, old_keys) = (Aim::Begin, Vec::new());
        let (belief, before, made) = (Belief::default(), None, None);
        let (may_be_default, is_shown, is_stored) = (false, false, false);
        Self {
            new_key,
            secrets,
            belief,
            aim,
            old_keys,
            before,
            made,
            may_be_default,
            is_shown,
            is_stored,
        }
    }

    pub(super) fn replaces(&self) -> bool {
        self.aim == Aim::Replace
    }

    pub(super) fn completes(&self) -> bool {
        self.aim == Aim::Complete
    }

    /// Why nothing of what the host gave may be stored, if so: nobody vouches for a secret, or others can guess the key.
    pub(super) fn refusal(&self) -> Option<ChangeError> {
        let is_believed = |secret: &&SecretValue| {
            self.belief.lets_store(secret) && (!self.completes() || self.belief.fits(secret))
        };
        let unbelieved = self.secrets.iter().find(|secret| !is_believed(secret));
        if let Some(secret) = unbelieved {
            return Some(ChangeError::Unauthenticated(secret.name().clone()));
        }
        let key = self.new_key.key();
        key.is_guessable().then(|| ChangeError::Guessable(key.id().clone()))
    }

    /// Notes what is there: the backup that the homeserver shows, that of the machine, and the default key.
    pub(super) fn note(&mut self, machine: &mut Backup, default_key: Option<SecretStorageKeyId>) {
        let used = machine.used_key();
        let is_own = match self.aim {
            Aim::Begin => machine.is_unfinished(),
            Aim::Replace => {
                // Whoever has what is replaced may have the key of a backup that is only begun, too.
                machine.cancel_rotation();
                false
            }
            Aim::Complete => machine.is_unfinished() || machine.storable_key().is_some(),
        };
        if is_own {
            self.made = used;
        }
        let found = machine.found().filter(|_| !is_own);
        let auth_data = found.and_then(|info| info.auth_data().ok());
        self.before = Some(Before {
            version: found.map(|info| info.version().clone()),
            public_key: auth_data.map(|auth_data| *auth_data.public_key()),
            used,
            default_key,
        });
    }

    /// Whether the machine has the backup that was made for this, and a key of it that may be stored. That nothing was
    /// there before is the word of the homeserver, and makes nothing new.
    pub(super) fn is_made(&self, machine: &Backup) -> bool {
        let (Some(before), Some(backup)) = (&self.before, machine.trusted()) else { return false };
        let is_given_up = |used| self.made == Some(used) || machine.retired().contains(&used);
        self.made == Some(*backup.public_key())
            && before.used.is_none_or(is_given_up)
            && machine.storable_key().is_some()
    }

    /// Whether this backup is the one that was there, or that the machine used: what is to be replaced.
    pub(super) fn is_to_go(&self, version: &BackupVersion, key: Option<&BackupPublicKey>) -> bool {
        let Some(before) = self.before.as_ref().filter(|_| self.replaces()) else { return false };
        let keys = [before.public_key.as_ref(), before.used.as_ref()];
        before.version.as_ref() == Some(version) || key.is_some_and(|key| keys.contains(&Some(key)))
    }

    /// Whether somebody else's secret storage is there, which is not to be replaced.
    pub(super) fn is_taken(&self, storage: &SecretStorage) -> bool {
        let new_id = self.new_key.id();
        let default_key = storage.default_key().filter(|id| *id != new_id);
        let has_others = || storage.keys().any(|key| key.id() != new_id);
        match self.aim {
            Aim::Begin => default_key.is_some() || has_others(),
            Aim::Replace => {
                let before = self.before.as_ref().map(|before| before.default_key.as_ref());
                default_key.is_some() && before.is_some_and(|before| before != default_key)
            }
            // Where no key is default, the key at hand is one of those that are described, or the only one.
            Aim::Complete => default_key.is_some() || storage.key(new_id).is_none() && has_others(),
        }
    }
}
