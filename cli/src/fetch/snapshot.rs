//! What a snapshot says of itself: `snapshot.json`.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

/// What there is, whose it is and whether it is all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The address of the homeserver.
    pub(super) server: String,
    pub(crate) user_id: String,
    /// When it was finished, or begun, in milliseconds since the epoch.
    pub(super) time_ms: u64,
    /// Whether everything that was asked for is there.
    pub(crate) complete: bool,
    pub(super) versions: Vec<Version>,
}

impl Snapshot {
    /// What a folder says of itself, if it is a snapshot.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(SNAPSHOT)).ok()?).ok()
    }

    /// Whose account it is and where, if the homeserver has no backup of it.
    pub(crate) fn without_backup(&self) -> Option<(&str, &str)> {
        let is_without = self.complete && self.versions.is_empty();
        is_without.then_some((&self.user_id, &self.server))
    }

    /// Whose it is, as it is named on the command line. What no account has in it is not for a shell.
    pub(crate) fn account(&self) -> Option<String> {
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@:._=/+-[]".contains(&byte))
        };
        let (user, server) = (&self.user_id, &self.server);
        (user.starts_with('@') && is_plain(user) && server.starts_with("http") && is_plain(server))
            .then(|| format!("--user {user} --homeserver {server}"))
    }
}

/// The message keys of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) current: bool,
    /// What the homeserver said of the version right before its message keys were asked for.
    pub(super) etag: Option<String>,
    pub(super) count: Option<u64>,
    /// How many message keys there are.
    pub(super) sessions: u64,
    pub(super) complete: bool,
    /// The rooms whose message keys could not be had.
    pub(super) missing_rooms: Vec<String>,
    /// Whether this run has asked for them room by room.
    #[serde(skip)]
    pub(super) is_by_rooms: bool,
}

impl Version {
    /// As it stands in names of files. Homeservers count their versions; what one might write instead must not lead out of the
    /// folder.
    pub(super) fn number(&self) -> String {
        self.version.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
    }
}

/// The name of its file.
pub(crate) const SNAPSHOT: &str = "snapshot.json";
