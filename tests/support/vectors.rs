//! Test vectors: from `tests/vectors`, or from the folder that `STRONGROOM_VECTORS` names.
//!
//! Another folder has the same files and fields with other keys and more rows. So nothing here or
//! in the tests knows a key, an identifier or a number of rows; a missing file or one without rows
//! fails.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests read files and may panic"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

use super::base64;

/// One row of a file, or one file that is a single fixture.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    file: String,
    value: Value,
}

/// The members of an object, each as it is written.
pub(crate) type RawMembers = BTreeMap<String, Box<RawValue>>;

/// Whether the vectors are those of this repository, whose rows are all known.
pub(crate) fn are_our_own() -> bool {
    other_folder().is_none()
}

/// The rows of `<folder>/<file>`, at least one.
pub(crate) fn rows(file: &str) -> Vec<Row> {
    rows_in(&folder(), file)
}

/// The rows of `<folder>/<file>`, each also as it is written.
pub(crate) fn rows_as_written(file: &str) -> Vec<(Row, RawMembers)> {
    let whole = fixture_as_written(file).1;
    let written: Vec<RawMembers> = members_of(file, &whole["vectors"]);
    rows(file).into_iter().zip(written).collect()
}

/// The rows of a file that only this repository has, at least one.
pub(crate) fn own_rows(file: &str) -> Vec<Row> {
    rows_in(&our_folder(), file)
}

/// The rows of a file in a folder, at least one.
pub(crate) fn rows_in(folder: &Path, file: &str) -> Vec<Row> {
    let value = read(folder, file);
    let Some(rows) = value.get("vectors").and_then(Value::as_array) else {
        panic!("{file} has no array named \u{201c}vectors\u{201d}");
    };
    assert!(!rows.is_empty(), "{file} has no rows");
    rows.iter().map(|value| Row { file: file.to_owned(), value: value.clone() }).collect()
}

/// A file as it is.
pub(crate) fn bytes(file: &str) -> Vec<u8> {
    read_bytes(&folder(), file)
}

/// A file that is one fixture.
pub(crate) fn fixture(file: &str) -> Row {
    Row { file: file.to_owned(), value: read(&folder(), file) }
}

/// The same, also as it is written.
pub(crate) fn fixture_as_written(file: &str) -> (Row, RawMembers) {
    let text = read_bytes(&folder(), file);
    let raw: Box<RawValue> = serde_json::from_slice(&text).unwrap_or_else(|_| panic!("{file}"));
    (fixture(file), members_of(file, &raw))
}

impl Row {
    /// Its name, for messages and tables.
    pub(crate) fn name(&self) -> &str {
        self.value.get("name").and_then(Value::as_str).unwrap_or("(no name)")
    }

    /// A member that may be missing.
    pub(crate) fn get(&self, member: &str) -> Option<&Value> {
        self.value.get(member).filter(|value| !value.is_null())
    }

    /// A member without which the row says nothing.
    pub(crate) fn member(&self, member: &str) -> &Value {
        self.get(member).unwrap_or_else(|| {
            panic!("{}: the row \u{201c}{}\u{201d} has no {member}", self.file, self.name())
        })
    }

    /// A text that may be missing.
    pub(crate) fn get_text(&self, member: &str) -> Option<&str> {
        self.get(member).and_then(Value::as_str)
    }

    /// A text without which the row says nothing.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.member(member).as_str().unwrap_or_else(|| {
            panic!("{}: {member} of \u{201c}{}\u{201d} is no text", self.file, self.name())
        })
    }

    /// 32 bytes in base64.
    pub(crate) fn key(&self, member: &str) -> [u8; 32] {
        let bytes = base64::decode(self.text(member)).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or_else(|| {
            panic!("{}: {member} of \u{201c}{}\u{201d} is no key", self.file, self.name())
        })
    }

    /// The members of the row.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.value.as_object().into_iter().flatten()
    }
}

fn folder() -> PathBuf {
    other_folder().unwrap_or_else(our_folder)
}

fn read(folder: &Path, file: &str) -> Value {
    let text = read_bytes(folder, file);
    serde_json::from_slice(&text)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.join(file).display()))
}

fn read_bytes(folder: &Path, file: &str) -> Vec<u8> {
    let path = folder.join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn members_of<T: DeserializeOwned>(file: &str, raw: &RawValue) -> T {
    serde_json::from_str(raw.get()).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn our_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn other_folder() -> Option<PathBuf> {
    env::var_os("STRONGROOM_VECTORS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
