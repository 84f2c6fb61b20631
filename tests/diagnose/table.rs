//! Every case gives what it says, and every finding has a case.

use std::collections::{BTreeMap, BTreeSet};

use strongroom::{
    Limits,
    client::diagnose::{Finding, Severity},
};

use crate::{
    cases::{BACKUPS, Case, IDENTITY, INPUT, SECRETS, SESSIONS, STORAGE},
    world::{USER, World},
};

pub(crate) const ALL: [(&str, &[Case]); 6] = [
    ("INPUT", INPUT),
    ("STORAGE", STORAGE),
    ("SECRETS", SECRETS),
    ("BACKUPS", BACKUPS),
    ("SESSIONS", SESSIONS),
    ("IDENTITY", IDENTITY),
];

#[test]
fn every_case_gives_all_that_it_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for (table, cases) in ALL {
        for (number, case) in cases.iter().enumerate() {
            let diagnosis = case.diagnose();
            let found = diagnosis.findings().iter();
            let found = found.filter(|finding| finding.severity() != Severity::Information);
            let found: Vec<_> = found.map(Finding::code).collect();
            if found != case.found {
                wrong.push(format!("{table} {number}: {found:?}, not {:?}", case.found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_finding_has_a_case_and_a_name_of_its_own() {
    let codes: Vec<_> = Finding::codes().collect();
    let met: BTreeSet<_> = findings().iter().map(Finding::code).collect();
    assert_eq!(codes.len(), met.len(), "no two have the same name");
    assert_eq!(met, codes.into_iter().collect());
    // One name is one sentence, but for what it names.
    let mut variants: BTreeMap<&str, String> = BTreeMap::new();
    for finding in findings() {
        let variant = name_of(&finding);
        let earlier = variants.insert(finding.code(), variant.clone());
        assert!(earlier.is_none_or(|earlier| earlier == variant), "{}", finding.code());
    }
}

#[test]
fn many_small_things_hide_no_danger() {
    let mut world = World::well();
    world.pinned = Some(55);
    let limit = Limits::default().findings;
    for number in 0..limit + 10 {
        let broken = serde_json::json!({ "user_id": USER });
        world.keys()["device_keys"][USER][format!("BROKEN{number}")] = broken;
    }
    let found = world.diagnose();
    assert_eq!(found.findings().len(), limit);
    assert_eq!(found.findings()[0].code(), "identity.master_key_differs");
}

/// Every finding of every case.
pub(crate) fn findings() -> Vec<Finding> {
    let cases = ALL.iter().flat_map(|(_, cases)| cases.iter());
    cases.flat_map(|case| case.diagnose().findings().to_vec()).collect()
}

/// The topic and the variant, as `Debug` shows them.
fn name_of(finding: &Finding) -> String {
    let debug = format!("{finding:?}");
    let end = debug.find([' ', ')']).unwrap_or(debug.len());
    debug[..end].to_owned()
}
