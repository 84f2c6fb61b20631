//! Wycheproof's X25519 tests through our agreement, which refuses an all-zero secret.

use crate::{
    crypto::curve25519::{
        Curve25519PublicKey, Curve25519SecretKey, EphemeralSecret, NonContributory,
    },
    secret::SecretBytes,
};
use wycheproof::{
    TestResult,
    xdh::{Test, TestName, TestSet},
};

use super::recorded_rng::RecordedRng;

#[test]
fn every_agreement_gives_the_shared_secret_or_is_refused_as_all_zero() {
    let tests = tests();
    let (mut agreed, mut refused) = (0, 0);
    for test in &tests {
        let expected: Result<[u8; 32], _> = test.shared_secret.as_slice().try_into();
        let expected = expected.ok().filter(|secret| *secret != [0; 32]).ok_or(NonContributory);
        assert_ne!(test.result, TestResult::Invalid, "{}: a verdict of a new kind", test.tc_id);
        match expected {
            Ok(_) => agreed += 1,
            Err(NonContributory) => refused += 1,
        }
        assert_eq!(agree(test), expected, "{} {}", test.tc_id, test.comment);
        assert_eq!(agree_once(test), expected, "{} {}", test.tc_id, test.comment);
        assert_eq!(public_key(test).is_low_order(), expected.is_err(), "{}", test.tc_id);
    }
    assert!(agreed > 0 && refused > 0, "both kinds occur");
    assert_eq!(agreed + refused, tests.len(), "none is skipped");
}

#[test]
fn another_encoding_of_the_public_key_gives_the_same_secret() {
    for test in tests() {
        let key = Curve25519SecretKey::from_bytes(secret(&test));
        let canonical = public_key(&test).canonical();
        let shared = key.diffie_hellman(&canonical).map(|shared| *shared.expose_bytes());
        assert_eq!(shared, agree(&test), "{} {}", test.tc_id, test.comment);
        assert!(canonical.as_bytes()[31] & 0x80 == 0, "{}", test.tc_id);
    }
}

fn agree(test: &Test) -> Result<[u8; 32], NonContributory> {
    let key = Curve25519SecretKey::from_bytes(secret(test));
    key.diffie_hellman(&public_key(test)).map(|shared| *shared.expose_bytes())
}

fn agree_once(test: &Test) -> Result<[u8; 32], NonContributory> {
    let key = EphemeralSecret::generate_with_rng(&mut RecordedRng::new(&test.private_key));
    key.diffie_hellman(&public_key(test)).map(|(_, shared)| *shared.expose_bytes())
}

fn public_key(test: &Test) -> Curve25519PublicKey {
    let bytes = test.public_key.as_slice().try_into();
    Curve25519PublicKey::from_bytes(bytes.unwrap_or_else(|_| panic!("{}", test.tc_id)))
}

fn secret(test: &Test) -> SecretBytes<32> {
    SecretBytes::from_slice(&test.private_key).unwrap_or_else(|| panic!("{}", test.tc_id))
}

fn tests() -> Vec<Test> {
    let set = TestSet::load(TestName::X25519).unwrap_or_else(|error| panic!("{error}"));
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}
