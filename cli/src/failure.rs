//! How a command ends.

use std::{
    error::Error,
    fmt::{self, Display},
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;
use strongroom::excerpt::Excerpt;

/// How a command ended that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All is good.
    Good,
    /// Nothing could be opened, or what was to be shown did not hold.
    Failed,
    /// It is done, and something was not good: a session, a secret, a finding.
    NotAllGood,
    /// Too little is at hand to judge.
    TooLittle,
}

impl Status {
    /// What there is to say of two things.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Good { other } else { self }
    }
}

/// Why a command did not do its work: one sentence that says what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// The command was called in a way that cannot work.
    Usage,
    /// A file or a stream cannot be read or written.
    File,
    /// What a file holds cannot be used.
    Content,
    /// A homeserver cannot be reached.
    Network,
    /// A homeserver refuses.
    Refused,
    /// Nobody reads the output any more.
    ClosedPipe,
    /// Anything else.
    Failed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Good => 0,
            Status::Failed => 1,
            Status::NotAllGood => 3,
            Status::TooLittle => 4,
        })
    }
}

impl Failure {
    /// The command was called in a way that cannot work.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: Code::Usage, message: message.into() }
    }

    /// A file could not be `done` ("read", "written").
    pub(crate) fn file(path: &Path, done: &str, error: &io::Error) -> Self {
        if let Ok(number) = path.strip_prefix("/dev/fd")
            && (error.kind() == io::ErrorKind::NotFound
                || error.raw_os_error() == Some(BAD_DESCRIPTOR))
        {
            return Self::usage(format!(
                "the file descriptor {} is not open: open it as in {0}<FILE, or name the file itself",
                visible(&number.display().to_string())
            ));
        }
        let why = match error.kind() {
            io::ErrorKind::NotFound if done == "read" => "there is no such file or folder".into(),
            io::ErrorKind::NotFound => "its folder does not exist".into(),
            io::ErrorKind::IsADirectory if done == "written" => {
                "it is a folder: name a file in it".into()
            }
            _ => words(error),
        };
        Self { code: Code::File, message: format!("{} could not be {done}: {why}", named(path)) }
    }

    /// What a file holds cannot be used.
    pub(crate) fn content(path: &Path, why: impl Display) -> Self {
        Self { code: Code::Content, message: format!("{}: {why}", named(path)) }
    }

    /// A homeserver cannot be reached.
    pub(crate) fn network(message: impl Into<String>) -> Self {
        Self { code: Code::Network, message: message.into() }
    }

    /// A homeserver refuses.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: Code::Refused, message: message.into() }
    }

    /// Whether it is about a homeserver: another time may do better.
    pub(crate) fn is_of_homeserver(&self) -> bool {
        matches!(self.code, Code::Network | Code::Refused)
    }

    /// Whether it is about what a file holds: another file may do better.
    pub(crate) fn is_of_content(&self) -> bool {
        self.code == Code::Content
    }

    /// The same, and what becomes of it.
    pub(crate) fn and(self, more: impl Display) -> Self {
        Self { message: format!("{}; {more}", self.message), ..self }
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { code: Code::Failed, message: message.into() }
    }

    /// The name for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self.code {
            Code::Usage => "usage",
            Code::File => "file",
            Code::Content => "content",
            Code::Network => "network",
            Code::Refused => "refused",
            Code::ClosedPipe => "closed_pipe",
            Code::Failed => "failed",
        }
    }

    /// Whether nobody reads the output any more, as `head` does when it has enough.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.code == Code::ClosedPipe
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.code == Code::Usage { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Standard output could not be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::BrokenPipe => Code::ClosedPipe,
            _ => Code::File,
        };
        let why = words(&error);
        Self { code, message: format!("standard output could not be written: {why}") }
    }
}

impl From<Box<dyn Error>> for Failure {
    fn from(error: Box<dyn Error>) -> Self {
        match error.downcast::<io::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => Self::other(error.to_string()),
        }
    }
}

/// What stops a file from being read or written, in words where there are some.
pub(crate) fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "you are not allowed to",
        io::ErrorKind::StorageFull => "the disk is full",
        io::ErrorKind::QuotaExceeded => "you have used up your share of the disk",
        io::ErrorKind::ReadOnlyFilesystem => "nothing can be written to that disk",
        io::ErrorKind::FileTooLarge => "files may not become so long there",
        io::ErrorKind::IsADirectory => "it is a folder, not a file",
        io::ErrorKind::NotADirectory => "a part of its path is a file, not a folder",
        io::ErrorKind::AlreadyExists => "it exists already",
        io::ErrorKind::InvalidFilename => "its name is too long",
        io::ErrorKind::NotFound => "there is no such file or folder",
        _ => return visible(&error.to_string()),
    }
    .to_owned()
}

/// What is printed when all is done: whoever does not read it to its end takes nothing back.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Tells something beside the result. If nobody can read it, the work goes on.
pub(crate) fn tell(what: impl Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// A path as it is shown: nothing in it steers a terminal.
pub(crate) fn named(path: &Path) -> String {
    if is_standard_input(path) {
        return "standard input".to_owned();
    }
    visible(&path.display().to_string())
}

pub(crate) fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// A name from outside, as it is shown.
pub(crate) fn shown(name: &str) -> String {
    Excerpt::new(name).to_string()
}

/// An address or another name from outside, in a sentence.
pub(crate) fn quoted(name: &str) -> String {
    format!("\u{201c}{}\u{201d}", shown(name))
}

/// A whole text from outside, without what steers a terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The same with its lines.
pub(crate) fn visible_lines(text: &str) -> String {
    text.lines().map(|line| visible(line) + "\n").collect()
}

/// `EBADF`, which has no name in the standard library.
const BAD_DESCRIPTOR: i32 = 9;

/// One document on standard output, for programs.
pub(crate) fn print_json(report: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report).map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}
