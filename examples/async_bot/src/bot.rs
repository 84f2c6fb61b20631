//! What the bot does with its host.

use std::path::PathBuf;

use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{BackupOptions, Stage},
        drive_async, drive_backup_async,
        flow::{Flow, Recover, SavedFlow, SetUp},
    },
    secret::SecretString,
    secret_storage::{NewKey, VerifiedPublicKeys},
};

use crate::{
    Result,
    files::{Files, Saved},
    host::{Account, BotHost},
};

pub(crate) struct Bot {
    backup: Backup,
    pub(crate) host: BotHost,
}

impl Bot {
    /// Goes on from the files, or begins with a set-up. One that was interrupted is finished.
    pub(crate) async fn start(account: Account, device: &str, folder: PathBuf) -> Result<Self> {
        let mut host = BotHost::new(account, device, Files::new(folder)?)?;
        let (user_id, device_id) = (host.user_id().clone(), host.device_id().clone());
        let limits = Limits::default();
        let set_up = match host.files.load()? {
            Some(Saved { backup, flow: None }) => {
                println!("  the files have the state of the machine");
                let backup = Backup::from_saved(&backup, user_id, device_id, options(), limits)?;
                return Ok(Self { backup, host });
            }
            Some(Saved { backup, flow: Some(secret) }) => {
                let saved = SavedFlow { secret, backup };
                SetUp::from_saved(&saved, user_id, device_id, options(), limits)?
            }
            None => {
                let backup = Backup::new(user_id, device_id, options(), limits);
                SetUp::bootstrap(backup, NewKey::generate(Some("bot"))?, Vec::new(), limits)
            }
        };
        let done = finish(set_up, &mut host).await??;
        // The machine's state stays, and the flow's own goes.
        host.files.flow_has_ended(&done.backup.save())?;
        Ok(Self { backup: done.backup, host })
    }

    /// A new device gets everything with what was written down.
    pub(crate) async fn recover(
        account: Account,
        device: &str,
        folder: PathBuf,
        typed: SecretString,
    ) -> Result<Self> {
        let mut host = BotHost::new(account, device, Files::new(folder)?)?;
        host.typed = Some(typed);
        let (user_id, device_id) = (host.user_id().clone(), host.device_id().clone());
        let verified = VerifiedPublicKeys::none(user_id.clone());
        let backup = Backup::new(user_id, device_id, options(), Limits::default());
        let done = finish(Recover::new(backup, verified, Limits::default()), &mut host).await?;
        match done.fetched {
            Some(report) => println!("  {report}"),
            None => return Err("there was nothing to fetch sessions with".into()),
        }
        Ok(Self { backup: done.backup, host })
    }

    /// Works until every session is in the backup.
    pub(crate) async fn upload(&mut self) -> Result<()> {
        self.backup.new_sessions();
        while !self.host.store.is_stored() {
            drive_backup_async(&mut self.backup, &mut self.host).await?;
        }
        let version = self.backup.trusted().ok_or("there is no backup")?.version();
        println!("  {} sessions are in version {version}", self.host.store.len());
        if self.backup.stage() == Stage::Running { Ok(()) } else { Err("it does not run".into()) }
    }
}

/// Drives a flow to its end, however often the host leaves because there is something new.
async fn finish<F: Flow>(mut flow: F, host: &mut BotHost) -> Result<F::Outcome> {
    loop {
        if let Some(outcome) = drive_async(&mut flow, host).await? {
            return Ok(outcome);
        }
    }
}

/// Shorter waits than a bot would have, so that an example ends soon.
fn options() -> BackupOptions {
    let mut options = BackupOptions::default();
    (options.upload_delay_ms, options.backoff_ms) = (200, 200);
    options
}
