//! `strongroom bundle`: all secrets of an account in one file, as one device hands them over to the next.

mod check;
mod export;

use clap::{Args, Subcommand};
use strongroom::{Limits, saved_files::SavedFiles, secret_storage::VerifiedPublicKeys};

use crate::failure::{Failure, Status};

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the digital identity and the key of the backup into a file, after each was compared with what the account has
    /// published.
    Export(export::Options),
    /// Says whether a bundle is whole, and with an account whether it is that of the account.
    Check(check::Options),
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    match &options.command {
        Command::Export(options) => export::run(options),
        Command::Check(options) => check::run(options),
    }
}

/// The master key that the account has published, and those that it has signed; nothing if it is not known what there is. The
/// master key is the homeserver's word, until something shows that it is the user's.
pub(crate) fn published(saved: &SavedFiles, limits: &Limits) -> Option<VerifiedPublicKeys> {
    let (keys, user_id) = (saved.keys()?, saved.user_id()?);
    let master = keys.master_keys.get(user_id)?;
    let mut published = VerifiedPublicKeys::with_master(user_id.clone(), *master.ed25519());
    for keys in [&keys.self_signing_keys, &keys.user_signing_keys] {
        if let Some(key) = keys.get(user_id) {
            // One that is not signed is as good as none.
            let _ = published.add_cross_signing_key(key, limits);
        }
    }
    Some(published)
}

const NOT_PUBLISHED: &str = "what was given does not say which digital identity the account has published: save everything with \
                             \u{201c}strongroom fetch\u{201d}, and name its folder with --from";
