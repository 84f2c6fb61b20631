//! How the tests call the program, and what they give it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub(crate) fn strongroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A program that is interrupted even where those that started the tests have interruptions ignored.
pub(crate) fn interruptible(arguments: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_strongroom");
    let reset = "--default-signal=INT,TERM,HUP";
    let can_reset = Command::new("env").args([reset, "true"]).output().unwrap().status.success();
    let mut command = if can_reset { Command::new("env") } else { Command::new(program) };
    if can_reset {
        command.args([reset, program]);
    }
    command.args(arguments);
    command
}

/// The exit status, standard output and standard error.
pub(crate) fn run(arguments: &[&str], input: Option<&[u8]>) -> (i32, String, String) {
    finish(strongroom(arguments), input)
}

/// The same for a command that is made ready.
pub(crate) fn finish(mut command: Command, input: Option<&[u8]>) -> (i32, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read anything.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A key file that a client has written, and a file with its passphrase.
pub(crate) fn key_file(folder: &Folder) -> (String, String) {
    let path = vector("random").replace("random.json", "random.megolm-export");
    let made_with: Value =
        serde_json::from_slice(&fs::read(format!("{path}.json")).unwrap()).unwrap();
    let passphrase = &made_with["files"]["random.megolm-export.txt"]["passphrase"];
    let passphrase = folder.write("made_with.txt", passphrase.as_str().unwrap().as_bytes());
    (format!("{path}.txt"), passphrase)
}

/// What the client of a fixture exported, as a JSON array.
pub(crate) fn exported(name: &str) -> Vec<u8> {
    fixture(name)["exported_room_keys"].to_string().into_bytes()
}

pub(crate) fn vector(name: &str) -> String {
    format!("{}/../tests/vectors/js-sdk/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn fixture(name: &str) -> Value {
    serde_json::from_slice(&fs::read(vector(name)).unwrap()).unwrap()
}

/// A folder of a test's own.
pub(crate) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        Self::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    pub(crate) fn at(path: PathBuf) -> Self {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub(crate) fn session_keys(path: &str) -> Vec<String> {
    let sessions: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    session_keys_of(&sessions)
}

pub(crate) fn session_keys_of(sessions: &[Value]) -> Vec<String> {
    let mut keys: Vec<_> = sessions
        .iter()
        .map(|it| it["session_key"].as_str().unwrap().trim_end_matches('=').to_owned())
        .collect();
    keys.sort();
    keys
}
