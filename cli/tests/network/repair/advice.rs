//! When an older version is called dispensable, and when it is not.

use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::session_data::ExportedSession;

use super::world::{BACKUP, Info, World, beginning_at, exported, key, of_another_ratchet};
use crate::server::Twist;

fn is_advised(out: &str) -> bool {
    out.contains("may be deleted now")
}

/// A version with the first four sessions, and an empty current one, whose key is stored; the owner has both keys.
fn two(name: &str) -> (World, Info, Info) {
    let (old, new) = (key(), key());
    let world = World::new(name).with_storage(&[(BACKUP, &new)]).and_knows(&old);
    let first = Info(old.clone(), world.create_version(&old));
    world.put_sessions(1, &first, &exported()[..4], false);
    let second = Info(new.clone(), world.create_version(&new));
    (world, first, second)
}

fn repaired(world: &World) -> (String, i32, String, String) {
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert!([0, 3].contains(&status), "{status} {out}{errors}");
    let (status, out, errors) = world.apply(&plan);
    (plan, status, out, errors)
}

/// A current version that cannot be opened, so that there will be a new one.
fn lost(name: &str) -> (World, String) {
    let old = key();
    let world = World::new(name).with_storage(&[(BACKUP, &old)]);
    let world = world.with_version(&old, 0..12).with_version(&key(), 12..20);
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert_eq!(status, 3, "{out}{errors}");
    (world, plan)
}

#[test]
fn nothing_is_dispensable_once_another_client_has_deleted_the_backup_that_was_filled() {
    let (world, plan) = lost("deleted-meanwhile");
    let (server, token) = (world.account.server.clone(), world.account.token.clone());
    world.account.server.twist(move |request: &Request<Vec<u8>>| {
        if request.method() == Method::PUT && request.uri().path().ends_with(BACKUP) {
            server.send(Method::DELETE, "room_keys/version/3", &token, &Value::Null);
        }
        Twist::Nothing
    });
    let (status, out, errors) = world.apply(&plan);
    assert_eq!((status, is_advised(&out)), (1, false), "{out}{errors}");
    assert!(errors.contains("the backup of the account has changed"), "{errors}");
}

#[test]
fn nothing_is_dispensable_if_the_key_of_the_backup_is_overwritten_before_all_is_done() {
    let (world, plan) = lost("overwritten");
    world.account.server.twist(|_| Twist::Nothing);
    let (status, out, errors) = world.apply(&plan);
    assert_eq!((status, is_advised(&out)), (0, true), "{out}{errors}");
    world.put(BACKUP, &json!({ "encrypted": {} }));
    let (status, out, errors) = world.apply(&plan);
    assert_eq!((status, is_advised(&out)), (1, false), "{out}{errors}");
    assert!(errors.contains("the account has changed"), "{errors}");
}

#[test]
fn all_is_read_back_again_before_the_advice_is_given_again() {
    let (world, plan) = lost("again");
    let readable = world.readable(&plan);
    let (status, out, errors) = world.apply(&plan);
    assert_eq!((status, is_advised(&out)), (0, true), "{out}{errors}");
    world.send(Method::DELETE, "room_keys/keys?version=3");
    let (status, out, errors) = world.apply(&plan);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(world.restored(&plan), readable);
}

/// The homeserver keeps the worse copy, since it is said to come from a verified device.
#[test]
fn a_better_copy_that_the_current_version_does_not_take_stays_in_the_older_one() {
    let (world, _, second) = two("verified");
    let sessions = &exported()[..4];
    world.put_sessions(2, &second, &[beginning_at(&sessions[0], 7)], true);
    let (plan, status, out, errors) = repaired(&world);
    assert_eq!((status, is_advised(&out)), (3, false), "{out}{errors}");
    assert_eq!(world.readable(&plan).len(), 4);
    assert_eq!(world.restored(&plan).len(), 4);
}

/// Some client has encrypted them to its former key. No homeserver has them replaced by what is no better.
#[test]
fn message_keys_of_the_current_version_that_its_key_does_not_open_go_into_a_new_one() {
    let (world, first, second) = two("former");
    world.put_sessions(2, &first, &exported()[..2], false);
    world.put_sessions(2, &second, &exported()[4..6], false);
    let (plan, status, out, errors) = repaired(&world);
    assert_eq!((status, is_advised(&out)), (0, true), "{out}{errors}");
    assert_eq!((world.readable(&plan).len(), world.restored(&plan).len()), (6, 6));
}

/// What it says about the message key is as it was sent.
#[test]
fn a_homeserver_that_gives_back_the_worse_copy_that_it_had_is_noticed() {
    let (world, _, second) = two("worse");
    let sessions = &exported()[..4];
    let worse = [beginning_at(&sessions[0], 7)];
    world.put_sessions(2, &second, &worse, false);
    let before = second.sealed(&worse, false);
    let room = sessions[0].room_id.as_str().to_owned();
    let id = sessions[0].session_id().as_str().to_owned();
    world.account.server.twist(move |request: &Request<Vec<u8>>| {
        let is_put = request.method() == Method::PUT;
        if !is_put || !request.uri().path().ends_with("/room_keys/keys") {
            return Twist::Nothing;
        }
        let mut body: Value = serde_json::from_slice(request.body()).unwrap();
        let data = &before["rooms"][&room]["sessions"][&id]["session_data"];
        body["rooms"][&room]["sessions"][&id]["session_data"] = data.clone();
        Twist::Other(request.clone().map(|_| body.to_string().into_bytes()))
    });
    let (_, status, out, errors) = repaired(&world);
    assert_eq!((status, is_advised(&out)), (1, false), "{out}{errors}");
    assert!(errors.contains("not all message keys are in the backup"), "{errors}");
}

/// Whoever knows the public key of a backup can put there what looks like a better copy.
#[test]
fn a_version_with_a_message_key_that_another_one_has_displaced_is_not_dispensable() {
    let old = key();
    let world = World::new("displaced").with_storage(&[(BACKUP, &old)]);
    let sessions = &exported()[..4];
    let first = Info(old.clone(), world.create_version(&old));
    let genuine: Vec<ExportedSession> = sessions.iter().map(|it| beginning_at(it, 7)).collect();
    world.put_sessions(1, &first, &genuine, false);
    let second = Info(old.clone(), world.create_version(&old));
    world.put_sessions(2, &second, &[of_another_ratchet(&sessions[0])], false);
    let world = world.with_version(&key(), 12..20);
    let (_, status, out, errors) = repaired(&world);
    assert_eq!((status, is_advised(&out)), (0, false), "{out}{errors}");
    assert!(out.contains("Delete no older backup"), "{out}");
}

/// Nothing is put into such a room, so that what the current version has of it stays as it is.
#[test]
fn a_message_key_in_a_room_without_a_name_does_not_stop_the_rest() {
    let (world, _, second) = two("nameless");
    let mut body = second.sealed(&exported()[4..5], false);
    let rooms = body["rooms"].as_object_mut().unwrap();
    let sessions = rooms.values().next().unwrap().clone();
    rooms.clear();
    rooms.insert("nameless".into(), sessions);
    world.account.put("room_keys/keys?version=2", &body);
    let (plan, status, out, errors) = repaired(&world);
    assert_eq!((status, is_advised(&out)), (0, false), "{out}{errors}");
    assert_eq!(world.restored(&plan).len(), 5);
}
