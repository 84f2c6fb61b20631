//! How far it has come, in the folder itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, output::NewFile};

/// What was done and read back. What was done right before an interruption is found done.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) is_filled: bool,
    /// How many writes to the account data.
    pub(super) steps: usize,
    #[serde(skip)]
    path: PathBuf,
}

impl Progress {
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("progress.json");
        let progress = match fs::read(&path) {
            // One that is damaged says nothing: all is looked at again.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(Failure::file(&path, "read", &error)),
        };
        let progress = Self { path, ..progress };
        // Whether it can be written shows before the work.
        progress.save()?;
        Ok(progress)
    }

    pub(super) fn filled(&mut self) -> Result<(), Failure> {
        self.is_filled = true;
        self.save()
    }

    pub(super) fn step(&mut self) -> Result<(), Failure> {
        self.steps += 1;
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let json = serde_json::to_vec(self).map_err(|error| Failure::other(error.to_string()))?;
        let mut file = NewFile::create(&self.path, true)?;
        file.put(&json)?;
        file.finish()
    }
}
