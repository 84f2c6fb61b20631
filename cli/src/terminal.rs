//! What is asked for at a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use console::Term;
use strongroom::secret::SecretString;

use crate::{failure::Failure, interrupt};

/// Whether somebody is there to be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && Term::stderr().is_term()
}

/// What somebody types at a terminal, unseen; nothing without a terminal, or if they only press Enter.
pub(crate) fn asked(prompt: &str) -> Result<Option<SecretString>, Failure> {
    if !is_interactive() {
        return Ok(None);
    }
    let mut terminal = Term::stderr();
    write!(terminal, "{prompt} ")?;
    let line = SecretString::from(interrupt::while_hidden(|| terminal.read_secure_line())?);
    Ok(Some(line).filter(|line| !line.expose_str().trim().is_empty()))
}

/// Where to write: as the flag says, or as somebody types it at a terminal.
pub(crate) fn place(named: Option<&Path>, prompt: &str, flag: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    match typed_line(prompt)?.map(|line| line.trim().to_owned()) {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err(Failure::usage(format!("it is not said where to write: say so with {flag}"))),
    }
}

/// A line that somebody types at a terminal; nothing without a terminal.
pub(crate) fn typed_line(prompt: &str) -> Result<Option<String>, Failure> {
    if !is_interactive() {
        return Ok(None);
    }
    let mut terminal = Term::stderr();
    write!(terminal, "{prompt} ")?;
    // The terminal itself lets people correct what they type.
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(Some(line))
}

/// Whether somebody at a terminal says yes; without a terminal, nobody does.
pub(crate) fn confirmed(question: &str) -> Result<bool, Failure> {
    Ok(typed_line(question)?.is_some_and(|line| matches!(line.trim(), "y" | "Y" | "yes")))
}

/// A new passphrase, typed twice.
pub(crate) fn chosen(prompt: &str) -> Result<Option<SecretString>, Failure> {
    let Some(chosen) = asked(prompt)? else { return Ok(None) };
    let again = asked("Once more:")?;
    if again.is_none_or(|again| again.expose_str() != chosen.expose_str()) {
        return Err(Failure::other("these are two different passphrases: start again"));
    }
    Ok(Some(chosen))
}
