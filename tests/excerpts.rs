//! Names from outside reach people as excerpts, wherever they are displayed: no line of their own, no escape sequence, no
//! turned text, and not at length.
#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use std::fmt::Display;

use strongroom::{
    client::{backup::Scope, diagnose::Remedy},
    secret_sharing::{DeviceProblem, RequesterError},
    secret_storage::{PlanNote, SecretOrigin},
};

fn hostile() -> String {
    format!("evil\n\u{202e}\u{1b}[2J{}", "x".repeat(300))
}

/// Nothing of the name's steering or length is left; the beginning is there.
#[track_caller]
fn is_an_excerpt(shown: &impl Display) {
    let shown = shown.to_string();
    assert!(!shown.contains(['\n', '\u{202e}', '\u{1b}']), "{shown:?}");
    assert!(shown.contains("evil\\u{a}") && !shown.contains(&"x".repeat(70)), "{shown:?}");
}

#[test]
fn remedies_show_excerpts() {
    let name = hostile();
    let text = name.as_str();
    for remedy in [
        Remedy::RestoreVersion(text.into()),
        Remedy::RotateStorageKey(text.into()),
        Remedy::RemoveKey(text.into()),
        Remedy::StoreSecret(text.into()),
        Remedy::EncryptToDefaultKey(text.into()),
        Remedy::AskOtherDevice(text.into()),
        Remedy::SignBackup(text.into()),
        Remedy::VerifySigner(text.into()),
    ] {
        is_an_excerpt(&remedy);
    }
}

#[test]
fn plans_and_errors_show_excerpts() {
    let name = hostile();
    let text = name.as_str();
    for reason in [
        PlanNote::DescribeKey(text.into()),
        PlanNote::Store(text.into()),
        PlanNote::Replace(text.into(), vec![text.into()]),
        PlanNote::AddEntries(text.into(), vec![text.into()]),
        PlanNote::RemoveEntries(text.into(), vec![text.into()]),
        PlanNote::Delete(text.into()),
        PlanNote::SetDefault(text.into()),
        PlanNote::RemoveDefault(text.into()),
        PlanNote::RemoveKey(text.into()),
    ] {
        is_an_excerpt(&reason);
    }
    for note in [
        PlanNote::NeedsAcceptance(text.into(), SecretOrigin::Passthrough),
        PlanNote::Contradicted(text.into()),
        PlanNote::NotOpened(text.into()),
        PlanNote::OtherValue(text.into()),
        PlanNote::KeyStays(text.into()),
    ] {
        is_an_excerpt(&note);
    }
    is_an_excerpt(&Scope::Session(text.into(), text.into()));
    let problem = DeviceProblem::Unknown;
    is_an_excerpt(&RequesterError::Device { device_id: text.into(), problem });
}
