//! What somebody at a terminal is asked, and sees.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use nix::{
    pty::openpty,
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
    },
    unistd::Pid,
};

use crate::kit::{
    Folder, exported, fixture, key_file, run, session_keys, session_keys_of, strongroom,
};

#[test]
fn whatever_is_missing_is_asked_for_and_what_is_secret_is_not_shown() {
    let folder = Folder::new("asked");
    let (account, key) = without_key(&folder);
    let out = folder.path().to_owned() + "/keys.txt";
    let mut terminal = Terminal::start(strongroom(&["rescue", "--from", &account]));
    terminal.expect_hidden("Recovery key (formerly Security Key) or passphrase (Security Phrase):");
    terminal.type_line(&key);
    terminal.expect("A file to write:");
    assert!(terminal.shows_typing());
    terminal.type_line(&out);
    terminal.expect_hidden("New passphrase for the key file:");
    terminal.type_line(PASSPHRASE);
    terminal.expect_hidden("Once more:");
    terminal.type_line(PASSPHRASE);
    let (status, text) = terminal.end();
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("Next: import"), "{text}");
    assert!(!text.contains(&key) && !text.contains(PASSPHRASE), "{text}");

    // A merge reads an encrypted file twice, and asks once.
    let plain = folder.path().to_owned() + "/plain.json";
    let other = folder.write("none.json", b"[]");
    let merged = folder.path().to_owned() + "/merged.txt";
    let new = folder.write("new.txt", b"another passphrase");
    let merge = ["file", "merge", &out, &other, "--out", &merged, "--export-passphrase-file", &new];
    for arguments in [&["file", "decrypt", "--in", &out, "--out", &plain][..], &merge] {
        let mut terminal = Terminal::start(strongroom(arguments));
        terminal.expect_hidden("Passphrase of ");
        terminal.type_line(PASSPHRASE);
        let (status, text) = terminal.end();
        assert_eq!((status, text.contains(PASSPHRASE)), (0, false), "{text}");
    }
    let expected = session_keys_of(fixture("random")["exported_room_keys"].as_array().unwrap());
    assert_eq!(session_keys(&plain), expected);
}

#[test]
fn two_different_new_passphrases_are_refused_and_nothing_is_written() {
    let folder = Folder::new("mismatch");
    let plain = folder.write("plain.json", &exported("random"));
    let out = folder.path().to_owned() + "/keys.txt";
    for (first, second, says) in
        [(PASSPHRASE, "another one", "two different passphrases"), ("", "", "nothing was typed")]
    {
        let arguments = ["file", "encrypt", "--in", &plain, "--out", &out];
        let mut terminal = Terminal::start(strongroom(&arguments));
        for _ in 0..if first.is_empty() { 1 } else { 3 } {
            terminal.expect_hidden("New passphrase for the key file:");
            terminal.type_line(first);
            if !first.is_empty() {
                terminal.expect_hidden("Once more:");
                terminal.type_line(second);
            }
        }
        let (status, text) = terminal.end();
        assert_eq!(status, if first.is_empty() { 2 } else { 1 }, "{text}");
        assert!(text.contains(says), "{text}");
        assert_eq!(folder.names(), ["plain.json"]);
    }
}

#[test]
fn whoever_mistypes_at_a_terminal_is_asked_again() {
    let folder = Folder::new("mistyped");
    let (encrypted, passphrase) = key_file(&folder);
    let right = std::fs::read_to_string(passphrase).unwrap();
    let out = folder.path().to_owned() + "/plain.json";
    let decrypt = ["file", "decrypt", "--in", &encrypted, "--out", &out];
    let mut terminal = Terminal::start(strongroom(&decrypt));
    for typed in ["wrong", &right] {
        terminal.expect_hidden("Passphrase of ");
        terminal.type_line(typed);
    }
    let (status, text) = terminal.end();
    assert_eq!((status, text.contains("check the passphrase")), (0, true), "{text}");
    let expected = session_keys_of(fixture("random")["exported_room_keys"].as_array().unwrap());
    assert_eq!(session_keys(&out), expected);

    // A file that exists, and two different passphrases, do not end a rescue.
    let (account, key) = without_key(&folder);
    let key = folder.write("key.txt", key.as_bytes());
    let arguments = ["rescue", "--from", &account, "--recovery-key-file", &key];
    let mut terminal = Terminal::start(strongroom(&arguments));
    terminal.expect("A file to write:");
    terminal.type_line(&out);
    terminal.expect("replace it with --force\r\nA file to write:");
    terminal.type_line(&(folder.path().to_owned() + "/keys.txt"));
    for second in ["another one", PASSPHRASE] {
        terminal.expect_hidden("New passphrase for the key file:");
        terminal.type_line(PASSPHRASE);
        terminal.expect_hidden("Once more:");
        terminal.type_line(second);
    }
    let (status, text) = terminal.end();
    assert_eq!((status, text.contains("two different passphrases")), (0, true), "{text}");
    assert!(folder.names().contains(&"keys.txt".to_owned()));
}

