//! What `repair` and `apply` refuse, and what they say.

use http::{Method, Request};
use serde_json::{Value, json};

use super::world::{BACKUP, World, key, parsed};
use crate::{
    kit::run,
    server::{self, Twist},
};

/// The stored key is that of an older version, and the current one's was lost.
fn planned(name: &str) -> (World, String) {
    let (old, lost) = (key(), key());
    let world = World::new(name).with_storage(&[(BACKUP, &old)]);
    let world = world.with_version(&old, 0..12).with_version(&lost, 12..20);
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert_eq!(status, 3, "{out}{errors}");
    (world, plan)
}

/// Nothing was sent but questions.
fn assert_refused(world: &World, plan: &str, sentence: &str) {
    world.account.server.seen();
    let (status, out, errors) = world.apply(plan);
    assert_eq!(status, 1, "{out}{errors}");
    assert!(errors.contains(sentence), "{errors}");
    let seen = world.account.server.seen();
    assert!(seen.iter().all(|request| request.starts_with("GET ")), "{seen:?}");
}

#[test]
fn a_plan_says_what_is_done_and_only_then_what_may_be_deleted() {
    let (world, plan) = planned("says");
    let list = std::fs::read_to_string(format!("{plan}/plan.txt")).unwrap();
    for part in [
        "1. Create a backup",
        "backup_key.txt",
        "2. Put the message keys",
        "(12)",
        "Keep the former backup key",
    ] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let (done, advice) = list.split_once("Nothing here deletes anything").unwrap();
    assert!(!done.contains("may be deleted"), "{list}");
    assert!(advice.contains("may be deleted, since") && advice.contains("version 1."), "{list}");
    assert!(advice.contains("have to stay") && advice.contains("version 2."), "{list}");
    let snapshot: Value =
        serde_json::from_slice(&std::fs::read(format!("{plan}/archive/snapshot.json")).unwrap())
            .unwrap();
    assert_eq!(
        (snapshot["complete"].as_bool(), snapshot["versions"].as_array().unwrap().len()),
        (Some(true), 2)
    );
    #[cfg(unix)]
    for name in ["", "backup_key.txt", "plan.json", "sessions", "sessions/1.json", "archive"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(format!("{plan}/{name}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    // No session lies there openly.
    let sessions = std::fs::read_to_string(format!("{plan}/sessions/1.json")).unwrap();
    assert!(!sessions.contains("session_key") && sessions.contains("ciphertext"), "{sessions}");
    let (status, out, errors) = world.apply(&plan);
    assert_eq!(status, 0, "{out}{errors}");
    let (_, end) = out.split_once("All of it is done").unwrap();
    assert!(end.contains("may be deleted now, and need not: version 1."), "{out}");
    assert_eq!(world.account.server.seen().iter().filter(|it| it.starts_with("DELETE")).count(), 0);
    // Whoever asks again is told the same, and nothing is sent.
    let (status, again, errors) = world.apply(&plan);
    assert_eq!((status, again.contains("version 1.")), (0, true), "{again}{errors}");
    let seen = world.account.server.seen();
    assert!(seen.iter().all(|request| request.starts_with("GET ")), "{seen:?}");
}

#[test]
fn what_is_not_planned_for_the_account_as_it_is_now_is_refused() {
    let (world, plan) = planned("changed");
    let before = world.account.server.homeserver().clone();
    let restore = || *world.account.server.homeserver() = before.clone();
    world.put(BACKUP, &json!({ "encrypted": {} }));
    assert_refused(
        &world,
        &plan,
        "the account has changed since this was planned, in \u{201c}m.megolm_backup.v1\u{201d}",
    );
    restore();
    let world = world.with_version(&key(), 20..24);
    assert_refused(&world, &plan, "version 3 is the current one now");
    *world.account.server.homeserver() = before.clone();
    // Another client has put a message key into the version that is to be replaced.
    let room = json!({ "rooms": { "!new:localhost": { "sessions": { "new": {
        "first_message_index": 0, "forwarded_count": 0, "is_verified": false, "session_data": {}
    } } } } });
    world.account.put("room_keys/keys?version=2", &room);
    assert_refused(&world, &plan, "the backup of the account has changed since this was planned");
    *world.account.server.homeserver() = before;
    let text = std::fs::read_to_string(format!("{plan}/plan.json")).unwrap();
    let other = text.replace("@alice:example.org", "@bob:example.org");
    std::fs::write(format!("{plan}/plan.json"), other).unwrap();
    assert_refused(&world, &plan, "this was planned for @bob:example.org");
}

#[test]
fn what_changes_while_it_is_done_is_not_overwritten() {
    let (world, plan) = planned("meanwhile");
    let (user, token) = (world.account.user.clone(), world.account.token.clone());
    // Right after the message keys, another client stores something else.
    let server = world.account.server.clone();
    world.account.server.twist(move |request: &Request<Vec<u8>>| {
        let is_last =
            request.method() == Method::PUT && request.uri().path().ends_with("/room_keys/keys");
        if is_last {
            let path = format!("user/{user}/account_data/{BACKUP}");
            server.send(Method::PUT, &path, &token, &json!({ "theirs": true }));
        }
        Twist::Nothing
    });
    let (status, _, errors) = world.apply(&plan);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("the account has changed since this was planned"), "{errors}");
    let data = world.account_data();
    let (_, theirs) = data.iter().find(|(event_type, _)| event_type.as_str() == BACKUP).unwrap();
    assert_eq!(parsed(theirs), json!({ "theirs": true }));
}

type Lie = fn(&Request<Vec<u8>>) -> Twist;

/// The key is not stored before the message keys were opened again.
#[test]
fn what_a_homeserver_does_not_keep_as_it_was_sent_is_noticed() {
    let forget = |_: &Request<Vec<u8>>| server::json(200, &json!({ "etag": "9", "count": 12 }));
    let damage = |request: &Request<Vec<u8>>| {
        // Of one session; what is said about it is as it was.
        let mut body: Value = serde_json::from_slice(request.body()).unwrap();
        let rooms = body["rooms"].as_object_mut().unwrap();
        let sessions = rooms.values_mut().next().unwrap()["sessions"].as_object_mut().unwrap();
        let data = sessions.values_mut().next().unwrap();
        data["session_data"]["mac"] = json!("AAAAAAAAAAA");
        let request = request.clone().map(|_| body.to_string().into_bytes());
        Twist::Other(request)
    };
    let liars: [Lie; 2] = [forget, damage];
    for (number, lie) in liars.into_iter().enumerate() {
        let (world, plan) = planned(&format!("liar{number}"));
        let (readable, data) = (world.readable(&plan), world.account_data());
        world.account.server.twist(move |request: &Request<Vec<u8>>| {
            let is_put = request.method() == Method::PUT;
            let is_put = is_put && request.uri().path().ends_with("/room_keys/keys");
            if is_put { lie(request) } else { Twist::Nothing }
        });
        let (status, _, errors) = world.apply(&plan);
        assert_eq!(status, 1, "{errors}");
        assert!(
            errors.contains("nothing more was sent") || errors.contains("Nothing more was sent"),
            "{errors}"
        );
        assert_eq!(format!("{:?}", world.account_data()), format!("{data:?}"));
        assert_eq!(world.readable(&plan), readable);
    }
}

/// What the current backup had is read back as well, before an older one is called dispensable.
#[test]
fn what_the_current_backup_has_lost_meanwhile_is_put_back() {
    let (old, new) = (key(), key());
    let world = World::new("vanished").with_storage(&[(BACKUP, &new)]).and_knows(&old);
    let world = world.with_version(&old, 0..12).with_version(&new, 6..20);
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    let readable = world.readable(&plan);
    world.send(Method::DELETE, "room_keys/keys?version=2");
    let (status, out, errors) = world.apply(&plan);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(world.restored(&plan), readable);
}

#[test]
fn without_somebody_to_ask_it_has_to_be_said_beforehand() {
    let (world, plan) = planned("asks");
    let (status, _, errors) = run(&["apply", &plan, "--login", &world.login], None);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("--yes"), "{errors}");
    let (status, _, errors) = run(&["apply", &world.file("nothing"), "--yes"], None);
    assert_eq!(status, 1, "{errors}");
    let (status, _, errors) = world.repair(&world.file("other"), &["--finding", "backup.absent"]);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("nothing is found in this account that is called"), "{errors}");
}

