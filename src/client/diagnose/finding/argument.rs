//! What findings and remedies name: how it is shown in a sentence, and by itself.

use crate::{
    backup::{BackupPublicKey, StreamError, TrustError},
    crypto::ed25519::Ed25519PublicKey,
    encoding::format::FormatError,
    excerpt::Excerpt,
    ids::{BackupVersion, DeviceId, KeyId, SecretName, SecretStorageKeyId},
    passphrase::PassphraseError,
    secret_storage::{EntryKind, SecretOpenError, UnlockFailure, UnlockOutcome},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        DEHYDRATED_DEVICE, DEHYDRATED_DEVICE_UNSTABLE, MEGOLM_BACKUP_V1,
        MEGOLM_BACKUP_V1_RECOVERY_KEY,
    },
    signed_json::QueriedKeyError,
};

/// Something that a finding or a remedy names. What comes from outside is cut and made visible.
pub(in super::super) trait Argument {
    /// By itself, for programs.
    fn plain(&self) -> String;

    /// In the middle of a sentence: names that could be taken for words are in quotation marks.
    fn in_sentence(&self) -> String {
        self.plain()
    }
}

macro_rules! shown_as_they_display {
    ($($type:ty),* $(,)?) => {
        $(impl Argument for $type {
            fn plain(&self) -> String {
                self.to_string()
            }
        })*
    };
}

macro_rules! quoted_names {
    ($($type:ty),* $(,)?) => {
        $(impl Argument for $type {
            fn plain(&self) -> String {
                Excerpt::new(self.as_ref()).to_string()
            }

            fn in_sentence(&self) -> String {
                quoted(self)
            }
        })*
    };
}

shown_as_they_display!(
    TrustError,
    BackupPublicKey,
    Ed25519PublicKey,
    EntryKind,
    FormatError,
    PassphraseError,
    QueriedKeyError,
    SecretOpenError,
    StreamError,
    UnlockFailure,
    UnlockOutcome,
    super::LegacyForm,
    super::SessionCount,
    bool,
    usize,
    u32,
    u64,
);

quoted_names!(DeviceId, KeyId, SecretStorageKeyId);

impl Argument for BackupVersion {
    fn plain(&self) -> String {
        Excerpt::new(self.as_ref()).to_string()
    }

    fn in_sentence(&self) -> String {
        if self.as_str().is_empty() { "without a name".to_owned() } else { self.plain() }
    }
}

impl Argument for Excerpt {
    fn plain(&self) -> String {
        self.to_string()
    }

    fn in_sentence(&self) -> String {
        quoted(&self.as_str())
    }
}

impl Argument for SecretName {
    fn plain(&self) -> String {
        Excerpt::new(self.as_ref()).to_string()
    }

    fn in_sentence(&self) -> String {
        let known = match self.as_str() {
            MEGOLM_BACKUP_V1 => "the backup key",
            MEGOLM_BACKUP_V1_RECOVERY_KEY => "the backup key under its old name",
            CROSS_SIGNING_MASTER => "the master key of your digital identity",
            CROSS_SIGNING_SELF_SIGNING => "the self-signing key of your digital identity",
            CROSS_SIGNING_USER_SIGNING => "the user-signing key of your digital identity",
            DEHYDRATED_DEVICE | DEHYDRATED_DEVICE_UNSTABLE => "the key of your dehydrated device",
            _ => return format!("the secret {}", quoted(self)),
        };
        known.to_owned()
    }
}

impl Argument for super::Fitting {
    fn plain(&self) -> String {
        let name = match self {
            Self::Stored => "key_storage",
            Self::Cached => "this_device",
            Self::Neither => "neither",
            Self::Unknown => "unknown",
        };
        name.to_owned()
    }

    fn in_sentence(&self) -> String {
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
    fn plain(&self) -> String {
        self.as_ref().map_or_else(String::new, BackupVersion::plain)
    }

    fn in_sentence(&self) -> String {
        match self {
            Some(version) => format!("the older backup (version {})", version.in_sentence()),
            None => "none of the backups that were found".to_owned(),
        }
    }
}

/// Whose key it is.
impl Argument for Option<DeviceId> {
    fn plain(&self) -> String {
        self.as_ref().map_or_else(String::new, DeviceId::plain)
    }

    fn in_sentence(&self) -> String {
        match self {
            Some(device) => format!("the device {}", device.in_sentence()),
            None => "your digital identity".to_owned(),
        }
    }
}

/// How many there are, if the homeserver says so.
impl Argument for Option<u64> {
    fn plain(&self) -> String {
        self.map_or_else(String::new, |count| count.to_string())
    }

    fn in_sentence(&self) -> String {
        self.map_or_else(|| "an unknown number".to_owned(), |count| count.to_string())
    }
}

/// The first few, so that nobody can flood a screen.
impl<T: Argument> Argument for Vec<T> {
    fn plain(&self) -> String {
        listed(self, T::plain)
    }

    fn in_sentence(&self) -> String {
        listed(self, T::in_sentence)
    }
}

fn listed<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let mut shown: Vec<_> = items.iter().take(SHOWN).map(show).collect();
    if items.len() > SHOWN {
        shown.push(format!("and {} more", items.len() - SHOWN));
    }
    shown.join(", ")
}

fn quoted(name: &impl AsRef<str>) -> String {
    format!("\u{201c}{}\u{201d}", Excerpt::new(name.as_ref()))
}

const SHOWN: usize = 10;
