//! A folder that is not as `repair` has written it.

use std::fs;

use serde_json::Value;

use super::world::{BACKUP, World, key};

fn planned(name: &str) -> (World, String) {
    let (old, new) = (key(), key());
    let world = World::new(name).with_storage(&[(BACKUP, &old)]);
    let world = world.with_version(&old, 0..12).with_version(&new, 12..20);
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert_eq!(status, 3, "{out}{errors}");
    world.account.server.seen();
    (world, plan)
}

fn change(plan: &str, change: impl FnOnce(&mut Value)) {
    let path = format!("{plan}/plan.json");
    let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn assert_nothing_sent(world: &World, plan: &str) -> String {
    let (status, out, errors) = world.apply(plan);
    assert_eq!(status, 1, "{out}{errors}");
    let seen = world.account.server.seen();
    assert!(seen.iter().all(|request| request.starts_with("GET ")), "{seen:?}");
    errors
}

#[test]
fn a_folder_that_was_copied_in_part_is_refused_before_anything_is_sent() {
    let (world, plan) = planned("half");
    let sessions = format!("{plan}/sessions/1.json");
    let mut body: Value = serde_json::from_slice(&fs::read(&sessions).unwrap()).unwrap();
    let rooms = body["rooms"].as_object_mut().unwrap();
    let first = rooms.keys().next().unwrap().clone();
    rooms.remove(&first);
    fs::write(&sessions, body.to_string()).unwrap();
    assert_nothing_sent(&world, &plan);
    fs::remove_file(sessions).unwrap();
    assert_nothing_sent(&world, &plan);
}

/// The rest of them was in the current version when the plan was made, and is only in the archive.
#[test]
fn an_archive_that_was_copied_in_part_is_refused_too() {
    let (old, new) = (key(), key());
    let world = World::new("half-archive").with_storage(&[(BACKUP, &new)]).and_knows(&old);
    let world = world.with_version(&old, 0..12).with_version(&new, 6..20);
    let plan = world.file("plan");
    let (status, out, errors) = world.repair(&plan, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    world.account.server.seen();
    fs::remove_file(format!("{plan}/archive/room_keys.json")).unwrap();
    assert_nothing_sent(&world, &plan);
}

#[test]
fn no_file_outside_of_the_folder_is_sent() {
    let (world, plan) = planned("outside");
    for file in ["../login.json", &world.login, "archive/snapshot.json", ".."] {
        change(&plan, |plan| plan["steps"][0]["file"] = file.into());
        let errors = assert_nothing_sent(&world, &plan);
        assert!(errors.contains("this is no plan"), "{errors}");
    }
    #[cfg(unix)]
    {
        change(&plan, |plan| plan["steps"][0]["file"] = "link.json".into());
        std::os::unix::fs::symlink("../login.json", format!("{plan}/link.json")).unwrap();
        assert_nothing_sent(&world, &plan);
    }
}

#[test]
fn what_is_shown_is_what_is_done() {
    let (world, plan) = planned("shown");
    change(&plan, |plan| {
        plan["steps"][0]["event_type"] = "m.push_rules".into();
        plan["steps"][0]["reason"] = "Nothing.\n7. \u{1b}[2J".into();
    });
    let (_, out, _) = world.apply(&plan);
    assert!(out.contains("account_data/m.push_rules"), "{out}");
    assert!(!out.contains("\n7. ") && !out.contains('\u{1b}'), "{out}");
}
