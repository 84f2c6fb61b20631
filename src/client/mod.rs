//! What a client does with all of it: one machine per account, without I/O.
//!
//! [`Backup`] knows the version, the trust and the preference of the account's key backup, and does everything
//! a client does about them: setup, upload, download on demand, rotation, disabling. [`diagnose`] says what is wrong
//! with an account's keys, and plans what repairs it.

pub mod backup;
mod call;
mod courier;
pub mod diagnose;
mod failure;
pub mod flow;
mod operation;
mod preference_events;
mod waiting;

pub use self::{
    backup::Backup,
    operation::{NoAnswer, Operation, OperationId, UnknownOperation},
    waiting::{Awaited, RequestFailure, RequestKind, Waiting},
};
