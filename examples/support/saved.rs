//! Saved files with their names, which stand before everything that is said of them.
#![allow(dead_code, reason = "each example includes it and uses a part")]

use std::{
    error::Error,
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
};

use strongroom::{
    Limits,
    encoding::text_file,
    saved_files::{SavedFiles, SavedPart},
    secret::{SecretString, SecretVec},
};

/// Reads one file more. What is no data in it is said on standard error, and costs itself.
pub(crate) fn read(
    saved: &mut SavedFiles,
    path: &Path,
    limits: &Limits,
) -> Result<(), Box<dyn Error>> {
    let name = path.display();
    let before = saved.parts().len();
    saved.read(bytes(path)?.expose_bytes(), limits).map_err(|error| format!("{name}: {error}"))?;
    for part in saved.parts().iter().skip(before) {
        match part {
            SavedPart::Refused(refusal) => eprintln!("{name}: {refusal}"),
            SavedPart::Broken(error) => eprintln!("{name}: {error}"),
            SavedPart::AccountData { broken: broken @ 1.., .. } => {
                eprintln!("{name}: entries of the account data that are no events: {broken}");
            }
            _ => {}
        }
    }
    Ok(())
}

/// A recovery key or passphrase: the text of a file, without the end of its line.
pub(crate) fn read_typed(path: &Path) -> Result<SecretString, Box<dyn Error>> {
    let text = text_file::read_text(bytes(path)?.expose_bytes())
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(SecretString::from(text.expose_str().trim_end_matches(['\r', '\n'])))
}

/// The beginning of a file, which is all of it unless it is a very large response: of that, some thousand sessions.
fn bytes(path: &Path) -> Result<SecretVec, Box<dyn Error>> {
    let named = |error| format!("{} cannot be read: {error}", path.display());
    let mut file = File::open(path).map_err(named)?.take(MAX_BYTES);
    let (mut bytes, mut piece) = (SecretVec::default(), [0; 1 << 16]);
    loop {
        match file.read(&mut piece).map_err(named)? {
            0 => return Ok(bytes),
            read => bytes.write_all(piece.get(..read).unwrap_or_default())?,
        }
    }
}

const MAX_BYTES: u64 = 32 << 20;
