//! What is found out before the rules are applied: which keys there are, what they open, who is trusted.

use super::{Evidence, gathering::Tried};
use crate::{
    Limits,
    backup::{
        BackupDecryptionKey, BackupPublicKey, BackupVersionInfo, FittingPassphrase, TrustedBackup,
    },
    crypto::ed25519::Ed25519PublicKey,
    ids::{KeyId, SecretName},
    secret_storage::{OpenedSecret, SecretStorageKey, SecretVerdict, VerifiedPublicKeys},
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
    signed_json::{
        CrossSigningKey, SignatureReport, SignatureVerdict, SignatureWork, Signers, TrustedSigner,
    },
};

/// What was found out.
#[derive(Clone)]
pub(super) struct Facts {
    /// What came of what was typed, if anything was.
    pub(super) tried: Option<Tried>,
    /// The keys of the storage that are at hand.
    pub(super) storage_keys: Vec<SecretStorageKey>,
    /// What became of each secret, if there are keys at hand.
    pub(super) secrets: Vec<SecretVerdict>,
    /// The stored backup key, under today's name if it is there.
    pub(super) stored: Option<BackupDecryptionKey>,
    /// The one under the name of a draft.
    pub(super) drafted: Option<BackupDecryptionKey>,
    /// Those that a repair has kept.
    pub(super) former: Vec<BackupDecryptionKey>,
    /// Public keys that are the user's for sure.
    pub(super) verified: VerifiedPublicKeys,
    /// Keys of the user that are trusted: those that the host has named, and cross-signing keys. What they vouch for may
    /// be signed, deleted or believed.
    pub(super) trusted: Vec<TrustedSigner>,
    /// Devices that the self-signing key has signed. One that was signed out may be shown again, so they explain what is
    /// there, and vouch for nothing.
    pub(super) devices: Vec<TrustedSigner>,
    /// Keys that the homeserver says are the user's.
    pub(super) claimed: Vec<TrustedSigner>,
    /// The signatures of the user on the current backup.
    pub(super) signatures: SignatureReport,
    /// Published cross-signing keys that the published master key has not signed.
    pub(super) not_signed_by_master: Vec<SecretName>,
    /// How many signatures more may be checked.
    pub(super) work: SignatureWork,
}

