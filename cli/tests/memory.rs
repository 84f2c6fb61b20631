//! How much memory the commands take that read many message keys: it does not grow with what they read.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests call a program, and stop at the first surprise"
)]

use std::{
    env, fs,
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;
use strongroom::{
    crypto::ed25519::Ed25519PublicKey,
    encoding::{base64, secret_base64},
};

/// One test, since the system has one number for all processes that were started: the most that any has taken. So those with
/// the lower bound come first.
#[test]
fn memory_does_not_grow_with_the_number_of_sessions() {
    let is_long = env::var_os("STRONGROOM_LONG").is_some();
    // Held whole, 6,000 sessions would take 4 MiB as text, and more as what is read from it.
    let (sessions, of_files, of_rescue) = if is_long { (420_000, 48, 48) } else { (6_000, 16, 20) };
    let folder = Folder::new();
    folder.backup(sessions);
    let plain = folder.exported(sessions);
    let [key, passphrase] = ["key.txt", "passphrase.txt"].map(|name| folder.path(name));
    let new = ["--export-passphrase-file", &passphrase, "--rounds", "100000"];
    let with = ["--passphrase-file", &passphrase];
    let check = |arguments: &[&[&str]], stdin: Option<&str>, lines: usize| {
        let mib = if arguments[0][0] == "file" { of_files } else { of_rescue };
        let command = arguments.concat();
        let out = folder.run(&command, stdin);
        assert_eq!(out, lines, "{command:?}");
        let most = peak_mib();
        println!("{most} MiB: {command:?}");
        assert!(most <= mib, "{most} MiB: {command:?}");
    };

    let encrypted = folder.path("encrypted.txt");
    check(&[&["file", "encrypt", "--in", &plain, "--out", &encrypted], &new], None, 0);
    // In the long run, one way to read is enough for each command.
    for (input, stdin) in [("-", Some(&*encrypted)), (&*encrypted, None)] {
        if is_long && stdin.is_none() {
            continue;
        }
        let out = folder.path("decrypted.json");
        check(&[&["file", "decrypt", "--in", input, "--out", &out, "--force"], &with], stdin, 0);
        assert_eq!(BufReader::new(File::open(&out).unwrap()).lines().count(), sessions);
    }
    let merged = folder.path("merged.txt");
    check(&[&["file", "merge", &plain, &encrypted, "--out", &merged], &with, &new], None, 0);
    if !is_long {
        let merge = ["file", "merge", "-", &encrypted, "--out", &merged, "--force"];
        check(&[&merge, &with, &new], Some(&plain), 0);
        check(&[&["file", "diff", &plain, &merged], &with], None, 0);
    }
    let (none, kept) = (folder.path("none.json"), folder.path("kept.txt"));
    fs::write(&none, "[]").unwrap();
    check(&[&["file", "diff", &none, "-"], &with], Some(&merged), sessions);
    check(&[&["file", "filter", &merged, "--room", ROOM, "--out", &kept], &with, &new], None, 0);
    assert_eq!(fs::metadata(&kept).unwrap().len(), fs::metadata(&merged).unwrap().len());

    let (snapshot, report) = (folder.path("snapshot"), folder.path("report.json"));
    let rescued = folder.path("rescued.txt");
    let rescue = ["rescue", "--from", &snapshot, "--recovery-key-file", &key];
    check(&[&rescue, &["--out", &rescued, "--report", &report, "--all"], &new], None, 7);
    let listed = |report: &str| {
        let lines = BufReader::new(File::open(report).unwrap()).lines();
        lines.filter(|line| line.as_ref().unwrap().contains("other_session_id")).count()
    };
    assert_eq!(listed(&report), sessions);
    if is_long {
        return;
    }
    // A response that comes over a pipe.
    let (response, piped) = (folder.path("snapshot/room_keys.json"), folder.path("piped.json"));
    let rescue = ["rescue", "--from", "-", "--recovery-key-file", &key, "--format", "json"];
    check(&[&rescue, &["--out", &piped]], Some(&response), 4);
}

/// A folder that goes with its gigabyte.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory");
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("snapshot")).unwrap();
        fs::create_dir_all(path.join("tmp")).unwrap();
        fs::write(path.join("passphrase.txt"), "correct horse battery staple").unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn create(&self, name: &str) -> BufWriter<File> {
        BufWriter::new(File::create(self.path(name)).unwrap())
    }

    /// A sealed session of a real client, again and again under other IDs.
    fn backup(&self, sessions: usize) {
        let fixture = fixture();
        let mut version = fixture["room_keys_version"].clone();
        version["count"] = sessions.into();
        fs::write(self.path("snapshot/backup_info.json"), version.to_string()).unwrap();
        let key = fixture["backup_decryption_key_base64"].as_str().unwrap();
        fs::write(self.path("key.txt"), key).unwrap();
        let rooms = fixture["room_keys"]["rooms"].as_object().unwrap();
        let of_room = rooms.values().next().unwrap()["sessions"].as_object().unwrap();
        let sealed = of_room.values().next().unwrap().to_string();
        let mut out = self.create("snapshot/room_keys.json");
        write!(out, r#"{{"rooms":{{"{ROOM}":{{"sessions":{{"#).unwrap();
        for number in 0..sessions {
            let separator = if number == 0 { "" } else { "," };
            write!(out, r#"{separator}"{}":{sealed}"#, base64::encode(&bytes(number))).unwrap();
        }
        write!(out, "}}}}}}}}").unwrap();
        out.flush().unwrap();
    }

    /// Sessions that differ in their IDs.
    fn exported(&self, sessions: usize) -> String {
        let fixture = fixture();
        let mut session = fixture["exported_room_keys"][0].clone();
        let key = secret_base64::decode(session["session_key"].as_str().unwrap()).unwrap();
        session["room_id"] = ROOM.into();
        let mut out = self.create("plain.json");
        let is_key = |bytes: &[u8; 32]| Ed25519PublicKey::from_bytes(bytes).is_ok();
        let public_keys = (0..).map(bytes).filter(is_key).take(sessions);
        for (number, public_key) in public_keys.enumerate() {
            let mut key = key.expose_bytes().to_vec();
            let end = key.len() - 32;
            key[end..].copy_from_slice(&public_key);
            session["session_id"] = base64::encode(&public_key).into();
            session["session_key"] = base64::encode(&key).into();
            write!(out, "{}{session}", if number == 0 { "[" } else { ",\n" }).unwrap();
        }
        writeln!(out, "]").unwrap();
        out.flush().unwrap();
        self.path("plain.json")
    }

    /// How many lines it prints.
    fn run(&self, arguments: &[&str], stdin: Option<&str>) -> usize {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).env("TMPDIR", self.path("tmp")).stdout(Stdio::piped());
        command.stdin(stdin.map_or_else(Stdio::null, |path| File::open(path).unwrap().into()));
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().count();
        let expected = if arguments[1] == "diff" && lines > 0 { 3 } else { 0 };
        assert_eq!(child.wait().unwrap().code(), Some(expected), "{arguments:?}");
        assert_eq!(fs::read_dir(self.path("tmp")).unwrap().count(), 0);
        lines
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The most that any command has taken so far.
fn peak_mib() -> i64 {
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    if cfg!(target_os = "macos") { peak >> 20 } else { peak >> 10 }
}

fn bytes(number: usize) -> [u8; 32] {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    bytes
}

fn fixture() -> Value {
    let path = env!("CARGO_MANIFEST_DIR").to_owned() + "/../tests/vectors/js-sdk/random.json";
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

const ROOM: &str = "!room:example.org";
