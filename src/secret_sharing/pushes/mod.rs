//! Pushed secrets: a device that has made a new secret hands it to the user's other devices, which have not asked.

// docs/decisions.md, 17: a secret goes encrypted to one device, or nowhere.

mod receive;
mod saved;
pub(in crate::secret_sharing) mod secret_push;
mod send;

use std::{collections::BTreeMap, fmt};

pub use self::secret_push::{SECRET_PUSH, SECRET_PUSH_UNSTABLE};
use self::send::{InFlight, Sending};
use super::{
    own_devices::{DeviceIdentity, OwnDevices},
    responder::{SharePolicy, ShareRule},
};
use crate::{
    clock::Clock,
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, SecretName, UserId},
    secret_value::{SecretShape, SecretValue},
};

/// Takes secrets that the user's other devices push, and pushes this device's to them
/// ([MSC4385](https://github.com/matrix-org/matrix-spec-proposals/pull/4385)). The feature `unstable-msc4385` is needed.
///
/// ```text
/// the host's Olm ─> receive ─┬─ fits ─────────────────────> PushedSecret ─> stored
///                            └─ held ─> learn, once it fits ──┘
/// a new secret ─> push ─> SecretToEncrypt ─> the host's Olm ─> encrypted ─> EncryptedSecretSend ─> sent
/// ```
///
/// A secret is taken, and pushed, only if its name has a public key and the [`SharePolicy`] has a rule for it other than
/// [`ShareRule::Never`]. Nobody has asked, so nothing but the public key can show that a secret is the account's; one
/// whose name has none, as the key of a dehydrated device, is refused. [`ShareRule::AskUser`] is no question here: it is
/// there because a homeserver can forge a request, and the user who makes a new backup has asked for what follows.
///
/// A backup key that does not fit is held, since it may be the key of a backup that this device has not seen yet: of
/// each device the last four for each name, for a week, 256 in all. Which of them is the key is decided by the backup,
/// and whether that backup is used by the account's machine, which asks the user before it goes to another one:
/// `Backup::exchange_pushes` of `client`.
///
/// Save it after each call that changed something ([`SecretPushes::save`]). Times are the host's, in milliseconds since any
/// moment; a clock that jumps back does no harm.
pub struct SecretPushes {
    user_id: UserId,
    device_id: DeviceId,
    policy: SharePolicy,
    clock: Clock,
    /// What came and was not stored yet, the oldest first.
    held: Vec<Held>,
    /// Whether something came since a machine has asked.
    has_news: bool,
    /// What is pushed, one secret for each name.
    sending: BTreeMap<SecretName, Sending>,
    /// What was encrypted, and is not known to be sent. After a restart it is pushed once more.
    in_flight: Vec<InFlight>,
    /// Devices with which there was no Olm session, and until when none is tried.
    held_off: BTreeMap<DeviceId, u64>,
}

/// A secret that came from a device which may push.
struct Held {
    secret: SecretValue,
    from: DeviceIdentity,
    /// The pinned master key when it came.
    master_key: Option<Ed25519PublicKey>,
    since_ms: u64,
}

/// A secret that a verified device has pushed, and that belongs to its public key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedSecret {
    /// The secret. It stays held until [`SecretPushes::stored`] says that it is safe.
    pub secret: SecretValue,
    /// Who sent it.
    pub from: DeviceIdentity,
}

impl SecretPushes {
    /// Nothing has come, and nothing was pushed.
    #[must_use]
    pub fn new(user_id: UserId, device_id: DeviceId, policy: SharePolicy) -> Self {
        Self {
            user_id,
            device_id,
            policy,
            clock: Clock::default(),
            held: Vec::new(),
            has_news: false,
            sending: BTreeMap::new(),
            in_flight: Vec::new(),
            held_off: BTreeMap::new(),
        }
    }

    /// Whether secrets of this name are pushed and taken.
    fn is_wanted(&self, name: &SecretName) -> bool {
        SecretShape::of(name).has_public_key() && self.policy.rule(name) != ShareRule::Never
    }

    fn is_ours(&self, devices: &OwnDevices) -> bool {
        *devices.user_id() == self.user_id && devices.this_device().device_id == self.device_id
    }
}

impl fmt::Debug for SecretPushes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretPushes")
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}