#[test]
fn an_interruption_at_a_hidden_prompt_shows_typing_again() {
    let folder = Folder::new("interrupted-prompt");
    let (account, _) = without_key(&folder);
    let before = folder.names();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut terminal = Terminal::start(strongroom(&["secrets", "--from", &account]));
        assert!(terminal.shows_typing());
        terminal.expect_hidden("(Security Phrase):");
        kill(terminal.pid(), signal).unwrap();
        assert_eq!(terminal.child.wait().unwrap().code(), Some(130), "{signal}");
        assert!(terminal.shows_typing(), "{signal}");
    }
    assert_eq!(folder.names(), before);
}

#[test]
fn without_a_terminal_a_missing_flag_is_named() {
    let folder = Folder::new("not-asked");
    let (account, key) = without_key(&folder);
    let key = folder.write("key.txt", key.as_bytes());
    let with_key = ["--from", &account, "--recovery-key-file", &key];
    let out = folder.path().to_owned() + "/out";
    for (arguments, flag) in [
        (&["rescue", "--from", &account, "--out", &out][..], "--recovery-key-file"),
        (&[&["rescue"][..], &with_key].concat(), "--out"),
        (&[&["rescue", "--out", &out][..], &with_key].concat(), "--export-passphrase-file"),
        (&["migrate", "--from", &account, "--to", &out], "--recovery-key-file"),
        (&[&["migrate"][..], &with_key].concat(), "--to"),
        (&["key", "check"], "--file"),
    ] {
        let (status, text, errors) = run(arguments, None);
        assert_eq!((status, text.as_str()), (2, ""), "{arguments:?}: {errors}");
        assert!(errors.contains(flag), "{arguments:?}: {errors}");
    }
}

/// An account whose recovery key the person knows.
fn without_key(folder: &Folder) -> (String, String) {
    let mut account = fixture("random");
    let members = account.as_object_mut().unwrap();
    let key = members.remove("recovery_key").unwrap().as_str().unwrap().to_owned();
    members.remove("passphrase");
    members.remove("exported_room_keys");
    (folder.write("account.json", account.to_string().as_bytes()), key)
}

/// A program with a terminal.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    slave: OwnedFd,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// How much of what was seen was expected already.
    read: usize,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let pty = openpty(None, None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side()).env("TERM", "xterm");
        let child = command.spawn().unwrap();
        let (keyboard, mut output) =
            (File::from(pty.master.try_clone().unwrap()), File::from(pty.master));
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                let _ = sender.send(piece[..length].to_vec());
            }
        });
        // What the command holds of the terminal goes with it.
        drop(command);
        Self { child, keyboard, slave: pty.slave, screen, seen: String::new(), read: 0 }
    }

    /// Waits until this is on the screen.
    pub(crate) fn expect(&mut self, text: &str) {
        while !self.seen[self.read..].contains(text) {
            let piece = self.screen.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
        self.read = self.seen.len();
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    fn shows_typing(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    /// Waits for a prompt that hides what is typed. What is typed before that is lost.
    pub(crate) fn expect_hidden(&mut self, prompt: &str) {
        self.expect(prompt);
        let start = Instant::now();
        while self.shows_typing() {
            assert!(start.elapsed() < PATIENCE, "typing is shown after {:?}", self.seen);
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Its exit status, and all that was on the screen.
    pub(crate) fn end(mut self) -> (i32, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end: {:?}", self.seen);
            }
            thread::sleep(Duration::from_millis(5));
        };
        // Nothing else holds the terminal, so that its end is seen.
        drop(self.slave);
        while let Ok(piece) = self.screen.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
        (status.code().unwrap(), self.seen)
    }
}

const PASSPHRASE: &str = "ruhig Kelle Marabu";

const PATIENCE: Duration = Duration::from_secs(60);
