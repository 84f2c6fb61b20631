//! A folder of vectors that is not what it should be fails, and is not taken for a passed test.

#![allow(clippy::disallowed_methods, reason = "the test makes a folder")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{fs, path::PathBuf};

use crate::support::vectors;

#[test]
#[should_panic(expected = "No such file")]
fn a_missing_file_fails() {
    vectors::rows_in(&folder("missing"), "libolm/quirks.json");
}

#[test]
#[should_panic(expected = "has no rows")]
fn a_file_without_rows_fails() {
    let folder = folder("empty");
    fs::write(folder.join("empty.json"), r#"{"vectors": []}"#).unwrap();
    vectors::rows_in(&folder, "empty.json");
}

#[test]
#[should_panic(expected = "has no array")]
fn a_file_of_another_shape_fails() {
    let folder = folder("shape");
    fs::write(folder.join("shape.json"), "{}").unwrap();
    vectors::rows_in(&folder, "shape.json");
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}
