//! One device of the user: its machine, its store, its disk.

use std::collections::BTreeMap;

use rand::{RngExt as _, rngs::StdRng};
use strongroom::{
    Limits,
    api::AccessToken,
    backup::SealOptions,
    client::backup::{Backup, BackupOptions, OfferedSession, SavedBackup, TaskId},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    ids::{BackupVersion, DeviceId, KeyId, RoomId, SessionId, UserId},
    session_data::{ExportedSession, SessionData, SessionKey},
    signed_json::TrustedSigner,
};
use vodozemac::Ed25519SecretKey;

pub(crate) const USER: &str = "@alice:example.org";

/// One device of the user.
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) token: AccessToken,
    signing: Ed25519SecretKey,
    pub(crate) machine: Backup,
    /// What was written last.
    pub(crate) disk: SavedBackup,
    pub(crate) store: BTreeMap<(RoomId, SessionId), Stored>,
    last_token: u64,
    /// Requests that have not been answered, with what came back.
    pub(crate) in_flight: Vec<(TaskId, Option<http::Response<Vec<u8>>>)>,
    /// Whether the user said that this device shall not back up.
    pub(crate) has_stopped: bool,
    /// This device's clock against the world's.
    pub(crate) skew_ms: i64,
}

/// A session in the store of a device.
pub(crate) struct Stored {
    pub(crate) session: ExportedSession,
    pub(crate) options: SealOptions,
    token: u64,
    is_imported: bool,
    /// Where this very state of it is stored.
    stored_in: Option<BackupVersion>,
}

impl Device {
    pub(crate) fn new(name: &str, token: String, rng: &mut StdRng) -> Self {
        let machine = Backup::new(USER.into(), name.into(), options(), Limits::default());
        Self {
            id: name.into(),
            token: AccessToken::from(token.as_str()),
            signing: Ed25519SecretKey::from_slice(&rng.random()),
            disk: machine.save(),
            machine,
            store: BTreeMap::new(),
            last_token: 0,
            in_flight: Vec::new(),
            has_stopped: false,
            skew_ms: 0,
        }
    }

    pub(crate) fn signer(&self) -> TrustedSigner {
        let key = Ed25519PublicKey::from_base64(&self.signing.public_key().to_base64()).unwrap();
        TrustedSigner::new(KeyId::ed25519(&self.id), key)
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> (KeyId, Ed25519Signature) {
        let signature = self.signing.sign(bytes).to_base64();
        (KeyId::ed25519(&self.id), Ed25519Signature::from_base64(&signature).unwrap())
    }

    /// The machine is lost with everything that was not written.
    pub(crate) fn restart(&mut self, signers: &[TrustedSigner]) {
        let (user, id): (UserId, _) = (USER.into(), self.id.clone());
        self.machine =
            Backup::from_saved(&self.disk, user, id, options(), Limits::default()).unwrap();
        self.machine.set_signers(signers.to_vec());
        self.in_flight.clear();
    }

    /// A new session, or a better state of one that is there.
    pub(crate) fn gets_session(&mut self, rng: &mut StdRng) {
        if rng.random_ratio(1, 4)
            && let Some(stored) = self.store.values_mut().next()
        {
            self.last_token += 1;
            stored.options.is_verified = true;
            (stored.token, stored.stored_in) = (self.last_token, None);
        } else {
            let key = SessionKey::from_bytes(&exported(rng)).unwrap();
            let room_id = RoomId::from(["!a", "!b:c.org"][rng.random_range(0..2)]);
            let session = ExportedSession { room_id, session: SessionData::of_unknown_sender(key) };
            let is_imported = rng.random_ratio(1, 6);
            self.put(session, SealOptions::default(), is_imported, None);
        }
        self.machine.new_sessions();
    }

    pub(crate) fn put(
        &mut self,
        session: ExportedSession,
        options: SealOptions,
        is_imported: bool,
        stored_in: Option<BackupVersion>,
    ) {
        let id = (session.room_id.clone(), session.session_id());
        if self.store.contains_key(&id) {
            return;
        }
        self.last_token += 1;
        let token = self.last_token;
        self.store.insert(id, Stored { session, options, token, is_imported, stored_in });
    }

    pub(crate) fn has_stored_all_in(&self, version: &BackupVersion) -> bool {
        self.store.values().all(|stored| stored.stored_in.as_ref() == Some(version))
    }

    /// What is not stored in a version yet.
    pub(crate) fn unsent(&self, version: &BackupVersion, count: usize) -> Vec<OfferedSession> {
        let unsent =
            self.store.values().filter(|stored| stored.stored_in.as_ref() != Some(version));
        let offered = unsent.map(|stored| OfferedSession {
            token: stored.token,
            session: stored.session.clone(),
            options: stored.options,
            is_imported: stored.is_imported,
        });
        offered.take(count).collect()
    }

    pub(crate) fn mark(&mut self, version: &BackupVersion, tokens: &[u64]) {
        for stored in self.store.values_mut() {
            if tokens.contains(&stored.token) {
                stored.stored_in = Some(version.clone());
            }
        }
    }
}

/// A session key in the export format, drawn from the seed so that a history can be had again.
fn exported(rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![1, 0, 0, 0, 0];
    bytes.extend_from_slice(&rng.random::<[u8; 32]>().repeat(4));
    let id = Ed25519SecretKey::from_slice(&rng.random()).public_key();
    bytes.extend_from_slice(id.as_bytes());
    bytes
}

pub(crate) const MAX_SESSIONS: usize = 5;
pub(crate) const MAX_BYTES: usize = 3_000;

/// Small batches, so that there are many.
fn options() -> BackupOptions {
    let mut options = BackupOptions::default();
    (options.batch_sessions, options.batch_bytes) = (MAX_SESSIONS, MAX_BYTES);
    options
}
