//! The keys of the secret storage.

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
        for finding in storage.findings() {
            match finding {
                SecretStorageFinding::Key(id, error) => {
                    findings.add(StorageFinding::KeyUnreadable(id.clone(), *error));
                }
                SecretStorageFinding::DefaultKeyMissing(id) => {
                    findings.add(StorageFinding::DefaultKeyMissing(id.clone()));
                }
                SecretStorageFinding::DefaultKeyUnreadable => {
                    findings.add(StorageFinding::DefaultKeyUnreadable);
                }
                SecretStorageFinding::DefaultByName(id) => {
                    findings.add(StorageFinding::DefaultByName(id.clone()));
                }
                // What is said of secrets stands with the secrets.
                SecretStorageFinding::Secret(..) | SecretStorageFinding::WithoutIv(..) => {}
            }
        }
        let is_empty = storage.keys().next().is_none();
        if is_empty {
            findings.add(StorageFinding::Absent);
        }
        if !is_empty && !storage.has_default_key_event() {
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
            KeyAlgorithm::Curve25519AesSha2 => findings.add(StorageFinding::Asymmetric(id())),
            KeyAlgorithm::Unsupported(name) => {
                return findings.add(StorageFinding::KeyUnsupported(id(), name.clone()));
            }
        }
        match key.test() {
            KeyTest::Check(_) | KeyTest::PublicKey(_) => {}
            KeyTest::Absent => findings.add(StorageFinding::KeyUnverifiable(id())),
            KeyTest::Unreadable(error) => {
                findings.add(StorageFinding::KeyCheckUnreadable(id(), *error));
            }
        }
        match key.passphrase() {
            Ok(None) => {}
            Ok(Some(read)) => {
                for finding in &read.findings {
                    if let PassphraseFinding::FewRounds { rounds } = finding {
                        findings.add(StorageFinding::FewRounds(id(), *rounds));
                    }
                }
            }
            Err(error) => findings.add(StorageFinding::PassphraseUnusable(id(), error.clone())),
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
                findings
                    .add(StorageFinding::WrongSignature(key.id().clone(), checked.key_id.clone()));
            }
        }
    }
}
