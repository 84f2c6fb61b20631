//! What is said where there is nothing to rescue.

use strongroom::saved_files::SavedPart;

use crate::{failure::Failure, input::Loaded};

/// Whether there are any message keys, before a key is asked for; and if not, what there is.
pub(super) fn check_for_keys(saved: &Loaded) -> Result<(), Failure> {
    if saved.responses().next().is_some() {
        return Ok(());
    }
    let parts = saved.files.parts();
    let has = |is_it: fn(&SavedPart) -> bool| parts.iter().any(is_it);
    Err(Failure::other(if let Some(owner) = &saved.without_backup {
        format!("{owner}: {NOTHING_THERE}")
    } else if has(|part| matches!(part, SavedPart::NoBackup))
        && saved.files.versions().next().is_none()
    {
        format!("the account has no backup: {NOTHING_THERE}")
    } else if has(|part| matches!(part, SavedPart::EncryptedKeyFile(_))) {
        format!("this is a file of exported message keys, which needs no rescue: {IMPORT}")
    } else if let Some(unread) = unread_list(parts) {
        unread
    } else if has(|part| matches!(part, SavedPart::Sessions { .. })) {
        format!("these are exported message keys, which need no rescue: {IMPORT}")
    } else if has(|part| matches!(part, SavedPart::Refused(_))) {
        format!(
            "there are no message keys in what was given, but an error of the homeserver: {FETCH}"
        )
    } else {
        format!("there are no message keys in what was given: {FETCH}")
    }))
}

/// What is said of a list in which nothing is a message key.
fn unread_list(parts: &[SavedPart]) -> Option<String> {
    let mut refused = 0;
    for part in parts {
        let SavedPart::Sessions { sessions, unnamed } = part else { continue };
        if sessions.iter().any(Result::is_ok) {
            return None;
        }
        refused += sessions.len() + unnamed;
    }
    (refused > 0).then(|| {
        let entries = if refused == 1 { "1 entry" } else { &format!("{refused} entries") };
        format!("nothing in this list, which has {entries}, can be read as a message key: {FETCH}")
    })
}

const NOTHING_THERE: &str = "there are no message keys there to rescue. If the backup was deleted, look for a device that is still \
                             logged in, or a file element-keys.txt";

const FETCH: &str = "save everything of the account with \u{201c}strongroom fetch\u{201d}, and name its folder with --from";

const IMPORT: &str =
    "import it into your client, or look into it with \u{201c}strongroom file decrypt\u{201d}";
