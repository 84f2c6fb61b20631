//! What holds on other targets holds in WebAssembly, too: tests that touch every module of the floors 0 to 5,
//! and run in Node. `.ci/wasm-tests` builds and runs them.
