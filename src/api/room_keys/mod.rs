//! The endpoints of
//! [server-side key backups](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups).

mod create_backup_version;
mod get_current_backup_version;
mod get_room_keys;
mod put_room_keys;

pub use self::{
    create_backup_version::CreateBackupVersion,
    get_current_backup_version::GetCurrentBackupVersion,
    get_room_keys::{GetRoomKeys, RoomKeys},
    put_room_keys::{PutRoomKeys, PutRoomKeysError, StoredRoomKeys},
};
