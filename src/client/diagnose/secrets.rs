//! The secrets in the secret storage, and the user's cross-signing keys and devices.

use std::collections::HashSet;

use super::{
    Case, Findings, IdentityFinding, LegacyForm, SecretFinding,
    facts::{Facts, public_half},
};
use crate::{
    api::{DEVICES_UNREADABLE, QueriedKeys},
    ids::{SecretName, SecretStorageKeyId},
    secret_storage::{
        EncryptedSecret, OpenedSecret, SecretEntry, SecretOpenError, SecretOrigin, SecretStorage,
        SecretStorageFinding, SecretVerdict,
    },
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretRepair,
    },
};

impl Case<'_> {
    pub(super) fn look_at_secrets(&self, findings: &mut Findings) {
        let Some(storage) = &self.evidence.storage else { return };
        storage.findings().iter().for_each(|finding| look_at_finding(finding, findings));
        let has_secrets = storage.secrets().next().is_some();
        let is_wanted = self.evidence.backup_enabled != Some(false);
        if has_secrets || storage.keys().next().is_some() && is_wanted {
            self.look_for_missing(storage, findings);
        }
        let default_key = storage.default_key();
        let was_tried = |verdict: &&SecretVerdict| {
            matches!(verdict.outcome, Ok(_) | Err(SecretOpenError::Keys(_)))
        };
        let tried = self.facts.secrets.iter().filter(was_tried);
        let tried: HashSet<_> = tried.map(|verdict| &verdict.name).collect();
        for (name, secret) in storage.secrets() {
            look_at_place((storage, default_key), (name, tried.contains(name)), secret, findings);
        }
        let is_readable = |verdict: &&SecretVerdict| !storage.is_unreadable(&verdict.name);
        for verdict in self.facts.secrets.iter().filter(is_readable) {
            match &verdict.outcome {
                Ok(opened) if opened.is_of_known_key() => self.look_at_opened(opened, findings),
                Ok(_) | Err(SecretOpenError::NotTried) => {
                    look_at_guess(&verdict.name, storage.secret(&verdict.name), findings);
                }
                Err(SecretOpenError::Keys(reasons)) => {
                    for (key_id, error) in reasons {
                        let (name, key) = (verdict.name.clone(), key_id.clone());
                        findings.add(SecretFinding::DoesNotOpen {
                            name,
                            key,
                            error: error.clone(),
                        });
                    }
                }
                // Where it stands was said already.
                Err(_) => {}
            }
        }
        self.two_backup_keys().into_iter().for_each(|finding| findings.add(finding));
    }

    /// The backup's key, and those of the cross-signing keys that are published.
    fn look_for_missing(&self, storage: &SecretStorage, findings: &mut Findings) {
        let is_there =
            |name: &SecretName| storage.secret(name).is_some() || storage.is_unreadable(name);
        let backup = SecretName::from(MEGOLM_BACKUP_V1);
        let has_backup = self.evidence.current().is_some_and(|info| info.auth_data().is_ok());
        let draft = SecretName::from(MEGOLM_BACKUP_V1_RECOVERY_KEY);
        // One that opens with no key at hand helps nobody.
        let is_opened = self.facts.storage_keys.is_empty() || self.facts.drafted.is_some();
        let is_needed = has_backup || storage.is_emptied(&backup);
        if is_needed && !is_there(&backup) && !(is_there(&draft) && is_opened) {
            findings.add(SecretFinding::Missing { name: backup });
        }
        let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
        let names = names.map(SecretName::from);
        // They belong together.
        let has_some = names.iter().any(is_there);
        for name in names.into_iter().filter(|name| !is_there(name)) {
            let is_published = Facts::published(self.evidence, &name).is_some();
            if is_published || has_some && storage.is_deleted(&name) || storage.is_emptied(&name) {
                findings.add(SecretFinding::Missing { name });
            }
        }
    }

    fn look_at_opened(&self, opened: &OpenedSecret, findings: &mut Findings) {
        let name = || opened.name().clone();
        let read = match opened.value() {
            Ok(read) => read,
            Err(error) => return findings.add(SecretFinding::Malformed { name: name(), error }),
        };
        match opened.origin() {
            SecretOrigin::Curve25519AesSha2(_) => {
                findings.add(SecretFinding::Legacy { name: name(), form: LegacyForm::Asymmetric });
            }
            SecretOrigin::Passthrough => {
                findings.add(SecretFinding::Legacy { name: name(), form: LegacyForm::Passthrough });
            }
            SecretOrigin::AesHmacSha2 => {}
        }
        for repair in read.repairs {
            let form = match repair {
                SecretRepair::NumberList => LegacyForm::NumberList,
                SecretRepair::NameOfADraft if self.two_backup_keys().is_some() => continue,
                SecretRepair::NameOfADraft => LegacyForm::NameOfADraft,
            };
            findings.add(SecretFinding::Legacy { name: name(), form });
        }
        let verdict = self.facts.verified.as_public_keys().check(&read.value);
        if !opened.is_authenticated() && verdict != Ok(true) {
            findings.add(SecretFinding::Unauthenticated { name: name() });
        }
        let published = Facts::published(self.evidence, opened.name());
        if let (Some(stored), Some(published)) = (public_half(opened), published)
            && stored != published
        {
            let name = name();
            findings.add(SecretFinding::CrossSigningKeyDiffers { name, stored, published });
        }
    }

    /// What is stored under today's name and that of a draft, if it is not the same.
    fn two_backup_keys(&self) -> Option<SecretFinding> {
        let key = |name| self.facts.opened(name)?.backup_key();
        let (current, draft) = (key(MEGOLM_BACKUP_V1)?, key(MEGOLM_BACKUP_V1_RECOVERY_KEY)?);
        let (current, draft) = (*current.public_key(), *draft.public_key());
        (current != draft).then_some(SecretFinding::TwoBackupKeys { current, draft })
    }
}

