//! The module of the library that may see the multiplications, here with everything behind plain functions.

#[allow(dead_code, unused_imports, reason = "the library uses more of it")]
#[path = "../../../src/crypto/lanes/mod.rs"]
mod lanes;

use std::fmt;

use self::lanes::{Factors, PreparedPoint};
use crate::Bytes;

/// Instructions that multiply.
#[derive(Clone, Copy)]
pub struct Path(lanes::Path);

/// A point with the table of its multiples.
pub struct Prepared(PreparedPoint);

impl Path {
    /// Every path that this processor has, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        lanes::Path::all().map(Self)
    }

    /// What to call it, in one word.
    pub fn name(self) -> &'static str {
        match self.0 {
            lanes::Path::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            lanes::Path::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            lanes::Path::Ifma(_) => "ifma",
        }
    }

    /// The products of one secret and each of the points.
    pub fn one_secret(self, secret: &Bytes, points: &[Bytes]) -> Vec<Bytes> {
        self.0.multiply(Factors::OneSecret { secret, points }).to_vec()
    }

    /// The products of each of the secrets and one point, by a ladder.
    pub fn one_point(self, secrets: &[Bytes], point: &Bytes) -> Vec<Bytes> {
        self.0.multiply(Factors::OnePoint { secrets, point }).to_vec()
    }

    /// The products of each of the secrets and the base point.
    pub fn base_point(self, secrets: &[Bytes]) -> Vec<Bytes> {
        self.0.base_point_times(secrets).to_vec()
    }

    /// The table of a point, unless the point is on the twist.
    pub fn prepare(self, point: &Bytes) -> Option<Prepared> {
        let prepared = PreparedPoint::new(self.0, point, usize::MAX);
        prepared.has_table().then_some(Prepared(prepared))
    }
}

impl Prepared {
    /// The products of each of the secrets and the point, by its table.
    pub fn one_point(&self, secrets: &[Bytes]) -> Vec<Bytes> {
        self.0.multiply(secrets).to_vec()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
