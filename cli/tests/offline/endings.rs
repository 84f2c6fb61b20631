//! How a command ends that cannot go on: nothing half-written stays behind.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

use crate::kit::{Folder, exported, finish, interruptible, key_file, run, strongroom, vector};

#[test]
fn an_interruption_leaves_nothing_behind_and_ends_with_130() {
    let folder = Folder::new("interrupted");
    let passphrase = folder.write("passphrase.txt", b"correct horse battery staple");
    let old = folder.write("old.txt", b"what was there before");
    let before = folder.names();
    let new = folder.path().to_owned() + "/new.txt";
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        for (out, force) in [(&new, None), (&old, Some("--force"))] {
            let mut arguments = vec!["file", "encrypt", "--in", "-", "--out", out];
            arguments.extend(["--export-passphrase-file", &passphrase]);
            arguments.extend(force);
            let mut command = interruptible(&arguments);
            command.stdin(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // All but the end, so that it waits for more.
            let bytes = exported("random");
            let stdin = child.stdin.as_mut().unwrap();
            stdin.write_all(&bytes[..bytes.len() - 10]).unwrap();
            wait_for("a part", || folder.names().len() > before.len());
            kill(pid(&child), signal).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(130), "{signal}: {output:?}");
            assert_eq!(folder.names(), before, "{signal}");
        }
    }
    assert_eq!(fs::read(&old).unwrap(), b"what was there before");
}

#[test]
fn a_folder_that_is_not_finished_goes_with_all_that_is_in_it() {
    let folder = Folder::new("interrupted-folder");
    let account = old_account(&folder);
    let before = folder.names();
    let to = folder.path().to_owned() + "/plan";
    let mut terminal = crate::terminal::Terminal::start(interruptible(&[
        "migrate", "--from", &account, "--to", &to,
    ]));
    terminal.expect("Move it? [y/N]");
    assert!(folder.names().iter().any(|name| name.starts_with("plan.")), "{:?}", folder.names());
    kill(terminal.pid(), Signal::SIGINT).unwrap();
    assert_eq!(terminal.end().0, 130);
    assert_eq!(folder.names(), before);
}

