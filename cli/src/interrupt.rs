//! When somebody interrupts the program, nothing half-written stays behind.

#[cfg(unix)]
use std::io;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use console::Term;

use crate::{at_end, failure::tell};

/// What is not finished yet: files, and folders with all that is in them.
static PARTS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What is said on an interruption.
static SENTENCE: OnceLock<&str> = OnceLock::new();

/// How the terminal was before it stopped to show what is typed.
#[cfg(unix)]
static TERMINAL: Mutex<Option<nix::sys::termios::Termios>> = Mutex::new(None);

/// From now on, Ctrl-C and a request to end remove what is not finished, and end the program with 130. Where the caller has the
/// program ignore one of them, as `nohup` does, all stay as they are.
pub(crate) fn watch() {
    let _ = ctrlc::try_set_handler(|| {
        // Never given back: nothing begins or ends any more.
        let parts = lock(&PARTS);
        parts.iter().for_each(|part| remove(part));
        show_typing();
        say();
        at_end::do_all();
        process::exit(INTERRUPTED);
    });
}

/// From now on, an interruption says this.
pub(crate) fn will_say(sentence: &'static str) {
    // Of two, the first one.
    let _ = SENTENCE.set(sentence);
}

/// Makes something that is removed on an interruption, until it is [finished](end).
pub(crate) fn begin<T, E>(part: &Path, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut parts = lock(&PARTS);
    let made = make()?;
    parts.insert(part.to_owned());
    Ok(made)
}

/// Finishes it: gives it its name, or removes it.
pub(crate) fn end<T, E>(part: &Path, finish: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut parts = lock(&PARTS);
    let finished = finish()?;
    parts.remove(part);
    Ok(finished)
}

/// Does what hides what is typed; an interruption shows it again.
pub(crate) fn while_hidden<T>(read: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    {
        *lock(&TERMINAL) = nix::sys::termios::tcgetattr(io::stdin()).ok();
    }
    let read = read();
    #[cfg(unix)]
    {
        *lock(&TERMINAL) = None;
    }
    read
}

fn show_typing() {
    #[cfg(unix)]
    if let Some(before) = &*lock(&TERMINAL) {
        let _ =
            nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, before);
        eprintln!();
    }
}

fn say() {
    let Some(sentence) = SENTENCE.get() else { return };
    let terminal = Term::stderr();
    if terminal.is_term() {
        // A bar may stand there.
        let _ = terminal.clear_line();
    }
    tell(sentence);
}

fn remove(part: &Path) {
    let _ = if part.is_dir() { fs::remove_dir_all(part) } else { fs::remove_file(part) };
}

/// No state in there is half-done.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

const INTERRUPTED: i32 = 130;
