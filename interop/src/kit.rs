//! What several scenarios share: a backup, a session, and a request as it leaves.

use strongroom::{
    Limits,
    api::{self, BaseUrl},
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        SealOptions, SealedSession, TrustedBackup,
    },
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::RoomId,
    session_data::{SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

/// Method, path with query from behind `/_matrix/client/v3`, and body.
pub(crate) fn wire(endpoint: &api::Request<impl Sized>) -> (String, String, String) {
    let base_url = BaseUrl::new("https://example.org").unwrap();
    let request = endpoint.to_http(&base_url, &"t0ken".into()).unwrap();
    let url = request.uri().to_string();
    let path = url.strip_prefix("https://example.org/_matrix/client/v3").unwrap().to_owned();
    (request.method().to_string(), path, String::from_utf8(request.into_body()).unwrap())
}

/// A backup of this version, and its key.
pub(crate) fn trusted(version: &str) -> (TrustedBackup, BackupDecryptionKey) {
    let key = BackupDecryptionKey::generate().unwrap();
    let json = serde_json::json!({
        "version": version,
        "algorithm": MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        "auth_data": AuthData::new(key.public_key()),
    });
    let info = BackupVersionInfo::from_json(json.to_string().as_bytes(), &Limits::default());
    (TrustedBackup::by_decryption_key(&info.unwrap(), &key, &[]).unwrap(), key)
}

/// A session of a known sender that starts late and was forwarded twice.
pub(crate) fn session() -> SessionData {
    let mut outbound = GroupSession::new(Default::default());
    for _ in 0..7 {
        outbound.encrypt("a message before the session was shared");
    }
    let account = Account::new();
    let sender = Curve25519PublicKey::from_bytes(account.curve25519_key().to_bytes());
    let claimed = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes()).unwrap();
    let key = SessionKey::from_bytes(&outbound.session_key().to_bytes()).unwrap();
    SessionData::new(key, sender, claimed)
        .with_forwarding_chain(vec![sender, *trusted("1").1.public_key().as_curve25519()])
        .with_shared_history(true)
}

/// Such a session, sealed for upload.
pub(crate) fn sealed(backup: &TrustedBackup, room_id: &str) -> SealedSession {
    backup.seal(RoomId::from(room_id), &session(), &SealOptions::default()).unwrap()
}
