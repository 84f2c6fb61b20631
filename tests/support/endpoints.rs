//! Every typed endpoint with its errors, against any homeserver on which a fresh user has logged in.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests stop at the first surprise"
)]

use http::{Request, Response};
use strongroom::{
    Limits,
    api::{self, AccessToken, ApiError, BaseUrl, PutRoomKeys},
    backup::{AuthData, BackupDecryptionKey, SealOptions, SealedSession, TrustedBackup},
    client::diagnose::{Evidence, EvidenceCollector},
    cross_signing::{ExpectedDevice, NewIdentity},
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
    ids::{BackupVersion, DeviceId, EventType, KeyId, RoomId, SessionId, UserId},
    session_data::{SessionData, SessionKey},
};
use vodozemac::{Ed25519SecretKey, megolm::GroupSession};

use super::signing::SignAnything as _;

/// A user of a homeserver.
pub(crate) struct Host<F> {
    pub(crate) base_url: BaseUrl,
    pub(crate) token: AccessToken,
    pub(crate) exchange: F,
}

impl<F: FnMut(Request<Vec<u8>>) -> Response<Vec<u8>>> Host<F> {
    fn try_send<T>(&mut self, endpoint: &api::Request<T>) -> Result<T, ApiError> {
        let request = endpoint.to_http(&self.base_url, &self.token).unwrap();
        endpoint.read_response(&(self.exchange)(request), &Limits::default())
    }

    pub(crate) fn send<T>(&mut self, endpoint: &api::Request<T>) -> T {
        self.try_send(endpoint).unwrap()
    }

    /// What the homeserver has of an account.
    pub(crate) fn collect(&mut self, user_id: UserId) -> Evidence {
        let mut collector = EvidenceCollector::new(user_id, 1_000, Limits::default());
        while let Some(request) = collector.request(&self.base_url, &self.token).unwrap() {
            collector.answer(Some((self.exchange)(request)));
        }
        collector.into_evidence()
    }

    fn refused<T: std::fmt::Debug>(&mut self, endpoint: &api::Request<T>) -> ApiError {
        self.try_send(endpoint).unwrap_err()
    }

    /// Every endpoint of room keys: versions, all three forms of put, get and delete.
    pub(crate) fn room_keys(&mut self) {
        assert!(self.send(&api::get_current_backup_version()).is_none());
        assert!(self.send(&api::get_backup_version(&"1".into())).is_none());
        let key = BackupDecryptionKey::generate().unwrap();
        let first = self.version(&key);
        let second = self.version(&key);
        self.update(&key, second.version());
        self.put_in_every_form(&second);
        self.get_in_every_form(&key, &second);
        self.is_refused(&first, &second);
        self.delete_in_every_form(&second);
        self.send(&api::delete_backup_version(second.version()));
        let current = self.send(&api::get_current_backup_version()).unwrap();
        assert_eq!(current.version(), first.version(), "the one before is current again");
        let put = PutRoomKeys::new(&second, [sealed(&second, "!a", None)]).unwrap();
        let error = self.refused(&put.request());
        assert!(error.is_not_found() && error.means_other_version(), "{error:?}");
        self.send(&api::delete_backup_version(first.version()));
        assert!(self.send(&api::get_current_backup_version()).is_none());
    }

    fn version(&mut self, key: &BackupDecryptionKey) -> TrustedBackup {
        let created = self.send(&api::create_backup_version(&AuthData::new(key.public_key())));
        let info = self.send(&api::get_backup_version(&created)).unwrap();
        assert_eq!((info.version(), info.count()), (&created, Some(0)));
        let current = self.send(&api::get_current_backup_version()).unwrap();
        assert_eq!(current.version(), &created);
        TrustedBackup::by_decryption_key(&current, key, &[]).unwrap()
    }

