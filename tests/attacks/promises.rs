//! What SECURITY.md promises, and the tests that it names.

use std::{fs, path::Path};

#[test]
fn every_test_that_is_named_beside_a_promise_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let (_, table) = document.split_once("## Which test shows it").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let named: Vec<_> = table.split('`').filter_map(|text| text.split_once("::")).collect();
    assert!(named.len() >= 25, "{}", named.len());
    for (module, test) in named {
        let file = root.join(format!("tests/attacks/{module}.rs"));
        let text = fs::read_to_string(file).unwrap_or_default();
        assert!(text.contains(&format!("fn {test}(")), "{module}::{test}");
    }
}
