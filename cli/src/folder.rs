//! Folders for their owner alone: written whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process,
};

use crate::{
    failure::{Failure, is_standard_input, named},
    interrupt,
    output::{NewFile, make_private_folder},
};

/// Keeps other runs of this command out of a folder, as long as the file is open. Not every file system can, and Windows opens
/// no folders.
pub(crate) fn lock(folder: &Path, command: &str) -> Result<Option<File>, Failure> {
    let Ok(handle) = File::open(folder) else { return Ok(None) };
    match handle.try_lock() {
        Ok(()) => Ok(Some(handle)),
        Err(TryLockError::WouldBlock) => Err(Failure::other(format!(
            "another \u{201c}strongroom {command}\u{201d} writes into {} now: wait until it has ended, or name another folder",
            named(folder)
        ))),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// A folder that appears under its name when it is finished.
pub(crate) struct NewFolder {
    /// Beside it, until then.
    part: PathBuf,
    path: PathBuf,
}

impl NewFolder {
    /// Begins a folder. What is there already stays.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if is_standard_input(path) {
            return Err(Failure::usage("there is no output to \u{201c}-\u{201d}: name a folder"));
        }
        if path.symlink_metadata().is_ok() {
            let name = named(path);
            return Err(Failure::other(format!("{name} exists already: name another folder")));
        }
        let path: PathBuf = path.components().collect();
        let mut name = path.file_name().map(OsString::from).unwrap_or_default();
        name.push(format!(".{}.part", process::id()));
        let part = path.with_file_name(name);
        interrupt::begin(&part, || make_private_folder(&part))
            .map_err(|error| Failure::file(&path, "written", &error))?;
        Ok(Self { part, path })
    }

    /// Makes a folder in it.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.part.join(name);
        make_private_folder(&path).map_err(|error| Failure::file(&path, "written", &error))?;
        Ok(path)
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = NewFile::create(&self.part.join(name), false)?;
        file.put(bytes)?;
        file.finish()
    }

    /// Gives the folder its name.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        interrupt::end(&self.part, || fs::rename(&self.part, &self.path))
            .map_err(|error| Failure::file(&self.path, "written", &error))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = interrupt::end(&self.part, || fs::remove_dir_all(&self.part));
    }
}
