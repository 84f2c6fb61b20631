//! A homeserver that wants the user to authenticate.

use std::{fmt, sync::Arc};

use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    encoding::json::{self, RawObject},
    excerpt::Excerpt,
};

/// The stages by which a user can prove who they are
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#user-interactive-authentication-api)).
///
/// By the specification, of the endpoints of this crate only [`upload_signing_keys`](crate::api::upload_signing_keys) asks for
/// this; a proxy or a strict homeserver may for others.
/// The crate has no dialogue for it: the host has, and gets the whole body.
///
/// A clone is cheap: what a homeserver has sent is there once.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("the homeserver wants the user to authenticate: {}", describe(.0))]
pub struct UserInteractiveAuth(Arc<Body>);

#[derive(PartialEq, Eq)]
struct Body {
    flows: Vec<Vec<String>>,
    completed: Vec<String>,
    session: Option<String>,
    errcode: Option<Excerpt>,
    json: Vec<u8>,
}

impl UserInteractiveAuth {
    /// The flows that the homeserver offers, each with the names of its stages in their order.
    #[must_use]
    pub fn flows(&self) -> &[Vec<String>] {
        &self.0.flows
    }

    /// The stages that the user has completed.
    #[must_use]
    pub fn completed(&self) -> &[String] {
        &self.0.completed
    }

    /// The session that the next request belongs to. Whoever has it can go on in the user's place, so
    /// it is not printed.
    #[must_use]
    pub fn expose_session(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    /// Why the stage that was just tried failed.
    #[must_use]
    pub fn errcode(&self) -> Option<&Excerpt> {
        self.0.errcode.as_ref()
    }

    /// The bytes of the whole body: parameters of stages, and what this crate does not know. It holds
    /// the session, too, and is not printed.
    #[must_use]
    pub fn expose_json(&self) -> &[u8] {
        &self.0.json
    }

    /// Reads a body with flows; `None` for any other, and for one that is longer than any that people can go through.
    pub(super) fn read(mut object: RawObject<'_>, body: &[u8]) -> Option<Self> {
        if body.len() > MAX_BYTES {
            return None;
        }
        let flows = json::array(object.take("flows")?)?;
        let stages = |flow: &RawValue| {
            strings(RawObject::parse(flow.get().as_bytes()).ok()?.take("stages")?)
        };
        // Half a flow would promise an easier way than there is.
        let flows = flows.into_iter().filter_map(stages);
        let text = |value| json::public_string(value).ok().map(Into::into);
        Some(Self(Arc::new(Body {
            flows: flows.collect(),
            completed: object.take("completed").and_then(strings).unwrap_or_default(),
            session: object.take("session").and_then(text),
            errcode: object.take("errcode").and_then(text).map(|text: String| Excerpt::new(&text)),
            json: body.to_owned(),
        })))
    }
}

impl fmt::Debug for UserInteractiveAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Body { flows, completed: _, session: _, errcode, json } = &*self.0;
        f.debug_struct("UserInteractiveAuth")
            .field("flows", &flows.len())
            .field("errcode", errcode)
            .field("bytes", &json.len())
            .finish_non_exhaustive()
    }
}

fn describe(body: &Body) -> String {
    let ways = format!("it offers {} ways", body.flows.len());
    let errcode = body.errcode.as_ref();
    errcode
        .map_or(ways.clone(), |errcode| format!("{ways}, and refused the last one with {errcode}"))
}

/// The elements of an array of strings; `None` for anything else.
fn strings(value: &RawValue) -> Option<Vec<String>> {
    let text = |one| json::public_string(one).ok().map(Into::into);
    json::array(value)?.into_iter().map(text).collect()
}

/// The longest body that is read as one, in bytes.
const MAX_BYTES: usize = 64 << 10;
