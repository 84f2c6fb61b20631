//! Flows: what a person does in one go, over all topics.
//!
//! | what happened | flow |
//! |---|---|
//! | a new account, or one that never had secrets | [`SetUp::bootstrap`] |
//! | a new device, and the recovery key or passphrase | [`Recover`] |
//! | a new device, verified by another one | [`ShareIn`], then [`Recover`] |
//! | there is a backup and no secret storage, or the other way round | [`SetUp::complete`] |
//! | a secret is on this device, and missing in the secret storage | [`SetUp::complete`] |
//! | a device or a key was stolen | [`SetUp::rotate_everything`] |
//! | key storage is not wanted any more | [`TurnOff`] |
//! | a device is to be trusted, and the seeds are at hand | [`VerifyDevice`] |
//!
//! Each is a [`Flow`]: a value without I/O around the account's machine, [`Backup`]. [`drive`](crate::client::drive()) and
//! [`drive_async`](crate::client::drive_async) run any of them to its end; this is what they do, for those who want a loop of their own.
//!
//! ```text
//! match flow.next(now)? {
//!   Save(saved)              -> to disk and keychain; flow.saved()
//!   Send(op)                 -> op.to_http(base_url, token), on whatever stack; flow.answer(op.id(), result, now)
//!   ReadAccountData          -> flow.account_data(all account data, as the host's /sync has it)
//!   Sign(id, key)            -> flow.signed(id, signatures)
//!   ShowRecoveryKey(key)     -> show it, insist that it is saved; flow.recovery_key_saved()
//!   Secrets(verdicts)        -> put them away; the sessions may take longer
//!   EnterKey                 -> ask for the recovery key or passphrase; flow.enter(typed, now)
//!   Import(id, v, sessions)  -> into the host's store as unauthenticated; flow.ack(id)
//!   NeedsToken { .. }        -> get a new access token; flow.resume()
//!   Wait(until)              -> sleep, or go on when something happens
//!   Done(outcome)            -> the machine is in it, for the host to go on with
//! }
//! ```
//!
//! Secrets are written by a [`Plan`](crate::secret_storage::Plan): each event only where it is what the plan was made
//! from, and read back. A crash at any moment costs nothing: what is drawn is saved before it is used, and a flow
//! that is restored looks at what is there.
//!
//! [`Backup`]: crate::client::Backup

mod contract;
mod error;
mod machine;
mod outcome;
mod recover;
mod set_up;
mod share_in;
mod storage;
mod turn_off;
mod verify_device;

pub(in crate::client) use self::contract::take_back;
pub use self::{
    contract::{Flow, SavedFlow},
    error::FlowError,
    outcome::{DeviceVerified, EnterError, Recovered, SetUpDone, Step, TurnedOff},
    recover::Recover,
    set_up::SetUp,
    share_in::{ShareIn, SharedIn},
    turn_off::TurnOff,
    verify_device::VerifyDevice,
};
