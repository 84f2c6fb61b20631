//! `repair` and `apply`.

mod accounts;
mod advice;
mod deleted;
mod lies;
mod orders;
mod refused;
mod tampered;
mod world;
