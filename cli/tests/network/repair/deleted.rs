//! An account that another repair leaves without a single message key.

use http::{Method, Request};
use serde_json::Value;

use super::world::{BACKUP, World, key};

/// What `Recovery::recover_and_fix_backup` of matrix-sdk 0.19.1 does on a new device where the key storage does not hold the key
/// of the current backup: `Backups::disable_and_delete` deletes the current version until none is left, `enable_backup` makes a new
/// one, of which the device has nothing to put into, and `export_secrets` stores its key.
fn fix_as_matrix_sdk(world: &World) {
    while let Some(version) = current(world) {
        world.send(Method::DELETE, &format!("room_keys/version/{version}"));
    }
    let new = key();
    world.create_version(&new);
    world.store(BACKUP, &new);
}

fn current(world: &World) -> Option<String> {
    let token = &world.account.token;
    let request = Request::get("https://example.org/_matrix/client/v3/room_keys/version")
        .header("Authorization", format!("Bearer {token}"))
        .body(Vec::new())
        .unwrap();
    let response = world.account.server.homeserver().respond(&request);
    let info: Value = serde_json::from_slice(response.body()).unwrap();
    info["version"].as_str().map(str::to_owned)
}

#[test]
fn an_account_that_matrix_sdk_would_leave_with_nothing_ends_with_all() {
    let (old, current) = (key(), key());
    let world = World::new("deleted").with_storage(&[(BACKUP, &old)]).and_knows(&current);
    let world = world.with_version(&old, 0..14).with_version(&current, 14..36);
    let plan = world.file("plan");
    let before = world.account.server.homeserver().clone();
    let readable = world.readable(&plan);
    assert_eq!(readable.len(), 36);

    fix_as_matrix_sdk(&world);
    assert_eq!((world.readable(&plan).len(), world.restored(&plan).len()), (0, 0));

    *world.account.server.homeserver() = before;
    let (status, out, errors) = world.repair(&plan, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    let (status, out, errors) = world.apply(&plan);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(world.restored(&plan), readable);
    assert_eq!(world.readable(&plan), readable);
}
