//! A diagnosis can be given up at any moment: whatever a homeserver shows, no slice of it takes long.

use std::iter;

use serde_json::json;
use strongroom::client::diagnose::{Diagnose, Finding};

use crate::{
    account::{ID, KEY},
    world::{OLD_BACKUP_KEY, World, version},
};

#[test]
fn devices_and_sessions_are_looked_at_in_slices() {
    let mut world = World::well();
    let device = world.keys()["device_keys"][crate::world::USER]["DEVICE"].clone();
    for n in 0..300 {
        world.keys()["device_keys"][crate::world::USER][format!("D{n}")] = device.clone();
    }
    let mut evidence = world.evidence();
    let session =
        r#"{"first_message_index":0,"forwarded_count":0,"is_verified":false,"session_data":{}}"#;
    let sessions: Vec<_> = (0..500).map(|n| format!(r#""{n}":{session}"#)).collect();
    let body = format!(r#"{{"rooms":{{"!r":{{"sessions":{{{}}}}}}}}}"#, sessions.join(","));
    evidence.take_room_keys(body.as_bytes(), 1_000, &world.limits);
    let at_once = Diagnose::new(&evidence, world.typed.as_deref(), &world.limits).finish();
    let mut slices = 0;
    let mut diagnose = Diagnose::new(&evidence, world.typed.as_deref(), &world.limits);
    slices += iter::from_fn(|| (!diagnose.advance(1)).then_some(())).count();
    assert!(diagnose.progress().is_none() && slices >= 500, "{slices}");
    assert_eq!(diagnose.finish().findings(), at_once.findings());
    // It is whole however far it was advanced before.
    for advanced in [0, 1, 100, 400] {
        let mut diagnose = Diagnose::new(&evidence, world.typed.as_deref(), &world.limits);
        for _ in 0..advanced {
            diagnose.advance(1);
        }
        assert_eq!(diagnose.finish().findings(), at_once.findings(), "{advanced}");
    }
}

#[test]
fn keys_are_tried_and_secrets_are_opened_in_slices() {
    let slices = |world: &World| {
        let evidence = world.evidence();
        let mut diagnose = Diagnose::new(&evidence, world.typed.as_deref(), &world.limits);
        iter::from_fn(|| (!diagnose.advance(1)).then_some(())).count()
    };
    let mut world = World::well();
    let before = slices(&world);
    for n in 0..100 {
        let description = json!({ "algorithm": "m.secret_storage.v1.aes-hmac-sha2" });
        world.storage().put_json(&format!("m.secret_storage.key.k{n}"), description);
    }
    let with_keys = slices(&world);
    assert!(with_keys >= before + 100, "{before}, {with_keys}");
    for n in 0..100 {
        world.storage().put_bytes(&format!("org.example.{n}"), ID, KEY, b"a secret");
    }
    assert!(slices(&world) >= with_keys + 100);
}

#[test]
fn backups_on_which_a_passphrase_is_not_tried_are_named() {
    let mut world = World::well();
    world.typed = Some("correct horse".to_owned());
    for n in 0..7 {
        let mut older = version(&n.to_string(), OLD_BACKUP_KEY);
        older["auth_data"]["private_key_salt"] = json!("salt");
        older["auth_data"]["private_key_iterations"] = json!(10);
        world.older.push(older);
    }
    let found = world.diagnose();
    let named = |finding: &&Finding| finding.code() == "input.not_tried_on_backup";
    let named: Vec<_> = found.findings().iter().filter(named).map(ToString::to_string).collect();
    assert_eq!(named.len(), 2, "{found:?}");
    assert!(named[0].contains("version 5") && named[1].contains("version 6"), "{named:?}");
}
