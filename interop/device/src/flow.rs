//! The loop that serves every flow.

use std::{
    thread,
    time::{Duration, Instant},
};

use strongroom::client::{
    Backup,
    flow::{Flow, Step},
};

use crate::{
    host::Result,
    ours::{Ours, now_ms},
};

/// How a flow ended.
pub(crate) struct Ended<T> {
    pub(crate) outcome: T,
    /// The recovery key that was shown.
    pub(crate) shown: Option<String>,
}

impl Ours {
    /// Works for a flow until it ends. What it asks for is `typed`; `meanwhile` is called while it waits.
    pub(crate) fn run_flow<F: Flow>(
        &mut self,
        mut flow: F,
        typed: &str,
        mut meanwhile: impl FnMut(&mut Self, &mut F) -> Result<()>,
    ) -> Result<Ended<F::Outcome>> {
        let (mut shown, mut is_entered) = (None, false);
        let end = Instant::now() + PATIENCE;
        loop {
            match flow.next(now_ms())? {
                Step::Save(_) => {
                    self.disk = flow.backup().map(Backup::save);
                    flow.saved();
                }
                Step::Send(call) => {
                    let token = self.device.token().into();
                    let request = call.to_http(self.server.base_url(), &token)?;
                    let response = self.server.exchange(&request);
                    flow.answer(call.id(), Some(response), now_ms())?;
                }
                Step::ReadAccountData => {
                    self.read_account_data()?;
                    flow.account_data(self.account_data.clone().into_iter().collect());
                }
                Step::Sign(id, key) => flow.signed(id, &self.sign(key.bytes()))?,
                Step::ShowRecoveryKey(key) => {
                    shown = Some(key.to_text().expose_str().to_owned());
                    flow.recovery_key_saved();
                }
                Step::EnterKey if is_entered => return Err("it asks for another key".into()),
                Step::EnterKey => {
                    is_entered = true;
                    flow.enter(typed, now_ms())?;
                }
                Step::Import(id, version, sessions) => {
                    self.store.import(&version, sessions);
                    flow.ack(id);
                }
                Step::Secrets(_) => {} // they are in the outcome, too
                Step::Done(outcome) => return Ok(Ended { outcome: *outcome, shown }),
                Step::Wait(until) => {
                    if Instant::now() > end {
                        return Err(format!("it waits: {:?}", flow.waiting_for()).into());
                    }
                    meanwhile(self, &mut flow)?;
                    sleep_until(until.unwrap_or(u64::MAX).min(now_ms() + MOMENT_MS));
                }
                Step::NeedsToken { .. } => return Err("it needs a valid access token".into()),
                _ => return Err("it wants what this device does not know".into()),
            }
        }
    }
}

pub(crate) fn sleep_until(time_ms: u64) {
    thread::sleep(Duration::from_millis(time_ms.saturating_sub(now_ms())));
}

const PATIENCE: Duration = Duration::from_secs(90);
const MOMENT_MS: u64 = 300;
