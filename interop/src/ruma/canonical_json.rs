//! Canonical JSON beside ruma's.

use proptest::prelude::*;
use ruma::CanonicalJsonValue;

use crate::json_values::{shuffled, value};

proptest! {
    #[test]
    fn ruma_writes_the_same(value in value()) {
        let text = shuffled(&value, 7);
        let theirs: CanonicalJsonValue = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(theirs.to_string().into_bytes(), value.to_canonical().unwrap());
    }
}
