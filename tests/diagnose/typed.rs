//! What is said of a text that somebody typed, and what helps: rows 53 and 54 of the malformations.

use serde_json::{Value, json};
use strongroom::client::diagnose::{Remedy, diagnose};

use crate::{
    account::{Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key},
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
        for blank in ["", "\r\n", "\u{200b} ", "\u{2800}"] {
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
    let nothing_fits = ("input.fits_nothing", Some(Remedy::EnterPassphrase));
    assert_eq!(about_typed(&world), [nothing_fits]);
}

#[test]
fn row_54_no_key_is_called_mistyped_when_nothing_could_be_tried() {
    let mut world = World::well();
    (world.storage, world.backup, world.room_keys) = (Some(Account::default()), None, None);
    let mistyped = format!("{}0", recovery_key(KEY));
    for typed in [recovery_key(KEY), mistyped, "correct horse".to_owned()] {
        world.typed = Some(typed);
        assert_eq!(about_typed(&world), [("input.fits_nothing", None)]);
        let diagnosis = diagnose(&world.evidence(), world.typed.as_deref(), &world.limits);
        let sentences: Vec<_> = diagnosis.findings().iter().map(ToString::to_string).collect();
        assert!(!sentences.iter().any(|it| it.contains("mistyped")), "{sentences:?}");
        assert!(
            sentences.iter().any(|it| it.contains("could not be tried on any key of this account")),
            "{sentences:?}"
        );
    }
}

#[test]
fn row_54_each_refusal_says_what_was_expected_here() {
    let storage = |passphrase: Option<Value>| {
        let mut world = World::well();
        if let Some(passphrase) = passphrase {
            world.storage().key_mut(ID)["passphrase"] = passphrase;
        }
        world
    };
    let own_passphrase = |mut world: World| {
        world.change_auth_data(|auth_data| {
            auth_data["private_key_salt"] = json!("salt");
            auth_data["private_key_iterations"] = json!(1);
        });
        world
    };
    let without_storage = |mut world: World| {
        world.storage = Some(Account::default());
        world
    };
    let only_passphrase =
        json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": "s", "bits": 512});
    let (empty, passphrase) = (String::new(), "correct horse battery staple".to_owned());
    let (key, mistyped) = (recovery_key(OTHER_KEY), format!("Key: {}0", recovery_key(OTHER_KEY)));
    let cases: [(World, &str, Remedy, &str); 13] = [
        (
            storage(None),
            &empty,
            Remedy::EnterRecoveryKey,
            "enter the recovery key of your key storage.",
        ),
        (
            storage(None),
            &passphrase,
            Remedy::EnterRecoveryKey,
            "like a passphrase, which does not help here",
        ),
        (
            storage(Some(only_passphrase.clone())),
            &empty,
            Remedy::EnterPassphrase,
            "enter the passphrase of your key storage.",
        ),
        (
            storage(Some(only_passphrase.clone())),
            &key,
            Remedy::EnterPassphrase,
            "enter the passphrase of your key storage",
        ),
        (
            storage(Some(only_passphrase.clone())),
            &mistyped,
            Remedy::EnterPassphrase,
            "this looks like a recovery key, which does not help here",
        ),
        (
            own_passphrase(storage(None)),
            &empty,
            Remedy::EnterBackupPassphrase,
            "or the passphrase of the backup",
        ),
        (
            own_passphrase(storage(None)),
            &passphrase,
            Remedy::CheckTyping,
            "this passphrase does not open anything here",
        ),
        (
            own_passphrase(storage(None)),
            &mistyped,
            Remedy::CheckTyping,
            "this looks like a recovery key but is not a valid one",
        ),
        (
            own_passphrase(storage(Some(only_passphrase))),
            &key,
            Remedy::EnterPassphrase,
            "enter the passphrase of your key storage",
        ),
        (
            without_storage(storage(None)),
            &empty,
            Remedy::EnterBackupKey,
            "enter the recovery key of the backup.",
        ),
        (
            without_storage(storage(None)),
            &passphrase,
            Remedy::EnterBackupKey,
            "enter the recovery key of the backup",
        ),
        (
            without_storage(storage(None)),
            &key,
            Remedy::CheckTyping,
            "this recovery key does not open anything here",
        ),
        (
            own_passphrase(without_storage(storage(None))),
            &empty,
            Remedy::EnterBackupKey,
            "the recovery key or the passphrase of the backup",
        ),
    ];
    for (number, (mut world, typed, remedy, sentence)) in cases.into_iter().enumerate() {
        world.typed = Some(typed.to_owned());
        let found = [("input.fits_nothing", Some(remedy))];
        assert_eq!(about_typed(&world), found, "{number}: {typed}");
        let sentences: Vec<_> =
            world.diagnose().findings().iter().map(|it| it.to_string()).collect();
        assert!(sentences.iter().any(|it| it.contains(sentence)), "{number}: {sentences:?}");
    }
}

#[test]
fn row_54_who_has_entered_the_recovery_key_is_not_asked_for_it() {
    let unusable = |typed: Option<String>| {
        let mut world = World::well();
        world.storage().key_mut(ID)["passphrase"] = json!({"algorithm": "m.new"});
        world.typed = typed;
        let diagnosis = world.diagnose();
        let mut findings = diagnosis.findings().iter();
        let finding = findings.find(|it| it.code() == "storage.passphrase_unusable").cloned();
        finding.unwrap().remedy()
    };
    let replace = Remedy::RotateStorageKey(ID.into());
    assert_eq!(unusable(Some(recovery_key(KEY))), Some(replace));
    for other in [None, Some(recovery_key(OTHER_KEY))] {
        assert_eq!(unusable(other), Some(Remedy::EnterRecoveryKey));
    }
}

#[test]
fn row_54_the_key_that_is_asked_for_is_the_one_in_use() {
    let newer = |passphrase: Value| {
        let mut world = World::well();
        let storage = world.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY);
        world.storage = Some(storage);
        world.storage().key_mut(ID)["passphrase"] = passphrase;
        world.typed = Some(recovery_key(OTHER_KEY));
        about_typed(&world)
    };
    for (bits, remedy) in [(512, Remedy::EnterPassphrase), (256, Remedy::EnterStorageKey)] {
        let passphrase =
            json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": "s", "bits": bits});
        assert_eq!(newer(passphrase), [("input.older_storage_key", Some(remedy))]);
    }
    let none = [("input.older_storage_key", Some(Remedy::EnterRecoveryKey))];
    assert_eq!(newer(json!(null)), none);
}