#[test]
fn a_caller_that_has_the_program_ignore_a_hang_up_gets_that() {
    let folder = Folder::new("nohup");
    let passphrase = folder.write("passphrase.txt", b"correct horse battery staple");
    let out = folder.path().to_owned() + "/out.txt";
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" HUP; exec "$@""#, "sh", env!("CARGO_BIN_EXE_strongroom")]);
    command.args(["file", "encrypt", "--in", "-", "--out", &out]);
    command.args(["--export-passphrase-file", &passphrase]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    wait_for("a part", || folder.names().len() > 1);
    kill(pid(&child), Signal::SIGHUP).unwrap();
    thread::sleep(Duration::from_millis(100));
    child.stdin.take().unwrap().write_all(&exported("random")).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(folder.names(), ["out.txt", "passphrase.txt"]);
}

/// A limit on the length of files stands for a disk that is full.
#[test]
fn a_full_disk_is_said_and_leaves_nothing_behind() {
    let folder = Folder::new("full");
    let (encrypted, passphrase) = key_file(&folder);
    let plain = folder.write("plain.json", &exported("random"));
    let vector = vector("random");
    let before = folder.names();
    let out = folder.path().to_owned() + "/out.txt";
    let new = ["--out", &out, "--export-passphrase-file", &passphrase];
    let with = ["--passphrase-file", &passphrase];
    for arguments in [
        &[&["rescue", "--from", &vector], &new[..]].concat()[..],
        &["rescue", "--from", &vector, "--out", &out, "--format", "json"],
        &[&["file", "decrypt", "--in", &encrypted, "--out", &out], &with[..]].concat(),
        &[&["file", "encrypt", "--in", &plain], &new[..]].concat(),
        &[&["file", "merge", &plain, &encrypted], &with[..], &new[..]].concat(),
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$@""#, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_strongroom")).args(arguments);
        let (status, text, errors) = finish(command, None);
        assert_eq!((status, text.as_str()), (1, ""), "{errors}");
        assert!(errors.contains("out.txt could not be written"), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        assert_eq!(folder.names(), before, "{arguments:?}");
    }
}

/// Several files appear together, or none.
#[test]
fn of_several_files_none_appears_if_one_cannot_be_written() {
    let folder = Folder::new("split-exists");
    folder.write("keys.3.json", b"[]");
    let out = folder.path().to_owned() + "/keys.json";
    let vector = vector("random");
    let arguments =
        ["rescue", "--from", &vector, "--out", &out, "--format", "json", "--split", "3"];
    let (status, text, errors) = run(&arguments, None);
    assert_eq!((status, text.as_str()), (1, ""), "{errors}");
    assert!(errors.contains("keys.3.json exists already"), "{errors}");
    assert_eq!(folder.names(), ["keys.3.json"]);
}

#[test]
fn a_full_standard_output_is_said_and_a_full_standard_error_stops_nothing() {
    if !Path::new("/dev/full").exists() {
        return assert_ne!(std::env::consts::OS, "linux");
    }
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let vector = vector("random");
    for command in ["diagnose", "secrets"] {
        let mut child = strongroom(&[command, "--from", &vector]);
        child.stdout(full()).stderr(Stdio::piped());
        let output = child.spawn().unwrap().wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        let says = "standard output could not be written: the disk is full";
        assert!(errors.contains(says) && !errors.contains("os error"), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
    for arguments in
        [&["diagnose", "--from", "/nowhere"][..], &["key", "check", "--file", "/nowhere", "--json"]]
    {
        let status = strongroom(arguments).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn what_was_written_counts_though_nobody_reads_what_is_said_of_it() {
    let folder = Folder::new("closed");
    let out = folder.path().to_owned() + "/out.json";
    let vector = vector("random");
    let arguments = ["rescue", "--from", &vector, "--out", &out, "--format", "json"];
    let mut child = strongroom(&arguments);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("error") && !errors.contains("panicked"), "{errors}");
    assert_eq!((output.status.code(), output.status.signal()), (Some(0), None));
    assert_eq!(folder.names(), ["out.json"]);
}

/// Root may read everything, so then the program is started as somebody else.
#[test]
fn what_may_not_be_read_or_written_is_named() {
    let path = std::env::temp_dir().join(format!("strongroom-test-{}", std::process::id()));
    let folder = Folder::at(path);
    let allow = |name: &str, mode| {
        fs::set_permissions(format!("{}/{name}", folder.path()), fs::Permissions::from_mode(mode))
            .unwrap();
    };
    let (program, account) =
        (folder.path().to_owned() + "/strongroom", folder.path().to_owned() + "/account.json");
    fs::copy(env!("CARGO_BIN_EXE_strongroom"), &program).unwrap();
    fs::copy(vector("random"), &account).unwrap();
    let closed = folder.path().to_owned() + "/closed";
    fs::create_dir(&closed).unwrap();
    let file = folder.write("closed.json", b"{}");
    let inside = closed.clone() + "/out.json";
    [("", 0o755), ("strongroom", 0o755), ("account.json", 0o644)]
        .into_iter()
        .for_each(|(name, mode)| allow(name, mode));
    ["closed", "closed.json"].into_iter().for_each(|name| allow(name, 0));
    for (arguments, named) in [
        (&["secrets", "--from", &closed][..], &closed),
        (&["secrets", "--from", &file], &file),
        (&["file", "diff", &file, &file], &file),
        (&["rescue", "--from", &account, "--out", &inside, "--format", "json"], &inside),
    ] {
        let mut command = Command::new(&program);
        command.args(arguments);
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let (status, text, errors) = finish(command, None);
        assert_eq!((status, text.as_str()), (1, ""), "{errors}");
        assert!(errors.contains(&**named) && errors.contains("not allowed"), "{errors}");
    }
    allow("closed", 0o755);
}

fn old_account(folder: &Folder) -> String {
    let path = vector("random").replace("js-sdk/random.json", "legacy-ssss/bootstrap.json");
    let file: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    folder.write("account.json", file["vectors"][0].to_string().as_bytes())
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} did not come");
        thread::sleep(Duration::from_millis(5));
    }
}

const NOBODY: u32 = 65534;
