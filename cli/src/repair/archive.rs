//! Everything that there is of an account, kept beside what is to be done to it.

use std::{fs, io, path::Path};

use strongroom::Limits;

use crate::{
    failure::{Failure, is_standard_input, named},
    fetch::{self, Extent},
    input::{Loaded, Saved},
    upload::of_one_account,
};

/// Fetches or copies everything into a folder that is there and empty, and reads it from there.
pub(super) fn archived(saved: &Saved, archive: &Path, limits: &Limits) -> Result<Loaded, Failure> {
    if saved.is_of_homeserver()? {
        let account = saved.access().connect()?;
        fetch::take_into(archive, &account, &Extent::Everything.into())?;
    }
    for path in saved.from() {
        copy(path, archive)?;
    }
    let mut loaded = Loaded::default();
    loaded.add(&[archive.to_owned()], limits)?;
    of_one_account(loaded)
}

/// Copies a file, or those of a folder that are read.
fn copy(path: &Path, archive: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file(path, "read", &error);
    if is_standard_input(path) {
        return Err(Failure::usage(
            "what a repair starts from is kept: name a file in the place of standard input",
        ));
    }
    if !path.is_dir() {
        return copy_file(path, archive);
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.is_file() && file.extension().is_some_and(|extension| extension == "json") {
            copy_file(&file, archive)?;
        }
    }
    Ok(())
}

fn copy_file(path: &Path, archive: &Path) -> Result<(), Failure> {
    let mut to = archive.join(path.file_name().unwrap_or_default());
    if to.extension().is_none_or(|extension| extension != "json") {
        to.as_mut_os_string().push(".json");
    }
    if to.exists() {
        return Err(Failure::usage(format!(
            "two of the files that were named are called {}: name one of them otherwise",
            named(Path::new(to.file_name().unwrap_or_default()))
        )));
    }
    fs::copy(path, &to).map(drop).map_err(|error| Failure::file(path, "read", &error))
}
