//! The user, who reads every question and its facts.

use strongroom::client::backup::{Question, Reply};

/// Says yes to what is trusted.
pub(crate) struct User;

impl User {
    /// What the user replies, if anything.
    pub(crate) fn reply(&mut self, question: &Question) -> Option<Reply> {
        match question {
            Question::SetUp { .. } => {
                println!("  there is no backup: make one? yes");
                Some(Reply::Create)
            }
            Question::SaveRecoveryKey { public_key, .. } => {
                println!("  the key of the backup {public_key} was shown: is it written down? yes");
                Some(Reply::Saved)
            }
            Question::Use { found, .. } => {
                println!(
                    "  version {} is there: use it? {}",
                    found.version,
                    yes(found.problem.is_none())
                );
                found.problem.is_none().then_some(Reply::Use)
            }
            Question::Changed { used, found, .. } => {
                let is_trusted = found.as_ref().is_some_and(|found| found.problem.is_none());
                let new = found.as_ref().map_or("no", |found| found.version.as_str());
                println!(
                    "  version {} was used, and {new} is there now: use it? {}",
                    used.0,
                    yes(is_trusted)
                );
                Some(if is_trusted { Reply::Use } else { Reply::Stop })
            }
            Question::Restore { count, .. } => {
                println!(
                    "  the backup has {} sessions: fetch those of the room",
                    count.unwrap_or_default()
                );
                Some(Reply::RestoreRoom)
            }
            Question::DecryptionKey { public_key, .. } => {
                println!(
                    "  the key of the backup {public_key} is needed: it is in the secret storage"
                );
                None
            }
            _ => None,
        }
    }
}

fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
