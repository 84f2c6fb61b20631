//! `repair` and `apply`.

mod accounts;
mod advice;
mod deleted;
mod refused;
mod tampered;
mod world;
