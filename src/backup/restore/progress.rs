//! How far a restore is.

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RestoreProgress {
    /// How many bytes of the response were read.
    pub bytes: u64,
    /// How many sessions have a verdict or were passed over.
    pub sessions: u64,
    /// How many there are by what the server said of the version, if the caller told.
    pub expected: Option<u64>,
    /// Whether the restore is over, whether or not the response was whole.
    pub is_over: bool,
}

impl RestoreProgress {
    /// The share of the sessions that are done, from 0 to 1, if a number is expected.
    ///
    /// The expected number is a server's word: the share stops at 1 and is 1 when all is over.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let expected = self.expected?;
        if self.is_over || self.sessions >= expected {
            return Some(1.0);
        }
        Some(self.sessions as f64 / expected as f64)
    }
}