fn look_at_finding(finding: &SecretStorageFinding, findings: &mut Findings) {
    match finding {
        SecretStorageFinding::Secret(name, error) => {
            findings.add(SecretFinding::Unreadable { name: name.clone(), error: *error });
        }
        SecretStorageFinding::WithoutIv(name, _) => {
            findings.add(SecretFinding::WithoutIv { name: name.clone() });
        }
        // What is said of keys stands with the keys.
        _ => {}
    }
}

/// What stands under a key that nothing confirms. Only what the account data says of it is told: what it is, and whether it
/// opens, would tell whether a guess was right.
fn look_at_guess(name: &SecretName, secret: Option<&EncryptedSecret>, findings: &mut Findings) {
    let form = |(_, entry): (_, Result<&SecretEntry, _>)| match entry {
        Ok(SecretEntry::Passthrough) => Some(LegacyForm::Passthrough),
        Ok(SecretEntry::Curve25519AesSha2(_)) => Some(LegacyForm::Asymmetric),
        _ => None,
    };
    let Some(form) = secret.and_then(|secret| secret.entries().find_map(form)) else { return };
    findings.add(SecretFinding::Legacy { name: name.clone(), form });
    if name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY {
        findings.add(SecretFinding::Legacy { name: name.clone(), form: LegacyForm::NameOfADraft });
    }
    findings.add(SecretFinding::Unauthenticated { name: name.clone() });
}

/// Whether a key is of an algorithm that is not known, which is said with the keys: what is encrypted with it need not be
/// damaged.
fn is_of_the_future(storage: &SecretStorage, id: &SecretStorageKeyId) -> bool {
    storage.key(id).is_some_and(|key| !key.is_supported())
}

