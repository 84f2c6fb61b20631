//! Who and what there is: devices, keys and secrets, computed once.

use std::sync::LazyLock;

use strongroom::{
    backup::BackupDecryptionKey,
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    encoding::base64,
    ids::{DeviceId, SecretName},
    secret::SecretBytes,
    secret_sharing::DeviceIdentity,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        MEGOLM_BACKUP_V1, PublicKeys, SecretValue,
    },
};

pub(crate) const ALICE: &str = "@alice:example.org";
pub(crate) const MALLORY: &str = "@mallory:example.org";

/// The names of the devices of Alice's account. Whose keys stand under a name is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Honest and verified, as the next two.
    Phone,
    Laptop,
    Tablet,
    /// Honest and not verified yet.
    New,
    /// Verified, and taken over.
    Stolen,
    /// Logged in with a stolen password, and not verified.
    Rogue,
    /// Verified, and nobody's.
    Dehydrated,
}

pub(crate) const HOSTS: [Who; 4] = [Who::Phone, Who::Laptop, Who::Tablet, Who::New];

pub(crate) const ALL: [Who; 7] =
    [Who::Phone, Who::Laptop, Who::Tablet, Who::New, Who::Stolen, Who::Rogue, Who::Dehydrated];

/// The number of a pair of keys. The first seven are those that the devices have at the beginning.
pub(crate) type Key = usize;

/// The keys of the device of another user.
pub(crate) const KEY_OF_MALLORY: Key = 7;

/// The first of the keys that an attacker makes when he needs some.
pub(crate) const FIRST_NEW_KEY: Key = 8;

pub(crate) const NUMBER_OF_KEYS: usize = 20;

/// How often the identity can be reset, and one more.
pub(crate) const EPOCHS: usize = 6;

/// The names of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Backup,
    Master,
    SelfSigning,
    UserSigning,
    /// A name that no public key stands for.
    Text,
}

pub(crate) const NAMES: [Name; 5] =
    [Name::Backup, Name::Master, Name::SelfSigning, Name::UserSigning, Name::Text];

impl Who {
    pub(crate) fn id(self) -> DeviceId {
        format!("{self:?}").to_uppercase().into()
    }

    pub(crate) fn of(id: &DeviceId) -> Self {
        *ALL.iter().find(|who| who.id() == *id).unwrap()
    }

    /// The keys that it had at the beginning. An honest device never has others.
    pub(crate) fn key(self) -> Key {
        self as Key
    }

    pub(crate) fn is_honest(self) -> bool {
        HOSTS.contains(&self)
    }
}

impl Name {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Backup => MEGOLM_BACKUP_V1,
            Self::Master => CROSS_SIGNING_MASTER,
            Self::SelfSigning => CROSS_SIGNING_SELF_SIGNING,
            Self::UserSigning => CROSS_SIGNING_USER_SIGNING,
            Self::Text => "org.example.note",
        }
    }

    pub(crate) fn of(name: &SecretName) -> Option<Self> {
        NAMES.into_iter().find(|known| known.text() == name.as_str())
    }

    pub(crate) fn has_public_key(self) -> bool {
        self != Self::Text
    }
}

pub(crate) fn identity(who: Who, key: Key) -> DeviceIdentity {
    let (curve25519, ed25519) = KEYS[key];
    DeviceIdentity { device_id: who.id(), curve25519, ed25519 }
}

pub(crate) fn curve25519(key: Key) -> Curve25519PublicKey {
    KEYS[key].0
}

pub(crate) fn ed25519(key: Key) -> Ed25519PublicKey {
    KEYS[key].1
}

pub(crate) fn key_of(curve25519: &Curve25519PublicKey) -> Key {
    KEYS.iter().position(|key| key.0 == *curve25519).unwrap()
}

/// The secret of this name after so many resets of the identity.
pub(crate) fn secret(name: Name, epoch: usize) -> &'static SecretValue {
    &SECRETS[epoch][name as usize].0
}

/// The same as it is sent.
pub(crate) fn secret_text(name: Name, epoch: usize) -> &'static str {
    &SECRETS[epoch][name as usize].1
}

pub(crate) fn master_key(epoch: usize) -> Ed25519PublicKey {
    PUBLIC_KEYS[epoch].master.unwrap()
}

/// The public keys of these names.
pub(crate) fn public_keys(known: impl Fn(Name) -> bool, epoch: usize) -> PublicKeys {
    let all = &PUBLIC_KEYS[epoch];
    let mut some = PublicKeys::default();
    some.backup = all.backup.filter(|_| known(Name::Backup));
    some.master = all.master.filter(|_| known(Name::Master));
    some.self_signing = all.self_signing.filter(|_| known(Name::SelfSigning));
    some.user_signing = all.user_signing.filter(|_| known(Name::UserSigning));
    some
}

fn bytes(kind: u8, number: usize) -> SecretBytes<32> {
    SecretBytes::init_with(|bytes| *bytes = [kind + u8::try_from(number).unwrap(); 32])
}

fn curve25519_of(bytes: SecretBytes<32>) -> Curve25519PublicKey {
    *BackupDecryptionKey::from_bytes(bytes).public_key().as_curve25519()
}

fn ed25519_of(bytes: SecretBytes<32>) -> Ed25519PublicKey {
    Ed25519Seed::from_bytes(bytes).public_key()
}

fn seed(epoch: usize, name: Name) -> SecretBytes<32> {
    bytes(100, epoch * NAMES.len() + name as usize)
}

fn public_keys_of(epoch: usize) -> PublicKeys {
    let mut keys = PublicKeys::default();
    keys.backup = Some(curve25519_of(seed(epoch, Name::Backup)));
    keys.master = Some(ed25519_of(seed(epoch, Name::Master)));
    keys.self_signing = Some(ed25519_of(seed(epoch, Name::SelfSigning)));
    keys.user_signing = Some(ed25519_of(seed(epoch, Name::UserSigning)));
    keys
}

fn secret_of(epoch: usize, name: Name) -> (SecretValue, String) {
    let text = if name.has_public_key() {
        base64::encode(seed(epoch, name).expose_bytes())
    } else {
        format!("the note number {epoch}")
    };
    (SecretValue::kept_by_host(&name.text().into(), text.as_bytes()).unwrap().value, text)
}

static KEYS: LazyLock<Vec<(Curve25519PublicKey, Ed25519PublicKey)>> = LazyLock::new(|| {
    let pair = |key| (curve25519_of(bytes(1, key)), ed25519_of(bytes(50, key)));
    (0..NUMBER_OF_KEYS).map(pair).collect()
});

static SECRETS: LazyLock<Vec<Vec<(SecretValue, String)>>> = LazyLock::new(|| {
    (0..EPOCHS).map(|epoch| NAMES.map(|name| secret_of(epoch, name)).into()).collect()
});

static PUBLIC_KEYS: LazyLock<Vec<PublicKeys>> =
    LazyLock::new(|| (0..EPOCHS).map(public_keys_of).collect());
