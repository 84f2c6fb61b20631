//! A homeserver that lies, or breaks off, while a repair is planned.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{Method, Request};
use serde_json::{Value, json};

use super::world::{BACKUP, World, key};
use crate::server::{self, Twist};

/// Two versions, whose keys the owner has, and that of the current one is stored.
fn world(name: &str) -> World {
    let (old, new) = (key(), key());
    let world = World::new(name).with_storage(&[(BACKUP, &new)]).and_knows(&old);
    world.with_version(&old, 0..12).with_version(&new, 6..20)
}

/// What is planned then is done with an honest one; whatever is called dispensable is restored.
fn assert_keeps(world: &World, plan: &str) {
    world.account.server.twist(|_| Twist::Nothing);
    if !Path::new(plan).exists() {
        return;
    }
    let (status, out, errors) = world.apply(plan);
    let readable = world.readable(plan);
    assert_eq!(readable.len(), 20, "{out}{errors}");
    if out.contains("may be deleted now") {
        assert_eq!((status, world.restored(plan)), (0, readable), "{out}{errors}");
    }
}

fn lies(name: &str, lie: impl Fn(&Request<Vec<u8>>) -> Twist + Send + Sync + 'static) {
    let world = world(name);
    let plan = world.file("plan");
    world.account.server.twist(lie);
    world.repair(&plan, &[]);
    assert_keeps(&world, &plan);
}

fn is_keys_of(request: &Request<Vec<u8>>, version: u32) -> bool {
    let version = format!("version={version}");
    request.uri().path().contains("/room_keys/keys") && request.uri().query() == Some(&version)
}

fn asking(request: &Request<Vec<u8>>, from: &str, to: &str) -> Twist {
    let mut other = request.clone();
    *other.uri_mut() = request.uri().to_string().replace(from, to).parse().unwrap();
    Twist::Other(other)
}

#[test]
fn message_keys_of_another_version_are_not_those_that_were_asked_for() {
    lies("swapped", |request| match request {
        _ if is_keys_of(request, 1) => asking(request, "version=1", "version=2"),
        _ if is_keys_of(request, 2) => asking(request, "version=2", "version=1"),
        _ => Twist::Nothing,
    });
    lies("doubled", |request| match request {
        _ if is_keys_of(request, 1) => asking(request, "version=1", "version=2"),
        _ => Twist::Nothing,
    });
}

#[test]
fn an_empty_answer_makes_no_version_dispensable() {
    lies("emptied", |request| match request {
        _ if is_keys_of(request, 1) => server::json(200, &json!({ "rooms": {} })),
        _ => Twist::Nothing,
    });
}

/// With nothing that says how many there are, an empty answer may be a lie.
#[test]
fn a_version_that_does_not_say_how_much_is_in_it_is_not_dispensable() {
    let world = world("countless");
    let plan = world.file("plan");
    let homeserver = world.account.server.clone();
    let token = world.account.token.clone();
    world.account.server.twist(move |request| match request {
        _ if is_keys_of(request, 1) => server::json(200, &json!({ "rooms": {} })),
        _ if request.uri().path().ends_with("/room_keys/version/1") => {
            let mut info: Value =
                homeserver.send(Method::GET, "room_keys/version/1", &token, &Value::Null);
            let info_of = info.as_object_mut().unwrap();
            info_of.remove("count");
            info_of.remove("etag");
            server::json(200, &info)
        }
        _ => Twist::Nothing,
    });
    let (_, out, errors) = world.repair(&plan, &[]);
    assert!(!out.contains("may be deleted, since"), "{out}{errors}");
    // It lies on.
    let (_, out, errors) = world.apply(&plan);
    assert!(!out.contains("may be deleted now"), "{out}{errors}");
}

#[test]
fn a_version_that_is_said_to_be_gone_is_not_dispensable() {
    lies("gone", |request| match request.uri().path() {
        path if path.ends_with("/room_keys/version/1") => {
            server::json(404, &json!({ "errcode": "M_NOT_FOUND", "error": "" }))
        }
        _ => Twist::Nothing,
    });
}

#[test]
fn a_connection_that_breaks_off_anywhere_loses_nothing() {
    for length in [0, 3_000] {
        let world = world(&format!("cut{length}"));
        let before = world.account.server.homeserver().clone();
        for at in 1..30 {
            *world.account.server.homeserver() = before.clone();
            let (plan, seen) = (world.file(&format!("plan{at}")), AtomicUsize::new(0));
            world.account.server.twist(move |_| {
                let number = seen.fetch_add(1, Ordering::SeqCst) + 1;
                if number == at { Twist::Cut(length) } else { Twist::Nothing }
            });
            world.account.server.seen();
            world.repair(&plan, &[]);
            let came_so_far = world.account.server.seen().len() >= at;
            assert_keeps(&world, &plan);
            if !came_so_far {
                break;
            }
        }
    }
}

/// Anybody could have stored its key.
#[test]
fn a_backup_whose_key_is_in_an_asymmetric_key_storage_alone_takes_no_message_keys() {
    let (world, planted) = World::of_2019("planted", 1);
    let world = world.with_version(&planted, 0..12);
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert!([0, 3].contains(&status), "{out}{errors}");
    let read = fs::read(format!("{plan}/plan.json")).unwrap();
    let read: Value = serde_json::from_slice(&read).unwrap();
    assert_ne!(read["backup"]["public_key"], planted.public_key().to_base64());
    assert_eq!(read["backup"]["is_new"], true);
}
