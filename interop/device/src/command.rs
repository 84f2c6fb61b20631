//! What a scenario can tell the device to do.

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom::client::backup::{Reply, Scope};

use crate::{
    host::Result,
    ours::{Ours, now_ms},
};

#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Command {
    LogIn {
        homeserver: String,
        user: String,
        password: String,
        device: String,
    },
    /// Draws cross-signing keys, publishes them, and signs the device.
    CrossSign,
    /// Takes the master key that the homeserver shows for the user's: what a finished verification does.
    PinMasterKey,
    /// Signs a device of the user with the self-signing key.
    VerifyDevice {
        device: String,
    },
    /// Makes this device trusted with the seeds at hand.
    VerifyItself,
    /// Makes Megolm sessions, each with a message; the messages are sent if the rooms exist.
    AddSessions {
        count: usize,
        rooms: Vec<String>,
        #[serde(default)]
        send: bool,
    },
    ExportSessions,
    SetUp {
        passphrase: Option<String>,
        name: Option<String>,
    },
    RotateEverything {
        passphrase: Option<String>,
    },
    /// Adds what is missing: with the key that opened the storage, or else with a new one.
    Complete,
    /// Deletes the backup and all the stored secrets.
    TurnOff,
    Recover {
        typed: String,
    },
    /// Starts the machine, or tells it again who is trusted.
    StartMachine,
    /// Goes on from what was saved last, as after a restart of the app.
    RestartMachine,
    /// Lets the machine work for so long.
    RunMachine {
        ms: u64,
    },
    Reply {
        reply: ReplyName,
    },
    Rotate,
    Disable,
    Enable,
    FetchEverything,
    Diagnose {
        typed: Option<String>,
    },
    AskForSecrets {
        names: Vec<String>,
        ms: u64,
    },
    AnswerRequests {
        ms: u64,
    },
    /// The texts of the secrets at hand, by name.
    Secrets,
    StoreSecret {
        name: String,
        value: String,
    },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplyName {
    Create,
    Use,
    Stop,
}

impl Ours {
    pub(crate) fn run(&mut self, command: Command) -> Result<Value> {
        match command {
            Command::LogIn { .. } => return Err("somebody is logged in".into()),
            Command::CrossSign => return self.cross_sign(),
            Command::PinMasterKey => return self.pin_master_key(),
            Command::VerifyDevice { device } => self.verify_device(&device)?,
            Command::VerifyItself => return self.verify_itself(),
            Command::AddSessions { count, rooms, send } => {
                return self.add_sessions(count, &rooms, send);
            }
            Command::ExportSessions => return self.store.exported(),
            Command::SetUp { passphrase, name } => {
                return self.set_up(passphrase.as_deref(), name.as_deref());
            }
            Command::RotateEverything { passphrase } => {
                return self.rotate_everything(passphrase.as_deref());
            }
            Command::Complete => return self.complete(),
            Command::TurnOff => return self.turn_off(),
            Command::Recover { typed } => return self.recover(&typed),
            Command::StartMachine => self.start_machine()?,
            Command::RestartMachine => self.restart_machine()?,
            Command::RunMachine { ms } => return self.run_machine(ms),
            Command::Reply { reply } => self.reply(reply.into())?,
            Command::Rotate => self.machine()?.rotate(),
            Command::Disable => self.machine()?.disable(),
            Command::Enable => self.machine()?.enable(),
            Command::FetchEverything => self.machine()?.fetch(Scope::Everything, now_ms()),
            Command::Diagnose { typed } => return self.diagnose(typed.as_deref()),
            Command::AskForSecrets { names, ms } => return self.ask_for_secrets(&names, ms),
            Command::AnswerRequests { ms } => return self.answer_requests(ms),
            Command::Secrets => return Ok(self.secret_texts()),
            Command::StoreSecret { name, value } => self.store_secret(&name, &value)?,
        }
        Ok(json!(null))
    }
}

impl From<ReplyName> for Reply {
    fn from(name: ReplyName) -> Self {
        match name {
            ReplyName::Create => Self::Create,
            ReplyName::Use => Self::Use,
            ReplyName::Stop => Self::Stop,
        }
    }
}
