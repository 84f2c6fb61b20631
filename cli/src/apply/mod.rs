//! `strongroom apply`: does what was planned, one thing after the other, and reads back all of it.

mod account_data;
mod backup;
mod copies;
mod progress;

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use self::{account_data::AccountData, backup::Filling, copies::ReadBack, progress::Progress};
use crate::{
    beginning::beginning_of,
    failure::{Failure, Status, named, printed, shown},
    folder::lock,
    input, interrupt,
    network::{Access, Account},
    terminal::{confirmed, is_interactive},
    to_apply::{PLAN, SeenVersion, ToApply, names},
};

#[derive(Args)]
pub(crate) struct Options {
    /// The folder that `strongroom repair` or `strongroom migrate` has written.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    access: Access,
    /// Sends without asking.
    #[arg(long)]
    yes: bool,
}

/// What is to be done to which account.
struct Work<'a> {
    data: AccountData<'a>,
    filling: Option<Filling<'a>>,
}

/// Shows the list, asks, sends, and goes on where it was interrupted.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let folder = &options.folder;
    let plan = read(options)?;
    if !options.yes && !is_interactive() {
        return Err(Failure::usage(
            "nobody is there to be asked whether it is to be done: say so beforehand with --yes",
        ));
    }
    input::check_standard_input(options.access.files())?;
    let _lock = lock(folder, "apply")?;
    let mut progress = Progress::read(folder)?;
    printed(writeln!(io::stdout().lock(), "{}", plan.list()?))?;
    let account = options.access.connect()?;
    check_user(&plan, &account)?;
    let filling = plan.backup.as_ref().map(|backup| Filling::read(&account, folder, backup));
    let data =
        AccountData { account: &account, folder, steps: &plan.steps, storage: &plan.storage };
    let work = Work { data, filling: filling.transpose()? };
    work.check(&progress)?;
    if !options.yes && !confirmed("Do this now? [y/N]")? {
        return Err(Failure::other("nothing was sent, since you did not say yes"));
    }
    interrupt::will_say("Interrupted: what was done stays done; the same line goes on.");
    let filled = work.do_rest(&mut progress)?;
    let dispensable = work.filling.as_ref().zip(filled.as_ref());
    let dispensable =
        dispensable.map(|(filling, filled)| filling.dispensable(filled)).transpose()?;
    let displaced = filled.map_or(0, |filled| filled.displaced);
    printed(end(&mut io::stdout().lock(), options, dispensable.as_deref(), displaced))?;
    Ok(if displaced == 0 { Status::Good } else { Status::NotAllGood })
}

impl Work<'_> {
    /// Whether all that is left can be done shows before anything is.
    fn check(&self, progress: &Progress) -> Result<(), Failure> {
        if let Some(filling) = &self.filling {
            filling.check(progress.is_filled)?;
        }
        self.data.check(progress.steps)
    }

    /// What is in the backup is read back each time, since it can be lost afterwards.
    fn do_rest(&self, progress: &mut Progress) -> Result<Option<ReadBack>, Failure> {
        let filled = self.filling.as_ref().map(Filling::fill).transpose()?;
        if filled.is_some() && !progress.is_filled {
            progress.filled()?;
        }
        while progress.steps < self.data.steps.len() {
            self.data.write(progress.steps).map_err(goes_on)?;
            progress.step()?;
        }
        self.data.require_done().map_err(goes_on)?;
        Ok(filled)
    }
}

fn read(options: &Options) -> Result<ToApply, Failure> {
    let path = options.folder.join(PLAN);
    let (bytes, _) = beginning_of(&path, &strongroom::Limits::default())?;
    let plan = serde_json::from_slice(bytes.expose_bytes()).ok();
    let is_whole =
        |plan: &ToApply| plan.steps.iter().all(|step| step.is_of_folder(&options.folder));
    plan.filter(is_whole).ok_or_else(|| {
        Failure::content(
            &path,
            "this is no plan: name a folder that \u{201c}strongroom repair\u{201d} or \u{201c}strongroom migrate\u{201d} has \
             written, with all that is in it",
        )
    })
}

fn check_user(plan: &ToApply, account: &Account) -> Result<(), Failure> {
    match &plan.user_id {
        Some(planned) if *planned != account.user_id.as_str() => Err(Failure::other(format!(
            "this was planned for {}, and you are logged in as {}: nothing was sent",
            shown(planned),
            shown(account.user_id.as_str())
        ))),
        _ => Ok(()),
    }
}

pub(super) fn goes_on(failure: Failure) -> Failure {
    if failure.is_of_homeserver() {
        failure.and("what was done stays done, and the same command goes on from there")
    } else {
        failure
    }
}

fn end(
    out: &mut impl io::Write,
    options: &Options,
    dispensable: Option<&[SeenVersion]>,
    displaced: u64,
) -> io::Result<()> {
    writeln!(out, "All of it is done, and was read back.")?;
    if displaced > 0 {
        writeln!(
            out,
            "Message keys that are in older backups alone, since the homeserver keeps others in their place: {displaced}. \
             \u{201c}strongroom rescue\u{201d} gets them."
        )?;
    }
    match dispensable {
        None => {}
        Some([]) => {
            writeln!(out, "Delete no older backup: they have what the current one has not.")?
        }
        Some(versions) => writeln!(
            out,
            "Every message key of these backups was read back from the current one, so they may be deleted now, and need not: {}.",
            names(versions)
        )?,
    }
    writeln!(
        out,
        "Open your messages in a client before you remove {}: with it go the copy of all that there was, and the keys in it.",
        named(&options.folder)
    )
}
