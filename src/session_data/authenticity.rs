//! What vouches for a session.

// docs/decisions.md, 16: a restored session is unauthenticated.

/// What vouches for a session that was in a backup or in a key file.
///
/// Match it with a wildcard that treats what is new as unauthenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Authenticity {
    /// Nothing: anyone who knows the backup's public key can have put the session there, the server included. That is so for
    /// every session of `m.megolm_backup.v1.curve25519-aes-sha2`, as long as backups are not authenticated
    /// ([MSC4048](https://github.com/matrix-org/matrix-spec-proposals/pull/4048)). And it is so for every session of a key file:
    /// whoever knew its passphrase can have put it there.
    Unauthenticated,
}
