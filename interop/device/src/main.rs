//! A device of this crate that another process drives: one command a line on the standard input, as JSON, and one answer a
//! line, `{"ok": …}` or `{"error": "…"}`. A scenario can so have several devices at once.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it has a clock, a socket and threads, which the library has not"
)]

mod account_data;
mod command;
mod connection;
mod diagnosis;
mod flow;
#[path = "../../../examples/support/host/mod.rs"]
mod host;
mod machine;
mod ours;
mod recovery;
mod sessions;
mod sharing;
mod store;

use std::io::{self, BufRead as _, Write as _};

use command::Command;
use host::Result;
use ours::Ours;
use serde_json::{Value, json};

fn main() -> Result<()> {
    let mut ours = None;
    for line in io::stdin().lock().lines() {
        let answer = match run(&mut ours, &line?) {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn run(slot: &mut Option<Ours>, line: &str) -> Result<Value> {
    let command = serde_json::from_str(line)?;
    if let Command::LogIn { homeserver, user, password, device } = &command {
        let ours = Ours::log_in(homeserver, user, password, device)?;
        let answer = json!({ "token": ours.device.token() });
        *slot = Some(ours);
        return Ok(answer);
    }
    slot.as_mut().ok_or("nobody is logged in")?.run(command)
}