impl Facts {
    /// Every backup key that is at hand. What was typed is one if it fits a version, or nothing is known of versions.
    pub(super) fn backup_keys<'a>(
        &'a self,
        evidence: &'a Evidence,
    ) -> impl Iterator<Item = &'a BackupDecryptionKey> {
        let is_one = |key: &&BackupDecryptionKey| {
            evidence.versions().next().is_none()
                || Self::version_of(evidence, key.public_key()).is_some()
        };
        let typed = self.tried.iter().flat_map(|tried| &tried.backup_keys).filter(is_one);
        let drafted = self.drafted.iter().filter(is_one);
        let stored = self.stored.iter().chain(drafted);
        let stored = stored.chain(self.former.iter().filter(is_one));
        evidence.backup_key.iter().chain(typed).chain(stored)
    }

    /// The keys that a sample is opened with: [`Facts::backup_keys`], and those that are stored and belong to no known version,
    /// which may be all that opens some sessions.
    pub(super) fn sampling_keys<'a>(
        &'a self,
        evidence: &'a Evidence,
    ) -> Vec<&'a BackupDecryptionKey> {
        let mut keys: Vec<&BackupDecryptionKey> = Vec::new();
        let of_versions = self.backup_keys(evidence).take(MAX_KEYS);
        let stored = self.stored.iter().chain(&self.drafted);
        for key in of_versions.chain(stored).chain(self.former.iter().take(MAX_KEYS)) {
            if !keys.iter().any(|other| other.public_key() == key.public_key()) {
                keys.push(key);
            }
        }
        keys
    }

    /// The key at hand that belongs to this backup; one that proves something if there is one.
    pub(super) fn key_of<'a>(
        &'a self,
        evidence: &'a Evidence,
        info: &BackupVersionInfo,
    ) -> Option<&'a BackupDecryptionKey> {
        let public_key = info.auth_data().ok()?.public_key();
        let fitting = || self.backup_keys(evidence).filter(|key| key.public_key() == public_key);
        fitting().find(|key| self.stands(key)).or_else(|| fitting().next())
    }

    /// Whether a key proves something: not if a device shared it that is not trusted.
    pub(super) fn stands(&self, key: &BackupDecryptionKey) -> bool {
        key.provenance().stands_with(&self.trusted)
    }

    /// The proof that the current backup is the user's, if there is one.
    pub(super) fn trusted_backup(&self, evidence: &Evidence) -> Option<TrustedBackup> {
        let (info, retired) = (evidence.current()?, &evidence.retired);
        let by_key = self.key_of(evidence, info).filter(|key| self.stands(key));
        let by_key = by_key.map(|key| TrustedBackup::by_decryption_key(info, key, retired));
        let by_signature = || {
            let report = self.signatures.clone().only_by(&self.trusted);
            TrustedBackup::by_report(info, &report, retired).ok()
        };
        by_key.and_then(Result::ok).or_else(by_signature)
    }

    /// Whether the current backup is the user's whatever becomes of devices: what rests on this may be stored or signed.
    pub(super) fn trusts_for_good(&self, evidence: &Evidence) -> bool {
        let auth_data = evidence.current().and_then(|info| info.auth_data().ok());
        let by_key = auth_data.is_some_and(|auth_data| {
            self.backup_keys(evidence).any(|key| {
                key.public_key() == auth_data.public_key()
                    && auth_data.provenance_of(key).is_lasting()
            })
        });
        let is_users = |signer: &TrustedSigner| {
            let mut trusted = self.trusted.iter().filter(|key| key.is_cross_signing_key());
            trusted.any(|key| key.key() == signer.key())
        };
        self.trusts(evidence) && (by_key || self.signatures.valid_signers().any(is_users))
    }

    /// Whether somebody vouches for the current backup.
    pub(super) fn trusts(&self, evidence: &Evidence) -> bool {
        self.trusted_backup(evidence).is_some()
    }

    /// The labels of the signatures on the current backup that are wrong or cannot be read.
    pub(super) fn bad_signatures(&self) -> impl Iterator<Item = &KeyId> {
        self.signatures.signatures().iter().filter_map(|(key_id, verdict)| match verdict {
            SignatureVerdict::Valid(_) | SignatureVerdict::UnknownSigner => None,
            _ => Some(key_id),
        })
    }

    /// The passphrase of a backup that was typed.
    pub(super) fn passphrase(&self) -> Option<&FittingPassphrase> {
        self.tried.as_ref()?.passphrase.as_ref()
    }

    /// What was opened under a name, by a key that is not merely unverifiable.
    pub(super) fn opened(&self, name: &str) -> Option<&OpenedSecret> {
        opened(&self.secrets, name)
    }

    /// The version that has this public key.
    pub(super) fn version_of<'a>(
        evidence: &'a Evidence,
        public_key: &BackupPublicKey,
    ) -> Option<&'a BackupVersionInfo> {
        let is_it = |info: &&BackupVersionInfo| {
            info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == public_key)
        };
        evidence.versions().find(is_it)
    }
}

/// The public half of a stored cross-signing key.
pub(super) fn public_half(opened: &OpenedSecret) -> Option<Ed25519PublicKey> {
    Some(opened.value().ok()?.value.cross_signing_seed()?.public_key())
}

fn opened<'a>(secrets: &'a [SecretVerdict], name: &str) -> Option<&'a OpenedSecret> {
    secrets.iter().find(|verdict| verdict.name.as_str() == name)?.opened_by_known()
}

