//! An in-memory Matrix homeserver to test clients against: requests in, responses out.
//!
//! It keeps several users apart and follows the
//! [specification](https://spec.matrix.org/v1.16/client-server-api/), not the habits of one deployed
//! server. It has no socket, clock, thread or file, and equal requests in equal order get equal responses.
//!
//! It takes and returns plain [`http`] types, so any client can be tested against it, not only one that
//! is built on this crate. Put it where your client would open a connection:
//!
//! ```
//! use strongroom::homeserver::Homeserver;
//!
//! let mut homeserver = Homeserver::new();
//! let token = homeserver.log_in("@alice:example.org", "PHONE");
//! let mut send = |request: http::Request<Vec<u8>>| homeserver.respond(&request);
//!
//! // What your client does, with its own code:
//! let request = http::Request::post("https://example.org/_matrix/client/v3/room_keys/version")
//!     .header("Authorization", format!("Bearer {token}"))
//!     .body(br#"{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{}}"#.to_vec())?;
//! assert_eq!(send(request).body(), br#"{"version":"1"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`faults`] puts a bad network in between, and another device of the same user. A client in another
//! process or language finds the same homeserver behind a socket: `cargo run --example homeserver`.
//!
//! # What it knows
//!
//! Everything below `/_matrix/client/v3` except `versions`. A path that is not here is answered by 404
//! `M_UNRECOGNIZED`, another method by 405.
//!
//! | endpoints | |
//! |---|---|
//! | `/room_keys/version`, `/room_keys/keys` and below | all methods of all of them; what is opaque is an object, or a string [if wanted](HomeserverOptions::strings_in_backups) |
//! | `/user/{userId}/account_data/{type}` | read and write; no account data of rooms |
//! | `/sync` | account data, all events of rooms (no limit is heeded), messages to devices, counts of one-time keys, and the user in `device_lists` when their own keys changed; the filter is JSON in the query, or the ID of a stored one; it never waits, but [says how long a host may](Homeserver::patience) |
//! | `/user/{userId}/filter`, `/user/{userId}/filter/{filterId}` | store and read; `/sync` heeds what they say of account data, and which rooms they name |
//! | `/sendToDevice/{eventType}/{txnId}` | `*` too; a transaction ID counts for one device and type |
//! | `/keys/upload`, `/keys/query`, `/keys/claim`, `/keys/changes` | device keys have all their members; the name of a device is in `unsigned` for everybody |
//! | `/keys/device_signing/upload`, `/keys/signatures/upload` | signatures are verified; other cross-signing keys than those that are stored need the password, [unless that is switched off](HomeserverOptions::password_for_cross_signing) |
//! | `/account/whoami`, `/login`, `/register`, `/_matrix/client/versions` | passwords only; registration is [closed at first](HomeserverOptions::registration) |
//! | `/createRoom`, `/joined_rooms`, `/rooms/{roomId}` with `/send`, `/state`, `/event`, `/members`, `/messages` | rooms of one member: nobody can be invited, join or leave; all messages are returned at once; `name`, `topic` and `initial_state` are read of what a room is made with |
//! | `/pushrules/`, `/capabilities` | always the same: no rules, and nothing that a user may change |
//! | `/logout`, `/logout/all`, `/devices`, `/devices/{deviceId}`, `/delete_devices` | deleting asks for the password; nothing says when a device was last seen |
//!
//! Checks go in this order: path and method, access token, size of the request, its JSON, what it is
//! about, the shape of its body. A body that is nested deeper than 500 arrays and objects is
//! `M_NOT_JSON`, one of a wrong shape is `M_BAD_JSON`; one that contradicts its path
//! or what is stored is `M_INVALID_PARAM`. A request that is refused changes nothing, except that
//! `/keys/signatures/upload` takes each signature by itself.
//!
//! User-interactive authentication has one stage, and its `session` need not be returned. IDs and names
//! of users and devices have 255 bytes at most, passwords 1,024, events of rooms 65,536.
//!
//! # Security
//!
//! It is for tests. Anyone can guess the access tokens that it makes up. What it keeps is
//! [bounded](HomeserverOptions).

// docs/decisions.md, 31: the in-memory homeserver follows the specification.

mod access;
mod account_data;
mod call;
mod devices;
pub mod faults;
mod filters;
mod keys;
mod logins;
mod options;
mod refusal;
mod reply;
mod room_keys;
mod rooms;
mod router;
mod state;
mod stubs;
mod sync;
mod to_device;

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

pub use self::options::HomeserverOptions;
use self::{
    call::Call,
    logins::{Caller, Logins},
    refusal::Refusal,
    router::{LoggedInRoute, Route},
    state::State,
};
use crate::{
    encoding::json_object::JsonObject,
    ids::{DeviceId, EventType, UserId},
    secret::SecretString,
};

/// A homeserver in memory, with its users and all they stored.
///
/// A clone is a snapshot: it and the original go separate ways.
#[derive(Clone, Default)]
pub struct Homeserver {
    options: HomeserverOptions,
    logins: Logins,
    state: State,
}