    fn update(&mut self, key: &BackupDecryptionKey, version: &BackupVersion) {
        let (user, device) = ("@x:example.org".into(), "DEVICE".into());
        let signature = Ed25519Signature::from_bytes([7; 64]);
        let auth_data = AuthData::new(key.public_key()).with_signature(
            &user,
            &KeyId::ed25519(&device),
            &signature,
        );
        self.send(&api::update_backup_version(version, &auth_data));
        let info = self.send(&api::get_backup_version(version)).unwrap();
        assert!(info.raw_auth_data().contains(&signature.to_base64()));
        let error = self.refused(&api::update_backup_version(&"99".into(), &auth_data));
        assert!(error.is_not_found(), "{error:?}");
    }

    fn put_in_every_form(&mut self, backup: &TrustedBackup) {
        let sessions = [(ROOMS[0], None), (ROOMS[0], None), (ROOMS[1], None)];
        let sessions = sessions.map(|(room, key)| sealed(backup, room, key));
        let stored = self.send(&PutRoomKeys::new(backup, sessions).unwrap().request());
        assert_eq!((stored.etag.is_some(), stored.count), (true, Some(3)));
        let session = [sealed(backup, ROOMS[2], None)];
        let put = PutRoomKeys::for_room(backup, ROOMS[2].into(), session).unwrap();
        assert_eq!(self.send(&put.request()).count, Some(4));
        let session = sealed(backup, ROOMS[2], Some(known_key()));
        assert_eq!(
            self.send(&PutRoomKeys::for_session(backup, session).unwrap().request()).count,
            Some(5)
        );
    }

    fn get_in_every_form(&mut self, key: &BackupDecryptionKey, backup: &TrustedBackup) {
        let version = backup.version();
        let all = self.send(&api::get_room_keys(version));
        assert_eq!((all.sessions.len(), all.failed.len(), all.broken_rooms.len()), (5, 0, 0));
        for restored in key.open_sessions(&all.sessions) {
            assert_eq!(restored.unwrap().warnings(), []);
        }
        let room = self.send(&api::get_room_keys_for_room(version, &ROOMS[2].into()));
        assert_eq!(room.sessions.len(), 2);
        let id = known_key().session_id();
        let get = api::get_room_keys_for_session(version, &ROOMS[2].into(), &id);
        let restored = key.open_session(&self.send(&get)).unwrap();
        assert_eq!(restored.exported().session.session_id(), id);
        let get = api::get_room_keys_for_session(version, &ROOMS[0].into(), &id);
        assert!(self.refused(&get).is_not_found());
        let empty = self.send(&api::get_room_keys_for_room(version, &"!none".into()));
        assert!(empty.sessions.is_empty());
        assert!(self.refused(&api::get_room_keys(&"99".into())).is_not_found());
    }

    /// An old version can be read, not written to; a token that nobody has does nothing.
    fn is_refused(&mut self, old: &TrustedBackup, current: &TrustedBackup) {
        let put = PutRoomKeys::new(old, [sealed(old, "!a", None)]).unwrap();
        let error = self.refused(&put.request());
        assert!(error.means_other_version() && !error.is_not_found(), "{error:?}");
        assert!(self.send(&api::get_room_keys(old.version())).sessions.is_empty());
        let token = std::mem::replace(&mut self.token, "nobody-has-this".into());
        let error = self.refused(&api::get_room_keys(current.version()));
        assert!(error.is_unauthorized() && !error.is_soft_logout(), "{error:?}");
        self.token = token;
    }

    fn delete_in_every_form(&mut self, backup: &TrustedBackup) {
        let (version, room) = (backup.version(), RoomId::from(ROOMS[2]));
        let id: SessionId = known_key().session_id();
        let delete = api::delete_room_keys_for_session(version, &room, &id);
        assert_eq!(self.send(&delete).count, Some(4));
        let delete = api::delete_room_keys_for_room(version, &room);
        assert_eq!(self.send(&delete).count, Some(3));
        assert_eq!(self.send(&api::delete_room_keys(version)).count, Some(0));
        assert!(self.send(&api::get_room_keys(version)).sessions.is_empty());
        assert!(self.refused(&api::delete_room_keys(&"99".into())).is_not_found());
    }

