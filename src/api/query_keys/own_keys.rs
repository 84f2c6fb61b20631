//! From the homeserver's word to what may be trusted of the own account.

// docs/decisions.md, 14: the host signs, and nothing from outside.

use super::QueriedKeys;
use crate::{
    Limits,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::canonical_json::JsonValue,
    ids::{DeviceId, KeyId, UserId},
    secret_sharing::{DeviceIdentity, OwnDevice, OwnDevices},
    secret_storage::{NotVerified, VerifiedPublicKeys},
    signed_json::{DeviceKeys, SignatureWork, TrustedSigner},
};

/// What the pinned master key vouches for, of all that [`QueriedKeys`] say of one account: all of one answer, so that
/// devices, signers and keys agree.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OwnKeys {
    /// The devices that say themselves who they are. One is verified if the self-signing key signed it, and the master key
    /// that one.
    pub devices: OwnDevices,
    /// Whose signatures of a backup count: this device's, the master key's, the self-signing key's, and those of the
    /// [trusted](OwnDevices::trusted) devices.
    pub signers: Vec<TrustedSigner>,
    /// The master key and those that it signed.
    pub public_keys: VerifiedPublicKeys,
}

impl QueriedKeys {
    /// Follows the signatures from the pinned master key over the self-signing key to the devices of the own account
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)).
    ///
    /// `this_device` is taken as the host knows it, and `is_blocked` says of the others whether the user wants nothing to
    /// do with them. A device that did not sign its own keys, or has no usable Curve25519 key, is left out. No more than
    /// [`Limits::signature_checks`] signatures are verified: what is left over then is not verified.
    ///
    /// # Errors
    ///
    /// [`NotVerified::NoMasterKey`] if the homeserver has no usable master key of the user, and
    /// [`NotVerified::OtherMasterKey`] if it is not the pinned one: the user has to compare it, and nothing is trusted
    /// until then.
    pub fn own_keys(
        &self,
        user_id: &UserId,
        this_device: DeviceIdentity,
        pinned: Ed25519PublicKey,
        is_blocked: impl Fn(&DeviceIdentity) -> bool,
        limits: &Limits,
    ) -> Result<OwnKeys, NotVerified> {
        let published = self.master_keys.get(user_id).ok_or(NotVerified::NoMasterKey)?;
        if *published.ed25519() != pinned {
            // A self-signing key that the pinned one signed may still be there, but the user has to decide first.
            return Err(NotVerified::OtherMasterKey);
        }
        let mut work = SignatureWork::new(limits);
        let mut public_keys = VerifiedPublicKeys::with_master(user_id.clone(), pinned);
        for key in [&self.self_signing_keys, &self.user_signing_keys] {
            if let Some(key) = key.get(user_id) {
                // One that the master key did not sign is the server's word alone, so it is left out.
                let _ = public_keys.add_cross_signing_key_with(key, &mut work, limits);
            }
        }
        let self_signing = public_keys.as_public_keys().self_signing;
        let self_signing = self_signing.map(TrustedSigner::of_cross_signing_key);
        let mut devices = OwnDevices::new(user_id.clone(), this_device).with_master_key(pinned);
        for (device_id, keys) in self.device_keys.get(user_id).into_iter().flatten() {
            if *device_id == devices.this_device().device_id || keys.user_id() != user_id {
                continue;
            }
            let device = own_device(device_id, keys, self_signing.as_ref(), &mut work, limits);
            let Some(mut device) = device else { continue };
            device.blocked = is_blocked(&device.identity);
            devices = devices.with_device(device);
        }
        let cross_signing = [Some(TrustedSigner::of_cross_signing_key(pinned)), self_signing];
        let trusted = devices.trusted().map(|device| &device.identity);
        let signers = trusted.chain([devices.this_device()]).map(signer);
        let signers = cross_signing.into_iter().flatten().chain(signers).collect();
        Ok(OwnKeys { devices, signers, public_keys })
    }
}

/// A device that says who it is, nothing else. It is verified if the self-signing key signed it.
fn own_device(
    device_id: &DeviceId,
    keys: &DeviceKeys,
    self_signing: Option<&TrustedSigner>,
    work: &mut SignatureWork,
    limits: &Limits,
) -> Option<OwnDevice> {
    let (object, ed25519) = (keys.object(), *keys.ed25519());
    let curve25519 = object.get("keys")?.get(&format!("curve25519:{device_id}"))?.as_str()?;
    let curve25519 = Curve25519PublicKey::from_base64(curve25519).ok()?;
    let itself = TrustedSigner::new(KeyId::ed25519(device_id), ed25519);
    if !keys.is_signed_with(&itself, work, limits) {
        return None;
    }
    Some(OwnDevice {
        identity: DeviceIdentity { device_id: device_id.clone(), curve25519, ed25519 },
        verified: self_signing.is_some_and(|key| keys.is_signed_with(key, work, limits)),
        blocked: false,
        dehydrated: matches!(object.get("dehydrated"), Some(JsonValue::Bool(true))),
    })
}

fn signer(device: &DeviceIdentity) -> TrustedSigner {
    TrustedSigner::new(KeyId::ed25519(&device.device_id), device.ed25519)
}
