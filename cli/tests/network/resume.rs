//! `fetch` room by room, interrupted: what has come is not asked for again.

use std::{fs, process::Stdio, thread, time::Duration};

use http::Request;
use serde_json::{Value, json};

use crate::{
    account::{Account, COUNT},
    kit::{fixture, interruptible, run},
    server::{self, Twist},
};

/// Everything at once is too much, and all rooms are known. For the rooms of one place in the list this is answered.
fn twist(account: &Account, place: usize, answer: impl Fn() -> Twist + Send + Sync + 'static) {
    let rooms = account.rooms();
    account.server.twist(move |request| match request.uri().path() {
        "/_matrix/client/v3/joined_rooms" => {
            server::json(200, &json!({ "joined_rooms": rooms.clone() }))
        }
        "/_matrix/client/v3/room_keys/keys" => server::page(504),
        _ if room_of(request).as_ref() == Some(&rooms[place]) => answer(),
        _ => Twist::Nothing,
    });
}

fn room_of(request: &Request<Vec<u8>>) -> Option<String> {
    room_in(request.uri().path())
}

fn room_in(path: &str) -> Option<String> {
    let (_, room) = path.split_once("/v3/room_keys/keys/")?;
    Some(percent_encoding::percent_decode_str(room).decode_utf8().unwrap().into_owned())
}

/// Which rooms were asked for since the last time, and how often everything was.
fn asked(account: &Account) -> (Vec<String>, usize) {
    let seen = account.server.seen();
    let whole = seen.iter().filter(|seen| seen.ends_with("/v3/room_keys/keys")).count();
    (seen.iter().filter_map(|seen| room_in(seen)).collect(), whole)
}

fn unauthorized() -> Twist {
    server::json(401, &json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Unknown token" }))
}

fn forbidden() -> Twist {
    server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "No" }))
}

fn has_all(account: &Account) {
    let whole: Value = fixture("random")["room_keys"].clone();
    assert_eq!(account.json("snapshot/room_keys.json")["rooms"], whole["rooms"]);
    assert_eq!(account.json("snapshot/snapshot.json")["versions"][0]["sessions"], COUNT);
    assert!(!fs::exists(account.file("snapshot/.rooms")).unwrap());
}

const CURRENT: &[&str] = &["--current-only"];

#[test]
fn after_a_token_that_ends_the_rooms_that_came_are_of_use_and_not_asked_for_again() {
    let account = Account::new("resume-token");
    let rooms = account.rooms();
    twist(&account, 2, unauthorized);
    let (status, _, errors) = account.fetch(&account.log_in(), CURRENT);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("what has come is kept in"), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), 24);
    #[cfg(unix)]
    for path in ["snapshot/.rooms", "snapshot/.rooms/2.rooms", "snapshot/.rooms/2.list"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(account.file(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }

    twist(&account, 2, || Twist::Nothing);
    let login = account.log_in();
    asked(&account);
    let (status, out, errors) = account.fetch(&login, CURRENT);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(asked(&account), (vec![rooms[2].clone()], 0));
    assert!(errors.contains("rooms that were asked for already: 2"), "{errors}");
    has_all(&account);
}

#[test]
fn a_room_that_is_refused_costs_itself_and_is_asked_for_again_alone() {
    let account = Account::new("resume-refused");
    let (login, rooms) = (account.log_in(), account.rooms());
    twist(&account, 0, forbidden);
    let (status, out, errors) = account.fetch(&login, CURRENT);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(errors.contains(&format!("Room {}", rooms[0])), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), 24);
    asked(&account);
    twist(&account, 0, || Twist::Nothing);
    let (status, out, errors) = account.fetch(&login, CURRENT);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(asked(&account), (vec![rooms[0].clone()], 1), "the proxy may have been mended");
    has_all(&account);
}

