//! A device of matrix-sdk that another process drives: one command a line on the standard input, as JSON, and one answer a
//! line, `{"ok": …}` or `{"error": "…"}`. A scenario can so have several devices at once.

mod command;
mod device;
mod rooms;

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use command::Command;
use device::Device;
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

#[tokio::main]
async fn main() -> Result<()> {
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| anyhow!("there is another provider"))?;
    let (send, mut lines) = mpsc::unbounded_channel();
    // What the device does in the background goes on while nothing is said.
    thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let mut device = None;
    while let Some(line) = lines.recv().await {
        let answer = match timeout(PATIENCE, run(&mut device, &line)).await {
            Ok(Ok(value)) => json!({ "ok": value }),
            Ok(Err(error)) => json!({ "error": format!("{error:#}") }),
            Err(_) => json!({ "error": "it took too long" }),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

async fn run(slot: &mut Option<Device>, line: &str) -> Result<Value> {
    let command = serde_json::from_str(line)?;
    if let Command::LogIn { homeserver, user, password, device } = &command {
        let device = Device::log_in(homeserver, user, password, device).await?;
        let answer = json!({ "token": device.token() });
        *slot = Some(device);
        return Ok(answer);
    }
    slot.as_ref().context("nobody is logged in")?.run(command).await
}

const PATIENCE: Duration = Duration::from_secs(120);
