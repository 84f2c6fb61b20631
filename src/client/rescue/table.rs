//! Which key opened how much of which version.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::{BackupKeys, KeySource};
use crate::{
    backup::{BackupPublicKey, BackupVersionInfo, FailureCause, RestoreReport},
    excerpt::Excerpt,
    ids::BackupVersion,
};

/// Which key opened how many sessions of which version, how many no key opened, and where the best copies were.
///
/// It displays as a small table, in the words of clients:
///
/// ```text
/// version  message keys  key 1  key 2  unopened  damaged  best copies
///       6            12     10      1         1        0           11
///       4             8      0      8         0        0            3
/// key 1: the key of your key storage (version 6)
/// key 2: an older key of your key storage (version 4)
/// ```
///
/// Keys that opened nothing have no column there; a version in parentheses is one that the key belongs to. It serialises with all of them, as an object with
///
/// - `keys`: of each its `public_key` in base64, its `source` ([name](KeySource::as_str)) and how many sessions it has
///   `opened`;
/// - `versions`: of each its `version` (`null` if it is not known), how many sessions it has (`total`), how many each key has
///   `opened`, in the order of the keys, how many are of another key (`wrong_key`), how many failed otherwise (`failed`), and
///   how many of the best copies are in it (`best_copies`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueTable {
    keys: Vec<(BackupPublicKey, KeySource)>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    version: Option<BackupVersion>,
    #[serde(skip)]
    own_key: Option<BackupPublicKey>,
    total: u64,
    /// In the order of the keys.
    opened: Vec<u64>,
    wrong_key: u64,
    /// Of the right key, and not restored for another reason.
    failed: u64,
    best_copies: u64,
}

impl RescueTable {
    /// With these keys, and no version yet.
    #[must_use]
    pub fn new(keys: &BackupKeys) -> Self {
        let keys = keys.iter().map(|(key, source)| (*key.public_key(), source.clone()));
        Self { keys: keys.collect(), rows: Vec::new() }
    }

    /// Adds what became of a version, or of a part of it, and how many of its restored sessions are the
    /// [best copies](crate::session_data::BestCopies).
    pub fn add(
        &mut self,
        version: Option<&BackupVersionInfo>,
        report: &RestoreReport,
        best_copies: u64,
    ) {
        let by = |key: &BackupPublicKey| {
            let count = report.opened_by().find(|(opened_by, _)| *opened_by == key);
            count.map_or(0, |(_, count)| count)
        };
        let opened: Vec<_> = self.keys.iter().map(|(key, _)| by(key)).collect();
        let wrong_key = report.failed_by(FailureCause::WrongKey);
        let failed = report.failed() - wrong_key;
        let auth_data = version.and_then(|info| info.auth_data().ok());
        let own_key = auth_data.map(|auth_data| *auth_data.public_key());
        let (version, total) = (version.map(|info| info.version().clone()), report.total());
        self.rows.push(Row { version, own_key, total, opened, wrong_key, failed, best_copies });
    }

    /// How many versions, or parts of one, it has.
    #[must_use]
    pub fn version_count(&self) -> usize {
        self.rows.len()
    }

    /// How many keys have opened something.
    #[must_use]
    pub fn useful_key_count(&self) -> usize {
        self.useful_keys().count()
    }

    /// How many sessions a key has opened, in all versions together.
    #[must_use]
    pub fn opened_by(&self, key: &BackupPublicKey) -> u64 {
        let place = self.keys.iter().position(|(known, _)| known == key);
        place.map_or(0, |place| self.opened_at(place))
    }

    fn opened_at(&self, place: usize) -> u64 {
        self.rows.iter().filter_map(|row| row.opened.get(place)).sum()
    }

    fn useful_keys(&self) -> impl Iterator<Item = (usize, &KeySource)> {
        let keys = self.keys.iter().map(|(_, source)| source).enumerate();
        keys.filter(|(place, _)| self.opened_at(*place) > 0)
    }

    /// The first version that the key at this place belongs to.
    fn version_of(&self, place: usize) -> Option<&BackupVersion> {
        let (key, _) = self.keys.get(place)?;
        self.rows.iter().find(|row| row.own_key == Some(*key))?.version.as_ref()
    }

    /// All cells, the heads of the columns first.
    fn cells(&self) -> Vec<Vec<String>> {
        let mut heads = vec!["version".to_owned(), "message keys".to_owned()];
        heads.extend(self.useful_keys().zip(1..).map(|(_, number)| format!("key {number}")));
        heads.extend(["unopened", "damaged", "best copies"].map(str::to_owned));
        let row = |row: &Row| {
            let version = row.version.as_ref();
            let name =
                version.map_or_else(|| "?".to_owned(), |it| Excerpt::new(it.as_str()).to_string());
            let by_keys = self.useful_keys().filter_map(|(place, _)| row.opened.get(place));
            let counts = [&row.total].into_iter().chain(by_keys);
            let counts = counts.chain([&row.wrong_key, &row.failed, &row.best_copies]);
            [name].into_iter().chain(counts.map(u64::to_string)).collect()
        };
        [heads].into_iter().chain(self.rows.iter().map(row)).collect()
    }
}

impl fmt::Display for RescueTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells();
        let width = |column: usize| {
            let cells = cells.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..cells.first().map_or(0, Vec::len)).map(width).collect();
        for row in &cells {
            for (number, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let space = if number == 0 { "" } else { "  " };
                write!(f, "{space}{cell:>width$}")?;
            }
            writeln!(f)?;
        }
        for ((place, source), number) in self.useful_keys().zip(1..) {
            write!(f, "key {number}: {source}")?;
            match self.version_of(place) {
                Some(version) => writeln!(f, " (version {})", Excerpt::new(version.as_str()))?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl Serialize for RescueTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = self.keys.iter().enumerate().map(|(place, (public_key, source))| Key {
            public_key,
            source: source.as_str(),
            opened: self.opened_at(place),
        });
        let mut object = serializer.serialize_struct("RescueTable", 2)?;
        object.serialize_field("keys", &keys.collect::<Vec<_>>())?;
        object.serialize_field("versions", &self.rows)?;
        object.end()
    }
}

/// A key as it is serialised.
#[derive(Serialize)]
struct Key<'a> {
    public_key: &'a BackupPublicKey,
    source: &'static str,
    opened: u64,
}
