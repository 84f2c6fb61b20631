//! The state of a bot in files: two, and a third while a flow with a state of its own is under way.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::PathBuf,
};

use strongroom::{
    client::backup::SavedBackup,
    secret::{SecretString, SecretVec},
};

use crate::Result;

/// A folder with the files. Whoever may read them has the keys: a bot with a keychain puts what is secret there, or
/// [seals](strongroom::saved_state::StateKey) it.
pub(crate) struct Files {
    folder: PathBuf,
}

/// What the files hold.
pub(crate) struct Saved {
    pub(crate) backup: SavedBackup,
    pub(crate) flow: Option<SecretVec>,
}

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Writes what is small, and waits for the disk: nothing may be sent before.
    pub(crate) fn save(&self, backup: &SavedBackup, flow: Option<&SecretVec>) -> Result<()> {
        if let Some(flow) = flow {
            self.write(FLOW, flow.expose_bytes())?;
        }
        self.write(PUBLIC, &backup.public)?;
        self.write(SECRET, backup.secret.expose_bytes())?;
        Ok(())
    }

    pub(crate) fn load(&self) -> Result<Option<Saved>> {
        let Some(secret) = self.read(SECRET)? else { return Ok(None) };
        let public = self.read(PUBLIC)?.map(|public| public.expose_bytes().to_vec());
        let backup = SavedBackup { public: public.unwrap_or_default(), secret };
        Ok(Some(Saved { backup, flow: self.read(FLOW)? }))
    }

    /// The flow has ended, and the machine goes on from this.
    pub(crate) fn flow_has_ended(&self, backup: &SavedBackup) -> Result<()> {
        self.save(backup, None)?;
        match fs::remove_file(self.folder.join(FLOW)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Leaves the recovery key for whoever runs the bot.
    pub(crate) fn write_note(&self, text: &SecretString) -> Result<()> {
        self.write(NOTE, text.expose_str().as_bytes())
    }

    /// What was written down.
    pub(crate) fn note(&self) -> Result<SecretString> {
        let note = self.read(NOTE)?.ok_or("no recovery key was written down")?;
        Ok(SecretString::from(std::str::from_utf8(note.expose_bytes())?))
    }

    /// Writes a file whole or not at all, for its owner alone.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let part = self.folder.join(format!("{name}.part"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(fs::rename(part, self.folder.join(name))?)
    }

    fn read(&self, name: &str) -> Result<Option<SecretVec>> {
        let mut file = match File::open(self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let (mut bytes, mut piece) = (SecretVec::default(), [0; 4096]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(Some(bytes)),
                length => bytes.write_all(piece.get(..length).unwrap_or_default())?,
            }
        }
    }
}

const PUBLIC: &str = "backup.public";
const SECRET: &str = "backup.secret";
const FLOW: &str = "flow.secret";
const NOTE: &str = "recovery-key";
