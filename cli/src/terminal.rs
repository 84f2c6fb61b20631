//! What is asked for at a terminal.

use std::io::{self, IsTerminal as _, Write as _};

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

/// Whether somebody at a terminal says yes; without a terminal, nobody does.
pub(crate) fn confirmed(question: &str) -> Result<bool, Failure> {
    if !is_interactive() {
        return Ok(false);
    }
    let mut terminal = Term::stderr();
    write!(terminal, "{question} ")?;
    Ok(matches!(terminal.read_line()?.trim(), "y" | "Y" | "yes"))
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
