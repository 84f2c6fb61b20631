//! The portable twin, by `curve25519-dalek`.
//!
//! Two ways lead to one result. The Montgomery ladder is what RFC 7748 describes. With AVX2, `curve25519-dalek` multiplies points in
//! Edwards form a third faster, conversions included; points on the twist have no such form, and take the ladder. Both take
//! constant time in the secret; which one is taken depends on the point and the processor.

use curve25519_dalek::{
    EdwardsPoint, MontgomeryPoint,
    edwards::{CompressedEdwardsY, EdwardsBasepointTable},
    traits::BasepointTable as _,
};
use zeroize::Zeroizing;

use super::{Factors, Products};

/// The products, one after the other.
pub(super) fn multiply(factors: Factors<'_>) -> Products {
    let mut products = Zeroizing::new(vec![[0; 32]; factors.len()]);
    match factors {
        Factors::OneSecret { secret, points } => {
            for (product, point) in products.iter_mut().zip(points) {
                multiply_one(secret, point, product);
            }
        }
        Factors::OnePoint { secrets, point } => {
            for (product, secret) in products.iter_mut().zip(secrets) {
                multiply_one(secret, point, product);
            }
        }
    }
    products
}

/// One product, which is written where it stays: what is returned leaves copies on the stack.
pub(super) fn multiply_one(secret: &[u8; 32], point: &[u8; 32], product: &mut [u8; 32]) {
    let point = MontgomeryPoint(*point);
    if !(edwards_is_faster() && by_edwards(secret, &point, product)) {
        by_ladder(secret, &point, product);
    }
}

fn by_ladder(secret: &[u8; 32], point: &MontgomeryPoint, product: &mut [u8; 32]) {
    let found = Zeroizing::new(point.mul_clamped(*secret));
    product.copy_from_slice(found.as_bytes());
}

/// `false` for a point on the twist. The sign of the point does not matter to its coordinate.
fn by_edwards(secret: &[u8; 32], point: &MontgomeryPoint, product: &mut [u8; 32]) -> bool {
    let Some(point) = point.to_edwards(0) else { return false };
    let point = Zeroizing::new(point.mul_clamped(*secret));
    let found = Zeroizing::new(point.to_montgomery());
    product.copy_from_slice(found.as_bytes());
    true
}

/// The multiples of a point, 30 KB.
pub(super) type Table = Box<EdwardsBasepointTable>;

/// `None` for a point on the twist.
pub(super) fn table(point: &[u8; 32]) -> Option<Table> {
    let point = MontgomeryPoint(*point).to_edwards(0)?;
    Some(Box::new(EdwardsBasepointTable::create(&point)))
}

/// The products by a table, which share an inversion.
pub(super) fn by_table(table: &Table, secrets: &[[u8; 32]]) -> Products {
    to_coordinates(secrets, |secret| table.mul_base_clamped(secret))
}

/// The products with the base point.
pub(super) fn base_point_times(secrets: &[[u8; 32]]) -> Products {
    to_coordinates(secrets, EdwardsPoint::mul_base_clamped)
}

fn to_coordinates(secrets: &[[u8; 32]], multiply: impl Fn([u8; 32]) -> EdwardsPoint) -> Products {
    let mut points = Zeroizing::new(Vec::with_capacity(secrets.len()));
    points.extend(secrets.iter().map(|secret| multiply(*secret)));
    let coordinates = Zeroizing::new(EdwardsPoint::to_montgomery_batch(&points));
    let mut products = Zeroizing::new(Vec::with_capacity(secrets.len()));
    products.extend(coordinates.iter().map(MontgomeryPoint::to_bytes));
    products
}

/// Of each of the encodings, whether it is one of a point of the Edwards form.
pub(super) fn are_points(encodings: &[[u8; 32]]) -> Vec<bool> {
    let is_point = |encoding: &[u8; 32]| CompressedEdwardsY(*encoding).decompress().is_some();
    encodings.iter().map(is_point).collect()
}

/// Whether a point of the curve is multiplied faster in Edwards form than by the ladder.
pub(super) fn edwards_is_faster() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether the point is on the curve, so that both ways lead to the product.
    fn both_agree(scalar: &[u8; 32], point: &MontgomeryPoint) -> bool {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        by_ladder(scalar, point, &mut other);
        let is_on_the_curve = by_edwards(scalar, point, &mut one);
        assert!(!is_on_the_curve || one == other, "{scalar:?} {point:?}");
        is_on_the_curve
    }

    #[test]
    fn both_ways_agree_at_the_edges() {
        let mut edges: Vec<[u8; 32]> = Vec::new();
        for low in 0..=255 {
            let mut near_p = [0xff; 32];
            near_p[0] = low;
            for high in [0x7f, 0xff] {
                near_p[31] = high;
                edges.push(near_p);
            }
            let mut small = [0; 32];
            small[0] = low;
            edges.push(small);
        }
        for bit in 0..256 {
            let mut single = [0; 32];
            single[bit / 8] = 1 << (bit % 8);
            edges.push(single);
        }
        for order_eight in [
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        ] {
            let byte = |at| u8::from_str_radix(&order_eight[at..at + 2], 16).unwrap();
            edges.push(std::array::from_fn(|index| byte(2 * index)));
        }
        let mut on_the_curve = 0;
        for point in edges.into_iter().map(MontgomeryPoint) {
            for scalar in [[0; 32], [0xff; 32], [0x5a; 32]] {
                on_the_curve += usize::from(both_agree(&scalar, &point));
            }
        }
        assert!(on_the_curve > 500);
    }

    proptest! {
        #[test]
        fn both_ways_agree(scalar: [u8; 32], point: [u8; 32]) {
            both_agree(&scalar, &MontgomeryPoint(point));
        }
    }
}
