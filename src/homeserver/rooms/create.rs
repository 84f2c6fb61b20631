//! [`POST /createRoom`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3createroom)

use serde::Serialize;
use serde_json::value::RawValue;

use super::{CREATE, JOIN, MEMBER, room::NewEvent};
use crate::{
    encoding::{
        json::{self, RawObject},
        json_object::JsonObject,
    },
    homeserver::{
        call::{Call, object, string},
        logins::Caller,
        options::HomeserverOptions,
        refusal::Refusal,
        reply::to_body,
        state::State,
    },
    ids::{RoomId, UserId},
};

/// Makes a room with the state that its creator asks for; of the rest of the body nothing is read.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        room_id: RoomId,
    }
    let mut body = call.json_object()?;
    if body.take_present("invite").is_some_and(|invited| invited.get() != "[]") {
        return Err(Refusal::Forbidden("Nobody can be invited here"));
    }
    let mut events = first_events(&caller.user);
    if let Some(initial) = body.take_present("initial_state") {
        events.extend(read_initial_state(initial)?);
    }
    for (member, kind) in [("name", "m.room.name"), ("topic", "m.room.topic")] {
        if let Some(text) = body.take_present(member) {
            events.push(named(kind, member, text)?);
        }
    }
    let bytes = events.iter().map(NewEvent::bytes).sum();
    state.check_room_for(&caller.user, bytes, options.account_bytes)?;
    let id = RoomId::new(format!("!room{}:{}", state.position + 1, options.server_name));
    for event in events {
        let position = state.advance();
        state.account(caller).rooms.get_or_insert(&id).add(event, &caller.user, position);
    }
    Ok(to_body(&Reply { room_id: id }))
}

/// What every room begins with.
fn first_events(creator: &UserId) -> Vec<NewEvent> {
    let creator_text = json::to_text(creator);
    [
        (CREATE, "", format!(r#"{{"room_version":"{ROOM_VERSION}"}}"#)),
        (MEMBER, creator.as_str(), format!(r#"{{"membership":"{JOIN}"}}"#)),
        ("m.room.power_levels", "", format!(r#"{{"users":{{{creator_text}:100}}}}"#)),
        ("m.room.join_rules", "", r#"{"join_rule":"invite"}"#.to_owned()),
        ("m.room.history_visibility", "", r#"{"history_visibility":"shared"}"#.to_owned()),
    ]
    .map(|(kind, key, content)| {
        NewEvent::first_state(kind, key, JsonObject::from_our_own(&content))
    })
    .into()
}

fn named(kind: &str, member: &'static str, text: &RawValue) -> Result<NewEvent, Refusal> {
    let text = json::public_string(text).map_err(|_| Refusal::NotAString(member))?;
    let content = json::with_member(None, member, &json::to_text(&text));
    NewEvent::state(kind, "", JsonObject::from_our_own(&content))
}

/// Reads `[{"type": …, "state_key": …, "content": …}]`.
fn read_initial_state(events: &RawValue) -> Result<Vec<NewEvent>, Refusal> {
    let events = json::array(events).ok_or(INITIAL_STATE)?.into_iter();
    events.map(|event| read_state(object(event, SHAPE)?)).collect()
}

fn read_state(mut event: RawObject<'_>) -> Result<NewEvent, Refusal> {
    let kind = string(&mut event, "type")?;
    let key = event.take_present("state_key").map(json::public_string).transpose();
    let key = key.map_err(|_| Refusal::NotAString("state_key"))?.unwrap_or_default();
    let content = event.take("content").and_then(JsonObject::from_raw).ok_or(INITIAL_STATE)?;
    NewEvent::state(&kind, &key, content)
}

/// What [capabilities](crate::homeserver::stubs) call the default.
const ROOM_VERSION: &str = "11";

const SHAPE: &str = "initial_state must be an array of events with type and content";
const INITIAL_STATE: Refusal = Refusal::BadJson(SHAPE);
