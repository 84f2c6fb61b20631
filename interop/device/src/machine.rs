//! The account's machine, and its loop.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{Next, Question, Reply, TaskId},
    },
    secret_value::SecretValue,
};

use crate::{
    flow::sleep_until,
    host::Result,
    ours::{Ours, now_ms, options},
    recovery::{fetched, trusted},
};

impl Ours {
    pub(crate) fn start_machine(&mut self) -> Result<()> {
        self.machine = Some(self.take_machine()?);
        Ok(())
    }

    pub(crate) fn restart_machine(&mut self) -> Result<()> {
        let saved = self.disk.as_ref().ok_or("nothing was saved")?;
        let (user_id, device_id) = (self.user_id.clone(), self.device.device_id().clone());
        let restored = Backup::from_saved(saved, user_id, device_id, options(), Limits::default())?;
        self.machine = Some(restored);
        self.start_machine()
    }

    pub(crate) fn machine(&mut self) -> Result<&mut Backup> {
        Ok(self.machine.as_mut().ok_or("there is no machine")?)
    }

    pub(crate) fn reply(&mut self, reply: Reply) -> Result<()> {
        let machine = self.machine()?;
        let open: Vec<TaskId> = machine.open_questions().map(|(id, _)| id).collect();
        let mut last = Err("no question is open".into());
        for id in open {
            last = machine.reply(id, reply).map_err(Into::into);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// Lets the machine work for so long, and says how it stands then.
    pub(crate) fn run_machine(&mut self, ms: u64) -> Result<Value> {
        let mut machine = self.machine.take().ok_or("there is no machine")?;
        let result = self.serve_machine(&mut machine, now_ms() + ms);
        let version = machine.trusted().map(|trusted| trusted.version().clone());
        let left = version.map(|version| self.store.not_stored_in(&version, usize::MAX).len());
        let answer = json!({
            "stage": format!("{:?}", machine.stage()),
            "trusted": trusted(&machine),
            "open": machine.open_questions().map(|(_, asked)| question(asked)).collect::<Vec<_>>(),
            "sessions": self.store.len(),
            "not_stored": left,
            "events": std::mem::take(&mut self.events),
        });
        self.machine = Some(machine);
        result.map(|()| answer)
    }

    fn serve_machine(&mut self, machine: &mut Backup, end: u64) -> Result<()> {
        loop {
            match machine.next(now_ms())? {
                Next::Save(saved) => {
                    self.disk = Some(*saved);
                    machine.saved();
                }
                Next::Send(operation) => {
                    let token = self.device.token().into();
                    let request = operation.to_http(self.server.base_url(), &token)?;
                    let response = self.server.exchange(&request);
                    machine.answer(operation.id(), Some(response), now_ms())?;
                }
                Next::Want { version, count, .. } => {
                    let sessions = self.store.not_stored_in(&version, count);
                    machine.offer(&sessions)?;
                }
                Next::Stored(id, version, tokens) => {
                    self.store.mark(&version, &tokens);
                    machine.ack(id);
                }
                Next::Lost(id, version) => {
                    self.store.forget(&version);
                    machine.ack(id);
                }
                Next::Import(id, version, sessions) => {
                    self.store.import(&version, sessions);
                    machine.ack(id);
                }
                Next::Sign(id, key) => machine.signed(id, &self.sign(key.bytes()))?,
                Next::StoreSecret(secret) => self.write_for(machine, Some(&secret)),
                Next::DeleteSecret => self.write_for(machine, None),
                Next::RefreshSigners => machine.set_signers(self.signers()?),
                Next::NeedsToken { .. } => return Err("it needs a valid access token".into()),
                Next::Wait(_) if now_ms() >= end => return Ok(()),
                Next::Wait(until) => sleep_until(until.unwrap_or(u64::MAX).min(end)),
                other => self.take_note(machine, &other),
            }
        }
    }

    fn write_for(&mut self, machine: &mut Backup, secret: Option<&SecretValue>) {
        let stored = self.write_secret(secret).unwrap_or_else(|error| {
            self.events.push(json!({ "secret_not_written": error.to_string() }));
            None
        });
        if let Err(error) = machine.secret_read_back(stored.as_ref()) {
            self.events.push(json!({ "secret_not_read": error.to_string() }));
        }
    }

    /// What needs nothing but a line.
    fn take_note(&mut self, machine: &mut Backup, next: &Next) {
        self.events.push(match next {
            Next::NotStored(id, _, failures) => {
                machine.ack(*id);
                let failures = failures.iter().map(|(_, why)| why.to_string());
                json!({ "not_stored": failures.collect::<Vec<_>>() })
            }
            Next::UploadRefused(error) => json!({ "upload_refused": error.to_string() }),
            Next::Fetched(scope, outcome) => {
                let outcome = match outcome {
                    Ok(report) => fetched(report),
                    Err(error) => json!({ "text": error.to_string(), "is_everything": false }),
                };
                json!({ "fetched": scope.to_string(), "outcome": outcome })
            }
            Next::NotCreated(error) => json!({ "not_created": error.to_string() }),
            Next::NotDeleted(error) => json!({ "not_deleted": error.to_string() }),
            Next::Ask(_, asked) => question(asked),
            other => json!({ "other": format!("{other:?}") }),
        });
    }
}

fn question(question: &Question) -> Value {
    let (name, found, preference) = match question {
        Question::SetUp { preference } => ("SetUp", None, *preference),
        Question::Unseen { preference, .. } => ("Unseen", None, *preference),
        Question::Use { found, preference } => ("Use", Some(found), *preference),
        Question::Changed { found, preference, .. } => ("Changed", found.as_ref(), *preference),
        Question::SaveRecoveryKey { .. } => ("SaveRecoveryKey", None, None),
        Question::Restore { .. } => ("Restore", None, None),
        Question::DecryptionKey { .. } => ("DecryptionKey", None, None),
        _ => ("another", None, None),
    };
    let found = found.map(|found| {
        let problem = found.problem.as_ref().map(ToString::to_string);
        json!({ "version": found.version, "problem": problem })
    });
    json!({ "question": name, "found": found, "preference": preference })
}
