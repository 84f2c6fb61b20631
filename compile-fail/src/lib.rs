//! Misuse that must not compile: the cases in `tests/compile_fail`.
//!
//! They are in a crate of their own because `trybuild` builds all dependencies of its crate once more,
//! those for tests too. Here there is none but the library.
