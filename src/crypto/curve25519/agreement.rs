//! The scalar multiplications, on the fastest path.

use super::{Curve25519PublicKey, NonContributory, SharedSecret};
use crate::crypto::lanes::{BASE_POINT, Factors, Path};

pub(super) fn base_point_times(scalar: &[u8; 32]) -> Curve25519PublicKey {
    let path = Path::fastest().for_one();
    Curve25519PublicKey(only(&path.base_point_times(std::slice::from_ref(scalar))))
}

pub(super) fn agree(
    scalar: &[u8; 32],
    their_key: &Curve25519PublicKey,
) -> Result<SharedSecret, NonContributory> {
    let path = Path::fastest().for_one();
    SharedSecret::init_with(|product| path.multiply_one(scalar, &their_key.0, product))
}

/// The public half of a scalar, and its agreement with their key. In lanes both are one ladder, which costs as much for two points
/// as for one.
pub(super) fn agree_with_public_half(
    scalar: &[u8; 32],
    their_key: &Curve25519PublicKey,
) -> Result<(Curve25519PublicKey, SharedSecret), NonContributory> {
    let path = Path::fastest().for_one();
    if path == Path::Portable {
        return Ok((base_point_times(scalar), agree(scalar, their_key)?));
    }
    let points = &[BASE_POINT, their_key.0];
    let products = path.multiply(Factors::OneSecret { secret: scalar, points });
    let shared_secret = SharedSecret::init_with(|bytes| {
        products.iter().skip(1).for_each(|product| bytes.copy_from_slice(product));
    })?;
    Ok((Curve25519PublicKey(only(&products)), shared_secret))
}

/// The agreements of one secret key with each of the public keys, in their order. A vector of them would keep what is moved out of
/// it.
pub(super) fn agree_with_each(
    scalar: &[u8; 32],
    their_keys: &[Curve25519PublicKey],
) -> impl Iterator<Item = Result<SharedSecret, NonContributory>> + use<> {
    let points: Vec<_> = their_keys.iter().map(|key| key.0).collect();
    let products = Path::fastest().multiply(Factors::OneSecret { secret: scalar, points: &points });
    (0..products.len()).map(move |index| {
        let product = products.get(index);
        SharedSecret::init_with(|bytes| {
            product.into_iter().for_each(|it| bytes.copy_from_slice(it))
        })
    })
}

/// The one product there is. All zero, which is refused, if there were none.
fn only(products: &[[u8; 32]]) -> [u8; 32] {
    products.first().copied().unwrap_or_default()
}