#[test]
fn two_at_once_do_no_harm() {
    let (world, plan) = planned("two");
    let readable = world.readable(&plan);
    let ended: Vec<_> = std::thread::scope(|scope| {
        let both: Vec<_> = (0..2).map(|_| scope.spawn(|| world.apply(&plan))).collect();
        both.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for (status, out, errors) in &ended {
        let is_refused =
            *status == 1 && errors.contains("another \u{201c}strongroom apply\u{201d}");
        assert!(*status == 0 || is_refused, "{status} {out}{errors}");
    }
    assert!(ended.iter().any(|(status, ..)| *status == 0));
    assert!(readable.iter().all(|(id, key)| world.restored(&plan).get(id) == Some(key)));
    assert_eq!(world.current(), 3);
}

/// What a migration has planned is done in the same way.
#[test]
fn the_plan_of_a_migration_is_done_as_well() {
    let (world, _) = World::of_2019("migration", 1);
    let (plan, key) = (world.file("plan"), world.file("key0.txt"));
    let names = [
        "m.megolm_backup.v1",
        "m.cross_signing.master",
        "m.cross_signing.self_signing",
        "m.cross_signing.user_signing",
    ];
    let mut arguments =
        vec!["migrate", "--login", &world.login, "--recovery-key-file", &key, "--to", &plan];
    names.iter().for_each(|name| arguments.extend(["--accept", name]));
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{out}{errors}");
    let before = world.stored("");
    let (status, out, errors) = world.apply(&plan);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(world.stored(&plan).is_superset(&before));
}
