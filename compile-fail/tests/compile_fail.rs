//! What must not be possible with secrets does not compile.

#[test]
fn misuse_of_secret_sharing_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
