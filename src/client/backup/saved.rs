//! The machine's state as bytes: what it relies on, and apart from it what may be lost.

// docs/decisions.md, 23: the secret part is the state.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Backup, BackupOptions, Scope, Stage,
    download::RestoreChoice,
    kept::{Kept, Preference, SecretChange, UsedBackup, Vaulted},
    seen::Counted,
    stage::{Creation, Disabling, Draft, Making, Phase, State},
};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, BackupPublicKey, Proofs},
    crypto::ed25519::Ed25519Signature,
    encoding::{json, secret_base64},
    ids::{BackupVersion, DeviceId, KeyId, UserId},
    provenance::{Provenance, SavedProvenance},
    saved_state::{Header, SavedStateError},
    secret::{SecretString, SecretVec},
};

/// The state of a [`Backup`] in two parts: one for the disk, and one for the keychain, which may be
/// [sealed](crate::saved_state::StateKey) and then stand on the disk, too.
///
/// The secret part is the state. The public part is a cache, which may be large and which the machine does without:
/// what somebody else writes there makes it fetch something again, and nothing else. Either may be written first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBackup {
    /// What of the backup was still to be fetched. One that is empty, damaged or another account's is not looked at.
    pub public: Vec<u8>,
    /// All that the machine relies on: keys, what is trusted and why, where the account stands. It has 64 KiB at most,
    /// if the IDs of user and device have no more than 255 bytes each; after a few rotations it has 2 KiB.
    pub secret: SecretVec,
}

/// What is fetched again if it is lost.
#[derive(Default, Serialize, Deserialize)]
struct Wanted {
    wanted: BTreeSet<Scope>,
}

#[derive(Serialize)]
struct Part<T> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    state: T,
}

#[derive(Serialize, Deserialize)]
struct SavedState<'a> {
    stage: Stage,
    used: Option<UsedBackup>,
    proofs: Proofs,
    /// How many sessions it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    retired: Vec<BackupPublicKey>,
    #[serde(borrow)]
    keys: Vec<SavedKey<'a>>,
    #[serde(borrow)]
    draft: Option<SavedDraft<'a>>,
    recovery_key_unsaved: bool,
    secret: Option<SecretChange>,
    /// What was the current version when the user said that all are to go, if it was known and is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabling: Option<BackupVersion>,
    /// The versions that may go, if not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabling_only: Option<Vec<BackupVersion>>,
    preference: Preference,
    restore_choice: Option<RestoreChoice>,
}

#[derive(Serialize, Deserialize)]
struct SavedDraft<'a> {
    #[serde(borrow)]
    key: SavedKey<'a>,
    signatures: Vec<(KeyId, Ed25519Signature)>,
    before: Option<BackupVersion>,
    replaces: Option<BackupPublicKey>,
    created: Option<BackupVersion>,
}

#[derive(Serialize, Deserialize)]
struct SavedKey<'a> {
    #[serde(borrow)]
    key: &'a str,
    provenance: SavedProvenance,
}

impl Backup {
    /// Goes on from saved state. Which backup is the current one is asked for again, and whether it is the one that
    /// was used; a request to create one is not sent again before.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if the secret part is damaged, of another format, or of another user or device.
    pub fn from_saved(
        saved: &SavedBackup,
        user_id: UserId,
        device_id: DeviceId,
        options: BackupOptions,
        limits: Limits,
    ) -> Result<Self, SavedStateError> {
        let secret = saved.secret.expose_bytes();
        let state: SavedState<'_> = Header::read(secret, SECRET, &user_id, &device_id)?;
        let wanted = Header::read(&saved.public, PUBLIC, &user_id, &device_id);
        let Wanted { wanted } = wanted.unwrap_or_default();
        let mut backup = Self::new(user_id, device_id, options, limits);
        remembered(&wanted).for_each(|scope| backup.download.wanted.insert(scope.clone()));
        backup.download.restore_choice = state.restore_choice;
        backup.preference.known = Preference {
            // Another client may have written it since.
            was_read: state.preference.was_read && state.preference.write.is_some(),
            ..state.preference
        };
        (backup.state, backup.kept) = state.read()?;
        Ok(backup)
    }

    /// The state, as [`Next::Save`](super::Next::Save) gives it when it has changed.
    #[must_use]
    pub fn save(&self) -> SavedBackup {
        let wanted = remembered(&self.download.wanted).cloned().collect();
        let header = Header::new(PUBLIC, &self.office.user_id, &self.office.device_id);
        let public = Part { header, state: Wanted { wanted } };
        SavedBackup { public: json::to_bytes(&public, USUAL_LENGTH), secret: self.save_secrets() }
    }

