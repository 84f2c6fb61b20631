//! One X25519 agreement, and 256 of them that share a factor, on every path and by other implementations.
//!
//! `one` is a secret and a point; `one_secret` is 256 points with one secret, as in opening; `pairs` is 256 secrets,
//! each with the base point and with one other, as in sealing. `clock` counts cycles: 1,000 multiplications and additions that
//! wait for each other take 4,000 cycles on every processor that this was tried on.

use std::{hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::time::{ClockId, clock_gettime};
use strongroom_interop_x25519::{Bytes, Path, others::OTHERS};

fn one(criterion: &mut Criterion<ProcessorTime>) {
    let (secret, point) = (numbers(1)[0], points(1)[0]);
    let mut group = criterion.benchmark_group("one");
    for path in Path::all() {
        let points = [point];
        group.bench_function(path.name(), |bencher| {
            bencher.iter(|| path.one_secret(black_box(&secret), black_box(&points)));
        });
    }
    for other in &OTHERS {
        group.bench_function(other.name, |bencher| {
            bencher.iter(|| (other.agree)(black_box(&secret), black_box(&point)));
        });
    }
}

fn one_secret(criterion: &mut Criterion<ProcessorTime>) {
    let (secret, points) = (numbers(1)[0], points(BATCH));
    let mut group = batches(criterion, "one_secret");
    for path in Path::all() {
        group.bench_function(path.name(), |bencher| {
            bencher.iter(|| path.one_secret(black_box(&secret), black_box(&points)));
        });
    }
    for other in &OTHERS {
        let agree = |point| (other.agree)(black_box(&secret), point);
        group.bench_function(other.name, |bencher| {
            bencher.iter(|| black_box(&points).iter().map(agree).collect::<Vec<_>>());
        });
    }
}

fn pairs(criterion: &mut Criterion<ProcessorTime>) {
    let (secrets, point) = (numbers(BATCH), points(1)[0]);
    let mut group = batches(criterion, "pairs");
    for path in Path::all() {
        let prepared = path.prepare(&point).expect("a public key has a table");
        group.bench_function(path.name(), |bencher| {
            bencher.iter(|| {
                let secrets = black_box(&secrets);
                (path.base_point(secrets), prepared.one_point(secrets))
            });
        });
    }
    for other in &OTHERS {
        let pair = |secret| ((other.public_key)(secret), (other.agree)(secret, black_box(&point)));
        group.bench_function(other.name, |bencher| {
            bencher.iter(|| black_box(&secrets).iter().map(pair).collect::<Vec<_>>());
        });
    }
}

fn clock(criterion: &mut Criterion<ProcessorTime>) {
    criterion.bench_function("clock", |bencher| {
        bencher.iter(|| {
            let (factor, summand) =
                (black_box(0x5851_f42d_4c95_7f2d_u64), black_box(0x1405_7b7e_u64));
            (0..1_000).fold(black_box(1_u64), |number, _| {
                number.wrapping_mul(factor).wrapping_add(summand)
            })
        });
    });
}

fn batches<'a>(
    criterion: &'a mut Criterion<ProcessorTime>,
    name: &str,
) -> BenchmarkGroup<'a, ProcessorTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64));
    group
}

fn numbers(count: usize) -> Vec<Bytes> {
    let mut rng = StdRng::seed_from_u64(26);
    (0..count).map(|_| rng.random()).collect()
}

fn points(count: usize) -> Vec<Bytes> {
    numbers(count + 1).iter().skip(1).map(OTHERS[0].public_key).collect()
}

/// The time that this thread spends on a processor: what else the machine does is not in it.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(now).expect("a thread's time is not negative")
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, first: &Duration, second: &Duration) -> Duration {
        *first + *second
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

const BATCH: usize = 256;

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = clock, one, one_secret, pairs
}
criterion_main!(benches);
