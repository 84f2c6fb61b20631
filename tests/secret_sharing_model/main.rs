//! A model of secret sharing: honest and hostile devices, a homeserver that lies, and a world that changes,
//! in random order. An observer that knows nothing of the machines checks what they say and send.
//!
//! Four honest devices ([`host`]) have both machines each. A verified device that was taken over, one that
//! an attacker logged in, and one of another user make things up, and so does the homeserver
//! ([`forging`]). Olm is a table of boxes that only one device can open ([`network`]). What must hold is
//! said where it is seen: [`asking`] and [`receiving`] for the requester, [`hearing`] and [`sharing`] for
//! the responder, [`ending`] for what must come of everything at last.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod account;
mod action;
mod asking;
mod cast;
mod clock;
mod counts;
mod ending;
mod forging;
mod hearing;
mod host;
mod ids;
mod network;
mod receiving;
mod sharing;
mod strategy;
mod world;

use std::cell::RefCell;

use proptest::{
    prelude::{ProptestConfig, proptest},
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    action::{Script, Setup},
    counts::Counts,
    strategy::{script, setup},
    world::World,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_secret_goes_astray_and_every_request_ends(setup in setup(), script in script()) {
        run(&setup, &script);
    }
}

/// Four cancellations of what the small memory of two hosts has lost come at once: a request that
/// comes with them has to wait, and is answered after it.
#[test]
fn late_cancellations_do_not_cost_a_request_its_answer() {
    use crate::{
        action::{Action, Change, Policy},
        cast::{Name, Who},
    };
    let ask = |host, name| Action::Ask { host, name, to: vec![] };
    let replace =
        |who| [Action::Change(Change::Replace(who, true)), Action::Look { host: Who::Phone }];
    let policies = vec![Policy::Asks, Policy::Tight, Policy::Asks, Policy::Tight];
    let setup = Setup { policies, pinned: false, known: vec![], twins: false };
    let mut script = replace(Who::New).to_vec();
    for _ in 0..4 {
        script.extend([ask(Who::Phone, Name::UserSigning), Action::DeliverAll]);
    }
    script.extend([Action::Hold { host: Who::Tablet }, ask(Who::Tablet, Name::Backup)]);
    script.extend(replace(Who::Tablet));
    script.push(ask(Who::Phone, Name::SelfSigning));
    script.extend([Action::Serve { host: Who::Tablet }, Action::DeliverAll]);
    run(&setup, &Script(script));
}

#[test]
fn in_the_model_happens_what_it_is_there_for() {
    let config = ProptestConfig { cases: RUNS_TO_COUNT, failure_persistence: None, ..config() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let all = RefCell::new(Counts::default());
    let runs =
        TestRunner::new_with_rng(config, rng).run(&(setup(), script()), |(setup, script)| {
            all.borrow_mut().add_all(&run(&setup, &script));
            Ok(())
        });
    runs.unwrap_or_else(|error| panic!("{error}"));
    let counts = all.into_inner();
    println!("{counts:#?}");
    let rare: Vec<_> = HAPPENS.iter().filter(|(what, least)| counts.of(what) < *least).collect();
    assert!(rare.is_empty(), "{rare:?} of {counts:#?}");
}

fn run(setup: &Setup, script: &Script) -> Counts {
    let mut world = World::new(setup);
    for action in &script.0 {
        world.apply(action);
    }
    world.end();
    world.counts()
}

/// Many runs; `PROPTEST_CASES` can only make them more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(RUNS), ..default }
}

const RUNS: u32 = 150;

const RUNS_TO_COUNT: u32 = 500;

/// What happens at least how often in these runs.
const HAPPENS: [(&str, usize); 26] = [
    ("accepted with proof", 500),
    ("accepted when a key was known", 200),
    ("accepted on a word", 50),
    ("accepted by the user", 5),
    ("answered in the end", 100),
    ("asked again", 200),
    ("cancelled", 20),
    ("crashed with unsent messages", 5),
    ("dropped: again", 3),
    ("dropped: another user", 30),
    ("dropped: identity reset", 20),
    ("dropped: mismatch", 20),
    ("dropped: no secret", 2),
    ("dropped: not asked", 3),
    ("dropped: not open", 300),
    ("dropped: not trusted", 30),
    ("expired", 50),
    ("ignored: another name", 10),
    ("ignored: held off", 100),
    ("ignored: not trusted", 300),
    ("kept", 300),
    ("no session", 8),
    ("not trusted any more when encrypted", 5),
    ("restarted between take and encrypted", 8),
    ("sealed", 1_000),
    ("withdrawn", 50),
];
