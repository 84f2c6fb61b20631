//! [Account data](https://spec.matrix.org/v1.16/client-server-api/#client-config) of a user, apart from
//! that of rooms.

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use serde_json::value::RawValue;

use super::{
    call::Call, logins::Caller, options::HomeserverOptions, refusal::Refusal, reply::empty,
    state::State,
};
use crate::{
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
};

/// An endpoint at `/user/{userId}/account_data/{type}`.
pub(super) struct AccountDataRoute {
    user: UserId,
    kind: String,
    writes: bool,
}

/// The contents by type.
#[derive(Clone, Default)]
pub(super) struct AccountData(BTreeMap<String, Stored>);

#[derive(Clone)]
struct Stored {
    content: Arc<RawValue>,
    /// When it was stored, as a position of the stream.
    position: u64,
}

impl AccountDataRoute {
    /// Finds the endpoint for a method and what the path says.
    pub(super) fn find(method: &Method, user: &str, kind: &str) -> Result<Self, Refusal> {
        let writes = match *method {
            Method::PUT => true,
            Method::GET => false,
            _ => return Err(Refusal::UnknownMethod),
        };
        Ok(Self { user: UserId::from(user), kind: kind.to_owned(), writes })
    }

    /// The endpoint that stores this type.
    pub(super) fn to_write(user: UserId, kind: String) -> Self {
        Self { user, kind, writes: true }
    }
}

impl AccountData {
    /// What was stored after a position, in the order in which it was.
    pub(super) fn after(&self, position: u64) -> Vec<(&str, &RawValue)> {
        let mut found: Vec<_> =
            self.0.iter().filter(|(_, stored)| stored.position > position).collect();
        found.sort_by_key(|(_, stored)| stored.position);
        found.into_iter().map(|(kind, stored)| (kind.as_str(), &*stored.content)).collect()
    }

    /// All of it, in the order in which it was stored.
    pub(super) fn all(&self) -> Vec<(EventType, JsonObject)> {
        let owned = |(kind, content)| Some((EventType::from(kind), JsonObject::from_raw(content)?));
        self.after(0).into_iter().filter_map(owned).collect()
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let size = |(kind, stored): (&String, &Stored)| kind.len() + stored.content.get().len();
        self.0.iter().map(size).map(|bytes| bytes + size_of::<(String, Stored)>()).sum()
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &AccountDataRoute,
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    if route.user != caller.user {
        return Err(Refusal::Forbidden("Account data of other users is none of yours"));
    }
    if !route.writes {
        let stored = state.account(caller).account_data.0.get(&route.kind);
        let stored = stored.ok_or(Refusal::NotFound("There is no account data of this type"))?;
        return Ok(stored.content.get().as_bytes().to_vec());
    }
    if SERVER_CONTROLLED.contains(&route.kind.as_str()) {
        return Err(Refusal::ServerControlled);
    }
    let content = call.raw_object()?;
    let limit = options.account_data_bytes;
    if content.get().len() > limit {
        return Err(Refusal::TooLarge { limit });
    }
    let stored = Stored { content: content.to_owned().into(), position: state.advance() };
    state.account(caller).account_data.0.insert(route.kind.clone(), stored);
    Ok(empty())
}

/// Types that have endpoints of their own.
const SERVER_CONTROLLED: [&str; 2] = ["m.fully_read", "m.push_rules"];
