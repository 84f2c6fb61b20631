//! `strongroom repair`: what mends an account, so that nothing is lost by it.

mod archive;
mod at_hand;
mod mending;
mod sealing;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom::{
    Limits,
    client::diagnose::{Diagnosis, DiagnosisVerdict},
    ids::UserId,
};

use self::{
    archive::archived,
    at_hand::AtHand,
    mending::{Mending, left},
    sealing::{Sealed, Target},
};
use crate::{
    diagnose::{user_id, whose},
    failure::{Failure, Status, named, printed, shown, tell, visible_lines},
    folder::NewFolder,
    input::{self, Key, Loaded, Saved},
    to_apply::{
        ARCHIVE, BACKUP_KEY, Backup, LIST, RECOVERY_KEY, SeenVersion, ToApply, write_recovery_key,
    },
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// Whose account it is, if the files do not say.
    #[arg(long, value_name = "@ME:EXAMPLE.ORG", value_parser = user_id)]
    user_id: Option<UserId>,
    /// The folder to write, which does not exist yet: everything that there is now, and what is to be done, in order; readable by
    /// you alone.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Repairs only what this finding of `strongroom diagnose` is about: `backup.key_differs`, say. Can be given several times.
    #[arg(long, value_name = "CODE")]
    finding: Vec<String>,
}

/// What there is to repair with.
struct Account<'a> {
    saved: &'a Loaded,
    at_hand: &'a AtHand,
    folder: &'a NewFolder,
    limits: &'a Limits,
}

/// A backup, and what is to be put into it.
struct Filling {
    target: Target,
    sealed: Sealed,
}

/// Diagnoses with everything that is there, and writes what mends it. Nothing is sent, and nothing of it deletes anything.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = &Limits::default();
    let files = options.key.files().chain(options.saved.access().files());
    input::check_standard_input(files)?;
    let to = input::place(options.to.as_deref(), "A folder to write:", "--to")?;
    // Whether it can be written shows before the work.
    let folder = NewFolder::create(&to)?;
    let saved = archived(&options.saved, &folder.folder(ARCHIVE)?, limits)?;
    let user_id = whose(options.user_id.as_ref(), &saved.files)?;
    let at_hand = AtHand::find(&saved, &options.key.needed(&saved.files)?, limits)?;
    let account = Account { saved: &saved, at_hand: &at_hand, folder: &folder, limits };
    let mut mending = account.mending(&user_id, &options.finding)?;
    let filling = account.fill(&mut mending)?;
    let after = mending.mend();
    let mut to_apply = ToApply::of(Some(&user_id));
    to_apply.notes.clone_from(&mending.notes);
    to_apply.backup = filling.as_ref().filter(|it| it.sealed.count > 0).map(|it| it.plan(&saved));
    let left: Vec<_> = left(&after).collect();
    let status = status(filling.as_ref(), &after);
    if to_apply.backup.is_none() && mending.steps.is_empty() {
        printed(nothing_to_do(&mut io::stdout().lock(), &left))?;
        return Ok(status);
    }
    if let Some(filling) = filling.filter(|it| it.sealed.count > 0) {
        let key = filling.target.key.to_recovery_key().to_text();
        folder.write(BACKUP_KEY, key.expose_str().as_bytes())?;
    }
    if let Some(new_key) = mending.new_key() {
        write_recovery_key(&folder, new_key)?;
    }
    to_apply.notes.extend(left.iter().map(|it| format!("this is not repaired: {it}")));
    to_apply.see(saved.files.account_data());
    to_apply.write(&folder, &mending.steps)?;
    folder.finish()?;
    printed(next_step(&mut io::stdout().lock(), &to, &mending))?;
    Ok(status)
}

