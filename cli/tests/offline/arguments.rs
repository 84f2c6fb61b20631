//! What is wrong with a command line is said in one sentence, which repeats no secret.

use serde_json::{Value, json};

use crate::kit::{Folder, exported, run, vector};

#[test]
fn what_is_wrong_with_the_arguments_is_said_in_one_sentence() {
    let folder = Folder::new("arguments");
    let vector = vector("random");
    let out = folder.path().to_owned() + "/out.json";
    let cases: [(&[&str], &[&str]); 15] = [
        (&["rescue", "--split", "abc"], &["--split: ", "“abc” is no whole number; at least 1"]),
        (&["rescue", "--split", "0"], &["--split: 0 is too few; at least 1"]),
        (&["rescue", "--rounds", "10000001"], &["--rounds: 10000001 is too much", "10000000"]),
        (&["rescue", "--rounds", "5"], &["--rounds: 5 is too few; at least 100000"]),
        (&["fetch", "--timeout", "soon"], &["--timeout: ", "from 1 to 3600"]),
        (&["rescue", "--recovery-key", "hunter2"], &["--recovery-key-file"]),
        (&["rescue", "--from", &vector, "--passphrase=hunter2"], &["--passphrase-file"]),
        (&["login", "--password", "hunter2"], &["--password-file"]),
        (&["fetch", "--token", "hunter2"], &["--access-token-file"]),
        (&["key", "check", "--recovery-key", "hunter2"], &["with --file"]),
        (&["rescue", &vector], &["random.json", "put --from before it"]),
        (&["rehearse", &vector], &["random.json", "put --from before it"]),
        (
            &["fetch", "--to", "x", "--room", "general"],
            &["--room: \u{201c}general\u{201d} is no room ID"],
        ),
        (&["rescue", "hunter2"], &["put --from before"]),
        (&["upload", &vector], &["random.json", "put --in before it"]),
    ];
    for (arguments, says) in cases {
        let (status, text, errors) = run(arguments, None);
        assert_eq!((status, text.as_str()), (2, ""), "{arguments:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
        assert!(says.iter().all(|it| errors.contains(it)), "{arguments:?}: {errors}");
    }
    // A secret is not repeated to programs, either.
    for arguments in
        [&["rescue", "--json", "--passphrase", "hunter2"][..], &["rescue", "hunter2", "--json"]]
    {
        let (_, text, errors) = run(arguments, None);
        assert!(!text.contains("hunter2") && errors.is_empty(), "{text}{errors}");
    }
    assert!(!std::fs::exists(out).unwrap());
}

#[test]
fn for_programs_wrong_arguments_are_json_on_standard_output() {
    for arguments in [
        &["rescue", "--json", "--split", "abc"][..],
        &["rescue", "--unknown", "--json"],
        &["login", "--json"],
        &["file", "merge", "--json"],
    ] {
        let (status, text, errors) = run(arguments, None);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &report["error"]["code"]), (2, &json!("usage")), "{text}");
        let message = report["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
        assert_eq!(errors, "");
    }
    let (status, text, errors) = run(&["rescue", "--json", "--help"], None);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(text.contains("--recovery-key-file"), "{text}");
}

#[test]
fn an_output_that_cannot_be_one_is_said_at_once() {
    let folder = Folder::new("outputs");
    let plain = folder.write("plain.json", &exported("random"));
    let passphrase = folder.write("passphrase.txt", b"correct horse battery staple");
    let lines = folder.write("lines.txt", b"correct horse\nbattery staple\n");
    let (vector, here) = (vector("random"), folder.path());
    let (below, out) = (format!("{plain}/out.json"), format!("{here}/out.json"));
    let before = folder.names();
    let long = format!("{here}/{}", "x".repeat(250));
    let rescue = |more: &[&'static str]| [&["rescue", "--format", "json"], more].concat();
    let json = rescue(&[]);
    let from = ["--from", &vector, "--out"];
    let cases = [
        ([&json[..], &from, &["-"]].concat(), 2, "no output to “-”: name a file"),
        ([&json[..], &from, &[here]].concat(), 1, "it is a folder: name a file in it"),
        ([&json[..], &from, &[here, "--force"]].concat(), 1, "it is a folder"),
        ([&json[..], &from, &[&below]].concat(), 1, "a part of its path is a file"),
        ([&json[..], &from, &[&long]].concat(), 1, "its name is too long"),
        ([&json[..], &from, &[&out, "--report", &out]].concat(), 2, "two outputs are named"),
        (vec!["migrate", "--from", &vector, "--to", "-"], 2, "no output to “-”: name a folder"),
        (
            vec![
                "file",
                "encrypt",
                "--in",
                &plain,
                "--out",
                &out,
                "--export-passphrase-file",
                &lines,
            ],
            1,
            "several lines",
        ),
        (
            vec![
                "file",
                "encrypt",
                "--in",
                &below,
                "--out",
                &out,
                "--export-passphrase-file",
                &passphrase,
            ],
            1,
            "plain.json/out.json could not be read: a part of its path is a file",
        ),
    ];
    for (arguments, expected, says) in cases {
        let (status, text, errors) = run(&arguments, None);
        assert_eq!((status, text.as_str()), (expected, ""), "{arguments:?}: {errors}");
        assert!(errors.contains(says) && !errors.contains("os error"), "{arguments:?}: {errors}");
        assert_eq!(folder.names(), before, "{arguments:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_device_is_never_replaced_and_a_descriptor_that_is_not_open_is_told() {
    let folder = Folder::new("devices");
    let plain = folder.write("plain.json", &exported("random"));
    // A link, so that nothing is lost on the machine of whoever breaks this.
    let link = folder.path().to_owned() + "/null";
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    let arguments = ["file", "decrypt", "--in", &plain, "--out", &link, "--force"];
    let (status, _, errors) = run(&arguments, None);
    assert_eq!((status, errors.contains("no ordinary file")), (1, true), "{errors}");
    assert_eq!(folder.names(), ["null", "plain.json"]);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    let vector = vector("random");
    let arguments = ["secrets", "--from", &vector, "--recovery-key-fd", "9"];
    let (status, _, errors) = run(&arguments, None);
    assert_eq!((status, errors.contains("descriptor 9 is not open")), (2, true), "{errors}");
}
