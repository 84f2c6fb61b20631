//! The keys of the secret storage.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Case, Findings, IdentityFinding, StorageFinding};
use crate::{
    ids::SecretStorageKeyId,
    secret_storage::{
        KeyAlgorithm, KeyDescription, KeyStanding, KeyTest, SecretStorage, SecretStorageFinding,
        SecretStorageKey, UnlockOutcome,
    },
    signed_json::{SignatureVerdict, SignatureWork, Signers},
};

impl Case<'_> {
    pub(super) fn look_at_storage(&self, findings: &mut Findings) {
        let work = &mut self.facts.work.clone();
        if let Some(storage) = &self.evidence.storage {
            self.look_at_keys_of(storage, work, findings);
        }
        if work.has_left_out() {
            findings.add(IdentityFinding::SignaturesNotChecked);
        }
    }

    fn look_at_keys_of(
        &self,
        storage: &SecretStorage,
        work: &mut SignatureWork,
        findings: &mut Findings,
    ) {
        self.look_at_descriptions(storage, findings);
        let has_keys = storage.keys().next().is_some();
        let has_secrets = storage.secrets().next().is_some();
        // Who switches the backup off has clients take the key storage away, too.
        let is_off = self.evidence.backup_enabled == Some(false);
        if !has_keys && !has_secrets && is_off {
            return;
        } else if !has_keys && !has_secrets {
            findings.add(StorageFinding::Absent);
        } else if !has_keys && self.facts.storage_keys.is_empty() {
            // As good as absent: with a default key that is gone, no repair would lead on.
            findings.add(StorageFinding::NoKeyLeft);
        }
        if has_keys && !storage.has_default_key_event() && !is_off {
            findings.add(match storage.default_key() {
                Some(key) => StorageFinding::DefaultByNameAlone { key: key.clone() },
                None => StorageFinding::NoDefaultKey,
            });
        }
        let known = [&self.facts.trusted[..], &self.facts.devices].concat();
        let signers = &Signers::new(&known, &self.facts.claimed);
        let mut at_hand = HashMap::<_, Vec<_>>::new();
        self.facts
            .storage_keys
            .iter()
            .for_each(|key| at_hand.entry(key.id()).or_default().push(key));
        for key in storage.keys() {
            let at_hand = at_hand.get(key.id()).map_or(&[][..], Vec::as_slice);
            self.look_at_key(key, at_hand, (signers, work), findings);
        }
    }

    fn look_at_key(
        &self,
        key: &KeyDescription,
        at_hand: &[&SecretStorageKey],
        (signers, work): (&Signers<'_>, &mut SignatureWork),
        findings: &mut Findings,
    ) {
        // What it opens shows that it is the right one.
        let mut proven = at_hand.iter().filter(|key| key.standing() == KeyStanding::Proven);
        let id = || key.id().clone();
        match key.known_algorithm() {
            KeyAlgorithm::AesHmacSha2 => {}
            KeyAlgorithm::Curve25519AesSha2 => {
                findings.add(StorageFinding::Asymmetric { key: id() })
            }
            KeyAlgorithm::Unsupported(name) => {
                let (key, algorithm) = (id(), name.clone());
                return findings.add(if proven.next().is_some() {
                    StorageFinding::AlgorithmDamaged { key, algorithm }
                } else {
                    StorageFinding::KeyUnsupported { key, algorithm }
                });
            }
        }
        match key.test() {
            KeyTest::Check(_) | KeyTest::PublicKey(_) => {
                let is_other = |proven: &&SecretStorageKey| {
                    matches!(key.accept(&proven.material()), Err(UnlockOutcome::DoesNotFit))
                };
                if proven.any(is_other) {
                    findings.add(StorageFinding::KeyCheckWrong { key: id() });
                }
            }
            // What cannot be read is a finding of the storage.
            KeyTest::Unreadable(_) => {}
            KeyTest::Absent => findings.add(StorageFinding::KeyUnverifiable { key: id() }),
        }
        look_at_passphrase(key, at_hand.iter().any(|key| key.is_sure()), findings);
        self.look_at_key_signatures(key, signers, work, findings);
    }

    /// No algorithm needs a signature, but one that is there and wrong shows a change.
    fn look_at_key_signatures(
        &self,
        key: &KeyDescription,
        signers: &Signers<'_>,
        work: &mut SignatureWork,
        findings: &mut Findings,
    ) {
        let (user_id, limits) = (&self.evidence.user_id, self.limits);
        let report = key.check_signatures_with(user_id, signers, work, limits);
        for (signer, verdict) in report.signatures() {
            if *verdict == SignatureVerdict::Invalid {
                findings.add(StorageFinding::WrongSignature {
                    key: key.id().clone(),
                    signer: signer.clone(),
                });
            }
        }
    }

    /// The descriptions that are gone or cannot be used, and what is said of the default key.
    fn look_at_descriptions(&self, storage: &SecretStorage, findings: &mut Findings) {
        let undescribed = self.needed_undescribed_keys(storage);
        let unreadable = storage.findings().iter().filter_map(|finding| match finding {
            SecretStorageFinding::Key(id, _) => Some(id),
            _ => None,
        });
        let unreadable: BTreeSet<_> = unreadable.collect();
        for key in undescribed.difference(&unreadable) {
            findings.add(StorageFinding::DescriptionGone { key: (*key).clone() });
        }
        for finding in storage.findings() {
            match finding {
                SecretStorageFinding::Key(id, error) if undescribed.contains(id) => {
                    let (key, error) = (id.clone(), *error);
                    findings.add(StorageFinding::DescriptionUnusable { key, error });
                }
                // That was said just now.
                SecretStorageFinding::DefaultKeyMissing(id) if undescribed.contains(id) => {}
                SecretStorageFinding::KeyCheck(id, error) => {
                    let (key, error) = (id.clone(), *error);
                    findings.add(StorageFinding::KeyCheckUnreadable { key, error });
                }
                SecretStorageFinding::Key(id, error) => {
                    findings.add(StorageFinding::KeyUnreadable { key: id.clone(), error: *error });
                }
                SecretStorageFinding::DefaultKeyMissing(id) => {
                    findings.add(StorageFinding::DefaultKeyMissing { key: id.clone() });
                }
                SecretStorageFinding::DefaultKeyUnreadable => {
                    findings.add(StorageFinding::DefaultKeyUnreadable);
                }
                SecretStorageFinding::DefaultByName(id) => look_at_name(storage, id, findings),
                // What is said of secrets stands with the secrets.
                SecretStorageFinding::Secret(..) | SecretStorageFinding::WithoutIv(..) => {}
            }
        }
    }

    /// The keys without a usable description that something may still open with and with no other: an entry that was left
    /// behind beside one that opens is not missed.
    fn needed_undescribed_keys<'a>(
        &self,
        storage: &'a SecretStorage,
    ) -> BTreeSet<&'a SecretStorageKeyId> {
        let is_described = |id: &&SecretStorageKeyId| storage.key(id).is_some();
        let shut = self.facts.secrets.iter().filter(|verdict| verdict.outcome.is_err());
        let shut: HashSet<_> = shut.map(|verdict| &verdict.name).collect();
        let mut needed = BTreeSet::new();
        for (name, secret) in storage.secrets() {
            let readable = secret.entries().filter(|(_, entry)| entry.is_ok()).map(|(id, _)| id);
            let (described, others): (Vec<_>, Vec<_>) = readable.partition(is_described);
            if described.is_empty() || shut.contains(name) {
                needed.extend(others);
            }
        }
        needed
    }
}

/// What is said of a key with the name of the default one: nothing new where the name alone makes it that.
fn look_at_name(storage: &SecretStorage, id: &SecretStorageKeyId, findings: &mut Findings) {
    if storage.has_default_key_event() || storage.default_key() != Some(id) {
        findings.add(StorageFinding::DefaultByName { key: id.clone() });
    }
}

/// How the key comes from its passphrase, if it has one.
fn look_at_passphrase(key: &KeyDescription, is_at_hand: bool, findings: &mut Findings) {
    let id = || key.id().clone();
    match key.passphrase() {
        Ok(None) => {}
        Ok(Some(read)) => {
            if read.is_guessable() {
                let rounds = read.value.rounds();
                findings.add(StorageFinding::FewRounds { key: id(), rounds });
            }
        }
        Err(error) => {
            let (key, error) = (id(), error.clone());
            findings.add(StorageFinding::PassphraseUnusable { key, error, is_at_hand });
        }
    }
}
