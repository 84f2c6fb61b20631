//! The typed requests against the in-memory homeserver.

use strongroom::{
    Limits,
    api::{self, ApiError, BaseUrl, PutRoomKeys},
    backup::{AuthData, BackupDecryptionKey, TrustedBackup},
    homeserver::Homeserver,
};

use crate::{sealed, trusted};

#[test]
fn a_backup_is_made_filled_and_read() {
    let mut alice = Alice::new();
    assert!(alice.send(&api::get_current_backup_version()).unwrap().is_none());
    let key = BackupDecryptionKey::generate().unwrap();
    let create = api::create_backup_version(&AuthData::new(key.public_key()));
    let version = alice.send(&create).unwrap();
    let info = alice.send(&api::get_backup_version(&version)).unwrap().unwrap();
    assert_eq!((info.version(), info.count()), (&version, Some(0)));

    let backup = TrustedBackup::by_decryption_key(&info, &key, &[]).unwrap();
    let sessions = [sealed(&backup, "!a/b?#+ä"), sealed(&backup, "!opaque")];
    let (first, second) = PutRoomKeys::new(&backup, sessions).unwrap().split().unwrap();
    assert_eq!(alice.send(&first.request()).unwrap().count, Some(1));
    let stored = alice.send(&second.request()).unwrap();
    assert_eq!(stored.count, Some(2));

    let info = alice.send(&api::get_current_backup_version()).unwrap().unwrap();
    assert_eq!((info.etag(), info.count()), (stored.etag.as_deref(), Some(2)));
    let keys = alice.send(&api::get_room_keys(&version)).unwrap();
    assert!(keys.failed.is_empty() && keys.broken_rooms.is_empty());
    assert_eq!(keys.sessions.len(), 2);
    assert!(key.open_sessions(&keys.sessions).iter().all(Result::is_ok));
}

#[test]
fn another_version_a_missing_one_and_a_missing_token_are_told_apart() {
    let mut alice = Alice::new();
    let (old, _) = trusted("1");
    let put = PutRoomKeys::new(&old, [sealed(&old, "!a")]).unwrap();
    let missing = alice.send(&put.request()).unwrap_err();
    assert!(missing.is_not_found() && missing.means_other_version());
    let auth_data = AuthData::new(BackupDecryptionKey::generate().unwrap().public_key());
    for _ in 0..2 {
        alice.send(&api::create_backup_version(&auth_data)).unwrap();
    }
    let wrong = alice.send(&put.request()).unwrap_err();
    assert!(!wrong.is_not_found() && wrong.means_other_version());
    assert!(alice.send(&api::get_backup_version(&"9".into())).unwrap().is_none());
    alice.token = "nobody".to_owned();
    let refused = alice.send(&put.request()).unwrap_err();
    assert!(refused.is_unauthorized() && !refused.is_soft_logout());
}

struct Alice {
    homeserver: Homeserver,
    token: String,
}

impl Alice {
    fn new() -> Self {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in("@alice:example.org", "PHONE");
        Self { homeserver, token }
    }

    fn send<T>(&mut self, endpoint: &api::Request<T>) -> Result<T, ApiError> {
        let base_url = BaseUrl::new("https://example.org").unwrap();
        let request = endpoint.to_http(&base_url, &self.token.as_str().into()).unwrap();
        endpoint.read_response(&self.homeserver.respond(&request), &Limits::default())
    }
}