impl Account<'_> {
    /// The account as it is, with the keys at hand.
    fn mending(&self, user_id: &UserId, only: &[String]) -> Result<Mending, Failure> {
        let files = &self.saved.files;
        let mut evidence = files.evidence(user_id.clone(), SAMPLE, self.limits);
        evidence.storage_keys.clone_from(&self.at_hand.storage_keys);
        evidence.backup_key = self.trusted().map(|target| target.key);
        let account_data = files.account_data().cloned().collect();
        let mending = Mending::new(evidence, account_data, only, self.limits)?;
        let found = mending.diagnosis();
        let is_found = |code: &&String| found.findings().iter().any(|it| it.code() == *code);
        match only.iter().find(|code| !is_found(code)) {
            Some(code) => Err(Failure::usage(format!(
                "nothing is found in this account that is called {}: see what is with \u{201c}strongroom diagnose\u{201d}",
                shown(code)
            ))),
            None => Ok(mending),
        }
    }

    /// The current backup, if a key at hand shows that it is the user's.
    fn trusted(&self) -> Option<Target> {
        let (backup, key) = self.at_hand.trusted(self.saved.files.versions().next()?)?;
        Some(Target { backup, key: key.clone(), new: None })
    }

    /// Finds the backup that takes all message keys: the current one, or a new one where that cannot be used.
    fn fill(&self, mending: &mut Mending) -> Result<Option<Filling>, Failure> {
        let Self { saved, at_hand, folder, limits } = self;
        let keys = &at_hand.backup_keys;
        let is_there = keys.iter().next().is_some() && saved.responses().next().is_some();
        if !is_there || !mending.is_about_backup() {
            return Ok(None);
        }
        if let Some(target) = self.trusted()
            && !target.is_mixed(saved, keys)?
        {
            let sealed = target.seal(saved, keys, folder)?;
            return Ok(Some(Filling { target, sealed }));
        }
        let target = Target::new(limits)?;
        let mut mended = mending.clone();
        mended.replace_backup(target.new.clone(), &target.key);
        mended.mend();
        // A backup whose key is in no key storage helps nobody.
        if !mended.stores_backup_key() {
            return Ok(None);
        }
        let sealed = target.seal(saved, keys, folder)?;
        if sealed.count == 0 {
            return Ok(None);
        }
        *mending = mended;
        Ok(Some(Filling { target, sealed }))
    }
}

impl Filling {
    fn plan(&self, saved: &Loaded) -> Backup {
        let Self { target, sealed } = self;
        if sealed.left_out > 0 {
            tell(format_args!(
                "Message keys of rooms that have no ID which clients take are left out: {}.",
                sealed.left_out
            ));
        }
        if sealed.displaced > 0 {
            tell(format_args!(
                "Message keys that stay in the older backups, since others have their IDs: {}.",
                sealed.displaced
            ));
        }
        let versions = saved.files.versions().map(|info| SeenVersion {
            version: info.version().as_str().to_owned(),
            etag: info.etag().map(str::to_owned),
            count: info.count(),
            is_all_open: sealed.left_out + sealed.displaced == 0
                && !saved.has_gaps
                && sealed.report.is_all_open(info),
        });
        Backup {
            is_new: target.new.is_some(),
            public_key: target.key.public_key().to_base64(),
            count: sealed.count,
            kept: sealed.kept,
            versions: versions.collect(),
        }
    }
}

fn status(filling: Option<&Filling>, after: &Diagnosis) -> Status {
    let displaced = filling.map_or(0, |filling| filling.sealed.displaced);
    let opened = filling.map_or(Status::Good, |filling| filling.sealed.report.status());
    match after.verdict() {
        _ if opened != Status::Good || displaced > 0 || left(after).next().is_some() => {
            Status::NotAllGood
        }
        DiagnosisVerdict::Unknown => Status::TooLittle,
        _ => Status::Good,
    }
}

fn nothing_to_do(out: &mut impl io::Write, left: &[String]) -> io::Result<()> {
    writeln!(out, "Nothing is changed, and nothing was written.")?;
    left.iter().try_for_each(|sentence| writeln!(out, "{sentence}"))
}

fn next_step(out: &mut impl io::Write, to: &Path, mending: &Mending) -> io::Result<()> {
    let folder = named(to);
    let list = fs::read_to_string(to.join(LIST))?;
    write!(out, "{}", visible_lines(&list))?;
    writeln!(
        out,
        "\nNothing was sent. {folder} holds all that there was ({ARCHIVE}), and what is to be done. Next:\n  strongroom apply \
         {folder} --login FILE"
    )?;
    if mending.new_key().is_some() {
        writeln!(
            out,
            "Your new recovery key is in {folder}/{RECOVERY_KEY}: write it down before, and keep the old one until a client has \
             taken the new one."
        )?;
    }
    writeln!(out, "Whoever has {folder} can read your messages.")
}

/// How many sessions of the current version a diagnosis looks at.
const SAMPLE: usize = 200;
