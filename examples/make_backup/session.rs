//! Real Megolm sessions, and the entries that a server returns for them.

use rand_core::UnwrapErr;
use serde_json::{Value, json};
use strongroom::{
    backup::{BackupDecryptionKey, SealOptions, SealedSession},
    crypto::{
        curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme, ed25519::Ed25519PublicKey,
    },
    encoding::base64,
    ids::RoomId,
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

use super::{
    Result,
    malformation::{Edit, Malformation, RESTORED},
};
use crate::primitives::curve25519_aes_sha2::seal_with_rng;

/// A session as a device has it.
pub(crate) struct Session {
    pub(crate) room_id: RoomId,
    pub(crate) data: SessionData,
    /// Its key in the signed sharing format.
    shared_key: Vec<u8>,
}

/// An entry of the response.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) room_id: RoomId,
    pub(crate) session_id: String,
    pub(crate) json: String,
    pub(crate) verdict: &'static str,
    /// What must come back.
    pub(crate) truth: Option<ExportedSession>,
    /// Whether the entry before is to stand in its place, if that is of the same room.
    pub(crate) is_repeat: bool,
}

impl Session {
    pub(crate) fn new(room_id: RoomId, sender: &Account) -> Result<Self> {
        let shared_key = GroupSession::new(Default::default()).session_key().to_bytes();
        let key = Curve25519PublicKey::from_bytes(sender.curve25519_key().to_bytes());
        let claimed = Ed25519PublicKey::from_bytes(sender.ed25519_key().as_bytes())?;
        let data = SessionData::new(SessionKey::from_bytes(&shared_key)?, key, claimed)
            .with_shared_history(shared_key.last().is_some_and(|byte| byte % 2 == 0));
        Ok(Self { room_id, data, shared_key })
    }

    /// As it should be.
    pub(crate) fn sealed(self, sealed: &SealedSession) -> Result<Entry> {
        Ok(Entry {
            session_id: self.data.session_id().as_str().to_owned(),
            json: serde_json::to_string(sealed.data())?,
            verdict: RESTORED,
            truth: Some(ExportedSession { room_id: self.room_id.clone(), session: self.data }),
            is_repeat: false,
            room_id: self.room_id,
        })
    }

    /// As it should not be.
    pub(crate) fn malformed(self, how: &Malformation, key: &BackupDecryptionKey) -> Result<Entry> {
        let mut truth: Value = serde_json::from_slice(self.data.to_json().expose_bytes())?;
        let mut plaintext = truth.clone();
        match &how.edit {
            Edit::Plaintext(edit) => edit(&mut plaintext),
            Edit::PlaintextAndTruth(edit, edit_truth) => {
                edit(&mut plaintext);
                edit_truth(&mut truth);
            }
            Edit::Sealed(text) => plaintext = serde_json::from_str(text)?,
            Edit::SharedKey { is_right } => {
                plaintext["session_key"] = json!(self.signed_key(*is_right));
            }
            _ => {}
        }
        let json = edit_sealed(&how.edit, seal(&plaintext, &how.edit, key)?);
        let session_id = match &how.edit {
            Edit::OtherId => base64::encode(self.data.session_id().as_str().as_bytes()),
            _ => self.data.session_id().as_str().to_owned(),
        };
        let session = SessionData::from_json(truth.to_string().as_bytes())?.value;
        let truth = ExportedSession { room_id: self.room_id.clone(), session };
        Ok(Entry {
            room_id: self.room_id,
            session_id,
            json,
            verdict: how.verdict,
            truth: (how.verdict == RESTORED).then_some(truth),
            is_repeat: matches!(how.edit, Edit::Repeat),
        })
    }

    fn signed_key(&self, is_right: bool) -> String {
        let mut key = self.shared_key.clone();
        if let Some(last) = key.last_mut().filter(|_| !is_right) {
            *last ^= 1;
        }
        base64::encode(&key)
    }
}

/// The entry for a plaintext.
fn seal(plaintext: &Value, edit: &Edit, key: &BackupDecryptionKey) -> Result<Value> {
    let scheme = match edit {
        Edit::MacOfCiphertext => MacScheme::Ciphertext,
        _ => SealOptions::default().mac_scheme,
    };
    let other = BackupDecryptionKey::generate()?;
    let key = if matches!(edit, Edit::OtherKey) { &other } else { key };
    let rng = &mut UnwrapErr(getrandom::SysRng);
    let plaintext = plaintext.to_string();
    let message =
        seal_with_rng(key.public_key().as_curve25519(), plaintext.as_bytes(), scheme, rng);
    Ok(json!({
        "first_message_index": 0,
        "forwarded_count": 0,
        "is_verified": false,
        "session_data": message.to_value(),
    }))
}

fn edit_sealed(edit: &Edit, mut entry: Value) -> String {
    match edit {
        Edit::Entry(edit) => {
            edit(&mut entry);
            entry.to_string()
        }
        Edit::Text(edit) => edit(&entry.to_string()),
        _ => entry.to_string(),
    }
}
