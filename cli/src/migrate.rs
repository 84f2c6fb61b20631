//! `strongroom migrate`: what older clients wrote, in the forms of today.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::{
    Limits,
    ids::{SecretName, UserId},
    saved_files::SavedFiles,
    secret_storage::{
        Change, NewKey, Plan, PlanNote, PlanStep, SecretStorage, SecretStorageKey,
        VerifiedPublicKeys,
    },
    secret_value::PublicKeys,
};

use crate::{
    failure::{Failure, Status, named, printed, shown, tell},
    fetch::Extent,
    folder::NewFolder,
    input::{self, Key, Saved},
    to_apply::{RECOVERY_KEY, ToApply, write_recovery_key},
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// The folder to write, which does not exist yet: the account data to put, in order, and what they do; readable by you alone.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Moves this secret even if nothing shows that it is yours: what older clients wrote, the homeserver could have written,
    /// too. Can be given several times.
    #[arg(long, value_name = "NAME")]
    accept: Vec<String>,
}

/// Plans what brings the key storage into today's form; nothing in the account is removed by it.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let saved = options.saved.read(options.key.files(), Extent::NoKeys, &limits)?.files;
    let storage = saved.secret_storage(&limits).ok_or_else(|| {
        Failure::usage("there is no account data in what was given: it is what GET /sync or the files of a snapshot have")
    })?;
    let typed = options.key.needed(&saved)?;
    let to = input::place(options.to.as_deref(), "A folder to write:", "--to")?;
    // Whether it can be written shows before the work.
    let folder = NewFolder::create(&to)?;
    let mut keys = Vec::new();
    for text in &typed {
        match storage.unlock(text.expose_str(), &PublicKeys::default(), &limits) {
            Ok(unlocked) => keys.extend(unlocked.keys),
            Err(error) => tell(&error),
        }
    }
    if keys.is_empty() {
        return Err(Failure::other(
            "what was entered opens nothing in the key storage, so nothing can be moved",
        ));
    }
    let user_id = saved.user_id();
    let new_key = NewKey::generate(None).map_err(|error| Failure::other(error.to_string()))?;
    let plan = planned(&storage, &keys, &new_key, user_id, &options.accept)?;
    if plan.steps().is_empty() {
        write!(io::stdout().lock(), "{plan}")?;
        return Ok(if plan.notes().is_empty() { Status::Good } else { Status::NotAllGood });
    }
    write(&folder, &plan, &new_key, &saved)?;
    folder.finish()?;
    printed(next_step(&mut io::stdout().lock(), &to, &plan, &new_key))?;
    Ok(if plan.notes().is_empty() { Status::Good } else { Status::NotAllGood })
}

/// The plan, with what the user accepts: by name beforehand, or on a terminal when asked.
fn planned(
    storage: &SecretStorage,
    keys: &[SecretStorageKey],
    new_key: &NewKey,
    user_id: Option<&UserId>,
    accept: &[String],
) -> Result<Plan, Failure> {
    let verified = VerifiedPublicKeys::none(user_id.cloned().unwrap_or_else(|| "".into()));
    let plan = |accepted: &[SecretName]| {
        let migrate = |change: &mut Change<'_>| {
            change.keep_all();
            change.migrate(new_key, &verified, accepted)
        };
        storage
            .plan(keys, &Limits::default(), migrate)
            .map_err(|error| Failure::other(error.to_string()))
    };
    let mut accepted: Vec<_> = accept.iter().map(|name| SecretName::from(name.as_str())).collect();
    let first = plan(&accepted)?;
    let waiting: Vec<_> = first.notes().iter().filter_map(waits_for).collect();
    for name in &waiting {
        let question = format!(
            "Nothing shows that the secret {} is yours: the homeserver could have put it there. Move it? [y/N]",
            shown(name.as_str())
        );
        if input::confirmed(&question)? {
            accepted.push((*name).clone());
        }
    }
    let plan = plan(&accepted)?;
    if waiting.is_empty() || moves_something(&plan) {
        Ok(plan)
    } else {
        Err(not_accepted(&waiting))
    }
}

fn moves_something(plan: &Plan) -> bool {
    let is_key =
        |step: &PlanStep| matches!(step.reason, PlanNote::DescribeKey(_) | PlanNote::SetDefault(_));
    !plan.steps().iter().all(is_key)
}

fn not_accepted(waiting: &[&SecretName]) -> Failure {
    let names: Vec<_> =
        waiting.iter().map(|name| format!("--accept {}", shown(name.as_str()))).collect();
    Failure::other(format!(
        "nothing shows that the secrets are yours, since older clients stored them so that the homeserver could have put \
         them there: if you accept that, say {}",
        names.join(" ")
    ))
}

fn waits_for(note: &PlanNote) -> Option<&SecretName> {
    if let PlanNote::NeedsAcceptance(name, _) = note { Some(name) } else { None }
}

/// The folder.
fn write(
    folder: &NewFolder,
    plan: &Plan,
    new_key: &NewKey,
    saved: &SavedFiles,
) -> Result<(), Failure> {
    let mut to_apply = ToApply::of(saved.user_id());
    to_apply.see(saved.account_data());
    to_apply.notes.extend(plan.notes().iter().map(ToString::to_string));
    to_apply.write(folder, plan.steps())?;
    if makes_known(plan, new_key) { write_recovery_key(folder, new_key) } else { Ok(()) }
}

/// Whether the new key is used: an account may have a key of today already.
fn makes_known(plan: &Plan, new_key: &NewKey) -> bool {
    let is_this =
        |step: &PlanStep| matches!(&step.reason, PlanNote::DescribeKey(id) if id == new_key.id());
    plan.steps().iter().any(is_this)
}

fn next_step(out: &mut impl io::Write, to: &Path, plan: &Plan, new_key: &NewKey) -> io::Result<()> {
    write!(out, "{plan}")?;
    if plan.notes().iter().any(|note| waits_for(note).is_some()) {
        writeln!(
            out,
            "To move a secret that nothing shows to be yours, say --accept with its name."
        )?;
    }
    let folder = named(to);
    writeln!(
        out,
        "\nNothing was sent. {folder} holds what is to be written, in this order; each step only where the account data is \
         still what \u{201c}before\u{201d} in plan.json says. Nothing is removed from the account."
    )?;
    if makes_known(plan, new_key) {
        writeln!(
            out,
            "Your new recovery key is in {folder}/{RECOVERY_KEY}: write it down before the first step, and keep the old one \
             until a client has taken the new one."
        )?;
    }
    Ok(())
}
