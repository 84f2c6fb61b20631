//! What is broken in two ways at once: one repair after the other comes to an end, and takes no history away.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use strongroom::{
    Limits,
    client::diagnose::{Diagnosis, RepairPlan, diagnose},
    secret_storage::NewKey,
};

use crate::{
    cases::Case,
    repairs::{mend, repair},
    table::ALL,
    world::World,
};

#[test]
fn repairs_of_two_breakages_come_to_an_end_and_cost_no_session() {
    let cases = ALL.iter().flat_map(|(table, cases)| (0..).zip(*cases).map(move |it| (table, it)));
    let cases: Vec<_> = cases.collect();
    let (mut applied, mut wrong) = (0, Vec::new());
    let each = if env::var_os("STRONGROOM_LONG").is_some() { EACH_WHEN_LONG } else { EACH };
    for (one, (table, (number, case))) in cases.iter().enumerate() {
        for (other, (other_table, (other_number, other_case))) in cases.iter().enumerate() {
            if (one + 5 * other) % each != 0 {
                continue;
            }
            // Some cases break what another one has taken away.
            let broken = catch_unwind(AssertUnwindSafe(|| broken_twice(case, other_case)));
            let Ok(world) = broken else { continue };
            applied += 1;
            if let Err(what) = mend_all(world) {
                wrong.push(format!("{table} {number}, {other_table} {other_number}: {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(applied > cases.len() * cases.len() / each * 9 / 10, "only {applied} pairs");
}

fn broken_twice(one: &Case, other: &Case) -> World {
    let mut world = World::well();
    (one.break_it)(&mut world);
    (other.break_it)(&mut world);
    world.evidence();
    world
}

/// Performs what can be performed, the first remedy first, until nothing can.
fn mend_all(mut world: World) -> Result<(), String> {
    let (mut keys, mut done) = (Vec::new(), Vec::new());
    let before = look(&world, &keys);
    loop {
        let found = look(&world, &keys);
        let remedies = found.remedies();
        let mut plans = remedies.iter().filter_map(|it| Some((it, repair(&found, it).ok()?)));
        let Some((remedy, (plan, new_key))) = plans.find(|(_, (plan, _))| !is_empty(plan)) else {
            let (was, is) = (restored(&before), restored(&found));
            return if is >= was { Ok(()) } else { Err(format!("{done:?}: {found:#?}")) };
        };
        done.push(remedy.code());
        if done.len() > MOST_REPAIRS {
            return Err(format!("{done:?}: {found:#?}"));
        }
        let mended = mend(world, plan);
        let storage = mended.evidence().storage;
        if storage.is_some_and(|storage| storage.key(new_key.id()).is_some()) {
            keys.push(new_key);
        }
        world = mended;
    }
}

/// What is found when the user has all keys that were made meanwhile.
fn look(world: &World, keys: &[NewKey]) -> Diagnosis {
    let mut evidence = world.evidence();
    evidence.storage_keys.extend(keys.iter().map(|key| key.key().clone()));
    let mut limits = Limits::default();
    limits.pbkdf2_rounds = 100_000;
    diagnose(&evidence, world.typed.as_deref(), &limits)
}

/// How many sessions a restore would give.
fn restored(diagnosis: &Diagnosis) -> u64 {
    let found = diagnosis.findings().iter();
    let found = found.filter(|finding| finding.code() == "sessions.would_restore");
    let counts = found.map(|finding| {
        let arguments = finding.arguments();
        let (_, restored) = arguments.iter().find(|(name, _)| *name == "restored").unwrap();
        let (count, _) = restored.split_once(' ').unwrap();
        count.parse().unwrap()
    });
    counts.max().unwrap_or_default()
}

fn is_empty(plan: &RepairPlan) -> bool {
    matches!(plan, RepairPlan::AccountData(plan) if plan.steps().is_empty())
}

/// One pair out of so many is tried.
const EACH: usize = 37;

/// And with `STRONGROOM_LONG`.
const EACH_WHEN_LONG: usize = 7;

/// More than two breakages can need.
const MOST_REPAIRS: usize = 10;
