//! A point that many secrets meet.

use super::{Factors, Path, Products, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, detected, ifma};

/// A point, and its multiples if there are enough secrets for them to pay. Nothing in it is secret.
#[derive(Clone)]
pub(in crate::crypto) struct PreparedPoint {
    point: [u8; 32],
    path: Path,
    /// `None` for few secrets, and for a point on the twist.
    table: Option<Table>,
}

#[derive(Clone)]
enum Table {
    Portable(portable::Table),
    #[cfg(target_arch = "x86_64")]
    Avx2(detected::Avx2, avx2::Table),
    #[cfg(target_arch = "x86_64")]
    Ifma(detected::Ifma, ifma::eight::Table),
}

impl PreparedPoint {
    /// Prepares a point for about so many secrets.
    pub(in crate::crypto) fn new(path: Path, point: &[u8; 32], expected: usize) -> Self {
        let table = if expected >= path.table_pays_from() { path.table(point) } else { None };
        Self { point: *point, path, table }
    }

    pub(in crate::crypto) fn has_table(&self) -> bool {
        self.table.is_some()
    }

    /// The products with each of the secrets.
    pub(in crate::crypto) fn multiply(&self, secrets: &[[u8; 32]]) -> Products {
        match &self.table {
            None => self.path.multiply(Factors::OnePoint { secrets, point: &self.point }),
            Some(Table::Portable(table)) => portable::by_table(table, secrets),
            #[cfg(target_arch = "x86_64")]
            Some(Table::Avx2(avx2, table)) => avx2.by_table(table, secrets),
            #[cfg(target_arch = "x86_64")]
            Some(Table::Ifma(ifma, table)) => ifma.by_table(table, secrets),
        }
    }
}

impl Path {
    fn table(self, point: &[u8; 32]) -> Option<Table> {
        match self {
            Self::Portable => portable::table(point).map(Table::Portable),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => Some(Table::Avx2(avx2, avx2.table(point)?)),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(ifma) => Some(Table::Ifma(ifma, ifma.table(point)?)),
        }
    }

    /// From how many products on a table pays for itself, as measured.
    fn table_pays_from(self) -> usize {
        match self {
            Self::Portable if portable::edwards_is_faster() => 51,
            Self::Portable => 28,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 24,
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => 24,
        }
    }
}
