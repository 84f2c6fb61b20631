//! What a rehearsal has shown.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use serde_json::{Value, json};

use super::{
    local::{Device, Entry},
    secrets::Returning,
};
use crate::{
    failure::{Status, named, shown},
    rescue,
};

/// What would come back, and what would not.
pub(super) struct Report {
    /// Nothing if the account data was not given.
    pub(super) secrets: Option<Returning>,
    pub(super) message_keys: MessageKeys,
    /// What the device has; nothing if none was compared.
    pub(super) device: Option<Device>,
}

/// What became of the message keys in the backup.
pub(super) enum MessageKeys {
    /// The account has no backup.
    NoBackup,
    /// It has one, whose message keys were not given.
    NotGiven,
    /// Nothing that was entered leads to a key of a backup, and why.
    NoKey(String),
    Tried(Box<rescue::Report>),
}

impl Report {
    pub(super) fn status(&self) -> Status {
        let secrets = || self.secrets.iter().flat_map(Returning::values);
        let returned = secrets().filter(|why_not| why_not.is_none()).count();
        let all_secrets = self.secrets.is_some() && returned == secrets().count();
        let all_sessions = match &self.message_keys {
            MessageKeys::Tried(report) => report.status() == Status::Good,
            _ => false,
        };
        if returned == 0 && self.restored() == 0 {
            Status::Failed
        } else if all_secrets && all_sessions && self.device.as_ref().is_none_or(Device::is_safe) {
            Status::Good
        } else {
            Status::NotAllGood
        }
    }

    fn restored(&self) -> u64 {
        match &self.message_keys {
            MessageKeys::Tried(report) => report.restored(),
            _ => 0,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let secret = |(name, why_not): (&String, &Option<String>)| {
            (name.clone(), json!({ "returns": why_not.is_none(), "why": why_not }))
        };
        let secrets = self.secrets.as_ref();
        let secrets = secrets.map(|it| it.iter().map(secret).collect::<serde_json::Map<_, _>>());
        let message_keys = match &self.message_keys {
            MessageKeys::Tried(report) => json!({
                "expected": report.expected(),
                "total": report.total(),
                "restored": report.restored(),
                "failed": report.failed(),
                "complete": report.is_complete(),
                "why": null,
            }),
            other => json!({
                "expected": null, "total": 0, "restored": 0, "failed": 0, "complete": false, "why": other.why(),
            }),
        };
        json!({
            "secrets": secrets,
            "message_keys": message_keys,
            "local": self.device.as_ref().map(Device::to_json),
        })
    }

    /// For people.
    pub(super) fn print(&self, out: &mut impl Write, local: &[PathBuf]) -> io::Result<()> {
        writeln!(out, "If all your devices were lost today, with what was entered:")?;
        writeln!(out, "\nSecrets in the key storage")?;
        match &self.secrets {
            None => writeln!(out, "  NOT KNOWN: {NOT_GIVEN}")?,
            Some(secrets) if secrets.is_empty() => writeln!(out, "  there are none")?,
            Some(_) => {}
        }
        for (name, why_not) in self.secrets.iter().flatten() {
            match why_not {
                None => writeln!(out, "  {}: comes back", shown(name))?,
                Some(why) => writeln!(out, "  {}: LOST, {why}", shown(name))?,
            }
        }
        writeln!(out, "\nMessage keys in the backup")?;
        match &self.message_keys {
            MessageKeys::Tried(report) => {
                let mut text = Vec::new();
                report.print(&mut text)?;
                for line in String::from_utf8_lossy(&text).lines() {
                    writeln!(out, "  {line}")?;
                }
            }
            other => writeln!(out, "  LOST: {}", other.why().unwrap_or_default())?,
        }
        if let Some(device) = &self.device {
            print_device(device, out, local)?;
        }
        self.print_conclusion(out)
    }

    fn print_conclusion(&self, out: &mut impl Write) -> io::Result<()> {
        match (self.status(), &self.device) {
            (Status::Good, Some(_)) => {
                writeln!(out, "\nEverything would come back: this device can be logged out.")
            }
            (Status::Good, None) => writeln!(
                out,
                "\nEverything would come back that the homeserver has. What only a device has shows with --local and its \
                 exported keys."
            ),
            (Status::Failed, _) => writeln!(
                out,
                "\nNothing would come back: log out nowhere, and export the message keys of your devices. {DIAGNOSE}"
            ),
            _ => writeln!(
                out,
                "\nNot everything would come back: log out nowhere before that is mended. {DIAGNOSE}"
            ),
        }
    }
}

fn print_device(device: &Device, out: &mut impl Write, local: &[PathBuf]) -> io::Result<()> {
    let names: Vec<_> = local.iter().map(|path| named(path)).collect();
    writeln!(out, "\nMessage keys in {}", names.join(", "))?;
    match device.total {
        0 => writeln!(out, "  there are none: nothing shows whether the device has any")?,
        total => writeln!(out, "  {} of {total} would come back", device.safe())?,
    }
    if device.lost > 0 {
        writeln!(out, "  LOST: {} not in the backup", are(device.lost))?;
    }
    if device.later > 0 {
        writeln!(
            out,
            "  LOST in part: {} in the backup from a later message on",
            are(device.later)
        )?;
    }
    if device.unreadable > 0 {
        writeln!(out, "  NOT KNOWN: {} unreadable, as said above", are(device.unreadable))?;
    }
    let shown = device.entries.iter().take(SHOWN);
    shown.map(Entry::line).try_for_each(|line| writeln!(out, "    {line}"))?;
    let more = (device.lost + device.later).saturating_sub(SHOWN as u64);
    if more > 0 {
        writeln!(out, "    and {more} more")?;
    }
    if device.lost + device.later > 0 {
        let file = names.first().cloned().unwrap_or_default();
        writeln!(
            out,
            "  To save them: \u{201c}strongroom upload --in {file}\u{201d}, with the account, puts them into the backup."
        )?;
    }
    Ok(())
}

/// *1 is*, *2 are*.
fn are(count: u64) -> String {
    if count == 1 { "1 is".to_owned() } else { format!("{count} are") }
}

impl MessageKeys {
    /// Why none comes back where none was tried.
    fn why(&self) -> Option<&str> {
        match self {
            Self::NoBackup => Some("the account has no backup"),
            Self::NotGiven => Some(NOT_GIVEN),
            Self::NoKey(reason) if reason.is_empty() => {
                Some("what was entered leads to no key of the backup")
            }
            Self::NoKey(reason) => Some(reason),
            Self::Tried(_) => None,
        }
    }
}

const NOT_GIVEN: &str = "they were not given: save everything of the account with \u{201c}strongroom fetch\u{201d}, and name its folder with --from";

/// How many are named for people.
const SHOWN: usize = 10;

const DIAGNOSE: &str =
    "\u{201c}strongroom diagnose\u{201d}, with the same files or account, says what helps.";