/// Under which keys a secret stands, whether or not they are at hand.
fn look_at_place(
    (storage, default_key): (&SecretStorage, Option<&SecretStorageKeyId>),
    (name, was_tried): (&SecretName, bool),
    secret: &EncryptedSecret,
    findings: &mut Findings,
) {
    let mut readable =
        secret.entries().filter(|(_, entry)| entry.is_ok()).map(|(id, _)| id).peekable();
    if readable.peek().is_none() {
        let mut known = secret.entries().filter(|(id, _)| !is_of_the_future(storage, id));
        let error = known.find_map(|(_, entry)| entry.err().copied());
        let unreadable =
            error.map(|error| SecretFinding::EntriesUnreadable { name: name.clone(), error });
        return unreadable.into_iter().for_each(|finding| findings.add(finding));
    }
    let readable: Vec<_> = readable.collect();
    let is_default =
        |default_key| readable.contains(&default_key) && storage.key(default_key).is_some();
    if default_key.is_some_and(is_default) {
        return;
    }
    let is_described = |id: &&SecretStorageKeyId| storage.key(id).is_some();
    let (described, unknown): (Vec<_>, Vec<_>) = readable.iter().copied().partition(is_described);
    let name = name.clone();
    if described.is_empty() {
        if was_tried {
            // The description is what is missing, and what does not open was said.
            return;
        }
        let keys = unknown.into_iter().cloned().collect();
        findings.add(SecretFinding::UnderUnknownKey { name, keys });
    } else if default_key.is_some_and(|id| storage.key(id).is_some()) {
        let keys = described.into_iter().cloned().collect();
        findings.add(SecretFinding::UnderOtherKey { name, keys });
    }
}

impl Case<'_> {
    pub(super) fn look_at_identity(&self, findings: &mut Findings) {
        let Some(keys) = self.evidence.own_keys() else { return };
        let user_id = &self.evidence.user_id;
        for (_, device, error) in keys.unusable.iter().filter(|(user, ..)| user == user_id) {
            let device = device.clone();
            findings.add(match *error {
                DEVICES_UNREADABLE => IdentityFinding::DevicesUnreadable,
                error => IdentityFinding::KeyUnusable { device, error },
            });
        }
        self.look_for_unpublished(keys, findings);
        let published = Facts::published(self.evidence, &CROSS_SIGNING_MASTER.into());
        let Some(published) = published else { return };
        if let Some(pinned) = self.evidence.master_key.filter(|pinned| *pinned != published) {
            findings.add(IdentityFinding::MasterKeyDiffers { pinned, published });
        }
        for name in &self.facts.not_signed_by_master {
            findings.add(IdentityFinding::NotSignedByMaster { name: name.clone() });
        }
    }

    /// Which cross-signing keys are not published, and whether they are stored.
    fn look_for_unpublished(&self, keys: &QueriedKeys, findings: &mut Findings) {
        let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
        let names = names.map(SecretName::from);
        let storage = self.evidence.storage.as_ref();
        // What cannot be read may be all that is left of a key, so that no other takes its place; the secret says so. Nor does
        // one take the place of a key that is stored: that is published again.
        let is_unreadable = |name: &SecretName| storage.is_some_and(|it| it.is_unreadable(name));
        let is_stored = |name: &&SecretName| storage.is_some_and(|it| it.secret(name).is_some());
        let is_published = |name: &&SecretName| Facts::published(self.evidence, name).is_some();
        let mut of_user = keys.unusable.iter().filter(|(user, ..)| *user == self.evidence.user_id);
        // Which of the keys it is that cannot be used is not known.
        let has_unusable =
            of_user.any(|(_, device, error)| device.is_none() && *error != DEVICES_UNREADABLE);
        let (stored, gone): (Vec<_>, Vec<_>) =
            names.iter().filter(|name| !is_published(name)).partition(is_stored);
        let has_none = gone.len() == names.len();
        for name in stored.into_iter().filter(|name| !is_unreadable(name)) {
            findings.add(IdentityFinding::NotPublished { name: name.clone() });
        }
        let gone: Vec<_> = gone.into_iter().filter(|name| !is_unreadable(name)).collect();
        match storage {
            _ if has_unusable => {}
            None if has_none => findings.add(IdentityFinding::NonePublished),
            None => {}
            Some(_) if gone.len() == names.len() => findings.add(IdentityFinding::NoCrossSigning),
            Some(_) => {
                let missing = gone.into_iter().cloned();
                missing.for_each(|name| findings.add(IdentityFinding::KeyMissing { name }));
            }
        }
    }
}