/// A master key is the user's if the host has pinned it, or if its secret half was stored by somebody with the
/// storage's key, with which no homeserver can encrypt.
pub(super) fn verified_keys(
    evidence: &Evidence,
    secrets: &[SecretVerdict],
    work: &mut SignatureWork,
    limits: &Limits,
) -> VerifiedPublicKeys {
    let stored = opened(secrets, CROSS_SIGNING_MASTER).filter(|it| it.is_authenticated());
    let Some(master) = evidence.master_key.or_else(|| public_half(stored?)) else {
        return VerifiedPublicKeys::none(evidence.user_id.clone());
    };
    let mut verified = VerifiedPublicKeys::with_master(evidence.user_id.clone(), master);
    if let Some(keys) = &evidence.keys {
        let of_user = [&keys.self_signing_keys, &keys.user_signing_keys];
        for key in of_user.into_iter().filter_map(|keys| keys.get(&evidence.user_id)) {
            // One that is not signed is a finding.
            let _ = verified.add_cross_signing_key_with(key, work, limits);
        }
    }
    verified
}

/// The published cross-signing keys that the published master key has not signed, as far as that could be checked.
pub(super) fn not_signed_by_master(
    evidence: &Evidence,
    work: &mut SignatureWork,
    limits: &Limits,
) -> Vec<SecretName> {
    let user_id = &evidence.user_id;
    let Some(keys) = &evidence.keys else { return Vec::new() };
    let Some(master) = keys.master_keys.get(user_id) else { return Vec::new() };
    let signers = &[TrustedSigner::of_cross_signing_key(*master.ed25519())];
    let signers = &Signers::new(signers, &[]);
    let of_users = [
        (CROSS_SIGNING_SELF_SIGNING, &keys.self_signing_keys),
        (CROSS_SIGNING_USER_SIGNING, &keys.user_signing_keys),
    ];
    let mut is_not_signed = |key: &CrossSigningKey| {
        let report = key.object().verify_with(user_id, signers, work, limits);
        report.trusted_signer().is_none() && report.not_checked() == 0
    };
    let published =
        of_users.into_iter().filter_map(|(name, keys)| Some((name, keys.get(user_id)?)));
    let not_signed = published.filter(|(_, key)| is_not_signed(key));
    not_signed.map(|(name, _)| name.into()).collect()
}

pub(super) fn trusted_signers(
    evidence: &Evidence,
    verified: &VerifiedPublicKeys,
) -> Vec<TrustedSigner> {
    let keys = verified.as_public_keys();
    let cross_signing = keys.master.into_iter().chain(keys.self_signing);
    let cross_signing = cross_signing.map(TrustedSigner::of_cross_signing_key);
    evidence.signers.iter().cloned().chain(cross_signing).collect()
}

pub(super) fn claimed_signers(evidence: &Evidence) -> Vec<TrustedSigner> {
    let Some(keys) = &evidence.keys else { return Vec::new() };
    let master = keys.master_keys.get(&evidence.user_id);
    let devices = keys.device_keys.get(&evidence.user_id).into_iter().flatten();
    let devices =
        devices.map(|(_, device)| TrustedSigner::new(device.key_id().clone(), *device.ed25519()));
    master
        .map(|key| TrustedSigner::of_cross_signing_key(*key.ed25519()))
        .into_iter()
        .chain(devices)
        .collect()
}

impl Facts {
    /// The published key that a secret of this name belongs to.
    pub(super) fn published(evidence: &Evidence, name: &SecretName) -> Option<Ed25519PublicKey> {
        let keys = evidence.keys.as_ref()?;
        let of = match name.as_str() {
            CROSS_SIGNING_MASTER => &keys.master_keys,
            CROSS_SIGNING_SELF_SIGNING => &keys.self_signing_keys,
            CROSS_SIGNING_USER_SIGNING => &keys.user_signing_keys,
            _ => return None,
        };
        of.get(&evidence.user_id).map(|key| *key.ed25519())
    }
}

/// The host's, the stored one, and those that were typed: no more than can be at hand.
const MAX_KEYS: usize = 8;
