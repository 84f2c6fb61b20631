//! Getting in: [versions](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientversions),
//! [login](https://spec.matrix.org/v1.16/client-server-api/#login) with a password,
//! [registration](https://spec.matrix.org/v1.16/client-server-api/#account-registration), and who one is.

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Homeserver,
    call::{Call, object, string},
    logins::Caller,
    refusal::{Interactive, Refusal},
    reply::to_body,
    state::{Account, Device},
};
use crate::{
    encoding::json::{self, RawObject},
    ids::{DeviceId, UserId},
    secret::SecretString,
};

/// An endpoint that needs no access token.
pub(super) enum OpenRoute {
    /// `GET /versions`
    Versions,
    /// `GET /login`
    LoginTypes,
    /// `POST /login`
    LogIn,
    /// `POST /register`
    Register,
}

impl OpenRoute {
    /// Finds the endpoint for a method and a path after `/_matrix/client`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        match (segments, method) {
            (["versions"], &Method::GET) => Ok(Self::Versions),
            (["v3", "login"], &Method::GET) => Ok(Self::LoginTypes),
            (["v3", "login"], &Method::POST) => Ok(Self::LogIn),
            (["v3", "register"], &Method::POST) => Ok(Self::Register),
            (["versions"] | ["v3", "login" | "register"], _) => Err(Refusal::UnknownMethod),
            _ => Err(Refusal::UnknownPath),
        }
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &OpenRoute,
    call: &Call<'_>,
    homeserver: &mut Homeserver,
) -> Result<Vec<u8>, Refusal> {
    match route {
        OpenRoute::Versions => Ok(VERSIONS.as_bytes().to_vec()),
        OpenRoute::LoginTypes => Ok(LOGIN_TYPES.as_bytes().to_vec()),
        OpenRoute::LogIn => log_in(call, homeserver),
        OpenRoute::Register => register(call, homeserver),
    }
}

/// Says who makes a request.
pub(super) fn who_am_i(caller: &Caller) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        user_id: &'a UserId,
        device_id: &'a DeviceId,
        is_guest: bool,
    }
    to_body(&Reply { user_id: &caller.user, device_id: &caller.device, is_guest: false })
}

/// Checks the `auth` of a request that needs the password of the account.
pub(super) fn check_password(
    auth: Option<&RawValue>,
    caller: &Caller,
    account: &Account,
) -> Result<(), Refusal> {
    let ask = |failed| Refusal::Interactive(Interactive { stage: PASSWORD, failed });
    let mut auth = object(auth.ok_or(ask(false))?, "auth must be an object")?;
    if auth.take("type").and_then(|kind| json::public_string(kind).ok()).as_deref()
        != Some(PASSWORD)
    {
        return Err(ask(false));
    }
    let user = named_user(&mut auth)?;
    let is_caller = user == caller.user.as_str() || local_part(&caller.user) == Some(user.as_str());
    let password = password(&mut auth)?;
    let fits = account.password.as_ref().is_some_and(|known| *known == password);
    if is_caller && fits { Ok(()) } else { Err(ask(true)) }
}

fn log_in(call: &Call<'_>, homeserver: &mut Homeserver) -> Result<Vec<u8>, Refusal> {
    let mut body = call.json_object()?;
    if string(&mut body, "type")? != PASSWORD {
        return Err(Refusal::UnknownLogin);
    }
    let user = full_id(&named_user(&mut body)?, homeserver);
    let password = password(&mut body)?;
    let (device, name) = device(&mut body, homeserver)?;
    let account = homeserver.state.accounts.get(&user);
    let known = account.and_then(|account| account.password.as_ref());
    if known.is_none_or(|known| *known != password) {
        return Err(Refusal::Forbidden("The user name or the password is wrong"));
    }
    let devices = account.map(|account| &account.devices);
    let is_new = devices.is_some_and(|devices| !devices.contains_key(&device));
    if is_new && devices.is_some_and(|devices| devices.len() >= homeserver.options.devices) {
        return Err(Refusal::ResourceLimit);
    }
    Ok(logged_in(Caller { user, device }, name, homeserver))
}

fn register(call: &Call<'_>, homeserver: &mut Homeserver) -> Result<Vec<u8>, Refusal> {
    let mut body = call.json_object()?;
    if !homeserver.options.registration {
        return Err(Refusal::Forbidden("Nobody can register here"));
    }
    let user = new_user(&mut body, homeserver)?;
    let auth = body.take_present("auth").map(|auth| object(auth, "auth must be an object"));
    let stage = auth.transpose()?.and_then(|mut auth| string(&mut auth, "type").ok());
    if stage.as_deref() != Some(DUMMY) {
        return Err(Refusal::Interactive(Interactive { stage: DUMMY, failed: false }));
    }
    let password = password(&mut body)?;
    let (device, name) = device(&mut body, homeserver)?;
    let inhibit_login = boolean(&mut body, "inhibit_login")?;
    if homeserver.state.accounts.len() >= homeserver.options.accounts {
        return Err(Refusal::ResourceLimit);
    }
    homeserver.add_user(user.clone(), password);
    if inhibit_login {
        #[derive(Serialize)]
        struct Reply<'a> {
            user_id: &'a UserId,
        }
        return Ok(to_body(&Reply { user_id: &user }));
    }
    Ok(logged_in(Caller { user, device }, name, homeserver))
}

