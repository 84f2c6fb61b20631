//! What is asked for at a terminal.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use console::Term;
use strongroom::secret::SecretString;

use crate::{
    failure::{Failure, tell},
    interrupt,
};

/// How often somebody is asked for the same.
pub(crate) const TRIES: u32 = 3;

/// Whether somebody is there to be asked.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && Term::stderr().is_term()
}

/// What somebody types at a terminal, unseen; nothing without a terminal.
pub(crate) fn asked(prompt: &str) -> Result<Option<SecretString>, Failure> {
    if !is_interactive() {
        return Ok(None);
    }
    let mut terminal = Term::stderr();
    write!(terminal, "{prompt} ")?;
    let line = SecretString::from(interrupt::while_hidden(|| terminal.read_secure_line())?);
    if line.expose_str().trim().is_empty() {
        return Err(nothing_typed());
    }
    Ok(Some(line))
}

/// Where to write: as the flag says, or as somebody types it at a terminal.
pub(crate) fn place(named: Option<&Path>, prompt: &str, flag: &str) -> Result<PathBuf, Failure> {
    free_place(named, prompt, flag, |_| Ok(()))
}

/// The same; what is typed is asked for again if it is in the way of something.
pub(crate) fn free_place(
    named: Option<&Path>,
    prompt: &str,
    flag: &str,
    check: impl Fn(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let typed = typed_until(prompt, |line| {
        let path = PathBuf::from(line);
        check(&path).map(|()| path)
    });
    typed?
        .ok_or_else(|| Failure::usage(format!("it is not said where to write: say so with {flag}")))
}

/// What somebody types at a terminal, asked for until it is of use, but no more than three times; nothing without a terminal.
pub(crate) fn typed_until<T>(
    prompt: &str,
    read: impl Fn(&str) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut tries = 1;
    loop {
        let Some(line) = typed_line(prompt)? else { return Ok(None) };
        if line.trim().is_empty() {
            return Err(nothing_typed());
        }
        match read(line.trim()) {
            Err(failure) if tries < TRIES => tell(failure),
            read => return read.map(Some),
        }
        tries += 1;
    }
}

fn nothing_typed() -> Failure {
    Failure::usage("nothing was typed: start again")
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
    for _ in 0..TRIES {
        let Some(chosen) = asked(prompt)? else { return Ok(None) };
        let again = asked("Once more:")?;
        if again.is_some_and(|again| again.expose_str() == chosen.expose_str()) {
            return Ok(Some(chosen));
        }
        tell("These are two different passphrases.");
    }
    Err(Failure::other("no passphrase was typed twice alike: start again"))
}
