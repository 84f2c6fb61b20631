//! Plans that are carried out late, twice, or in another order.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use strongroom::secret_storage::NewKey;

use super::world::{BACKUP, World, key, parsed};

/// The current version's key is lost, so that each plan makes a new one.
fn lost(name: &str) -> World {
    let old = key();
    let world = World::new(name).with_storage(&[(BACKUP, &old)]);
    world.with_version(&old, 0..12).with_version(&key(), 12..20)
}

fn planned(world: &World, name: &str) -> String {
    let plan = world.file(name);
    let (status, out, errors) = world.repair(&plan, &[]);
    assert!([0, 3].contains(&status), "{out}{errors}");
    plan
}

#[test]
fn an_old_plan_after_a_new_one_is_refused() {
    let world = lost("old-plan");
    let (first, second) = (planned(&world, "first"), planned(&world, "second"));
    let readable = world.readable("");
    assert_eq!(world.apply(&second).0, 0);
    let (status, out, errors) = world.apply(&first);
    assert_eq!(status, 1, "{out}{errors}");
    assert_eq!((world.apply(&second).0, world.restored(&second)), (0, readable));
}

#[test]
fn two_copies_of_a_plan_at_once_do_no_harm() {
    let world = lost("copies");
    let (plan, copy) = (planned(&world, "plan"), world.file("copy"));
    let copied = Command::new("cp").args(["-r", &plan, &copy]).status();
    assert!(copied.unwrap().success() && Path::new(&copy).exists());
    let readable = world.readable("");
    std::thread::scope(|scope| {
        for folder in [&plan, &copy] {
            scope.spawn(|| world.apply(folder));
        }
    });
    let (status, out, errors) = world.apply(&plan);
    assert_eq!((status, world.restored(&plan)), (0, readable), "{out}{errors}");
}

/// What would be encrypted to the former key is opened by nothing that the user still has.
#[test]
fn a_plan_for_a_key_that_another_client_has_replaced_is_refused() {
    let (old, new) = (key(), key());
    let world = World::new("rotated").with_storage(&[]).and_knows(&old).and_knows(&new);
    let world = world.with_version(&old, 0..12).with_version(&new, 6..20);
    let plan = planned(&world, "plan");
    let steps: Value =
        serde_json::from_slice(&fs::read(format!("{plan}/plan.json")).unwrap()).unwrap();
    assert_eq!(steps["steps"][0]["event_type"], BACKUP);
    let other = NewKey::generate(None).unwrap();
    let id = format!("m.secret_storage.key.{}", other.id().as_str());
    let data = world.account_data();
    let is_key = |it: &str| it.starts_with("m.secret_storage.key.");
    let (_, description) = data.iter().find(|(it, _)| is_key(it.as_str())).unwrap();
    world.put(&id, &parsed(description));
    world.put("m.secret_storage.default_key", &json!({ "key": other.id().as_str() }));
    world.account.server.seen();
    let (status, out, errors) = world.apply(&plan);
    assert_eq!(status, 1, "{out}{errors}");
    assert!(errors.contains("the account has changed since this was planned"), "{errors}");
    assert!(world.account.server.seen().iter().all(|it| it.starts_with("GET ")));
}