impl Homeserver {
    /// A homeserver without users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A homeserver without users that lets in and takes what the options say.
    #[must_use]
    pub fn with_options(options: HomeserverOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Adds a user who can log in with a password, or gives a user another password.
    pub fn add_user(&mut self, user: impl Into<UserId>, password: impl Into<SecretString>) {
        self.state.accounts.entry(user.into()).or_default().password = Some(password.into());
    }

    /// Logs a user in on a device and returns a new access token.
    ///
    /// Neither the user nor the device need exist before. Tokens made up earlier stay valid, also for
    /// the same device.
    pub fn log_in(&mut self, user: impl Into<UserId>, device: impl Into<DeviceId>) -> String {
        let caller = self.caller(user.into(), device.into());
        self.logins.add(caller)
    }

    /// Logs a user in on a device with an access token of the caller's choice.
    ///
    /// A token stands for one device: whoever had it before is logged out.
    pub fn log_in_with_token(
        &mut self,
        user: impl Into<UserId>,
        device: impl Into<DeviceId>,
        token: impl Into<SecretString>,
    ) {
        let caller = self.caller(user.into(), device.into());
        self.logins.add_with_token(caller, token.into());
    }

    /// Makes a token unknown. The device stays, with its keys and messages.
    pub fn log_out(&mut self, token: &str) {
        self.logins.remove(token);
    }

    /// Makes a token invalid: requests with it are answered by a
    /// [soft logout](https://spec.matrix.org/v1.16/client-server-api/#soft-logout).
    pub fn log_out_softly(&mut self, token: &str) {
        self.logins.remove_softly(token);
    }

    /// The account data of a user, apart from that of rooms, as the user's clients know it from `/sync`.
    #[must_use]
    pub fn account_data(&self, user: &UserId) -> Vec<(EventType, JsonObject)> {
        self.state.accounts.get(user).map_or_else(Vec::new, |account| account.account_data.all())
    }

    /// Does what a request asks for and returns the response.
    ///
    /// The host in the URL does not matter; the path begins with `/_matrix`. The access token stands
    /// in an `Authorization: Bearer` header, not in the query.
    pub fn respond(&mut self, request: &Request<impl AsRef<[u8]>>) -> Response<Vec<u8>> {
        let call = Call::new(request.uri().query(), request.body().as_ref());
        let (status, body) = match Route::find(request.method(), request.uri().path())
            .and_then(|route| self.act(&route, request.headers(), &call))
        {
            Ok(body) => (StatusCode::OK, body),
            Err(refusal) => (refusal.status(), refusal.body()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// How long a host may wait before it calls [`respond`](Self::respond) with this request: not at all,
    /// unless it is a `/sync` that asks for patience (`timeout`) and would be told nothing new.
    ///
    /// [`respond`](Self::respond) itself never waits. A host that has a clock asks again after each other
    /// request, and answers when the time is over or there is nothing to wait for any more. It is told to
    /// wait for five minutes at most. Nothing changes by asking.
    #[must_use]
    pub fn patience(&self, request: &Request<impl AsRef<[u8]>>) -> Duration {
        let route = Route::find(request.method(), request.uri().path());
        let (Ok(Route::LoggedIn(LoggedInRoute::Sync)), Ok(caller)) =
            (route, self.logins.caller(request.headers()))
        else {
            return Duration::ZERO;
        };
        let call = Call::new(request.uri().query(), request.body().as_ref());
        sync::patience(&call, caller, &self.state)
    }

    /// Who makes a request, if its access token is valid.
    fn user_of<B>(&self, request: &Request<B>) -> Option<UserId> {
        self.logins.caller(request.headers()).ok().map(|caller| caller.user.clone())
    }

    fn act(
        &mut self,
        route: &Route,
        headers: &HeaderMap,
        call: &Call<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        match route {
            Route::Open(route) => {
                self.check_size(call)?;
                access::respond(route, call, self)
            }
            Route::LoggedIn(route) => {
                let caller = self.logins.caller(headers)?.clone();
                self.check_size(call)?;
                let limit = self.options.account_bytes;
                if !call.body().is_empty() {
                    self.state.check_room_for(&caller.user, call.body().len(), limit)?;
                }
                self.act_for(&caller, route, call)
            }
        }
    }

    fn act_for(
        &mut self,
        caller: &Caller,
        route: &LoggedInRoute,
        call: &Call<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let (state, options) = (&mut self.state, &self.options);
        match route {
            LoggedInRoute::Devices(route) => devices::respond(route, call, caller, self),
            LoggedInRoute::WhoAmI => Ok(access::who_am_i(caller)),
            LoggedInRoute::RoomKeys(route) => {
                room_keys::respond(route, call, &mut state.account(caller).backups, options)
            }
            LoggedInRoute::AccountData(route) => {
                account_data::respond(route, call, caller, state, options)
            }
            LoggedInRoute::Filter(route) => filters::respond(route, call, caller, state),
            LoggedInRoute::Rooms(route) => rooms::respond(route, call, caller, state, options),
            LoggedInRoute::Stub(stub) => Ok(stub.body()),
            LoggedInRoute::Sync => sync::respond(call, caller, state),
            LoggedInRoute::SendToDevice(request) => {
                to_device::send(request, call, caller, state, options)
            }
            LoggedInRoute::Keys(route) => keys::respond(route, call, caller, state, options),
        }
    }

    fn check_size(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let limit = self.options.request_bytes;
        if call.body().len() > limit { Err(Refusal::TooLarge { limit }) } else { Ok(()) }
    }

    /// Makes sure that a device exists.
    fn caller(&mut self, user: UserId, device: DeviceId) -> Caller {
        let caller = Caller { user, device };
        self.state.device(&caller);
        caller
    }
}

impl fmt::Debug for Homeserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { options, logins, state: _ } = self;
        f.debug_struct("Homeserver")
            .field("options", options)
            .field("logins", logins)
            .finish_non_exhaustive()
    }
}