#[test]
fn what_has_changed_meanwhile_is_asked_for_from_the_first_room() {
    let account = Account::new("resume-changed");
    let (login, rooms) = (account.log_in(), account.rooms());
    twist(&account, 2, unauthorized);
    assert_eq!(account.fetch(&login, CURRENT).0, 1);
    let room = json!({ "sessions": { "new": {
        "first_message_index": 0, "forwarded_count": 0, "is_verified": false, "session_data": {}
    } } });
    account.put("room_keys/keys?version=2", &json!({ "rooms": { &rooms[0]: room } }));
    asked(&account);
    twist(&account, 2, || Twist::Nothing);
    let (status, out, errors) = account.fetch(&login, CURRENT);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(asked(&account), (rooms, 1));
    assert_eq!(account.sessions("room_keys.json"), COUNT + 1);
}

/// As a power cut leaves it.
#[test]
fn what_is_not_whole_of_what_was_kept_is_asked_for_again() {
    let account = Account::new("resume-torn");
    let (login, rooms) = (account.log_in(), account.rooms());
    let (list, of_rooms) =
        (account.file("snapshot/.rooms/2.list"), account.file("snapshot/.rooms/2.rooms"));
    // Behind the rooms that came is the beginning of the one that did not.
    let begun = format!(",{}:", json!(rooms[2])).len();
    for (is_list, cut) in [(true, 3), (false, begun + 3)] {
        let _ = fs::remove_dir_all(account.file("snapshot"));
        twist(&account, 2, unauthorized);
        assert_eq!(account.fetch(&login, CURRENT).0, 1);
        let path = if is_list { &list } else { &of_rooms };
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - cut]).unwrap();
        let other = if is_list { &of_rooms } else { &list };
        let more = [fs::read(other).unwrap(), b",\"!x:y\":{".to_vec()].concat();
        fs::write(other, more).unwrap();
        asked(&account);
        twist(&account, 2, || Twist::Nothing);
        let (status, out, errors) = account.fetch(&login, CURRENT);
        assert_eq!(status, 0, "{out}{errors}");
        assert_eq!(asked(&account), (rooms[1..].to_vec(), 0));
        has_all(&account);
    }
}

/// A cut response names rooms that nobody else does: they are known the next time, too.
#[test]
fn rooms_that_only_a_cut_response_has_named_are_not_forgotten() {
    let account = Account::new("resume-named");
    let (login, rooms) = (account.log_in(), account.rooms());
    let first = rooms[0].clone();
    account.server.twist(move |request| match room_of(request) {
        Some(room) if room == first => unauthorized(),
        None if request.uri().path().ends_with("/room_keys/keys") => Twist::Cut(30_000),
        _ => Twist::Nothing,
    });
    assert_eq!(account.fetch(&login, CURRENT).0, 1);
    account.server.twist(|_| Twist::Nothing);
    asked(&account);
    let (status, out, errors) = account.fetch(&login, CURRENT);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(asked(&account), (rooms, 0));
    has_all(&account);
}

#[cfg(unix)]
#[test]
fn however_it_is_ended_the_same_line_goes_on_after_the_rooms_that_came() {
    for (signal, expected) in [("-INT", Some(130)), ("-KILL", None)] {
        let account = Account::new(&format!("resume{signal}"));
        let (login, rooms) = (account.log_in(), account.rooms());
        twist(&account, 2, || Twist::Silence);
        let to = account.file("snapshot");
        let arguments = ["fetch", "--login", &login, "--to", &to, "--current-only"];
        asked(&account);
        let mut command = interruptible(&arguments);
        let program = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let program = program.spawn().unwrap();
        let mut seen = Vec::new();
        while !seen.contains(&rooms[2]) {
            thread::sleep(Duration::from_millis(10));
            seen.extend(asked(&account).0);
        }
        // Two at once would spoil it.
        let (status, _, errors) = run(&arguments, None);
        assert_eq!((status, errors.contains("writes into")), (1, true), "{errors}");
        let id = program.id().to_string();
        let kill = std::process::Command::new("kill").args([signal, &id]).status();
        assert!(kill.unwrap().success());
        let output = program.wait_with_output().unwrap();
        assert_eq!(output.status.code(), expected);
        let errors = String::from_utf8(output.stderr).unwrap();
        let sentence = "Interrupted: what has come is kept; the same line goes on.\n";
        assert_eq!(errors.ends_with(sentence), signal == "-INT", "{errors}");

        twist(&account, 2, || Twist::Nothing);
        asked(&account);
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{out}{errors}");
        assert_eq!(asked(&account), (vec![rooms[2].clone()], 0), "{signal}");
        has_all(&account);
    }
}

