//! What clients ask for when they start, and what there is nothing of here: push rules, and things that
//! a user could change.

use http::Method;

use super::refusal::Refusal;

/// An endpoint that always returns the same.
pub(super) enum Stub {
    /// `GET /pushrules/`
    PushRules,
    /// `GET /capabilities`
    Capabilities,
}

impl Stub {
    /// Finds the endpoint for a method and the decoded segments of a path after `v3`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        let stub = match segments {
            ["pushrules", ""] => Self::PushRules,
            ["capabilities"] => Self::Capabilities,
            _ => return Err(Refusal::UnknownPath),
        };
        if *method == Method::GET { Ok(stub) } else { Err(Refusal::UnknownMethod) }
    }

    /// The body of the response.
    pub(super) fn body(&self) -> Vec<u8> {
        match self {
            Self::PushRules => PUSH_RULES,
            Self::Capabilities => CAPABILITIES,
        }
        .as_bytes()
        .to_vec()
    }
}

/// No [push rules](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3pushrules).
const PUSH_RULES: &str =
    r#"{"global":{"override":[],"content":[],"room":[],"sender":[],"underride":[]}}"#;

/// [Capabilities](https://spec.matrix.org/v1.16/client-server-api/#capabilities-negotiation): one version of
/// rooms, and nothing that a user may change.
const CAPABILITIES: &str = r#"{"capabilities":{"m.room_versions":{"default":"11","available":{"11":"stable"}},"m.change_password":{"enabled":false},"m.3pid_changes":{"enabled":false},"m.get_login_token":{"enabled":false},"m.profile_fields":{"enabled":false},"m.set_displayname":{"enabled":false},"m.set_avatar_url":{"enabled":false}}}"#;
