//! The keys of the secret storage.

use std::collections::BTreeSet;

use super::{Case, Findings, IdentityFinding, StorageFinding};
use crate::{
    passphrase::PassphraseFinding,
    secret_storage::{KeyAlgorithm, KeyDescription, KeyTest, SecretStorage, SecretStorageFinding},
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
        look_at_descriptions(storage, findings);
        let has_keys = storage.keys().next().is_some();
        let has_secrets = storage.undescribed_keys().next().is_some();
        // Who switches the backup off has clients take the key storage away, too.
        let is_off = self.evidence.backup_enabled == Some(false);
        if !has_keys && !has_secrets && is_off {
            return;
        } else if !has_keys && !has_secrets {
            findings.add(StorageFinding::Absent);
        } else if !has_keys && self.facts.storage_keys.is_empty() {
            findings.add(StorageFinding::NoKeyLeft);
        }
        if has_keys && !storage.has_default_key_event() && !is_off {
            findings.add(StorageFinding::NoDefaultKey);
        }
        let known = [&self.facts.trusted[..], &self.facts.devices].concat();
        let signers = &Signers::new(&known, &self.facts.claimed);
        storage.keys().for_each(|key| self.look_at_key(key, signers, work, findings));
    }

    fn look_at_key(
        &self,
        key: &KeyDescription,
        signers: &Signers<'_>,
        work: &mut SignatureWork,
        findings: &mut Findings,
    ) {
        let id = || key.id().clone();
        match key.algorithm() {
            KeyAlgorithm::AesHmacSha2 => {}
            KeyAlgorithm::Curve25519AesSha2 => {
                findings.add(StorageFinding::Asymmetric { key: id() })
            }
            KeyAlgorithm::Unsupported(name) => {
                return findings
                    .add(StorageFinding::KeyUnsupported { key: id(), algorithm: name.clone() });
            }
        }
        match key.test() {
            // What cannot be read is a finding of the storage.
            KeyTest::Check(_) | KeyTest::PublicKey(_) | KeyTest::Unreadable(_) => {}
            KeyTest::Absent => findings.add(StorageFinding::KeyUnverifiable { key: id() }),
        }
        match key.passphrase() {
            Ok(None) => {}
            Ok(Some(read)) => {
                for finding in &read.findings {
                    if let PassphraseFinding::FewRounds { rounds } = finding {
                        findings.add(StorageFinding::FewRounds { key: id(), rounds: *rounds });
                    }
                }
            }
            Err(error) => {
                findings.add(StorageFinding::PassphraseUnusable { key: id(), error: error.clone() })
            }
        }
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
        for checked in report.signatures() {
            if checked.verdict == SignatureVerdict::Invalid {
                findings.add(StorageFinding::WrongSignature {
                    key: key.id().clone(),
                    signer: checked.key_id.clone(),
                });
            }
        }
    }
}

/// The descriptions that are gone or cannot be used, and what is said of the default key.
fn look_at_descriptions(storage: &SecretStorage, findings: &mut Findings) {
    let undescribed: BTreeSet<_> = storage.undescribed_keys().collect();
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
            SecretStorageFinding::DefaultByName(id) => {
                findings.add(StorageFinding::DefaultByName { key: id.clone() });
            }
            // What is said of secrets stands with the secrets.
            SecretStorageFinding::Secret(..) | SecretStorageFinding::WithoutIv(..) => {}
        }
    }
}