    fn save_secrets(&self) -> SecretVec {
        let kept = &self.kept;
        let encode = |key: &BackupDecryptionKey| (key.to_base64(), key.provenance());
        let keys: Vec<_> = kept.keys.iter().map(encode).collect();
        let making = self.state.making();
        let draft = making.and_then(|making| Some((encode(&making.draft()?.key), making)));
        let (disabling, disabling_only) = match &self.state {
            State::Disabling(disabling) => (disabling.meant.clone(), disabling.only.clone()),
            _ => (None, None),
        };
        let part = Part {
            header: Header::new(SECRET, &self.office.user_id, &self.office.device_id),
            state: SavedState {
                stage: self.stage(),
                used: kept.used.clone(),
                proofs: kept.proofs.clone(),
                count: kept.counted.sessions,
                retired: kept.retired.clone(),
                keys: keys.iter().map(SavedKey::new).collect(),
                draft: draft.as_ref().and_then(|(key, making)| SavedDraft::new(key, making)),
                recovery_key_unsaved: kept.recovery_key_unsaved,
                secret: kept.vaulted.change(),
                disabling,
                disabling_only,
                preference: self.preference.known,
                restore_choice: self.download.restore_choice,
            },
        };
        json::to_secret_bytes(&part, USUAL_LENGTH)
    }
}

impl SavedState<'_> {
    fn read(self) -> Result<(State, Kept), SavedStateError> {
        let keys = self.keys.into_iter().map(SavedKey::read);
        let mut kept = Kept {
            used: self.used,
            proofs: self.proofs,
            counted: Counted::saved(self.count),
            retired: self.retired,
            keys: keys.collect::<Result<_, _>>()?,
            recovery_key_unsaved: self.recovery_key_unsaved,
            vaulted: self.secret.map_or(Vaulted::Unneeded, Vaulted::Due),
        };
        let draft = self.draft.map(SavedDraft::read).transpose()?;
        // What was known of the server is asked for again.
        let state = match (self.stage, draft) {
            (Stage::Signing, Some((draft, _))) => making(Phase::Signing(draft, None)),
            (Stage::Creating | Stage::Confirming, Some((draft, made))) => {
                making(Phase::Confirming(draft, made.map_or(Creation::Sent, Creation::Made)))
            }
            (stage, draft) => {
                if let Some((draft, _)) = draft {
                    kept.keep_key(draft.key, None);
                }
                match stage {
                    Stage::Disabling => State::Disabling(Disabling {
                        meant: self.disabling,
                        only: self.disabling_only,
                        ..Disabling::default()
                    }),
                    Stage::Changed => State::Changed,
                    Stage::Signing => making(Phase::Drawing),
                    Stage::Off => State::Off,
                    _ => State::Looking,
                }
            }
        };
        Ok((state, kept))
    }
}

impl<'a> SavedKey<'a> {
    fn new((key, provenance): &'a (SecretString, Provenance)) -> Self {
        Self { key: key.expose_str(), provenance: SavedProvenance(*provenance) }
    }

    fn read(self) -> Result<BackupDecryptionKey, SavedStateError> {
        let bytes = secret_base64::decode_array(self.key).map_err(|_| SavedStateError::Damaged)?;
        Ok(BackupDecryptionKey::with_provenance(bytes, self.provenance.0))
    }
}

impl<'a> SavedDraft<'a> {
    fn new(key: &'a (SecretString, Provenance), making: &Making) -> Option<Self> {
        let draft = making.draft()?;
        Some(Self {
            key: SavedKey::new(key),
            signatures: draft.signatures.clone(),
            before: draft.before.clone(),
            replaces: draft.replaces,
            created: making.made().cloned(),
        })
    }

    /// The draft, and the version that the server says it made.
    fn read(self) -> Result<(Draft, Option<BackupVersion>), SavedStateError> {
        let draft = Draft {
            key: self.key.read()?,
            signatures: self.signatures,
            before: self.before,
            replaces: self.replaces,
            is_unsent: false,
        };
        Ok((draft, self.created))
    }
}

/// What of all that is to be fetched is saved and restored, by a part of the state that anybody may have written:
/// everything, or whole rooms, and no more of them than somebody waits for. The rest is wanted again when a message of it
/// cannot be decrypted.
pub(super) fn remembered(wanted: &BTreeSet<Scope>) -> impl Iterator<Item = &Scope> {
    // In their order everything comes first, then the rooms.
    let whole = wanted.iter().take_while(|scope| !matches!(scope, Scope::Session(..)));
    let at_most = if wanted.contains(&Scope::Everything) { 1 } else { MAX_REMEMBERED };
    whole.take(at_most)
}

fn making(phase: Phase) -> State {
    State::Making(Making { old: None, phase })
}

const PUBLIC: &str = "backup";
const SECRET: &str = "backup secrets";

/// How many rooms are fetched one by one after a restart; who wanted more gets everything.
const MAX_REMEMBERED: usize = 20;

/// Room for an account that has rotated a few times.
const USUAL_LENGTH: usize = 4096;
