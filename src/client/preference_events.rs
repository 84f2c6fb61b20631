//! The two events of the account data that say whether message keys are backed up.

use crate::encoding::json_object::JsonObject;

/// The standard event, `{"enabled": bool}`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)).
pub(super) const M_KEY_BACKUP: &str = "m.key_backup";
pub(super) const ENABLED: &str = "enabled";

/// The event of one client family, `{"disabled": bool}`, which counts where the standard one says nothing.
pub(super) const BACKUP_DISABLED: &str = "m.org.matrix.custom.backup_disabled";
pub(super) const DISABLED: &str = "disabled";

/// What such an event says; what is not a boolean says nothing.
pub(super) fn boolean(content: &JsonObject, name: &str) -> Option<bool> {
    match content.member(name)?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
