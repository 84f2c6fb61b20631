//! The scalar multiplications of one key.

use curve25519_dalek::EdwardsPoint;

use super::{Curve25519PublicKey, NonContributory, SharedSecret};
use crate::crypto::lanes::portable;

pub(super) fn base_point_times(scalar: &[u8; 32]) -> Curve25519PublicKey {
    Curve25519PublicKey(EdwardsPoint::mul_base_clamped(*scalar).to_montgomery().to_bytes())
}

pub(super) fn agree(
    scalar: &[u8; 32],
    their_key: &Curve25519PublicKey,
) -> Result<SharedSecret, NonContributory> {
    SharedSecret::from_bytes(portable::multiply_one(scalar, &their_key.0))
}
