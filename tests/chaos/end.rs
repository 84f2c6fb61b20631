//! What must be true at the end.

use std::collections::BTreeMap;

use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, KeyBackupData, KeyBackupMetadata, RoomKeysItem, RoomKeysSplitter,
    },
    recovery_key::RecoveryKey,
};

use crate::world::World;

/// Every session of every device is in the current backup, as sealed or better, and the user can open it.
pub(crate) fn check(world: &World) {
    let mut world = Observer { world, homeserver: world.homeserver.clone() };
    world.sessions_are_home();
    world.requests_are_bounded();
}

struct Observer<'a> {
    world: &'a World,
    homeserver: strongroom::homeserver::Homeserver,
}

impl Observer<'_> {
    fn get(&mut self, path: &str) -> (u16, Vec<u8>) {
        let token = self.homeserver.log_in(crate::device::USER, "OBSERVER");
        let request = http::Request::get(format!("https://example.org/_matrix/client/v3{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .body(Vec::new())
            .unwrap();
        let response = self.homeserver.respond(&request);
        (response.status().as_u16(), response.into_body())
    }

    fn sessions_are_home(&mut self) {
        let backing_up: Vec<_> =
            self.world.devices.iter().filter(|device| !device.has_stopped).collect();
        if backing_up.is_empty() {
            return;
        }
        let (status, body) = self.get("/room_keys/version");
        assert_eq!(status, 200, "there is a backup");
        let info: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let public_key = info["auth_data"]["public_key"].as_str().unwrap();
        let written_down = self.world.written_down.get(public_key);
        let key = RecoveryKey::typed_by_user(written_down.expect("the user has the key")).unwrap();
        let key = BackupDecryptionKey::from_recovery_key(key);
        let in_storage = self.world.stored_key().map(|key| key.public_key().to_base64());
        assert_eq!(in_storage.as_deref(), Some(public_key), "and so has the secret storage");
        let version = info["version"].as_str().unwrap();
        let stored = self.stored(version, &key);
        for device in backing_up {
            let trusted = device.machine.trusted().unwrap();
            assert_eq!(trusted.version().as_str(), version, "{}", device.id);
            for (id, session) in &device.store {
                let found =
                    stored.get(id).unwrap_or_else(|| panic!("{} has lost {id:?}", device.id));
                let wanted = KeyBackupMetadata {
                    is_verified: session.options.is_verified,
                    first_message_index: Some(0),
                    forwarded_count: Some(0),
                };
                assert!(!wanted.replaces(found), "{}: {id:?} is worse: {found:?}", device.id);
            }
        }
    }

    fn stored(
        &mut self,
        version: &str,
        key: &BackupDecryptionKey,
    ) -> BTreeMap<(strongroom::ids::RoomId, strongroom::ids::SessionId), KeyBackupMetadata> {
        let (_, body) = self.get(&format!("/room_keys/keys?version={version}"));
        let mut splitter = RoomKeysSplitter::new(&Limits::default());
        let mut rest = &body[..];
        let mut stored = BTreeMap::new();
        while let Some(item) = splitter.next_item(&mut rest).unwrap() {
            let RoomKeysItem::Session { room_id, session_id, json } = item else {
                panic!("{item:?}")
            };
            let data = KeyBackupData::from_json(json).unwrap();
            let opened = key.open(data.session_data()).unwrap().0.value;
            assert_eq!(opened.session_id(), *session_id);
            let id = (room_id.clone(), session_id.clone());
            stored.insert(id, *data.metadata());
        }
        stored
    }

    /// Each event of a history may cost a few requests, each session one upload for each version.
    fn requests_are_bounded(&self) {
        let versions = self.world.happened.get("backup created").copied().unwrap_or_default() + 1;
        let sessions: usize = self.world.devices.iter().map(|device| device.store.len()).sum();
        let bound = 1_000 + 30 * self.world.events + 4 * versions * sessions as u64;
        assert!(self.world.requests < bound, "{} requests, {bound} allowed", self.world.requests);
    }
}
