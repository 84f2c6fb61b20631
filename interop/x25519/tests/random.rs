//! Random secrets and points on every path, against every other implementation.
//!
//! `STRONGROOM_LANES_CASES` says how many products each path gives in each way, by default a thousand, and
//! `STRONGROOM_LANES_SEED` which. A million:
//!
//! ```text
//! STRONGROOM_LANES_CASES=1000000 cargo test --release --manifest-path interop/x25519/Cargo.toml -- --nocapture
//! ```

use std::{collections::BTreeMap, env};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use strongroom_interop_x25519::{
    Bytes, Path,
    others::{OTHERS, Other},
};

#[test]
fn the_products_of_one_secret_are_those_of_every_other_implementation() {
    run("one secret, many points", |rng, tally| {
        let (secret, points) = (rng.random(), numbers(rng));
        let expected = expected(&points, |other, point| (other.agree)(&secret, point));
        for path in Path::all() {
            assert_eq!(path.one_secret(&secret, &points), expected, "{path}");
            tally.add(path, "ladder", points.len());
            let few = points.chunks(4).flat_map(|few| path.one_secret(&secret, few));
            assert_eq!(few.collect::<Vec<_>>(), expected, "{path}, four at a time");
            tally.add(path, "ladder, four at a time", points.len());
        }
    });
}

#[test]
fn the_products_with_one_point_are_those_of_every_other_implementation() {
    run("many secrets, one point", |rng, tally| {
        let (point, secrets) = (point(rng), numbers(rng));
        let expected = expected(&secrets, |other, secret| (other.agree)(secret, &point));
        for path in Path::all() {
            assert_eq!(path.one_point(&secrets, &point), expected, "{path}");
            tally.add(path, "ladder", secrets.len());
            let few = secrets.chunks(4).flat_map(|few| path.one_point(few, &point));
            assert_eq!(few.collect::<Vec<_>>(), expected, "{path}, four at a time");
            tally.add(path, "ladder, four at a time", secrets.len());
            if let Some(prepared) = path.prepare(&point) {
                assert_eq!(prepared.one_point(&secrets), expected, "{path}, by the table");
                tally.add(path, "table", secrets.len());
            }
        }
    });
}

#[test]
fn public_halves_are_those_of_every_other_implementation() {
    run("many secrets, the base point", |rng, tally| {
        let secrets = numbers(rng);
        let expected = expected(&secrets, |other, secret| (other.public_key)(secret));
        for path in Path::all() {
            assert_eq!(path.base_point(&secrets), expected, "{path}");
            tally.add(path, "table", secrets.len());
        }
    });
}

/// How many products there were on each path in each way.
#[derive(Default)]
struct Tally(BTreeMap<(&'static str, &'static str), usize>);

impl Tally {
    fn add(&mut self, path: Path, way: &'static str, products: usize) {
        *self.0.entry((path.name(), way)).or_default() += products;
    }

    fn fewest(&self) -> usize {
        self.0.values().copied().min().unwrap_or(0)
    }
}

/// Takes batches until there are as many products as asked for, on each path in each way.
fn run(name: &str, batch: impl Fn(&mut StdRng, &mut Tally)) {
    let number = |variable| env::var(variable).ok().and_then(|value| value.parse().ok());
    let cases = number("STRONGROOM_LANES_CASES").unwrap_or(1_000);
    let rng = &mut StdRng::seed_from_u64(number("STRONGROOM_LANES_SEED").unwrap_or(0) as u64);
    let mut tally = Tally::default();
    while tally.fewest() < cases {
        batch(rng, &mut tally);
    }
    for ((path, way), products) in tally.0 {
        println!("{path:9}{products:>8} products  {name}, by the {way}");
    }
}

/// What each of the others says, and they agree.
fn expected(numbers: &[Bytes], product: impl Fn(&Other, &Bytes) -> Bytes) -> Vec<Bytes> {
    let [first, others @ ..] = &OTHERS;
    let products = |other| numbers.iter().map(|number| product(other, number)).collect();
    let expected: Vec<_> = products(first);
    for other in others {
        assert_eq!(products(other), expected, "{} and {}", other.name, first.name);
    }
    expected
}

/// As many as fill some registers of four and eight lanes, and part of another.
fn numbers(rng: &mut StdRng) -> Vec<Bytes> {
    (0..rng.random_range(1..=33)).map(|_| rng.random()).collect()
}

/// A point that may have a table, or, one time in four, any number: half of those are on the twist and have none.
fn point(rng: &mut StdRng) -> Bytes {
    let number = rng.random();
    if rng.random_ratio(1, 4) { number } else { (OTHERS[0].public_key)(&number) }
}