    /// The endpoints beside backups: who I am, account data, sync, to-device messages, keys.
    pub(crate) fn account(&mut self) {
        let (me, device) = self.send(&api::get_who_am_i());
        let device = device.unwrap();
        let since = self.send(&api::get_sync()).next_batch;
        for event_type in ["m.secret_storage.default_key", "org.example.ä /#+%"] {
            self.account_data(&me, &event_type.into());
        }
        let request = object(r#"{"action":"request","name":"m.megolm_backup.v1"}"#);
        let contents = [(me.clone(), device.clone(), request.clone())];
        let send = api::send_secret_request("transaction/1", contents);
        self.send(&send);
        self.send(&send);
        let sync = self.send(&api::get_sync().since(&since));
        let [event] = &sync.to_device[..] else { panic!("once, though it was sent twice") };
        assert_eq!(event.event_type, EventType::from("m.secret.request"));
        assert_eq!(event.sender.as_ref(), Some(&me));
        assert_eq!(event.content.as_bytes().len(), request.as_bytes().len());
        assert_eq!(sync.account_data.len(), 2);
        assert_eq!(sync.broken, 0);
        let next = self.send(&api::get_sync().since(&sync.next_batch));
        assert!(next.to_device.is_empty() && next.account_data.is_empty());
        self.keys(me, &device);
    }

    fn account_data(&mut self, user: &UserId, event_type: &EventType) {
        let get = api::get_account_data(user, event_type);
        assert!(self.send(&get).is_none());
        let content = object(r#"{"key":"ä/+"}"#);
        self.send(&api::put_account_data(user, event_type, &content));
        let stored = self.send(&get).unwrap();
        let stored: serde_json::Value = serde_json::from_slice(stored.as_bytes()).unwrap();
        assert_eq!(stored["key"], "ä/+");
        self.send(&api::delete_account_data(user, event_type));
        assert!(self.send(&get).is_none(), "an empty object is none");
    }

    fn keys(&mut self, user: UserId, device: &DeviceId) {
        let keys = self.send(&api::query_keys([(user.clone(), vec![])], None));
        assert!(keys.master_keys.is_empty() && keys.unusable.is_empty());
        let identity = NewIdentity::replacing_old_identity(user.clone()).unwrap();
        let key = identity.self_signing_key();
        // What nobody has published.
        let signer = Ed25519SecretKey::new();
        let made = signer.sign(key.master_key_to_sign().bytes());
        let signature = Ed25519Signature::from_bytes(made.to_bytes());
        let fingerprint = signer.public_key().to_base64();
        let own = ExpectedDevice::with_fingerprint(user.clone(), device.clone(), &fingerprint);
        let unknown = key.master_key_signed_by(&own.unwrap(), &signature).unwrap();
        let name = unknown.name().to_owned();
        let failures = self.send(&api::upload_signatures([unknown]));
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!((&failures[0].user_id, &failures[0].name), (&user, &name));
    }
}

/// Rooms whose IDs cannot stand in a path as they are, one without a server part.
const ROOMS: [&str; 3] = ["!a:example.org", "!b/#?%:ä.example.org", "!without+server part"];

fn sealed(backup: &TrustedBackup, room: &str, key: Option<SessionKey>) -> SealedSession {
    let fresh = || {
        let megolm = GroupSession::new(Default::default());
        SessionKey::from_bytes(&megolm.session_key().to_bytes()).unwrap()
    };
    let session = SessionData::of_unknown_sender(key.unwrap_or_else(fresh));
    backup.seal(room.into(), &session, &SealOptions::default()).unwrap()
}

/// The key of one session, always the same; its ID has a slash and a plus.
fn known_key() -> SessionKey {
    KNOWN_KEY.with(Clone::clone)
}

thread_local! {
    static KNOWN_KEY: SessionKey = (0..)
        .find_map(|_| {
            let megolm = GroupSession::new(Default::default());
            let id = megolm.session_id();
            let key = SessionKey::from_bytes(&megolm.session_key().to_bytes()).unwrap();
            (id.contains('/') && id.contains('+')).then_some(key)
        })
        .unwrap();
}

fn object(json: &str) -> JsonObject {
    JsonObject::from_json(json.as_bytes()).unwrap()
}
