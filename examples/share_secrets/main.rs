//! A new device asks another one of its user for secrets and gets them over Olm; a stranger gets nothing.
//!
//! ```text
//! cargo run --release --example share_secrets
//! ```
//!
//! The homeserver is in memory, Olm and the signatures are real, and both devices are restarted on the way.
//! The exit status is 0 only if every secret arrived, opens what it should, and went nowhere else.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock, which the library has not"
)]

#[path = "../support/host/mod.rs"]
mod host;
mod laptop;
mod phone;
mod stranger;

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use strongroom::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::UserId,
    secret_value::{CROSS_SIGNING_SELF_SIGNING, MEGOLM_BACKUP_V1},
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

use crate::{
    host::{Result, Server},
    laptop::Laptop,
    phone::Phone,
    stranger::Stranger,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => {
            println!("\nThe phone has what it asked for, and nobody else has anything.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let user_id = UserId::from("@alice:example.org");
    let mut server = Server::new()?;

    headline("A laptop with a backup and the cross-signing keys");
    let session = session()?;
    let mut laptop = Laptop::new(&mut server, &user_id, &session)?;

    headline("A new phone, verified by its user");
    let mut phone = Phone::log_in(&mut server, &user_id, laptop.master_key()?)?;
    laptop.verify(&mut server, phone.identity())?;

    headline("Somebody with a stolen password");
    let mut stranger = Stranger::log_in(&mut server, &user_id)?;

    headline("Everybody asks the laptop");
    for name in WANTED {
        phone.ask(&mut server, name)?;
        stranger.ask(&mut server, laptop.identity(), name)?;
    }

    headline("The laptop decides");
    laptop.receive(&mut server)?;
    laptop.restart()?;
    laptop.ask_user(&mut server)?;

    headline("The phone receives");
    phone.receive(&mut server)?;
    phone.restart()?;
    phone.store_received(&mut server)?;
    check_secrets(&laptop, &phone)?;

    headline("The phone opens the backup");
    if phone.restore(&mut server)? != [session] {
        return Err("the session did not come back equal".into());
    }

    headline("The stranger looks into its mail");
    stranger.finds_nothing(&mut server)
}

/// A real Megolm session of a device that is of no other interest here.
fn session() -> Result<ExportedSession> {
    let (device, key) = (Account::new(), GroupSession::new(Default::default()).session_key());
    let session = SessionData::new(
        SessionKey::from_bytes(&key.to_bytes())?,
        Curve25519PublicKey::from_bytes(device.curve25519_key().to_bytes()),
        Ed25519PublicKey::from_bytes(device.ed25519_key().as_bytes())?,
    );
    Ok(ExportedSession { room_id: "!room:example.org".into(), session })
}

/// Whether the phone has the laptop's secrets, those it asked for and no others.
fn check_secrets(laptop: &Laptop, phone: &Phone) -> Result<()> {
    for name in WANTED {
        let (sent, stored) = (laptop.secret(&name.into()), phone.secret(&name.into()));
        if stored.is_none() || sent != stored {
            return Err(format!("the phone does not have the laptop's {name}").into());
        }
    }
    if phone.count() == WANTED.len() { Ok(()) } else { Err("the phone has more secrets".into()) }
}

/// Milliseconds since the epoch.
fn now_ms() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into()?)
}

fn headline(text: &str) {
    println!("\n== {text}");
}

const WANTED: [&str; 2] = [MEGOLM_BACKUP_V1, CROSS_SIGNING_SELF_SIGNING];
