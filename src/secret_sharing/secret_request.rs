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
    /// What is wanted.
    pub action: SecretRequestAction,
    /// The device that says it sent this.
    pub requesting_device_id: DeviceId,
    /// Which request it is about.
    pub request_id: RequestId,
    unknown_members: UnknownMembers,
}

/// What a [`SecretRequest`] wants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretRequestAction {
    /// `request`: the secret of this name.
    Request(SecretName),
    /// `request_cancellation`: nothing any more.
    Cancellation,
    /// Something that this version does not know. It is kept, and written back, and to be ignored.
    #[non_exhaustive]
    Unknown,
}

impl SecretRequest {
    /// A request, or its cancellation, without other members.
    #[must_use]
    pub fn new(
        action: SecretRequestAction,
        requesting_device_id: DeviceId,
        request_id: RequestId,
    ) -> Self {
        let unknown_members = UnknownMembers::default();
        Self { action, requesting_device_id, request_id, unknown_members }
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
            REQUEST => SecretRequestAction::Request(text(&mut object, NAME)?.as_str().into()),
            CANCELLATION | CANCELLATION_OF_A_DRAFT => SecretRequestAction::Cancellation,
            _ => {
                object = with_action;
                for known in [DEVICE, ID] {
                    object.take(known);
                }
                SecretRequestAction::Unknown
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
            SecretRequestAction::Request(name) => (Some(REQUEST), Some(name.as_str())),
            SecretRequestAction::Cancellation => (Some(CANCELLATION), None),
            // It stands among the unknown members.
            SecretRequestAction::Unknown => (None, None),
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
