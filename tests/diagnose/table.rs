//! Every case gives what it says, and every finding has a case.

use std::collections::{BTreeMap, BTreeSet};

use strongroom::{
    Limits,
    client::diagnose::{Finding, Severity},
};

use crate::{
    cases::{BACKUPS, Case, IDENTITY, INPUT, SECRETS, SESSIONS, STORAGE},
    source,
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
    let mut met: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut codes: BTreeMap<&str, String> = BTreeMap::new();
    for finding in findings() {
        let (part, variant) = names(&finding);
        let earlier = codes.insert(finding.code(), variant.clone());
        assert!(earlier.is_none_or(|earlier| earlier == variant), "{}", finding.code());
        met.entry(part).or_default().insert(variant);
    }
    assert_eq!(met.len(), source::variants("Finding").len());
    for (part, variants) in met {
        assert_eq!(variants, source::variants(part), "{part}");
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

/// The enum and the variant.
fn names(finding: &Finding) -> (&'static str, String) {
    let (part, debug) = match finding {
        Finding::Input(it) => ("InputFinding", format!("{it:?}")),
        Finding::Storage(it) => ("StorageFinding", format!("{it:?}")),
        Finding::Secret(it) => ("SecretFinding", format!("{it:?}")),
        Finding::Backup(it) => ("BackupFinding", format!("{it:?}")),
        Finding::Sessions(it) => ("SessionFinding", format!("{it:?}")),
        Finding::Identity(it) => ("IdentityFinding", format!("{it:?}")),
        other => panic!("{other:?}"),
    };
    (part, debug.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned())
}
