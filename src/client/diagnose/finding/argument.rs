//! What findings and remedies name: how it is shown in a sentence, and by itself.

use super::names::{KEY, Names};
use crate::{
    backup::{BackupPublicKey, StreamError},
    crypto::ed25519::Ed25519PublicKey,
    encoding::format::FormatError,
    excerpt::Excerpt,
    ids::{BackupVersion, DeviceId, KeyId, SecretName, SecretStorageKeyId},
    secret_storage::{EntryKind, SecretOpenError},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        DEHYDRATED_DEVICE, DEHYDRATED_DEVICE_UNSTABLE, MEGOLM_BACKUP_V1,
        MEGOLM_BACKUP_V1_RECOVERY_KEY,
    },
};

/// Something that a finding or a remedy names. What comes from outside is cut and made visible.
pub(in super::super) trait Argument {
    /// By itself, for programs.
    fn plain(&self, names: &mut Names) -> String;

    /// In the middle of a sentence: names that could be taken for words are in quotation marks.
    fn in_sentence(&self, names: &mut Names) -> String {
        self.plain(names)
    }
}

macro_rules! shown_as_they_display {
    ($($type:ty),* $(,)?) => {
        $(impl Argument for $type {
            fn plain(&self, _: &mut Names) -> String {
                self.to_string()
            }
        })*
    };
}

macro_rules! quoted_names {
    ($($type:ty: $kind:expr),* $(,)?) => {
        $(impl Argument for $type {
            fn plain(&self, names: &mut Names) -> String {
                Excerpt::new(&names.of($kind, self.as_str())).to_string()
            }

            fn in_sentence(&self, names: &mut Names) -> String {
                quoted(&names.of($kind, self.as_str()))
            }
        })*
    };
}

/// Keys as they display; by a name in quotation marks.
macro_rules! public_keys {
    ($($type:ty),* $(,)?) => {
        $(impl Argument for $type {
            fn plain(&self, names: &mut Names) -> String {
                names.of(KEY, &self.to_string())
            }

            fn in_sentence(&self, names: &mut Names) -> String {
                if names.are_replaced() { quoted(&self.plain(names)) } else { self.to_string() }
            }
        })*
    };
}

// None of them holds what comes from the account.
shown_as_they_display!(
    EntryKind,
    FormatError,
    SecretOpenError,
    StreamError,
    super::LegacyForm,
    super::SessionCount,
    bool,
    usize,
    u32,
    u64,
);

quoted_names!(DeviceId: "device", SecretStorageKeyId: KEY);
public_keys!(BackupPublicKey, Ed25519PublicKey);

/// By the name of the public key, if it is the ID of a cross-signing key.
impl Argument for KeyId {
    fn plain(&self, names: &mut Names) -> String {
        let key = self.as_str();
        let text =
            if names.are_replaced() { key.strip_prefix("ed25519:").unwrap_or(key) } else { key };
        Excerpt::new(&names.of(KEY, text)).to_string()
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        format!("\u{201c}{}\u{201d}", self.plain(names))
    }
}

impl Argument for BackupVersion {
    fn plain(&self, names: &mut Names) -> String {
        Excerpt::new(&names.of(VERSION, self.as_str())).to_string()
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        match names.number(VERSION, self.as_str()) {
            Some(number) => number.to_string(),
            None if self.as_str().is_empty() => "without a name".to_owned(),
            None => self.plain(names),
        }
    }
}

impl Argument for Excerpt {
    fn plain(&self, names: &mut Names) -> String {
        names.excerpt(self).to_string()
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        quoted(names.excerpt(self).as_str())
    }
}

/// Those that the specification lists are no names of the account.
impl Argument for SecretName {
    fn plain(&self, names: &mut Names) -> String {
        let name = match known(self) {
            Some(_) => self.as_str().to_owned(),
            None => names.of(SECRET, self.as_str()),
        };
        Excerpt::new(&name).to_string()
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        known(self).map_or_else(
            || format!("the secret {}", quoted(&names.of(SECRET, self.as_str()))),
            str::to_owned,
        )
    }
}

/// What people call a secret of this name.
fn known(name: &SecretName) -> Option<&'static str> {
    Some(match name.as_str() {
        MEGOLM_BACKUP_V1 => "the backup key",
        MEGOLM_BACKUP_V1_RECOVERY_KEY => "the backup key under its old name",
        CROSS_SIGNING_MASTER => "the master key of your digital identity",
        CROSS_SIGNING_SELF_SIGNING => "the self-signing key of your digital identity",
        CROSS_SIGNING_USER_SIGNING => "the user-signing key of your digital identity",
        DEHYDRATED_DEVICE | DEHYDRATED_DEVICE_UNSTABLE => "the key of your dehydrated device",
        _ => return None,
    })
}

impl Argument for super::Fitting {
    fn plain(&self, _: &mut Names) -> String {
        let name = match self {
            Self::Stored => "key_storage",
            Self::Cached => "this_device",
            Self::Neither => "neither",
            Self::Unknown => "unknown",
        };
        name.to_owned()
    }

    fn in_sentence(&self, _: &mut Names) -> String {
        let words = match self {
            Self::Stored => "the one in your key storage belongs to its public key",
            Self::Cached => "the one on this device belongs to its public key",
            Self::Neither => "neither of them belongs to its public key",
            Self::Unknown => "nothing at hand shows which of them is right",
        };
        words.to_owned()
    }
}

/// The version that a stored key opens, if it was found.
impl Argument for Option<BackupVersion> {
    fn plain(&self, names: &mut Names) -> String {
        self.as_ref().map_or_else(String::new, |version| version.plain(names))
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        match self {
            Some(version) => format!("the older backup (version {})", version.in_sentence(names)),
            None => "none of the backups that were found".to_owned(),
        }
    }
}

/// Whose key it is.
impl Argument for Option<DeviceId> {
    fn plain(&self, names: &mut Names) -> String {
        self.as_ref().map_or_else(String::new, |device| device.plain(names))
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        match self {
            Some(device) => format!("the device {}", device.in_sentence(names)),
            None => "your digital identity".to_owned(),
        }
    }
}

/// How many there are, if the homeserver says so.
impl Argument for Option<u64> {
    fn plain(&self, _: &mut Names) -> String {
        self.map_or_else(String::new, |count| count.to_string())
    }

    fn in_sentence(&self, _: &mut Names) -> String {
        self.map_or_else(|| "an unknown number".to_owned(), |count| count.to_string())
    }
}

/// The first few, so that nobody can flood a screen.
impl<T: Argument> Argument for Vec<T> {
    fn plain(&self, names: &mut Names) -> String {
        listed(self, |item| item.plain(names))
    }

    fn in_sentence(&self, names: &mut Names) -> String {
        listed(self, |item| item.in_sentence(names))
    }
}

fn listed<T>(items: &[T], show: impl FnMut(&T) -> String) -> String {
    let mut shown: Vec<_> = items.iter().take(SHOWN).map(show).collect();
    if items.len() > SHOWN {
        shown.push(format!("and {} more", items.len() - SHOWN));
    }
    shown.join(", ")
}

fn quoted(name: &str) -> String {
    format!("\u{201c}{}\u{201d}", Excerpt::new(name))
}

const VERSION: &str = "version";
const SECRET: &str = "secret";
const SHOWN: usize = 10;
