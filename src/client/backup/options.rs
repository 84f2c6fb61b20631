//! How much at once, how often, and how long to wait.

use super::Backoff;

/// How much at once, how often, and how long to wait. All times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupOptions {
    /// How many sessions go into one request. Default: 100.
    pub batch_sessions: usize,
    /// How many bytes of JSON go into one request, if it holds more than one session. Default: 1,000,000.
    pub batch_bytes: usize,
    /// The longest time that new sessions wait, drawn at random so that the devices of a room do not upload all at
    /// once. Default: 10 seconds, as
    /// [the specification](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups) has it.
    pub upload_delay_ms: u64,
    /// How soon to look whether another device made a backup, when the user was asked. Default: 30 seconds. While nothing
    /// changes, each wait is as long as the question has been open, up to [`check_ms`](Self::check_ms): otherwise it would be
    /// 20,000 requests a week for a user who does not answer. What the homeserver shows makes them short again once in that
    /// time, and no more often.
    pub poll_ms: u64,
    /// How often to look whether the backup in use is still the current one. Default: an hour. Uploads find it out
    /// at once.
    pub check_ms: u64,
    /// The first wait after a request that failed; it doubles with each further one. Default: a second.
    pub backoff_ms: u64,
    /// The longest wait after a request that failed, unless the server asks for a longer one. Default: ten
    /// minutes.
    pub longest_backoff_ms: u64,
    /// How long a session is not asked for again that the backup did not have, unless the backup has changed since.
    /// Default: an hour.
    pub missing_ms: u64,
    /// How many sessions are remembered, with how good they were, that were uploaded or seen in the backup: 40
    /// bytes each. Default: 500,000.
    pub seen_sessions: usize,
    /// How many times a download of a room or of everything is tried that ends early. Default: 5.
    pub download_attempts: u32,
}

impl BackupOptions {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff { first_ms: self.backoff_ms, longest_ms: self.longest_backoff_ms }
    }
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            batch_sessions: 100,
            batch_bytes: 1_000_000,
            upload_delay_ms: 10_000,
            poll_ms: 30_000,
            check_ms: 60 * 60 * 1_000,
            backoff_ms: 1_000,
            longest_backoff_ms: 10 * 60 * 1_000,
            missing_ms: 60 * 60 * 1_000,
            seen_sessions: 500_000,
            download_attempts: 5,
        }
    }
}
