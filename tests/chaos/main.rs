//! Chaos: two or three devices of a user, each with its machine, on a homeserver with random faults, restarts,
//! answers of users and rotations.
//!
//! At the end every session of every device is in the current backup as sealed or better, or its user said
//! stop; nothing was uploaded to a version that no device of the user made; no key was shown that does not
//! open its backup; the number of requests is bounded.
//!
//! `STRONGROOM_CHAOS_SEEDS` says how many seeds, 150 when unset; `STRONGROOM_CHAOS_SEED` runs one alone.
#![allow(
    clippy::disallowed_methods,
    reason = "a test takes the number of its seeds from the environment, and has threads"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

mod device;
mod end;
mod host;
mod world;

use std::{
    collections::BTreeMap,
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use world::World;

#[test]
fn whatever_happens_every_session_gets_home() {
    let one = env::var("STRONGROOM_CHAOS_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let count = env::var("STRONGROOM_CHAOS_SEEDS").map_or(SEEDS, |count| count.parse().unwrap());
    let seeds = one.map_or(0..count, |seed| seed..seed + 1);
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(4);
    let happened = thread::scope(|scope| {
        let run = || {
            let mut happened = BTreeMap::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return happened;
                }
                for (what, times) in run(seed) {
                    *happened.entry(what).or_insert(0) += times;
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let mut all = BTreeMap::new();
        for worker in workers {
            for (what, times) in worker.join().unwrap_or_else(|panic| resume_unwind(panic)) {
                *all.entry(what).or_insert(0) += times;
            }
        }
        all
    });
    println!("{happened:#?}");
    if one.is_none() && count >= SEEDS {
        for what in world::WHAT_HAPPENS {
            assert!(happened.get(what).is_some_and(|times| *times > 0), "never: {what}");
        }
    }
}

/// One history: chaos, then peace.
fn run(seed: u64) -> BTreeMap<&'static str, u64> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut world = World::new(seed, &mut rng);
        let turns = rng.random_range(100..600);
        for _ in 0..turns {
            world.turn(&mut rng);
        }
        world.make_peace(&mut rng);
        end::check(&world);
        world.happened
    }));
    result.unwrap_or_else(|panic| {
        eprintln!("seed {seed}: run it alone with STRONGROOM_CHAOS_SEED={seed}");
        resume_unwind(panic)
    })
}

/// How many histories, unless said otherwise: enough for everything to happen.
const SEEDS: u64 = 150;
