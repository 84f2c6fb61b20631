//! Many X25519 multiplications at once, one in each lane of a vector register.
//!
//! Most of the time of sealing and opening goes into the curve, and what is sealed or opened together shares one factor: one
//! secret meets many points, or many secrets meet one point ([`Factors`]). So the same steps are taken for all of them, on
//!
//! - AVX-512 IFMA: eight lanes, or four if there are no more (radix 2^52, `field52.rs`);
//! - AVX2: four lanes (radix 2^25.5, `field25.rs`);
//! - whatever `curve25519-dalek` uses, one after the other (`portable.rs`).
//!
//! Which [`Path`] it is depends on the processor alone. `--cfg strongroom_backend="portable"` or `"avx2"` takes no path that is faster
//! than the named one.
//!
//! Outside there are only u-coordinates, 32 bytes each, as [RFC 7748](https://www.rfc-editor.org/rfc/rfc7748#section-5) has them: secrets are
//! clamped here, the top bit of a point is ignored, a coordinate need not be reduced, and any may lie on the twist. A product
//! may be all zero; only what is not makes a `SharedSecret`. Besides, it is said of many Ed25519 public keys at once whether they are
//! points (`points.rs`).
//!
//! # Security
//!
//! No path is taken before it has given known answers, and some of what is sealed is computed twice (`known_answers.rs`).
//!
//! No branch and no address depends on a secret or on a product: a secret bit selects under a mask. Two secrets or points of a batch never
//! meet, except in the one inversion that they share; a zero there is replaced under a mask. What is secret and outlives a function is
//! wiped. What the compiler keeps on the stack meanwhile is not.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod comb;
#[cfg(target_arch = "x86_64")]
mod detected;
#[cfg(any(target_arch = "x86_64", test))]
mod edwards;
#[cfg(any(target_arch = "x86_64", test))]
mod field25;
#[cfg(any(target_arch = "x86_64", test))]
mod field52;
#[cfg(any(target_arch = "x86_64", test))]
mod fractions;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod known_answers;
#[cfg(any(target_arch = "x86_64", test))]
mod ladder;
#[cfg(any(target_arch = "x86_64", test))]
mod multiply25;
#[cfg(any(target_arch = "x86_64", test))]
mod points;
mod portable;
mod prepared;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

pub(in crate::crypto) use self::{
    known_answers::wrong_products,
    prepared::{KeyPairs, PreparedPoint},
};

/// What is multiplied: little-endian secrets and u-coordinates of 32 bytes.
#[derive(Clone, Copy)]
pub(in crate::crypto) enum Factors<'a> {
    /// One secret and each of the points.
    OneSecret { secret: &'a [u8; 32], points: &'a [[u8; 32]] },
    /// Each of the secrets and one point.
    OnePoint { secrets: &'a [[u8; 32]], point: &'a [u8; 32] },
}

/// The u-coordinates of the products, in the order of the points or secrets; all zero for a point of small order.
pub(in crate::crypto) type Products = Zeroizing<Vec<[u8; 32]>>;

/// The instructions that multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crypto) enum Path {
    /// Those of `curve25519-dalek`.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(detected::Avx2),
    #[cfg(target_arch = "x86_64")]
    Ifma(detected::Ifma),
}

impl Factors<'_> {
    /// How many products there are.
    fn len(&self) -> usize {
        match self {
            Self::OneSecret { points, .. } => points.len(),
            Self::OnePoint { secrets, .. } => secrets.len(),
        }
    }
}

impl Path {
    /// Every path that this processor has, the fastest first.
    pub(in crate::crypto) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let in_lanes =
            [detected::Ifma::detect().map(Self::Ifma), detected::Avx2::detect().map(Self::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let in_lanes = [None];
        in_lanes.into_iter().flatten().chain([Self::Portable])
    }

    /// The path for one secret alone: four lanes of AVX2 take longer for one product than `curve25519-dalek`.
    pub(in crate::crypto) fn for_one(self) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Self::Portable,
            other => other,
        }
    }

    /// The products, by a ladder.
    pub(in crate::crypto) fn multiply(self, factors: Factors<'_>) -> Products {
        match self {
            Self::Portable => portable::multiply(factors),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.by_ladder(factors),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(ifma) => ifma.by_ladder(factors),
        }
    }

    /// One product, which is written where it stays.
    pub(in crate::crypto) fn multiply_one(
        self,
        secret: &[u8; 32],
        point: &[u8; 32],
        product: &mut [u8; 32],
    ) {
        if self == Self::Portable {
            return portable::multiply_one(secret, point, product);
        }
        let points = std::slice::from_ref(point);
        let products = self.multiply(Factors::OneSecret { secret, points });
        products.iter().take(1).for_each(|only| product.copy_from_slice(only));
    }

    /// Of each of the encodings, whether it is one of a point of the Edwards form, as `curve25519-dalek` decodes it.
    pub(in crate::crypto) fn are_points(self, encodings: &[[u8; 32]]) -> Vec<bool> {
        match self {
            Self::Portable => portable::are_points(encodings),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.are_points(encodings),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(ifma) => ifma.are_points(encodings),
        }
    }

    /// The products with the base point: the public halves.
    pub(in crate::crypto) fn base_point_times(self, secrets: &[[u8; 32]]) -> Products {
        match self {
            Self::Portable => portable::base_point_times(secrets),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.by_table(avx2.base_table(), secrets),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(ifma) => ifma.by_table(ifma.base_table(), secrets),
        }
    }
}

/// The u-coordinate of the point that all public keys are multiples of.
pub(in crate::crypto) const BASE_POINT: [u8; 32] = {
    let mut nine = [0; 32];
    nine[0] = 9;
    nine
};
