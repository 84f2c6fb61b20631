//! What a homeserver is called, what it lets in, and how much of it.

/// What a [`Homeserver`](super::Homeserver) is called, what it lets in, and how much it takes.
///
/// Take [`HomeserverOptions::default`] and change what does not fit. The sizes bound what requests may
/// make the homeserver keep, all of them together; what is refused is answered by 413 `M_TOO_LARGE` if
/// the request itself is too large, otherwise by 403 `M_RESOURCE_LIMIT_EXCEEDED`.
///
/// ```
/// use strongroom::homeserver::{Homeserver, HomeserverOptions};
///
/// let mut options = HomeserverOptions::default();
/// options.request_bytes = 100_000; // as behind a proxy that takes no more
/// let homeserver = Homeserver::with_options(options);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HomeserverOptions {
    /// The part behind the colon in user IDs that `/login` and `/register` make out of a local part.
    /// Default: `example.org`. Users with any other ID can be added, too.
    pub server_name: String,
    /// Whether `/register` makes users. Default: no.
    pub registration: bool,
    /// Whether other cross-signing keys than those that are stored need the password
    /// ([user-interactive authentication](https://spec.matrix.org/v1.16/client-server-api/#user-interactive-authentication-api)).
    /// A user without a master key never needs it, and one without a password cannot show it. Default: yes, as all deployed
    /// servers do.
    pub password_for_cross_signing: bool,
    /// Whether `auth_data` and `session_data` of backups may be strings, as in test suites that were written
    /// against Synapse. The specification has objects. Default: no.
    pub strings_in_backups: bool,
    /// The largest body of a request, in bytes. Default: 50 MiB.
    pub request_bytes: usize,
    /// The largest content of one type of account data, in bytes of JSON. Default: 64 KiB.
    pub account_data_bytes: usize,
    /// How much is kept for one user, in bytes, about. Default: 1 GiB.
    pub account_bytes: usize,
    /// How many users there are at most. Default: 10,000.
    pub accounts: usize,
    /// How many devices a user may have. Default: 1,000.
    pub devices: usize,
    /// How many messages wait for one device. Default: 10,000.
    pub waiting_messages: usize,
}

impl Default for HomeserverOptions {
    fn default() -> Self {
        Self {
            server_name: "example.org".to_owned(),
            registration: false,
            password_for_cross_signing: true,
            strings_in_backups: false,
            request_bytes: 50 << 20,
            account_data_bytes: 64 << 10,
            account_bytes: 1 << 30,
            accounts: 10_000,
            devices: 1_000,
            waiting_messages: 10_000,
        }
    }
}
