//! `strongroom demo` as a person or a script starts it.
#![allow(
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test starts the program and stops at the first surprise"
)]

use std::process::{Command, Output};

use strongroom::recovery_key::RecoveryKey;

fn strongroom(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_strongroom")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_demo_brings_every_session_back_and_says_so() {
    let output = strongroom(&["demo", "--sessions", "250"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    let story = text(&output.stdout);
    assert!(story.contains("250 message keys"), "{story}");
    assert!(story.contains("in 3 requests"), "{story}");
    assert!(story.contains("250 of 250 are equal in every part"), "{story}");
    assert!(story.contains("\nEvery message key came back."), "{story}");
}

#[test]
fn the_recovery_key_is_shown_whole() {
    let story = text(&strongroom(&["demo", "--sessions", "1"]).stdout);
    assert!(story.lines().any(|line| RecoveryKey::parse(line).is_ok()), "{story}");
}

#[test]
fn without_a_terminal_there_is_neither_colour_nor_a_progress_bar() {
    let output = strongroom(&["demo", "--sessions", "10"]);
    let plain = |byte: &u8| *byte == b'\n' || (b' '..=b'~').contains(byte);
    assert!(output.stdout.iter().all(plain));
}

#[test]
fn wrong_usage_is_exit_2_and_nothing_is_done() {
    for arguments in [&["demo", "--sessions", "0"][..], &["demo", "--seeds"], &["dema"], &[]] {
        let output = strongroom(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
