//! [Rooms](https://spec.matrix.org/v1.16/client-server-api/#rooms-1) of one member each: enough for a client to
//! encrypt messages and to read them again on another device of the same user.
//!
//! Nobody else can be invited or join, so there is nothing to allow or to forbid.

mod create;
mod room;

use http::Method;
use serde::Serialize;

pub(super) use self::room::{JoinedRoom, Rooms};
use self::room::{NewEvent, Room};
use super::{
    call::Call, logins::Caller, options::HomeserverOptions, refusal::Refusal, reply::to_body,
    state::State,
};
use crate::{encoding::json_object::JsonObject, ids::RoomId};

/// An endpoint that is about rooms of the user.
pub(super) enum RoomsRoute {
    /// `POST /createRoom`
    Create,
    /// `GET /joined_rooms`
    Joined,
    /// An endpoint at `/rooms/{roomId}`.
    Room(RoomId, RoomRoute),
}

/// An endpoint that is about one room.
pub(super) enum RoomRoute {
    /// `PUT /send/{eventType}/{txnId}`
    Send(String, String),
    /// `PUT /state/{eventType}/{stateKey}`
    SetState(String, String),
    /// `GET /state/{eventType}/{stateKey}`
    GetState(String, String),
    /// `GET /event/{eventId}`
    GetEvent(String),
    /// `GET /members`
    Members,
    /// `GET /messages`
    Messages,
}

impl RoomsRoute {
    /// Finds the endpoint for a method and the decoded segments of a path after `v3`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        match (segments, method) {
            (["createRoom"], &Method::POST) => Ok(Self::Create),
            (["joined_rooms"], &Method::GET) => Ok(Self::Joined),
            (["createRoom" | "joined_rooms"], _) => Err(Refusal::UnknownMethod),
            (["rooms", room, rest @ ..], _) => {
                RoomRoute::find(method, rest).map(|route| Self::Room(RoomId::from(*room), route))
            }
            _ => Err(Refusal::UnknownPath),
        }
    }
}

impl RoomRoute {
    fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        let (kind, key) = match segments {
            ["state", kind] => (*kind, ""),
            ["send" | "state", kind, key] => (*kind, *key),
            _ => ("", ""),
        };
        let (kind, key) = (kind.to_owned(), key.to_owned());
        match (segments, method) {
            (["send", _, _], &Method::PUT) => Ok(Self::Send(kind, key)),
            (["state", _] | ["state", _, _], &Method::PUT) => Ok(Self::SetState(kind, key)),
            (["state", _] | ["state", _, _], &Method::GET) => Ok(Self::GetState(kind, key)),
            (["event", id], &Method::GET) => Ok(Self::GetEvent((*id).to_owned())),
            (["members"], &Method::GET) => Ok(Self::Members),
            (["messages"], &Method::GET) => Ok(Self::Messages),
            (
                ["send", _, _]
                | ["state", _]
                | ["state", _, _]
                | ["event", _]
                | ["members" | "messages"],
                _,
            ) => Err(Refusal::UnknownMethod),
            _ => Err(Refusal::UnknownPath),
        }
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &RoomsRoute,
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    match route {
        RoomsRoute::Create => create::respond(call, caller, state, options),
        RoomsRoute::Joined => {
            #[derive(Serialize)]
            struct Reply<'a> {
                joined_rooms: Vec<&'a RoomId>,
            }
            Ok(to_body(&Reply { joined_rooms: state.account(caller).rooms.ids().collect() }))
        }
        RoomsRoute::Room(id, route) => respond_in_room(id, route, call, caller, state),
    }
}

fn respond_in_room(
    id: &RoomId,
    route: &RoomRoute,
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    let room = state.account(caller).rooms.get(id).ok_or(NOT_A_MEMBER)?;
    match route {
        RoomRoute::Send(kind, transaction) => {
            if let Some(sent) = room.sent(&caller.device, kind, transaction) {
                return Ok(to_body(&Sent { event_id: sent }));
            }
            let new = NewEvent::message(kind, content(call)?, &caller.device, transaction)?;
            Ok(add(id, new, caller, state))
        }
        RoomRoute::SetState(kind, key) => {
            let new = NewEvent::state(kind, key, content(call)?)?;
            Ok(add(id, new, caller, state))
        }
        RoomRoute::GetState(kind, key) => {
            let event = room.state(kind, key).ok_or(NO_STATE)?;
            Ok(event.content().as_bytes().to_vec())
        }
        RoomRoute::GetEvent(event) => {
            Ok(to_body(&room.event(event).ok_or(NO_EVENT)?.shown(Some(id), &caller.device)))
        }
        RoomRoute::Members => {
            let asked = |name| call.optional_parameter(name);
            let wanted = asked("membership").is_none_or(|wanted| wanted == JOIN)
                && asked("not_membership").is_none_or(|unwanted| unwanted != JOIN);
            let member = room.state(MEMBER, caller.user.as_str()).filter(|_| wanted);
            let chunk = member.map(|event| event.shown(Some(id), &caller.device));
            Ok(to_body(&Chunk { chunk: chunk.into_iter().collect::<Vec<_>>() }))
        }
        RoomRoute::Messages => messages(id, room, call, caller),
    }
}

#[derive(Serialize)]
struct Sent<'a> {
    event_id: &'a str,
}

#[derive(Serialize)]
struct Chunk<T> {
    chunk: Vec<T>,
}

/// All messages of a room. Without an `end` there is nothing to go on with.
fn messages(
    id: &RoomId,
    room: &Room,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Vec<u8>, Refusal> {
    let events = room.events().map(|event| event.shown(Some(id), &caller.device));
    let mut chunk: Vec<_> = events.collect();
    match call.parameter("dir")?.as_str() {
        "b" => chunk.reverse(),
        "f" => {}
        _ => return Err(NO_DIRECTION),
    }
    Ok(to_body(&Messages { start: "", chunk }))
}

#[derive(Serialize)]
struct Messages<T> {
    start: &'static str,
    chunk: Vec<T>,
}

/// Adds an event to a room of the caller that is there.
fn add(id: &RoomId, new: NewEvent, caller: &Caller, state: &mut State) -> Vec<u8> {
    let position = state.advance();
    let room = state.account(caller).rooms.get_or_insert(id);
    to_body(&Sent { event_id: room.add(new, &caller.user, position) })
}

fn content(call: &Call<'_>) -> Result<JsonObject, Refusal> {
    JsonObject::from_raw(call.raw_object()?).ok_or(Refusal::NotJson)
}

const NOT_A_MEMBER: Refusal = Refusal::Forbidden("You are in no such room");
const NO_STATE: Refusal = Refusal::NotFound("There is no such state");
const NO_DIRECTION: Refusal = Refusal::InvalidParameter("dir must be b or f");
const NO_EVENT: Refusal = Refusal::NotFound("There is no such event");

/// The type of the event that a room begins with.
const CREATE: &str = "m.room.create";
/// The type of the event that says who is in a room.
const MEMBER: &str = "m.room.member";
const JOIN: &str = "join";
