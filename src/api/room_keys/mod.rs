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
    create_backup_version::create_backup_version,
    delete_backup_version::delete_backup_version,
    delete_room_keys::{delete_room_keys, delete_room_keys_for_room, delete_room_keys_for_session},
    get_backup_version::{get_backup_version, get_current_backup_version},
    get_room_keys::{get_room_keys, get_room_keys_for_room},
    get_room_keys_for_session::get_room_keys_for_session,
    put_room_keys::{PutRoomKeys, PutRoomKeysError},
    returned_room_keys::RoomKeys,
    stored_room_keys::StoredRoomKeys,
    update_backup_version::update_backup_version,
};
