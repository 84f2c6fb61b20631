//! The code in the guide is code that runs.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

const GUIDE: &str = include_str!("../docs/guide/client.md");
const EXAMPLE: &str = include_str!("../examples/sync_client/host.rs");
const FLOWS: &str = include_str!("../docs/guide/flows.md");
const BOT: &str = include_str!("client_drive/verify.rs");

#[test]
fn the_host_in_the_guide_is_the_one_that_runs() {
    let code = code_of(EXAMPLE);
    assert_eq!(shown_in(GUIDE, "## In your client\n", "```rust,ignore\n"), code);
    assert!(code.len() > 40);
}

#[test]
fn a_bot_needs_twenty_lines_to_verify_itself() {
    let code = code_of(BOT);
    let shown = shown_in(FLOWS, "## A bot that verifies itself\n", "```rust\n");
    assert!(shown.ends_with(&code), "{shown:?}");
    assert!(shown.len() <= 20, "{}", shown.len());
}

fn code_of(file: &str) -> Vec<&str> {
    let (_, rest) = file.split_once("// guide begin\n").unwrap();
    let (code, _) = rest.split_once("// guide end\n").unwrap();
    code.lines().collect()
}

fn shown_in<'a>(page: &'a str, heading: &str, fence: &str) -> Vec<&'a str> {
    let (_, rest) = page.split_once(heading).unwrap();
    let (_, rest) = rest.split_once(fence).unwrap();
    let (shown, _) = rest.split_once("```\n").unwrap();
    shown.lines().collect()
}
