//! The endpoints of
//! [server-side key backups](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups).

mod create_backup_version;
mod delete_backup_version;
mod delete_room_keys;
mod get_backup_version;
mod get_room_keys;
mod get_room_keys_for_session;
mod keys_path;
mod put_room_keys;
mod returned_room_keys;
mod sealed_sessions;
mod stored_room_keys;
mod update_backup_version;

pub use self::{
    create_backup_version::CreateBackupVersion,
    delete_backup_version::DeleteBackupVersion,
    delete_room_keys::DeleteRoomKeys,
    get_backup_version::GetBackupVersion,
    get_room_keys::GetRoomKeys,
    get_room_keys_for_session::GetRoomKeysForSession,
    put_room_keys::{PutRoomKeys, PutRoomKeysError},
    returned_room_keys::RoomKeys,
    stored_room_keys::StoredRoomKeys,
    update_backup_version::UpdateBackupVersion,
};
