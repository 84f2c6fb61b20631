//! The same requests to Synapse and to the in-memory homeserver: equal answers, except where the table
//! of departures says otherwise.
//!
//! `STRONGROOM_SYNAPSE=URL STRONGROOM_DIFFERENTIAL_OPS=5000 cargo test --test differential`
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the test reads the environment and may fail by a panic"
)]

mod departures;
mod pair;
mod step;
#[path = "../support/mod.rs"]
mod support;

use std::{cell::RefCell, collections::BTreeMap, env};

use departures::{DEPARTURES, Departure};
use pair::{Case, Pair};
use proptest::{
    collection::vec,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::json;
use step::{Step, Target, any_step};
use support::{ask::ALGORITHM, synapse::Synapse};

/// How often each departure was met, by name.
type Met = BTreeMap<&'static str, usize>;

#[test]
fn random_requests_are_answered_alike_but_for_the_departures() {
    let Some(synapse) = Synapse::from_environment("the differential test") else { return };
    let steps: usize = env::var("STRONGROOM_DIFFERENTIAL_OPS")
        .map_or(1_000, |number| number.parse().expect("STRONGROOM_DIFFERENTIAL_OPS is a number"));
    let config = Config {
        cases: u32::try_from(steps.div_ceil(LENGTH)).unwrap(),
        max_shrink_iters: 200,
        source_file: Some(file!()),
        ..Config::default()
    };
    let (met, count) = (RefCell::new(Met::new()), RefCell::new(0));
    TestRunner::new(config)
        .run(&vec(any_step(), LENGTH), |steps| {
            *count.borrow_mut() += steps.len();
            play(&synapse, &steps, &mut met.borrow_mut()).map_err(TestCaseError::fail)
        })
        .unwrap();
    println!("{} requests; departures met: {:#?}", count.borrow(), met.borrow());
}

#[test]
fn every_departure_is_there() {
    let Some(synapse) = Synapse::from_environment("the departures of Synapse") else { return };
    for Departure { name, witness, .. } in &DEPARTURES {
        let mut met = Met::new();
        play(&synapse, &witness(), &mut met).unwrap();
        assert!(met.contains_key(name), "Synapse has changed: no longer true that {name}: {met:?}");
    }
}

/// Sends a sequence to a fresh user of both; the first surprise ends it.
fn play(synapse: &Synapse, steps: &[Step], met: &mut Met) -> Result<(), String> {
    let mut pair = fresh(synapse);
    for (number, step) in steps.iter().enumerate() {
        let case = pair.send(step);
        judge(&case, met).map_err(|reason| format!("step {number}: {reason}"))?;
        if case.states_differ() {
            // Nothing more can be compared: all that follows would differ for the same reason.
            pair = fresh(synapse);
        }
    }
    let (theirs, ours) = pair.all();
    if theirs == ours {
        Ok(())
    } else {
        Err(format!("in the end Synapse stores {theirs:#?} and we store {ours:#?}"))
    }
}

/// A user with a first backup version.
fn fresh(synapse: &Synapse) -> Pair<'_> {
    let mut pair = Pair::new(synapse);
    let body = json!({ "algorithm": ALGORITHM, "auth_data": {} });
    assert!(!pair.send(&Step::new("POST", Target::Version(None), &body)).answers_differ());
    pair
}

/// Looks for a departure that explains each difference.
fn judge(case: &Case<'_>, met: &mut Met) -> Result<(), String> {
    let mut explained = |differ: bool, explains: fn(&Departure, &Case<'_>) -> bool| {
        let departure = DEPARTURES.iter().find(|departure| differ && explains(departure, case));
        if let Some(departure) = departure {
            *met.entry(departure.name).or_default() += 1;
        }
        !differ || departure.is_some()
    };
    if !explained(case.answers_differ(), |departure, case| (departure.explains_answers)(case)) {
        let Case { step, theirs, ours, .. } = case;
        return Err(format!("{step:?}\nSynapse answers {theirs:?}\nand we answer   {ours:?}"));
    }
    if !explained(case.states_differ(), |departure, case| (departure.explains_state)(case)) {
        let (theirs, ours) = &case.after;
        return Err(format!(
            "{:?}\nSynapse stores {theirs:#?}\nand we store   {ours:#?}",
            case.step
        ));
    }
    Ok(())
}

/// How many requests a user sends.
const LENGTH: usize = 40;
