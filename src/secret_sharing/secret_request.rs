//! `m.secret.request`: asking for a secret, and taking the question back.

use serde_json::value::RawValue;

use crate::{
    Limits,
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, JsonText, RawObject, UnknownMembers},
        json_object::JsonObject,
    },
    ids::{DeviceId, RequestId, SecretName},
};

/// The content of `m.secret.request`
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#msecretrequest)).
///
/// It goes unencrypted. Nobody vouches for anything in it: [`requesting_device_id`] is a claim, and the
/// homeserver can make up the whole event.
///
/// [`requesting_device_id`]: Self::requesting_device_id
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRequest {
    action: Action,
    /// The device that says it sent this.
    pub requesting_device_id: DeviceId,
    /// Which request it is about.
    pub request_id: RequestId,
    unknown_members: UnknownMembers,
}

/// What a [`SecretRequest`] wants.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Request(SecretName),
    Cancellation,
    /// It stands among the unknown members.
    Unknown,
}

impl SecretRequest {
    /// Asks for the secret of this name, without other members.
    #[must_use]
    pub fn new(name: SecretName, requesting_device_id: DeviceId, request_id: RequestId) -> Self {
        Self::with(Action::Request(name), requesting_device_id, request_id)
    }

    /// Takes a request back, without other members.
    #[must_use]
    pub fn cancellation(requesting_device_id: DeviceId, request_id: RequestId) -> Self {
        Self::with(Action::Cancellation, requesting_device_id, request_id)
    }

    fn with(action: Action, requesting_device_id: DeviceId, request_id: RequestId) -> Self {
        let unknown_members = UnknownMembers::default();
        Self { action, requesting_device_id, request_id, unknown_members }
    }

    /// The name of the secret that is asked for; `None` if nothing is. What neither asks for a secret nor is a
    /// [cancellation](Self::is_cancellation) has an action that this version does not know, and is to be ignored.
    #[must_use]
    pub fn name(&self) -> Option<&SecretName> {
        if let Action::Request(name) = &self.action { Some(name) } else { None }
    }

    /// Whether a request is taken back.
    #[must_use]
    pub fn is_cancellation(&self) -> bool {
        self.action == Action::Cancellation
    }

    /// Reads the content of an event.
    ///
    /// | what is met | what becomes of it |
    /// |---|---|
    /// | unknown members | kept, and written back |
    /// | the action `cancel_request` | a cancellation |
    /// | an unknown action | kept, and written back |
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is too large, or a member is missing that its action needs.
    pub fn from_json(content: &JsonObject, limits: &Limits) -> Result<Self, FormatError> {
        let (found, limit) = (content.as_bytes().len(), limits.secret_request_bytes);
        if found > limit {
            return Err(FormatProblem::TooLarge { limit, found }.of(WHAT));
        }
        let mut object = RawObject::parse(content.as_bytes()).unwrap_or_default();
        let with_action = object.clone();
        let action = text(&mut object, ACTION)?;
        let requesting_device_id = text(&mut object, DEVICE)?.as_str().into();
        let request_id = text(&mut object, ID)?.as_str().into();
        let action = match action.as_str() {
            REQUEST => Action::Request(text(&mut object, NAME)?.as_str().into()),
            CANCELLATION | CANCELLATION_OF_A_DRAFT => Action::Cancellation,
            _ => {
                object = with_action;
                for known in [DEVICE, ID] {
                    object.take(known);
                }
                Action::Unknown
            }
        };
        let unknown_members =
            UnknownMembers::from_rest(object).ok_or(FormatProblem::Unkeepable.of(WHAT))?;
        Ok(Self { action, requesting_device_id, request_id, unknown_members })
    }

    /// The content of the event, as the specification has it.
    #[must_use]
    pub fn to_json(&self) -> JsonObject {
        let (action, name) = match &self.action {
            Action::Request(name) => (Some(REQUEST), Some(name.as_str())),
            Action::Cancellation => (Some(CANCELLATION), None),
            Action::Unknown => (None, None),
        };
        let known = [
            (ACTION, action),
            (NAME, name),
            (ID, Some(self.request_id.as_str())),
            (DEVICE, Some(self.requesting_device_id.as_str())),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let known = known.map(|(name, value)| (name, json::to_text(value)));
        let unknown = self.unknown_members.iter();
        let unknown = unknown.map(|(name, value)| (name, value.get().to_owned()));
        let members: Vec<_> = known
            .chain(unknown)
            .map(|(name, value)| format!("{}:{value}", json::to_text(name)))
            .collect();
        JsonObject::from_our_own(&format!("{{{}}}", members.join(",")))
    }
}

fn text<'a>(object: &mut RawObject<'a>, name: &'static str) -> Result<JsonText<'a>, FormatError> {
    let string = |value: &'a RawValue| json::string(value).ok();
    object.take(name).and_then(string).ok_or(FormatProblem::Missing(name).of(WHAT))
}

const WHAT: &str = "the request for a secret";
const ACTION: &str = "action";
const NAME: &str = "name";
const ID: &str = "request_id";
const DEVICE: &str = "requesting_device_id";

const REQUEST: &str = "request";
const CANCELLATION: &str = "request_cancellation";
const CANCELLATION_OF_A_DRAFT: &str = "cancel_request";
