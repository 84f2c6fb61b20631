//! What the processor turned out to have, as types: only detection makes a value, and only with a value lanes are used.
//!
//! All `unsafe` of the lanes is here. Each is a call of a function that is compiled for instructions which have to be there.

#![allow(unsafe_code, reason = "functions for instructions that were detected are called")]

use std::{arch::is_x86_feature_detected, sync::OnceLock};

use super::{BASE_POINT, Factors, Products, avx2, ifma};

/// AVX-512 IFMA, and what of AVX-512 its functions use besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crypto) struct Ifma(());

impl Ifma {
    pub(super) fn detect() -> Option<Self> {
        let is_allowed =
            cfg!(not(any(strongroom_backend = "portable", strongroom_backend = "avx2")));
        let is_there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vl");
        (is_allowed && is_there).then_some(Self(()))
    }

    pub(super) fn by_ladder(self, factors: Factors<'_>) -> Products {
        // SAFETY: `self` exists, so the processor has what the function is compiled for.
        unsafe { ifma::by_ladder(factors) }
    }

    pub(super) fn are_points(self, encodings: &[[u8; 32]]) -> Vec<bool> {
        // SAFETY: as above.
        unsafe { ifma::eight::are_points(encodings) }
    }

    /// The multiples of a point, unless it is on the twist.
    pub(super) fn table(self, point: &[u8; 32]) -> Option<ifma::eight::Table> {
        // SAFETY: as above.
        unsafe { ifma::eight::Table::of(point) }
    }

    pub(super) fn by_table(self, table: &ifma::eight::Table, secrets: &[[u8; 32]]) -> Products {
        // SAFETY: as above.
        unsafe { table.multiply(secrets) }
    }

    /// The multiples of the base point, which are computed once.
    pub(super) fn base_table(self) -> &'static ifma::eight::Table {
        static TABLE: OnceLock<ifma::eight::Table> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the base point is on the curve")]
        TABLE.get_or_init(|| self.table(&BASE_POINT).expect("a point of the curve has a table"))
    }
}

/// AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crypto) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let is_allowed = cfg!(not(strongroom_backend = "portable"));
        (is_allowed && is_x86_feature_detected!("avx2")).then_some(Self(()))
    }

    pub(super) fn by_ladder(self, factors: Factors<'_>) -> Products {
        // SAFETY: `self` exists, so the processor has what the function is compiled for.
        unsafe { avx2::by_ladder(factors) }
    }

    pub(super) fn are_points(self, encodings: &[[u8; 32]]) -> Vec<bool> {
        // SAFETY: as above.
        unsafe { avx2::are_points(encodings) }
    }

    /// The multiples of a point, unless it is on the twist.
    pub(super) fn table(self, point: &[u8; 32]) -> Option<avx2::Table> {
        // SAFETY: as above.
        unsafe { avx2::Table::of(point) }
    }

    pub(super) fn by_table(self, table: &avx2::Table, secrets: &[[u8; 32]]) -> Products {
        // SAFETY: as above.
        unsafe { table.multiply(secrets) }
    }

    /// The multiples of the base point, which are computed once.
    pub(super) fn base_table(self) -> &'static avx2::Table {
        static TABLE: OnceLock<avx2::Table> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the base point is on the curve")]
        TABLE.get_or_init(|| self.table(&BASE_POINT).expect("a point of the curve has a table"))
    }
}