/// A run that was killed leaves what it has begun, and with it perhaps much that nobody needs.
#[test]
fn what_a_run_has_begun_that_was_killed_is_removed_and_nothing_else() {
    let account = Account::new("remains");
    let login = account.log_in();
    let folder = account.file("snapshot");
    fs::create_dir(&folder).unwrap();
    for name in ["snapshot.json.77.part", "room_keys.json.123.part", "room_keys.1.json.5.part"] {
        fs::write(format!("{folder}/{name}"), b"{").unwrap();
    }
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    let names = || {
        let names = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name().into_string());
        names.map(Result::unwrap).filter(|name| name.ends_with(".part")).collect::<Vec<_>>()
    };
    assert_eq!(names(), [""; 0]);
    let theirs = ["mine.json.5.part", "room_keys.json.part", "room_keys.json.x.part"];
    theirs.iter().for_each(|name| fs::write(format!("{folder}/{name}"), b"{").unwrap());
    let (status, out, errors) = account.fetch(&login, &["--force"]);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(names().len(), 3);
}

#[test]
fn in_the_end_it_is_said_how_to_go_on_and_how_to_end() {
    let account = Account::new("next");
    let login = account.log_in();
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{errors}");
    let folder = account.file("snapshot");
    for line in [
        format!("strongroom rescue --from {folder} --out keys.txt"),
        format!("strongroom upload --user @you:example.org --from {folder}"),
        format!("strongroom logout --login {login}, and remove {folder}"),
    ] {
        assert!(out.contains(&line), "{line}: {out}");
    }
    let (url, password) = (account.server.url(), account.file("password.txt"));
    let who = ["--user", &account.user, "--homeserver", &url, "--password-file", &password];
    let to = account.file("another");
    let (status, out, errors) = run(&[&["fetch", "--to", &to][..], &who].concat(), None);
    assert_eq!(status, 0, "{errors}");
    assert!(!out.contains("logout"), "{out}");

    // What is said after a rescue can be typed as it is.
    let (key, keys) = (account.file("key.txt"), account.file("keys.txt"));
    let passphrase = account.folder.write("new.txt", b"ruhig Kelle Marabu");
    let rest = ["--recovery-key-file", &key, "--export-passphrase-file", &passphrase];
    let rest = [&rest[..], &["--out", &keys, "--force", "--rounds", "100000"]].concat();
    let of_user =
        format!("strongroom upload --user {} --homeserver {url} --in {keys}", account.user);
    let of_login = format!("strongroom upload --login {login} --in {keys}");
    for (of, line) in [
        (&["--from", folder.as_str()][..], &of_user),
        (&who[..], &of_user),
        (&["--login", &login][..], &of_login),
    ] {
        let (status, out, errors) = run(&[&["rescue"][..], of, &rest].concat(), None);
        assert_eq!((status, out.contains(line)), (0, true), "{line}: {out}{errors}");
    }
}

#[test]
fn what_has_changed_meanwhile_is_fetched_again() {
    let account = Account::new("changed");
    let login = account.log_in();
    account.server.twist(|request| match request.uri().query() {
        Some("version=1") => server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "No" })),
        _ => Twist::Nothing,
    });
    assert_eq!(account.fetch(&login, &[]).0, 3);
    account.server.twist(|_| Twist::Nothing);
    let room = json!({ "rooms": { "!new:localhost": { "sessions": { "new": {
        "first_message_index": 0, "forwarded_count": 0, "is_verified": false, "session_data": {}
    } } } } });
    account.put("room_keys/keys?version=2", &room);
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT + 1);
}