/// The commonest mistake there is, where the account data is not at hand to show it.
#[test]
fn a_key_that_is_not_the_backups_may_be_that_of_the_key_storage() {
    let mut world = World::well();
    world.storage = None;
    assert_eq!(about_typed(&world), [("input.fits_nothing", Some(Remedy::CheckTyping))]);
    let sentences: Vec<_> = world.diagnose().findings().iter().map(|it| it.to_string()).collect();
    assert!(sentences.iter().any(|it| it.contains("may be that of your key storage")));
}

#[test]
fn row_54_nothing_is_said_of_trying_a_mistyped_key_as_a_passphrase() {
    let mut world = World::well();
    world.storage().key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 4_000_000_000_u32, "salt": "s"});
    world.typed = Some(format!("{}0", recovery_key(KEY)));
    assert_eq!(about_typed(&world), [("input.fits_nothing", Some(Remedy::CheckTyping))]);
}

#[test]
fn row_54_nothing_is_said_of_trying_an_empty_entry() {
    for passphrase in [
        json!({"algorithm": "m.pbkdf2", "iterations": 4_000_000_000_u32, "salt": "s"}),
        json!({"algorithm": "m.argon2", "iterations": 1, "salt": "s"}),
        json!({"algorithm": "m.pbkdf2"}),
    ] {
        let mut world = World::well();
        world.storage().key_mut(ID)["passphrase"] = passphrase;
        world.typed = Some(" ".to_owned());
        let found = [("input.fits_nothing", Some(Remedy::EnterRecoveryKey))];
        assert_eq!(about_typed(&world), found);
        world.typed = Some("correct horse".to_owned());
        assert!(about_typed(&world).iter().any(|(code, _)| *code == "input.not_tried"));
    }
    let mut world = World::well();
    world.storage().key_mut(ID)["algorithm"] = json!("org.example.other");
    world.typed = Some(String::new());
    assert!(about_typed(&world).iter().all(|(code, _)| *code == "input.fits_nothing"));
}

/// The findings about what was typed: code and remedy of each.
fn about_typed(world: &World) -> Vec<(&'static str, Option<Remedy>)> {
    let diagnosis = diagnose(&world.evidence(), world.typed.as_deref(), &world.limits);
    let found = diagnosis.findings().iter().map(|finding| (finding.code(), finding.remedy()));
    found.filter(|(code, _)| code.starts_with("input.")).collect()
}
