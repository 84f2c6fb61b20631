//! A diagnosis can be given up at any moment: whatever a homeserver shows, no slice of it takes long.

use std::iter;

use strongroom::client::diagnose::{Diagnose, SessionSample};

use crate::world::World;

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
    evidence.sample = Some(SessionSample::from_response(body.as_bytes(), 1_000, &world.limits));
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
