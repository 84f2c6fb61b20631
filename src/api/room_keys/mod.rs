//! The endpoints of
//! [server-side key backups](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups).

mod create_backup_version;
mod delete_backup_version;
mod delete_room_keys;
mod delete_room_keys_for_room;
mod delete_room_keys_for_session;
mod get_backup_version;
mod get_current_backup_version;
mod get_room_keys;
mod get_room_keys_for_room;
mod get_room_keys_for_session;
mod keys_path;
mod put_room_keys;
mod put_room_keys_for_room;
mod put_room_keys_for_session;
mod returned_room_keys;
mod sealed_sessions;
mod stored_room_keys;
mod update_backup_version;

pub use self::{
    create_backup_version::CreateBackupVersion,
    delete_backup_version::DeleteBackupVersion,
    delete_room_keys::DeleteRoomKeys,
    delete_room_keys_for_room::DeleteRoomKeysForRoom,
    delete_room_keys_for_session::DeleteRoomKeysForSession,
    get_backup_version::GetBackupVersion,
    get_current_backup_version::GetCurrentBackupVersion,
    get_room_keys::GetRoomKeys,
    get_room_keys_for_room::GetRoomKeysForRoom,
    get_room_keys_for_session::GetRoomKeysForSession,
    put_room_keys::{PutRoomKeys, PutRoomKeysError},
    put_room_keys_for_room::PutRoomKeysForRoom,
    put_room_keys_for_session::PutRoomKeysForSession,
    returned_room_keys::RoomKeys,
    stored_room_keys::StoredRoomKeys,
    update_backup_version::UpdateBackupVersion,
};
