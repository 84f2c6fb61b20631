//! A point that many secrets meet.

use super::{
    Factors, Path, Products,
    known_answers::{is_check_due, note_wrong_product, wrong_products},
    portable,
};
use subtle::ConstantTimeEq as _;

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

/// Of each secret the public half, and its product with a point.
pub(in crate::crypto) struct KeyPairs {
    pub(in crate::crypto) public: Products,
    pub(in crate::crypto) shared: Products,
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

impl PreparedPoint {
    /// What the secrets agree upon with the owner of the point.
    pub(in crate::crypto) fn key_pairs(&self, secrets: &[[u8; 32]]) -> KeyPairs {
        if self.path == Path::Portable || wrong_products() > 0 {
            return self.portable_pairs(secrets);
        }
        let public = self.path.base_point_times(secrets);
        let pairs = KeyPairs { public, shared: self.multiply(secrets) };
        if !is_check_due(secrets.len()) || self.is_right(secrets, &pairs) {
            return pairs;
        }
        note_wrong_product();
        self.portable_pairs(secrets)
    }

    fn portable_pairs(&self, secrets: &[[u8; 32]]) -> KeyPairs {
        let shared = match &self.table {
            Some(Table::Portable(table)) => portable::by_table(table, secrets),
            _ => portable::multiply(Factors::OnePoint { secrets, point: &self.point }),
        };
        KeyPairs { public: portable::base_point_times(secrets), shared }
    }

    /// Whether one pair, which the public halves choose, is what the portable path makes of its secret.
    pub(super) fn is_right(
        &self,
        secrets: &[[u8; 32]],
        KeyPairs { public, shared }: &KeyPairs,
    ) -> bool {
        let chosen =
            public.first().map_or(0, |[first, second, ..]| u16::from_le_bytes([*first, *second]));
        let index = usize::from(chosen) % secrets.len().max(1);
        let Some(secret) = secrets.get(index..=index) else { return true };
        let point = Factors::OnePoint { secrets: secret, point: &self.point };
        let expected = [portable::base_point_times(secret), portable::multiply(point)];
        let found = [public.get(index), shared.get(index)];
        let is_same = |(expected, found): (&Products, Option<&[u8; 32]>)| -> bool {
            expected.as_flattened().ct_eq(found.map_or(&[], |found| found.as_slice())).into()
        };
        expected.iter().zip(found).all(is_same)
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
            Self::Avx2(_) => 20,
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => 32,
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the test starts itself in a process of its own"
)]
mod tests {
    use std::{
        any::type_name_of_val,
        env,
        process::{Command, Stdio},
    };

    use super::{super::BASE_POINT, *};

    /// In a process of its own, since all of it is portable from then on.
    #[test]
    fn a_wrong_product_is_replaced_and_told_and_nothing_goes_through_lanes_after_it() {
        const IS_ALONE: &str = "STRONGROOM_WRONG_PRODUCT";
        let Some(path) = Path::all().find(|path| *path != Path::Portable) else { return };
        if env::var_os(IS_ALONE).is_none() {
            let name = type_name_of_val(
                &a_wrong_product_is_replaced_and_told_and_nothing_goes_through_lanes_after_it,
            );
            let (_, name) = name.split_once("::").unwrap();
            let alone = Command::new(env::current_exe().unwrap())
                .args(["--exact", name])
                .env(IS_ALONE, "")
                .stdout(Stdio::piped())
                .output()
                .unwrap();
            let printed = String::from_utf8_lossy(&alone.stdout);
            assert!(alone.status.success() && printed.contains("1 passed"), "{printed}");
            return;
        }
        let secrets = [[0x22; 32], [0x44; 32], [0x66; 32]];
        let right = PreparedPoint::new(Path::Portable, &[0x33; 32], 3).key_pairs(&secrets);
        // The table is that of another point.
        let wrong = PreparedPoint { point: [0x33; 32], path, table: path.table(&BASE_POINT) };
        assert_ne!(*wrong.multiply(&secrets), *right.shared);
        for _ in 0..2 {
            let pairs = wrong.key_pairs(&secrets);
            assert_eq!((&*pairs.public, &*pairs.shared), (&*right.public, &*right.shared));
            assert_eq!(wrong_products(), 1);
        }
        assert_eq!(Path::fastest(), Path::Portable);
    }
}
