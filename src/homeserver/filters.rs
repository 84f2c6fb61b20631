//! [Filters](https://spec.matrix.org/v1.16/client-server-api/#filtering) that a user has stored, for `/sync`.

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    call::Call, logins::Caller, refusal::Refusal, reply::to_body, state::State, sync::Filter,
};
use crate::ids::UserId;

/// An endpoint at `/user/{userId}/filter`.
pub(super) struct FilterRoute {
    user: UserId,
    /// Which filter is read; none if one is stored.
    read: Option<String>,
}

/// The filters of one user; the ID of each is its place.
#[derive(Clone, Default)]
pub(super) struct Filters(Vec<Box<RawValue>>);

impl FilterRoute {
    /// The endpoint that stores a filter.
    pub(super) fn to_store(method: &Method, user: &str) -> Result<Self, Refusal> {
        if *method != Method::POST {
            return Err(Refusal::UnknownMethod);
        }
        Ok(Self { user: UserId::from(user), read: None })
    }

    /// The endpoint that returns a filter.
    pub(super) fn to_read(method: &Method, user: &str, id: &str) -> Result<Self, Refusal> {
        if *method != Method::GET {
            return Err(Refusal::UnknownMethod);
        }
        Ok(Self { user: UserId::from(user), read: Some(id.to_owned()) })
    }
}

impl Filters {
    /// The filter of an ID, as it is spelt here.
    pub(super) fn get(&self, id: &str) -> Option<&RawValue> {
        let place: usize = id.parse().ok()?;
        self.0.get(place).filter(|_| place.to_string() == id).map(AsRef::as_ref)
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|filter| size_of::<Box<RawValue>>() + filter.get().len()).sum()
    }

    /// Stores a filter unless it is there, and returns its ID.
    fn store(&mut self, filter: &RawValue) -> usize {
        let stored = self.0.iter().position(|stored| stored.get() == filter.get());
        stored.unwrap_or_else(|| {
            self.0.push(filter.to_owned());
            self.0.len() - 1
        })
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &FilterRoute,
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        filter_id: String,
    }
    if route.user != caller.user {
        return Err(Refusal::Forbidden("Filters of other users are none of yours"));
    }
    let filters = &mut state.account(caller).filters;
    if let Some(id) = &route.read {
        let filter = filters.get(id).ok_or(Refusal::NotFound("There is no such filter"))?;
        return Ok(filter.get().as_bytes().to_vec());
    }
    let filter = call.raw_object()?;
    Filter::parse(filter).map_err(|_| Refusal::BadJson("The body is not a filter"))?;
    Ok(to_body(&Reply { filter_id: filters.store(filter).to_string() }))
}
