//! What somebody at a terminal is asked, what an interruption leaves, and what memory it takes.

use std::{
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};

use super::*;
use crate::{
    account::{COUNT, PASSWORD},
    kit::{fixture, run, strongroom},
    login::devices,
    server::{self, Twist},
};

#[test]
fn what_was_interrupted_goes_on_where_it_stopped() {
    let account = target("interrupted");
    let file = plain(&account, &many(250));
    let requests = AtomicUsize::new(0);
    account.server.twist(move |request| {
        if is_put(request) && requests.fetch_add(1, Ordering::Relaxed) == 1 {
            let error = json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Logged out" });
            return server::json(401, &error);
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &file]);
    assert_eq!(status, 1);
    let message = report["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("log in again") && message.contains("goes on from there"),
        "{message}"
    );
    assert_eq!(stored_sessions(&account).len(), 100);
    let (status, report) = upload(&account, &["--in", &file]);
    assert_eq!((status, &report["stored"]), (0, &json!(150)), "{report:#}");
    assert_eq!((&report["already_there"], &report["count"]), (&json!(100), &json!(250)));
    assert_eq!(puts(&account), 2);
}

/// As Ctrl-C does; a shell may have tests ignore that.
#[cfg(unix)]
#[test]
fn an_interruption_logs_out_and_what_was_stored_stays() {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    let account = target("signal");
    let file = plain(&account, &many(250));
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    account.server.twist(move |request| {
        let is_second = is_put(request) && seen.fetch_add(1, Ordering::Relaxed) == 1;
        if is_second { Twist::Silence } else { Twist::Nothing }
    });
    let (url, password) = (account.server.url(), account.file("password.txt"));
    let (user, key) = (account.user.clone(), account.file("key.txt"));
    let command = ["upload", "--in", &file, "--user", &user, "--homeserver", &url];
    let secrets = ["--password-file", &password, "--recovery-key-file", &key];
    let command = [&command[..], &secrets].concat();
    let mut child = strongroom(&command).stdout(Stdio::null()).spawn().unwrap();
    while requests.load(Ordering::Relaxed) < 2 {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!((devices(&account), stored_sessions(&account).len()), (1, 100));
    let (status, out, errors) = run(&command, None);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(out.contains("150 put into the backup"), "{out}");
    assert_eq!((devices(&account), stored_sessions(&account).len()), (1, 250));
}

#[cfg(unix)]
#[test]
fn at_a_terminal_whatever_is_missing_is_asked_for_and_named() {
    let account = target("terminal");
    let key_of = |name: &str| fixture(name)["recovery_key"].as_str().unwrap().to_owned();
    let [file, passphrase] = export_file(&account, "random");
    let passphrase = std::fs::read_to_string(passphrase).unwrap();
    let url = account.server.url();
    let who = ["upload", "--homeserver", &url, "--user", &account.user];
    let ours = format!("of {}:", account.user);
    let (status, text) = at_a_terminal(
        &who,
        &[
            ("A key file:", "/nowhere/at/all"),
            ("A key file:", &file),
            ("Password of", "mistyped"),
            ("Password of", PASSWORD),
            (&ours, &key_of("passphrase")),
            (&ours, &key_of("random")),
            ("Passphrase of", &passphrase),
        ],
    );
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("36 put into the backup"), "{text}");
    // How many there will be is not known: nothing says that all are there.
    assert!(text.contains("1 message keys") && !text.contains("1/1"), "{text}");
    assert!(!text.contains(&key_of("random")) && !text.contains(&passphrase), "{text}");

    let mut saved = fixture("passphrase");
    for name in ["recovery_key", "passphrase", "exported_room_keys"] {
        saved.as_object_mut().unwrap().remove(name);
    }
    let saved = account.folder.write("saved.json", saved.to_string().as_bytes());
    let (status, text) = at_a_terminal(
        &[&who[..], &["--from", &saved]].concat(),
        &[
            ("assword", PASSWORD),
            (&ours, &key_of("random")),
            ("of what was saved:", &key_of("passphrase")),
        ],
    );
    assert_eq!(status, 0, "{text}");
    assert_eq!(rescued(&account).len(), 2 * COUNT);
}

/// Calls the program with a terminal, and answers what it asks there.
#[cfg(unix)]
fn at_a_terminal(arguments: &[&str], answers: &[(&str, &str)]) -> (i32, String) {
    use std::{
        fs::File,
        io::{Read as _, Write as _},
        thread,
        time::{Duration, Instant},
    };

    let pty = nix::pty::openpty(None, None).unwrap();
    let side = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = strongroom(arguments);
    let mut child =
        command.stdin(side()).stdout(side()).stderr(side()).env("TERM", "xterm").spawn().unwrap();
    let mut keyboard = File::from(pty.master.try_clone().unwrap());
    let mut output = File::from(pty.master);
    let screen = Arc::new(Mutex::new(String::new()));
    let shown = Arc::clone(&screen);
    let reading = thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            shown.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    });
    let mut read = 0;
    for (prompt, answer) in answers {
        let start = Instant::now();
        while !screen.lock().unwrap()[read..].contains(prompt) {
            assert!(start.elapsed() < Duration::from_secs(60), "{prompt}: {screen:?}");
            thread::sleep(Duration::from_millis(5));
        }
        read = screen.lock().unwrap().len();
        // What is typed before it is hidden is thrown away.
        thread::sleep(Duration::from_millis(300));
        writeln!(keyboard, "{answer}").unwrap();
    }
    let status = child.wait().unwrap().code().unwrap();
    drop((command, pty.slave));
    reading.join().unwrap();
    let text = screen.lock().unwrap().clone();
    (status, text)
}

/// As the system counts it, until the program asks for the last time.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_what_is_sent() {
    let is_long = std::env::var_os("STRONGROOM_LONG").is_some();
    // Held whole, 20,000 sessions would take 20 MiB.
    let (count, at_most) = if is_long { (420_000, 72) } else { (20_000, 20) };
    let account = target("memory");
    let file = plain(&account, &many(count));
    let (login, key) = (account.log_in(), account.file("key.txt"));
    let (pid, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (of, seen) = (Arc::clone(&pid), Arc::clone(&peak));
    account.server.twist(move |_| {
        let status = format!("/proc/{}/status", of.load(Ordering::Relaxed));
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        seen.fetch_max(kib.unwrap_or_default(), Ordering::Relaxed);
        Twist::Nothing
    });
    for (name, expected) in [("stored", count), ("already_there", count)] {
        let arguments = ["--json", "--login", &login, "--in", &file, "--recovery-key-file", &key];
        let child = strongroom(&[&["upload"][..], &arguments].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        pid.store(child.id() as usize, Ordering::Relaxed);
        let output = child.wait_with_output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report[name], &report["count"]), (&json!(expected), &json!(count)));
        let mib = peak.swap(0, Ordering::Relaxed) >> 10;
        println!("{mib} MiB");
        assert!(mib > 0 && mib <= at_most, "{mib} MiB");
    }
}
