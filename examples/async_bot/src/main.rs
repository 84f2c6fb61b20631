//! A bot whose message keys are backed up, on tokio and reqwest.
//!
//! ```text
//! cargo run --release -p strongroom-async-bot
//! cargo run --release -p strongroom-async-bot -- --homeserver http://127.0.0.1:8008 --user @bot:localhost --password-file password
//! ```
//!
//! Without arguments it serves the in-memory homeserver on a free port, which now and then accepts no access token, limits
//! the rate, or gives no answer. The bot sets a secret storage and a backup up, uploads, is restarted from two files, and uploads more;
//! then its device is lost, and a new one gets everything with the recovery key. The exit status is 0 only if not one session
//! is missing. Use a test account: it makes a secret storage and a backup there, and the account must have neither.
//!
//! `host.rs` is what a bot of yours needs: copy it whole, with `files.rs`, and put your store in the place of `store.rs`.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has a clock, sockets and files, which the library has not"
)]

mod bot;
mod files;
mod host;
mod server;
mod store;

use std::{error::Error, fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use strongroom::{ids::UserId, secret::SecretString};

use crate::{bot::Bot, host::Account};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A bot that sets up, uploads, is restarted, and restores.
#[derive(Parser)]
struct Options {
    /// The homeserver; without one, the in-memory homeserver is served on a free port.
    #[arg(long, requires_all = ["user", "password_file"])]
    homeserver: Option<String>,
    /// The user ID of a test account.
    #[arg(long, requires = "homeserver")]
    user: Option<String>,
    /// A file with its password.
    #[arg(long, requires = "homeserver")]
    password_file: Option<PathBuf>,
    /// How many sessions the bot has.
    #[arg(long, default_value_t = 300)]
    sessions: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("strongroom-async-bot-{}", std::process::id()));
    let result = run(&Options::parse(), folder.clone()).await;
    let _ = fs::remove_dir_all(folder);
    match result {
        Ok(()) => {
            println!("\nNot one session is missing.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options, folder: PathBuf) -> Result<()> {
    let account = account(options).await?;

    println!("The bot sets up a secret storage and a backup, and uploads");
    let (first, more) = (options.sessions, 10);
    let mut bot = Bot::start(account.clone(), "BOT", folder.clone()).await?;
    bot.host.store.add_new(first)?;
    let mut bot = spawned(bot).await?;

    println!("It is restarted from two files, and uploads more");
    let store = std::mem::take(&mut bot.host.store);
    drop(bot);
    let mut bot = Bot::start(account.clone(), "BOT", folder.clone()).await?;
    bot.host.store = store;
    bot.host.store.add_new(more)?;
    let bot = spawned(bot).await?;

    println!("Its device is lost: a new one has nothing but the recovery key");
    let restored = Bot::recover(account, "NEW", folder.join("new"), bot.host.files.note()?).await?;
    let (ours, theirs) = (&restored.host.store, &bot.host.store);
    println!("  it has {} of {} sessions", ours.len(), theirs.len());
    if ours.has_all_of(theirs) && ours.len() == first + more {
        Ok(())
    } else {
        Err("sessions are missing".into())
    }
}

/// The bot works in a task of its own, until everything is uploaded.
async fn spawned(mut bot: Bot) -> Result<Bot> {
    tokio::spawn(async move {
        bot.upload().await?;
        Ok(bot)
    })
    .await?
}

async fn account(options: &Options) -> Result<Account> {
    match (&options.homeserver, &options.user, &options.password_file) {
        (Some(url), Some(user), Some(file)) => Ok(Account {
            url: url.clone(),
            user_id: UserId::from(user.as_str()),
            password: SecretString::from(fs::read_to_string(file)?.trim()),
        }),
        _ => server::serve().await,
    }
}
