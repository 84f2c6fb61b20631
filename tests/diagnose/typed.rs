//! What is said of a text that somebody typed, and what helps: rows 53 and 54 of the malformations.

use serde_json::json;
use strongroom::client::diagnose::{Remedy, diagnose};

use crate::{
    account::{Account, ID, KEY, OTHER_KEY, recovery_key},
    world::World,
};

#[test]
fn row_53_a_pasted_key_is_the_key() {
    let mut world = World::well();
    world.typed = Some(format!("\u{feff}Recovery key:\n```\n{}\n```", recovery_key(KEY)));
    assert_eq!(about_typed(&world), [("input.storage_key_fits", None)]);
}

#[test]
fn row_54_a_remedy_proposes_what_can_work() {
    let nothing_fits = |remedy| ("input.fits_nothing", Some(remedy));
    for with_passphrase in [false, true] {
        let mut world = World::well();
        if with_passphrase {
            world.storage().key_mut(ID)["passphrase"] =
                json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": "s"});
        }
        for blank in ["", "\r\n", "\u{200b} "] {
            world.typed = Some(blank.to_owned());
            let remedy =
                if with_passphrase { Remedy::EnterStorageKey } else { Remedy::EnterRecoveryKey };
            assert_eq!(about_typed(&world), [nothing_fits(remedy)], "{blank:?}");
        }
        world.typed = Some("correct horse battery staple".to_owned());
        let remedy = if with_passphrase { Remedy::CheckTyping } else { Remedy::EnterRecoveryKey };
        assert_eq!(about_typed(&world), [nothing_fits(remedy)]);
        world.typed = Some(recovery_key(OTHER_KEY));
        assert_eq!(about_typed(&world), [nothing_fits(Remedy::CheckTyping)]);
    }
}

#[test]
fn row_54_where_only_a_passphrase_helps_it_is_asked_for() {
    let mut world = World::well();
    world.storage().key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": "s", "bits": 512});
    world.typed = Some(recovery_key(OTHER_KEY));
    let nothing_fits = ("input.fits_nothing", Some(Remedy::EnterStorageKey));
    assert_eq!(about_typed(&world), [nothing_fits]);
}

#[test]
fn row_54_no_key_is_called_mistyped_when_nothing_could_be_tried() {
    let mut world = World::well();
    (world.storage, world.backup, world.room_keys) = (Some(Account::default()), None, None);
    for typed in [recovery_key(KEY), "correct horse".to_owned()] {
        world.typed = Some(typed);
        assert_eq!(about_typed(&world), [("input.fits_nothing", None)]);
        let diagnosis = diagnose(&world.evidence(), world.typed.as_deref(), &world.limits);
        let sentences: Vec<_> = diagnosis.findings().iter().map(ToString::to_string).collect();
        assert!(!sentences.iter().any(|it| it.contains("mistyped")), "{sentences:?}");
        assert!(sentences.iter().any(|it| it.contains("could not be tried")), "{sentences:?}");
    }
}

/// The findings about what was typed: code and remedy of each.
fn about_typed(world: &World) -> Vec<(&'static str, Option<Remedy>)> {
    let diagnosis = diagnose(&world.evidence(), world.typed.as_deref(), &world.limits);
    let found = diagnosis.findings().iter().map(|finding| (finding.code(), finding.remedy()));
    found.filter(|(code, _)| code.starts_with("input.")).collect()
}
