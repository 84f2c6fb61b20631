//! The two keys that a person may have written down.

/// Which key a person is asked for, or has entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// A key of the secret storage, or a passphrase for one.
    Storage,
    /// The key of the backup itself, or an old passphrase of it. The secrets stay closed.
    Backup,
}
