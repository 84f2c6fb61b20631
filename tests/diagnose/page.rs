//! The page of all findings is what the code says.

use std::{env, fs};

use strongroom::client::diagnose::{Comparison, Finding, MissingEvidence};

use crate::table::findings;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/diagnose.md");

/// With `STRONGROOM_WRITE_DOCS` set, the page is written anew.
#[test]
fn the_page_lists_every_finding_with_its_sentence_and_its_remedy() {
    let page = page();
    if env::var_os("STRONGROOM_WRITE_DOCS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(PAGE).unwrap(), page);
}

#[test]
fn every_sentence_and_every_remedy_is_one() {
    for finding in findings() {
        let remedy = finding.remedy().map(|remedy| remedy.to_string());
        for sentence in [Some(finding.to_string()), remedy].into_iter().flatten() {
            let first = sentence.chars().next().unwrap();
            assert!(first.is_uppercase() || first.is_ascii_digit(), "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.contains(".."), "{sentence}");
        }
    }
}

/// Programs get the names that a sentence holds one by one, and as they are.
#[test]
fn what_a_sentence_names_are_its_arguments() {
    for finding in findings() {
        let sentence = finding.to_string();
        for (name, value) in finding.arguments() {
            let is_shown = sentence.contains(&value)
                || ["name", "fits", "total", "tried", "stored", "is_at_hand", "takes"]
                    .contains(&name);
            let is_whole = is_shown || ["keys", "versions", "members", "device"].contains(&name);
            assert!(is_whole && !name.is_empty(), "{name}: {value} in {sentence}");
        }
    }
}

const BEGINNING: &str = "\
# What a diagnosis may find

`client::diagnose` compares whatever is at hand of an account: what was entered, the account data, the backup and its
older versions, the user's published keys, a sample of message keys. This page lists everything it may find, each with
an example and with what helps. A test writes it from the tables in `src/client/diagnose/finding` and `remedy.rs`.

*Danger* comes first: somebody else may have changed the account, so look at this before anything else is entered or
repaired. *Failure*: history or a secret cannot be had. *Warning*: something does not work as it should. *Notice*: it
works, and is old or unusual. *Information*: as it should be. Remedies with a star are performed by
`Diagnosis::repair`.

A diagnosis is `ill` if something is a danger, a failure or a warning. It is `well` if nothing is, and a key was tried
on what it should open; otherwise it is `unknown`. It lists what was compared and what was missing for more.

Whoever asks strangers for help shows them `Diagnosis::shareable`, or what `strongroom diagnose --shareable` prints: IDs, keys,
names and texts of the account stand there as \u{201c}key 1\u{201d} or \u{201c}device 2\u{201d}, the same one everywhere under the same name.
";

fn page() -> String {
    let mut findings = findings();
    findings.sort_by_key(|finding| part(finding).0);
    let mut page = BEGINNING.to_owned();
    let (mut parts, mut codes) = (Vec::new(), Vec::new());
    for finding in &findings {
        if codes.contains(&finding.code()) {
            continue;
        }
        codes.push(finding.code());
        let (_, title) = part(finding);
        if !parts.contains(&title) {
            parts.push(title);
            page.push_str(&format!(
                "\n## {title}\n\n| finding | | for example | what helps |\n|---|---|---|---|\n"
            ));
        }
        let remedy = finding.remedy();
        let star =
            if remedy.as_ref().is_some_and(|remedy| remedy.is_repairable()) { " \\*" } else { "" };
        let remedy = remedy.map_or_else(String::new, |remedy| remedy.to_string());
        let (code, severity) = (finding.code(), finding.severity().code());
        page.push_str(&format!("| `{code}` | {severity} | {finding} | {remedy}{star} |\n"));
    }
    page.push_str("\n## What is compared\n\n| comparison | in words |\n|---|---|\n");
    for it in Comparison::ALL {
        page.push_str(&format!("| `{}` | {it} |\n", it.code()));
    }
    page.push_str("\n## What may be missing\n\n| evidence | in words |\n|---|---|\n");
    for it in MissingEvidence::ALL {
        page.push_str(&format!("| `{}` | {it} |\n", it.code()));
    }
    page
}

fn part(finding: &Finding) -> (u8, &'static str) {
    let (topic, _) = finding.code().split_once('.').unwrap();
    match topic {
        "input" => (0, "What was entered"),
        "storage" => (1, "The keys of the key storage"),
        "secret" => (2, "The secrets"),
        "backup" => (3, "The backup"),
        "sessions" => (4, "The message keys"),
        "identity" => (5, "The user's own keys"),
        other => panic!("{other:?}"),
    }
}
