//! `repair` and `apply`.

mod accounts;
mod deleted;
mod refused;
mod world;
