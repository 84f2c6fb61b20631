//! What becomes of accounts in which something does not fit, wherever an `apply` is interrupted.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::world::{BACKUP, Sessions, World, key};
use crate::{kit::strongroom, server::Twist};
use http::Response;

/// How it is interrupted.
#[derive(Debug, Clone, Copy)]
enum Interruption {
    /// The request is answered, and the program killed before it has the answer.
    Killed,
    /// The request is answered, and the answer lost.
    Lost,
    /// The homeserver has broken down.
    Down,
}

/// Repairs an account, interrupted at every request by each of these; then all sessions that could be read are in the current
/// version, under the stored key.
fn survives(world: &World, sessions: usize) {
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert!([0, 3].contains(&status), "{out}{errors}");
    let before = world.account.server.homeserver().clone();
    let (readable, stored) = (world.readable(&plan), world.stored(&plan));
    assert_eq!(readable.len(), sessions, "{out}");
    let current = world.current();
    let mut interruptions = 0;
    for interruption in [Interruption::Killed, Interruption::Lost, Interruption::Down] {
        let mut request = 0;
        loop {
            // All of them in `.ci/run`, some of them always.
            request += if std::env::var_os("STRONGROOM_LONG").is_some() { 1 } else { 3 };
            *world.account.server.homeserver() = before.clone();
            let folder = world.file("copy");
            let _ = fs::remove_dir_all(&folder);
            copy(Path::new(&plan), Path::new(&folder));
            let is_interrupted = interrupted(world, &folder, interruption, request);
            let what = format!("{interruption:?} at request {request}");
            assert_has(&world.readable(&folder), &readable, &what);
            world.account.server.twist(|_| Twist::Nothing);
            let (status, out, errors) = world.apply(&folder);
            assert_eq!(status, 0, "{what}: {out}{errors}");
            assert!(out.contains("All of it is done"), "{what}: {out}");
            assert_has(&world.readable(&folder), &readable, &what);
            assert_has(&world.restored(&folder), &readable, &what);
            assert!(world.stored(&folder).is_superset(&stored), "{what}");
            assert!(world.current() <= current + 1, "{what}: no more than one backup is made");
            if !is_interrupted {
                break;
            }
            interruptions += 1;
        }
    }
    assert!(interruptions > 3, "{interruptions}");
}

/// Whether the program came so far.
fn interrupted(world: &World, folder: &str, how: Interruption, at: usize) -> bool {
    let (seen, program) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None)));
    let (count, id): (_, Arc<Mutex<Option<u32>>>) = (Arc::clone(&seen), Arc::clone(&program));
    world.account.server.twist(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        match how {
            Interruption::Down if number >= at => Twist::Answer(
                Response::builder()
                    .status(500)
                    .header("Retry-After", "0")
                    .body(Vec::new())
                    .unwrap(),
            ),
            Interruption::Lost if number == at => Twist::Cut(0),
            Interruption::Killed if number == at => {
                let id = id.lock().unwrap().unwrap().to_string();
                let kill = Command::new("kill").args(["-KILL", &id]).status();
                assert!(kill.unwrap().success());
                Twist::Nothing
            }
            _ => Twist::Nothing,
        }
    });
    let mut command = strongroom(&["apply", folder, "--login", &world.login, "--yes"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = {
        let mut id = program.lock().unwrap();
        let child = command.spawn().unwrap();
        *id = Some(child.id());
        child
    };
    child.wait().unwrap();
    seen.load(Ordering::SeqCst) >= at
}

fn assert_has(has: &Sessions, wanted: &Sessions, what: &str) {
    let lost: Vec<_> = wanted.iter().filter(|(id, key)| has.get(*id) != Some(*key)).collect();
    assert!(lost.is_empty(), "{what}: {} of {} are lost", lost.len(), wanted.len());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            drop(fs::copy(entry.path(), to))
        }
    }
}

#[test]
fn the_key_of_the_current_backup_was_lost_and_the_stored_one_is_of_an_older_version() {
    let (old, lost) = (key(), key());
    let world = World::new("older").with_storage(&[(BACKUP, &old)]);
    survives(&world.with_version(&old, 0..12).with_version(&lost, 12..20), 12);
}

#[test]
fn the_stored_key_is_not_that_of_the_current_backup_whose_key_the_user_has() {
    let (old, new) = (key(), key());
    let world = World::new("mismatch").with_storage(&[(BACKUP, &old)]).and_knows(&new);
    survives(&world.with_version(&old, 0..12).with_version(&new, 8..20), 20);
}

#[test]
fn three_versions_with_three_keys_of_which_one_is_lost() {
    let (first, second, third) = (key(), key(), key());
    let world = World::new("three").with_storage(&[(BACKUP, &second)]).and_knows(&first);
    let world = world.with_version(&first, 0..9).with_version(&second, 6..15);
    survives(&world.with_version(&third, 12..20), 15);
}

#[test]
fn the_key_of_an_older_version_stands_under_the_name_of_a_draft_alone() {
    let (world, old) = World::with_draft("draft");
    survives(&world.with_version(&old, 0..12).with_version(&key(), 12..20), 12);
}

#[test]
fn a_key_storage_of_2019_holds_the_key_of_the_only_version() {
    // Encrypted as anybody could have done it; and as a note that it is the key of the key storage.
    for (row, name) in [(1, "asymmetric"), (2, "passthrough")] {
        let (world, stored) = World::of_2019(name, row);
        survives(&world.with_version(&stored, 0..12), 12);
    }
}

/// A client went on with the key of the former backup.
#[test]
fn the_current_version_holds_message_keys_of_the_one_before_its_own() {
    let (old, new) = (key(), key());
    let world = World::new("mixed").with_storage(&[(BACKUP, &new)]).and_knows(&old);
    let world = world.with_version(&old, 0..6).with_version(&new, 6..12);
    survives(&world.with_sessions("2", &old, 12..20), 20);
}

#[test]
fn the_current_version_is_empty() {
    let (old, new) = (key(), key());
    let world = World::new("empty").with_storage(&[(BACKUP, &new)]).and_knows(&old);
    survives(&world.with_version(&old, 0..12).with_version(&new, 0..0), 12);
}
