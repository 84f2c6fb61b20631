//! `repair` and `apply`.

mod accounts;
mod advice;
mod deleted;
mod lies;
mod refused;
mod tampered;
mod world;