/// Ends what this device was logged in with before, and gives it a new access token. A device that is
/// new gets the name.
fn logged_in(caller: Caller, name: Option<String>, homeserver: &mut Homeserver) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        user_id: &'a UserId,
        device_id: &'a DeviceId,
        access_token: &'a str,
    }
    homeserver.logins.remove_device(&caller);
    let devices = &mut homeserver.state.account(&caller).devices;
    devices
        .entry(caller.device.clone())
        .or_insert_with(|| Device { display_name: name, ..Device::default() });
    let token = homeserver.log_in(caller.user.clone(), caller.device.clone());
    let (user_id, device_id) = (&caller.user, &caller.device);
    to_body(&Reply { user_id, device_id, access_token: &token })
}

/// The name that a new user asks for, or one that nobody has.
fn new_user(body: &mut RawObject<'_>, homeserver: &mut Homeserver) -> Result<UserId, Refusal> {
    let name = match body.take_present("username") {
        Some(name) => json::public_string(name).map_err(|_| Refusal::InvalidUserName)?.into_owned(),
        None => format!("user{}", homeserver.logins.next_number()),
    };
    let user = full_id(&name, homeserver);
    let is_valid = !name.is_empty() && name.bytes().all(is_for_local_parts);
    if !is_valid || user.as_str().len() > MAX_ID_BYTES {
        return Err(Refusal::InvalidUserName);
    }
    if homeserver.state.accounts.contains_key(&user) {
        return Err(Refusal::UserInUse);
    }
    Ok(user)
}

/// The device that the body names, or a new one, and what it is to be called if it is new.
fn device(
    body: &mut RawObject<'_>,
    homeserver: &mut Homeserver,
) -> Result<(DeviceId, Option<String>), Refusal> {
    let name = display_name(body, "initial_device_display_name")?;
    let Some(id) = body.take_present("device_id") else {
        let id = DeviceId::new(format!("DEVICE{}", homeserver.logins.next_number()));
        return Ok((id, name));
    };
    let id = json::public_string(id).map_err(|_| Refusal::NotAString("device_id"))?;
    if id.len() > MAX_ID_BYTES {
        return Err(Refusal::TooLarge { limit: MAX_ID_BYTES });
    }
    Ok((DeviceId::new(id), name))
}

/// What a device is to be called, if the body says so.
pub(super) fn display_name(
    body: &mut RawObject<'_>,
    member: &'static str,
) -> Result<Option<String>, Refusal> {
    let Some(name) = body.take_present(member) else { return Ok(None) };
    let name = json::public_string(name).map_err(|_| Refusal::NotAString(member))?;
    if name.len() > MAX_ID_BYTES {
        return Err(Refusal::TooLarge { limit: MAX_ID_BYTES });
    }
    Ok(Some(name.into_owned()))
}

fn boolean(body: &mut RawObject<'_>, member: &'static str) -> Result<bool, Refusal> {
    let Some(value) = body.take_present(member) else { return Ok(false) };
    value.get().parse().map_err(|_| Refusal::NotABoolean(member))
}

/// The user of an `identifier`, or of the older `user`.
fn named_user(body: &mut RawObject<'_>) -> Result<String, Refusal> {
    let Some(identifier) = body.take_present("identifier") else { return string(body, "user") };
    let mut identifier = object(identifier, "identifier must be an object")?;
    if string(&mut identifier, "type")? != "m.id.user" {
        return Err(Refusal::UnknownLogin);
    }
    string(&mut identifier, "user")
}

fn password(body: &mut RawObject<'_>) -> Result<SecretString, Refusal> {
    let password = body.take("password").and_then(|value| json::string(value).ok());
    let password = password.ok_or(Refusal::NotAString("password"))?;
    if password.as_str().len() > MAX_PASSWORD_BYTES {
        return Err(Refusal::TooLarge { limit: MAX_PASSWORD_BYTES });
    }
    Ok(SecretString::from(password.as_str()))
}

fn full_id(user: &str, homeserver: &Homeserver) -> UserId {
    if user.starts_with('@') {
        UserId::from(user)
    } else {
        UserId::new(format!("@{user}:{}", homeserver.options.server_name))
    }
}

fn local_part(user: &UserId) -> Option<&str> {
    user.as_str().strip_prefix('@')?.split_once(':').map(|(local_part, _)| local_part)
}

fn is_for_local_parts(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'=' | b'-' | b'/' | b'+')
}

/// The longest user ID, and the longest ID and name of a device that are taken, in bytes.
const MAX_ID_BYTES: usize = 255;

const MAX_PASSWORD_BYTES: usize = 1_024;

const PASSWORD: &str = "m.login.password";
const DUMMY: &str = "m.login.dummy";

const LOGIN_TYPES: &str = r#"{"flows":[{"type":"m.login.password"}]}"#;

/// The versions of the specification in which the endpoints that are here are what they are.
const VERSIONS: &str = r#"{"versions":["v1.1","v1.2","v1.3","v1.4","v1.5","v1.6","v1.7","v1.8","v1.9","v1.10","v1.11","v1.12","v1.13","v1.14","v1.15","v1.16"]}"#;
