//! What a client does with all of it: one machine per account, without I/O.
//!
//! [`Backup`] knows the version, the trust and the preference of the account's key backup, and does everything
//! a client does about them: setup, upload, download on demand, rotation, disabling. [`unlock_backup_key()`] makes the key of
//! the backup of what a person has. [`diagnose`] says what is wrong
//! with an account's keys, and plans what repairs it. [`drive()`] runs a [`flow`] to its end, and [`drive_backup`] the machine, with a
//! [`Host`]; [`drive_async`] and [`drive_backup_async`] do it with an [`AsyncHost`].

pub mod backup;
mod call;
mod courier;
pub mod diagnose;
mod drive;
mod failure;
pub mod flow;
mod key_kind;
mod operation;
mod preference_events;
pub mod rescue;
mod unlock_backup_key;
mod waiting;

pub use self::{
    backup::Backup,
    drive::{
        AsyncBackupHost, AsyncFlowHost, AsyncHost, BackupHost, FlowHost, Host, Notice, SecretWrite,
        Waited, drive, drive_async, drive_backup, drive_backup_async,
    },
    key_kind::KeyKind,
    operation::{AnswerError, NoAnswer, Operation, TaskId},
    unlock_backup_key::unlock_backup_key,
    waiting::{Awaited, RequestFailure, RequestKind, Waiting},
};
