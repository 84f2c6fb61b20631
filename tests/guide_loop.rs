//! The host in the guide is the code of the example.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

const GUIDE: &str = include_str!("../docs/guide/client.md");
const EXAMPLE: &str = include_str!("../examples/sync_client/host.rs");

#[test]
fn the_host_in_the_guide_is_the_one_that_runs() {
    let (_, rest) = EXAMPLE.split_once("// guide begin\n").unwrap();
    let (code, _) = rest.split_once("// guide end\n").unwrap();
    let code: Vec<_> = code.lines().collect();
    let (_, rest) = GUIDE.split_once("## In your client\n").unwrap();
    let (_, rest) = rest.split_once("```rust,ignore\n").unwrap();
    let (shown, _) = rest.split_once("```\n").unwrap();
    assert_eq!(shown.lines().collect::<Vec<_>>(), code);
    assert!(code.len() > 40);
}
