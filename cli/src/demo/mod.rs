//! `strongroom demo`: a device backs up its message keys, is lost, and a new one gets them back.

mod homeserver;
mod phone;
mod story;
mod tablet;

use std::{collections::BTreeMap, io, time::Instant};

use clap::Args;
use strongroom::{secret::SecretString, session_data::ExportedSession};

use self::{
    homeserver::Connection,
    phone::Phone,
    story::{Story, number, size},
};
use crate::Result;

#[derive(Args)]
pub(crate) struct Options {
    /// How many message keys (Megolm sessions) to back up and restore.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u32).range(1..=200_000)
    )]
    sessions: u32,
}

/// Tells the whole story, and returns whether every session came back equal.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut story = Story::new(io::stdout());
    let start = Instant::now();
    story.title("A device is lost, and its message history is not")?;
    story.text(
        "Real cryptography, a homeserver in memory, no network: nothing leaves this process.",
    )?;

    let mut connection = Connection::new()?;
    let (originals, recovery_key) = on_the_phone(&mut story, &mut connection, options.sessions)?;
    story.step("The phone falls into a lake")?;
    story.text(
        "Its message keys are gone. What is left: ciphertext on the homeserver, and a note.",
    )?;
    let restored = on_the_tablet(&mut story, &mut connection, recovery_key)?;

    let equal = compare(&mut story, &originals, &restored)?;
    story.end(equal, start.elapsed())?;
    Ok(equal)
}

/// Everything before the loss: what the phone has had, and the recovery key.
fn on_the_phone(
    story: &mut Story,
    connection: &mut Connection,
    count: u32,
) -> Result<(Vec<ExportedSession>, SecretString)> {
    story.step("Alice's phone takes part in encrypted rooms")?;
    story.text(
        "Messages there are encrypted with Megolm. Without their keys nobody can read them again.",
    )?;
    let start = Instant::now();
    let phone = Phone::new(count, &story.progress(count))?;
    story.fact("made", &format!("{} message keys", number(count)), start)?;

    story.step("The phone backs its message keys up")?;
    story.text(
        "It makes a backup key of two halves: the public half seals, the secret half opens.",
    )?;
    let start = Instant::now();
    let (backup, recovery_key) = phone.create_backup(connection)?;
    let created = format!("backup version {}, signed by the phone", backup.version());
    story.fact("created", &created, start)?;
    story.text("The signature matters: nobody seals to a key that the homeserver has made up.")?;
    let start = Instant::now();
    let uploaded = phone.upload(connection, &backup, &story.progress(count))?;
    let what = format!(
        "{} message keys, {} of ciphertext in {} requests",
        number(count),
        size(uploaded.bytes),
        number(uploaded.requests)
    );
    story.fact("uploaded", &what, start)?;

    story.step("Alice writes her recovery key down")?;
    story.text("It is the secret half as text. The homeserver never sees it.")?;
    story.note(recovery_key.expose_str())?;
    Ok((phone.into_sessions(), recovery_key))
}

/// Everything after the loss: the sessions that the recovery key brings back.
fn on_the_tablet(
    story: &mut Story,
    connection: &mut Connection,
    recovery_key: SecretString,
) -> Result<Vec<ExportedSession>> {
    story.step("Alice signs in on a new tablet and types the recovery key")?;
    connection.log_in("TABLET");
    let start = Instant::now();
    let key = tablet::typed(recovery_key.expose_str())?;
    let backup = tablet::check(connection, &key)?;
    let checked = format!("the recovery key belongs to backup version {}", backup.version());
    story.fact("checked", &checked, start)?;
    let start = Instant::now();
    let download = tablet::download(connection, &backup)?;
    let what = format!("{} message keys, {}", number(download.count()), size(download.bytes));
    story.fact("downloaded", &what, start)?;
    let start = Instant::now();
    let opened = tablet::open(&key, &download, &story.progress(download.count()));
    for complaint in &opened.complaints {
        story.text(complaint)?;
    }
    let what = format!("{} message keys, each with its own verdict", number(opened.sessions.len()));
    story.fact("opened", &what, start)?;
    Ok(opened.sessions)
}

/// Compares every session in all its parts, and returns whether all are equal.
fn compare(
    story: &mut Story,
    originals: &[ExportedSession],
    restored: &[ExportedSession],
) -> Result<bool> {
    story.step("Every message key is compared with what the phone had")?;
    let start = Instant::now();
    let equal = count_equal(originals, restored);
    let of = format!("{} of {} are equal in every part", number(equal), number(originals.len()));
    story.fact("compared", &of, start)?;
    Ok(equal == originals.len() && restored.len() == originals.len())
}

/// How many of the originals have an equal twin among the restored.
fn count_equal(originals: &[ExportedSession], restored: &[ExportedSession]) -> usize {
    let name = |one: &ExportedSession| (one.room_id.clone(), one.session_id());
    let restored: BTreeMap<_, _> = restored.iter().map(|one| (name(one), one)).collect();
    originals.iter().filter(|one| restored.get(&name(one)) == Some(one)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_is_lost_or_changed_is_not_counted_as_equal() -> Result<()> {
        let phone = Phone::new(3, &indicatif::ProgressBar::hidden())?;
        let originals = phone.into_sessions();
        let mut restored = originals.clone();
        restored.reverse();
        assert_eq!(count_equal(&originals, &restored), 3);
        restored.truncate(2);
        assert_eq!(count_equal(&originals, &restored), 2);
        restored = originals.clone();
        if let Some(one) = restored.first_mut() {
            one.session = one.session.clone().with_shared_history(!one.session.shared_history());
        }
        assert_eq!(count_equal(&originals, &restored), 2);
        if let Some(one) = restored.last_mut() {
            one.room_id = "!another:example.org".into();
        }
        assert_eq!(count_equal(&originals, &restored), 1);
        Ok(())
    }
}
