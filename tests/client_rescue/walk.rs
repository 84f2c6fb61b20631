//! The walk over the versions.

use std::collections::BTreeSet;

use proptest::{collection::btree_set, option, prelude::*};
use strongroom::{
    api::{AccessToken, BaseUrl},
    backup::{BackupDecryptionKey, BackupVersionInfo},
    client::rescue::VersionWalk,
};

use super::version_of;

/// The last part of the path of what is asked for: `version` for the current one.
fn asked(walk: &VersionWalk) -> Option<String> {
    let base_url: BaseUrl = "https://matrix.example.org".parse().unwrap();
    let request = walk.request()?.to_http(&base_url, &AccessToken::from("t")).unwrap();
    Some(request.uri().path().rsplit('/').next().unwrap().to_owned())
}

/// What is asked for, and what is found, of a homeserver that answers so.
fn walked(
    mut walk: VersionWalk,
    answer: impl Fn(&str) -> Option<BackupVersionInfo>,
) -> (Vec<String>, Vec<String>, VersionWalk) {
    let (mut requests, mut found) = (Vec::new(), Vec::new());
    while let Some(request) = asked(&walk) {
        assert_eq!(walk.is_at_current(), request == "version");
        let version = walk.answer(answer(&request));
        found.extend(version.map(|info| info.version().as_str().to_owned()));
        requests.push(request);
    }
    (requests, found, walk)
}

fn info(number: &str) -> BackupVersionInfo {
    version_of(number, &BackupDecryptionKey::generate().unwrap())
}

/// A homeserver that has these versions, and calls the greatest one the current one.
fn of_honest(there: &BTreeSet<u64>) -> impl Fn(&str) -> Option<BackupVersionInfo> {
    |asked| match asked {
        "version" => there.last().map(|number| info(&number.to_string())),
        number => there.contains(&number.parse().unwrap()).then(|| info(number)),
    }
}

proptest! {
    #[test]
    fn every_version_is_found_whatever_gaps_there_are(
        there in btree_set(1_u64..60, 0..20), known in option::of(1_u64..60)
    ) {
        let mut walk = VersionWalk::new(1_000);
        if let Some(known) = known {
            walk = walk.known(&known.to_string().as_str().into());
        }
        let (requests, found, walk) = walked(walk, of_honest(&there));
        let all: Vec<_> = there.iter().rev().map(u64::to_string).collect();
        let distinct: BTreeSet<_> = requests.iter().collect();
        prop_assert_eq!(distinct.len(), requests.len(), "nothing is asked for twice");
        prop_assert_eq!(walk.left_out(), 0);
        prop_assert_eq!(found, all);
    }
}

#[test]
fn where_the_current_version_is_gone_those_before_a_known_one_are_found() {
    let there = BTreeSet::from([2, 4]);
    let honest = of_honest(&there);
    let gone = |asked: &str| if asked == "version" { None } else { honest(asked) };
    let (requests, found, _) = walked(VersionWalk::new(1_000).known(&"5".into()), gone);
    assert_eq!(requests, ["version", "5", "4", "3", "2", "1"]);
    assert_eq!(found, ["4", "2"]);
    let (requests, ..) = walked(VersionWalk::new(1_000), gone);
    assert_eq!(requests, ["version"], "no number is known");
    let (requests, ..) = walked(VersionWalk::new(1_000).known(&"a name".into()), gone);
    assert_eq!(requests, ["version"]);
}

#[test]
fn an_older_version_that_is_called_the_current_one_hides_no_newer_one() {
    let there = BTreeSet::from([2, 4, 7]);
    let honest = of_honest(&there);
    let rolled_back = |asked: &str| honest(if asked == "version" { "4" } else { asked });
    let (requests, found, _) = walked(VersionWalk::new(1_000).known(&"7".into()), rolled_back);
    assert_eq!(found, ["4", "7", "2"], "the current one first, and not again under its number");
    assert_eq!(requests.len(), 7);
}

#[test]
fn no_more_numbers_are_asked_for_than_allowed_whatever_number_is_claimed() {
    for (claimed, left_out) in [(10_000, 8_999), (u64::MAX, u64::MAX - 1_001)] {
        let claim = |asked: &str| {
            let number = claimed.to_string();
            Some(info(if asked == "version" { &number } else { asked }))
        };
        let (requests, found, walk) = walked(VersionWalk::new(1_000), claim);
        assert_eq!((requests.len(), found.len()), (1_001, 1_001));
        assert_eq!(walk.left_out(), left_out);
        let (requests, ..) = walked(VersionWalk::new(0), claim);
        assert_eq!(requests, ["version"]);
    }
}

#[test]
fn an_answer_about_another_version_is_none() {
    let same = |_: &str| Some(info("30"));
    let (requests, found, _) = walked(VersionWalk::new(1_000), same);
    assert_eq!((requests.len(), found), (30, vec!["30".to_owned()]));
    let nameless = |asked: &str| Some(info(if asked == "version" { "3" } else { "none" }));
    let (requests, found, _) = walked(VersionWalk::new(1_000), nameless);
    assert_eq!((requests.len(), found), (3, vec!["3".to_owned()]));
    let other_name = |asked: &str| Some(info(if asked == "version" { "blue" } else { "green" }));
    let (requests, found, _) = walked(VersionWalk::new(1_000), other_name);
    assert_eq!((requests.len(), found), (1, vec!["blue".to_owned()]));
}
