//! Replays what the fuzzer has found worth keeping, with the fuzz target's own checks.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may read files and stop at the first surprise"
)]

#[path = "../fuzz/checks/key_file.rs"]
mod key_file;
#[path = "../fuzz/checks/secrets_bundle.rs"]
mod secrets_bundle;
#[path = "../fuzz/checks/stream.rs"]
mod stream;

use std::{fs, path::Path};

use strongroom::Limits;

#[test]
fn every_input_of_the_corpus_passes_the_checks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/stream");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        println!("{}", path.display());
        for seed in [0, 1, 7, 128, 255] {
            stream::check(&[&[seed], input.get(1..).unwrap_or_default()].concat());
        }
        stream::check(&input);
        count += 1;
    }
    assert!(count >= 30, "{count} inputs");
}

#[test]
fn every_cut_of_the_corpus_delivers_the_complete_sessions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/stream");
    for entry in fs::read_dir(folder).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        let text = input.get(1..).unwrap_or_default();
        for one_room in [false, true] {
            let whole = stream::split([text], one_room, &Limits::default());
            for cut in 0..=text.len().min(2_000) {
                stream::check_cut(text, cut, one_room, &whole);
            }
        }
    }
}

#[test]
fn every_key_file_of_the_corpus_passes_the_checks_also_when_it_is_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/key_file");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        println!("{}", path.display());
        let file = input.get(1..).unwrap_or_default();
        for seed in [0, 1, 7, 128, 255] {
            key_file::check(&[&[seed], file].concat());
        }
        (0..=file.len()).step_by(31).for_each(|cut| key_file::check_cut(file, cut));
        count += 1;
    }
    assert!(count >= 25, "{count} inputs");
}

#[test]
fn every_secrets_bundle_of_the_corpus_passes_the_checks_also_when_it_is_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/secrets_bundle");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        println!("{}", path.display());
        (0..=input.len()).for_each(|cut| secrets_bundle::check(&input[..cut]));
        count += 1;
    }
    assert!(count >= 20, "{count} inputs");
}
