//! How much work input from outside may cause.

// docs/decisions.md, 8: work from outside is bounded before it starts.

/// Upper bounds for work that somebody else's data asks for.
///
/// They are checked before the work is done. A refusal is an error of its own that says what was
/// asked for, where that is known. Take [`Limits::default`] and change what does not fit.
///
/// ```
/// let mut limits = strongroom::Limits::default();
/// limits.response_bytes = 10 << 20;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest response with sessions that is read as a whole, in bytes. Default: 512 MiB, enough
    /// for 500,000 sessions.
    pub sessions_response_bytes: usize,
    /// The largest response that is restored as a stream, in bytes. It costs no memory, but time.
    /// Default: 16 GiB, enough for 15 million sessions.
    pub streamed_response_bytes: u64,
    /// The largest of any other response, in bytes. Default: 1 MiB.
    pub response_bytes: usize,
    /// The largest response of `/sync` or `/keys/query`, in bytes. Default: 32 MiB.
    pub sync_response_bytes: usize,
    /// The longest wait that a server can ask for, in milliseconds. Default: one hour; a longer one is
    /// cut to it.
    pub retry_after_ms: u64,
    /// The largest saved file, in bytes. Default: 512 MiB, as for a response with sessions.
    pub saved_file_bytes: usize,
    /// How deep arrays and objects of a session may be nested in a response that is read as a stream,
    /// counted from the outermost object. A deeper session costs itself alone. Default: 128; as clients
    /// write it, a session reaches a depth of five or six.
    pub response_depth: usize,
    /// The largest session of a backup, in bytes of JSON. A larger one costs itself alone. Default:
    /// 1 MiB; real ones have about 1 KiB.
    pub session_bytes: usize,
    /// The longest room ID or session ID in a response that is read as a stream, in bytes as it is
    /// written, with its quotes. A longer one costs the sessions under it. Default: 4 KiB; the
    /// specification allows room IDs of 255 bytes.
    pub name_bytes: usize,
    /// How many decryption keys of backups are kept together, and tried on a session. Default: 32, many times what a user has; a
    /// server can plant a key for each description of a key storage.
    pub backup_keys: usize,
    /// How many failures, how many warnings and how many broken rooms a report names; it counts all of
    /// them. Default: 1,000.
    pub findings: usize,
    /// The largest signed object, `auth_data` for one, in bytes. Default: 64 KiB, as for an event.
    pub signed_object_bytes: usize,
    /// How deep arrays and objects may be nested in a signed object. Default: 32. Each level takes
    /// stack, so keep it below a few thousand.
    pub signed_object_depth: usize,
    /// How many signatures of one object are checked. Default: 100.
    pub signatures: usize,
    /// How many times a signature is verified with a key, for one object or for all that one diagnosis looks at.
    /// Default: 10,000, which take half a second; a user with 50 devices needs about 100.
    pub signature_checks: usize,
    /// The most rounds of PBKDF2 that are run for one passphrase, in each form in which it is tried: one
    /// to three, and up to six for a key file. Default: 10,000,000, twenty times what clients ask for; they take 3 to 6 seconds on a
    /// desktop computer, and more on a phone.
    pub pbkdf2_rounds: u32,
    /// The most rounds of PBKDF2 that are run for all keys and forms of one typed text, when a secret
    /// storage is unlocked; a recovery runs ten times as many for all texts that are entered. Default: 30,000,000.
    /// What would exceed them is not tried, and reported.
    pub unlock_rounds: u64,
    /// How many descriptions with passphrases of so few rounds that others can guess the keys are tried with one typed
    /// passphrase, the default one first. Default: 4; a server can describe a key for each of its guesses.
    pub guessable_keys: usize,
    /// How many descriptions with passphrases are tried with one typed passphrase, the default one first. Default: 16, many
    /// times what a user has: however many rounds they have, a server can describe a key for each of its guesses, too.
    pub passphrase_keys: usize,
    /// The largest request for a secret from another device, in bytes of its content. Default: 4 KiB; real
    /// ones have about 150 bytes.
    pub secret_request_bytes: usize,
    /// The largest answer to such a request, and the largest secrets bundle, in bytes of the decrypted content. Default: 64 KiB, as for
    /// an event.
    pub secret_send_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_response_bytes: 512 << 20,
            streamed_response_bytes: 16 << 30,
            response_bytes: 1 << 20,
            sync_response_bytes: 32 << 20,
            retry_after_ms: 60 * 60 * 1_000,
            saved_file_bytes: 512 << 20,
            response_depth: 128,
            session_bytes: 1 << 20,
            name_bytes: 4 << 10,
            backup_keys: 32,
            findings: 1_000,
            signed_object_bytes: 64 << 10,
            signed_object_depth: 32,
            signatures: 100,
            signature_checks: 10_000,
            pbkdf2_rounds: 10_000_000,
            unlock_rounds: 30_000_000,
            guessable_keys: 4,
            passphrase_keys: 16,
            secret_request_bytes: 4 << 10,
            secret_send_bytes: 64 << 10,
        }
    }
}
