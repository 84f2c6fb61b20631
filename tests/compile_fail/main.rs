//! What must not be possible with secrets, flows and hosts does not compile, and for the reason it should.
//!
//! Each file in `cases` is given to the compiler with the library that these tests were built with. A line that is
//! to be refused ends in `//~`, the code of the error, and what the compiler says. No other error may turn up.
#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests read files, start the compiler and may stop at the first surprise"
)]

use std::{
    collections::BTreeSet,
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// An error: its line, its code, and what it says.
type Refusal = (usize, String, String);

#[test]
fn misuse_does_not_compile() {
    let library = library();
    let mut cases = 0;
    for entry in fs::read_dir(folder().join("tests/compile_fail/cases")).unwrap() {
        let case = entry.unwrap().path();
        assert_eq!(refused(&case, &library), expected(&case), "{}", case.display());
        cases += 1;
    }
    assert!(cases > 0, "there are no cases");
}

#[test]
fn what_compiles_is_not_refused() {
    let case = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiles.rs");
    fs::write(&case, "pub fn limits() -> strongroom::Limits { strongroom::Limits::default() }")
        .unwrap();
    assert_eq!(refused(&case, &library()), BTreeSet::new());
}

/// The library as cargo has just built it for these tests: asked again, it builds nothing and names the file.
fn library() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "test",
        "--no-run",
        "--test",
        "compile_fail",
        "--message-format=json",
        "--target-dir",
    ]);
    cargo.arg(target).current_dir(folder());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = json_lines(&output.stdout);
    let is_library =
        |it: &&Value| it["target"]["name"] == "strongroom" && it["target"]["kind"][0] == "lib";
    let files = built.iter().find(is_library).unwrap()["filenames"].as_array().unwrap();
    let mut files = files.iter().map(|file| PathBuf::from(file.as_str().unwrap()));
    files.find(|file| file.extension().is_some_and(|extension| extension == "rlib")).unwrap()
}

/// What the compiler refuses in this file.
fn refused(case: &Path, library: &Path) -> BTreeSet<Refusal> {
    // This program lies beside what it was made of.
    let program = env::current_exe().unwrap();
    let dependencies =
        OsString::from_iter([OsStr::new("dependency="), program.parent().unwrap().as_os_str()]);
    let library = OsString::from_iter([OsStr::new("strongroom="), library.as_os_str()]);
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"]);
    rustc.arg("-L").arg(dependencies).arg("--extern").arg(library);
    rustc.arg("--out-dir").arg(env!("CARGO_TARGET_TMPDIR")).arg(case);
    let output = rustc.output().unwrap();
    let said = json_lines(&output.stderr);
    let errors = said.iter().filter(|it| it["level"] == "error");
    let refusals: BTreeSet<_> = errors.filter_map(refusal).collect();
    assert_eq!(output.status.success(), refusals.is_empty(), "{said:#?}");
    refusals
}

/// An error at a place; none for the compiler's last sentence, which counts them.
fn refusal(error: &Value) -> Option<Refusal> {
    let spans = error["spans"].as_array().unwrap();
    let first = spans.iter().find(|span| span["is_primary"] == true)?;
    // "mismatched types" alone does not say which.
    let (message, label) = (error["message"].as_str().unwrap(), first["label"].as_str());
    let says = label.filter(|_| message == "mismatched types").unwrap_or(message).to_owned();
    let code = error["code"]["code"].as_str().unwrap_or_default().to_owned();
    Some((first["line_start"].as_u64().unwrap() as usize, code, says))
}

/// What the comments of this file say that the compiler refuses.
fn expected(case: &Path) -> BTreeSet<Refusal> {
    let text = fs::read_to_string(case).unwrap();
    let marked = (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (code, says) = line.split_once("//~ ")?.1.split_once(' ')?;
        Some((number, code.to_owned(), says.to_owned()))
    });
    let marked: BTreeSet<_> = marked.collect();
    assert!(!marked.is_empty(), "{} expects nothing", case.display());
    marked
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
