//! `fetch` where everything at once is too much for somebody on the way.

use std::sync::atomic::{AtomicU32, Ordering};

use http::Request;
use serde_json::{Value, json};

use crate::{
    account::{Account, COUNT, OLDER_COUNT},
    kit::{run, session_keys},
    server::{self, Twist},
};

/// Knows the first room as joined and the second as left; of the third it knows nothing.
fn rooms_of(account: &Account) -> impl Fn(&Request<Vec<u8>>) -> Option<Twist> + use<> {
    let rooms = account.rooms();
    move |request| match request.uri().path() {
        "/_matrix/client/v3/joined_rooms" => {
            Some(server::json(200, &json!({ "joined_rooms": [rooms[0]] })))
        }
        "/_matrix/client/v3/sync" if request.uri().query().unwrap().contains("include%5Fleave") => {
            let left = json!({ "leave": { &rooms[1]: {} } });
            Some(server::json(200, &json!({ "next_batch": "s", "rooms": left })))
        }
        _ => None,
    }
}

fn is_whole(request: &Request<Vec<u8>>) -> bool {
    request.uri().path() == "/_matrix/client/v3/room_keys/keys"
}

#[test]
fn where_a_proxy_gives_up_the_rooms_are_asked_for_one_by_one() {
    let account = Account::new("rooms");
    let login = account.log_in();
    let knows = rooms_of(&account);
    account.server.twist(move |request| match knows(request) {
        Some(twist) => twist,
        None if is_whole(request) => server::page(504),
        None => Twist::Nothing,
    });
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(
        errors.contains("gave up waiting for it (status 504): they are fetched room by room now.")
    );
    assert!(!errors.contains("try again"), "{errors}");
    let rest = "12 message keys of version 2 are in rooms that the homeserver does not name";
    assert!(out.contains(rest) && out.contains("repeat the same line with --room ID"), "{out}");
    assert!(out.contains(&format!("24 of {COUNT} message keys; 12 could not be reached")), "{out}");
    assert_eq!(account.sessions("room_keys.json"), 24);
    assert_eq!(account.sessions("room_keys.1.json"), OLDER_COUNT);
    let snapshot = account.json("snapshot/snapshot.json");
    assert_eq!(snapshot["complete"], false);
    assert_eq!(snapshot["versions"][0]["complete"], false);
    assert_eq!(snapshot["versions"][1]["complete"], true);

    // Somebody knows the third room.
    let (status, out, errors) = account.fetch(&login, &["--room", &account.rooms()[2]]);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
    let whole: Value = crate::kit::fixture("random")["room_keys"].clone();
    assert_eq!(account.json("snapshot/room_keys.json")["rooms"], whole["rooms"]);
    let (snapshot, key, out) =
        (account.file("snapshot"), account.file("key.txt"), account.file("out"));
    let arguments = [
        "rescue",
        "--from",
        &snapshot,
        "--recovery-key-file",
        &key,
        "--format",
        "json",
        "--out",
        &out,
    ];
    let (status, said, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{said}{errors}");
    assert_eq!(session_keys(&out).len(), COUNT);
}

#[test]
fn a_server_that_never_answers_is_asked_for_less_in_the_end() {
    let account = Account::new("rooms-silence");
    let login = account.log_in();
    let knows = rooms_of(&account);
    account.server.twist(move |request| match knows(request) {
        Some(twist) => twist,
        None if is_whole(request) => Twist::Silence,
        None => Twist::Nothing,
    });
    let room = &account.rooms()[2];
    let (status, out, errors) =
        account.fetch(&login, &["--timeout", "1", "--room", room, "--current-only"]);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(errors.contains("took too long"), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
}

/// What came before the cut tells of rooms that nobody else knows.
#[test]
fn what_is_cut_each_time_is_put_together_from_rooms() {
    let account = Account::new("rooms-cut");
    let login = account.log_in();
    let cuts = AtomicU32::new(0);
    account.server.twist(move |request| {
        if is_whole(request) && request.uri().query() == Some("version=2") {
            cuts.fetch_add(1, Ordering::SeqCst);
            return Twist::Cut(30_000);
        }
        Twist::Nothing
    });
    account.server.seen();
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
    let whole = account.server.seen();
    let whole = whole.iter().filter(|seen| seen.ends_with("/room_keys/keys")).count();
    assert_eq!(whole, 3, "the current version twice, and the older one");
}

#[test]
fn one_cut_is_an_accident() {
    let account = Account::new("rooms-one-cut");
    let login = account.log_in();
    let cuts = AtomicU32::new(0);
    account.server.twist(move |request| {
        let is_first = is_whole(request) && cuts.fetch_add(1, Ordering::SeqCst) == 0;
        if is_first { Twist::Cut(20_000) } else { Twist::Nothing }
    });
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{errors}");
    assert!(!errors.contains("room by room"), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
}

/// A room that does not come as a whole leaves nothing of itself, and costs itself alone.
#[test]
fn a_room_that_cannot_be_had_costs_itself_and_is_named() {
    let account = Account::new("rooms-broken");
    let login = account.log_in();
    let (knows, broken) = (rooms_of(&account), account.rooms()[0].clone());
    let third = account.rooms()[2].clone();
    account.server.twist(move |request| {
        let path =
            percent_encoding::percent_decode_str(request.uri().path()).decode_utf8().unwrap();
        match knows(request) {
            Some(twist) => twist,
            None if is_whole(request) => server::page(504),
            None if path.ends_with(&broken) => Twist::Cut(5_000),
            None => Twist::Nothing,
        }
    });
    let (status, out, errors) = account.fetch(&login, &["--room", &third, "--current-only"]);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(out.contains("rooms that could not be reached: 1"), "{out}");
    assert!(
        out.contains(
            "12 message keys of version 2 are in rooms that could not be reached, which are 1"
        ),
        "{out}"
    );
    assert!(out.contains("repeat the same line later"), "{out}");
    assert!(errors.contains(&format!("Room {}", account.rooms()[0])), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), 24);
    let missing = &account.json("snapshot/snapshot.json")["versions"][0]["missing_rooms"];
    assert_eq!(*missing, json!([account.rooms()[0]]));
}

/// The network is gone for everything: to go through all rooms would say so a thousand times.
#[test]
fn a_token_that_ends_among_the_rooms_ends_the_work() {
    let account = Account::new("rooms-token");
    let login = account.log_in();
    let knows = rooms_of(&account);
    account.server.twist(move |request| match knows(request) {
        Some(twist) => twist,
        None if is_whole(request) => server::page(504),
        None if request.uri().path().contains("/room_keys/keys/") => {
            server::json(401, &json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Unknown token" }))
        }
        None => Twist::Nothing,
    });
    account.server.seen();
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!((status, errors.contains("access token")), (1, true), "{errors}");
    let rooms = account.server.seen();
    assert_eq!(rooms.iter().filter(|seen| seen.contains("/room_keys/keys/")).count(), 1);
}
