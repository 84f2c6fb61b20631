//! Where Synapse 1.163.2 departs from the specification, and so from the in-memory homeserver.
//!
//! Each departure says what it explains: a difference between two answers, or between what is stored
//! afterwards. A difference that none of them explains fails the test, and so does a departure that was
//! not met: then Synapse has changed, and the table is to be shortened.

// docs/decisions.md, 31: the in-memory homeserver follows the specification.

use serde_json::{Value, json};

use super::{
    pair::Case,
    step::{BEYOND, Step, Target},
};
use crate::support::ask::{ALGORITHM, key};

/// One departure.
pub(crate) struct Departure {
    pub(crate) name: &'static str,
    /// Whether it explains that the answers differ.
    pub(crate) explains_answers: fn(&Case<'_>) -> bool,
    /// Whether it explains that other things are stored afterwards.
    pub(crate) explains_state: fn(&Case<'_>) -> bool,
    /// Requests that meet it, after a first version was made.
    pub(crate) witness: fn() -> Vec<Step>,
}

pub(crate) const DEPARTURES: [Departure; 11] = [
    Departure {
        name: "it fails with 500 where the body has a wrong shape",
        explains_answers: |case| {
            case.theirs.0 == 500 && errcode(&case.theirs.1) == "M_UNKNOWN" && is_bad_json(case)
        },
        explains_state: |_| false,
        witness: || vec![put(&[], json!({}))],
    },
    Departure {
        name: "it takes algorithm and auth_data of any type",
        explains_answers: |case| {
            let takes = matches!(case.step.target, Target::Version(_)) && case.theirs.0 == 200;
            takes && is_bad_json(case) && has_odd_version_member(&case.step.body)
        },
        explains_state: |case| {
            matches!(case.step.target, Target::Version(_))
                && has_odd_version_member(&case.step.body)
        },
        witness: || {
            let target = Target::Version(None);
            vec![Step::new("POST", target, &json!({ "algorithm": 5, "auth_data": "x" }))]
        },
    },
    Departure {
        name: "it takes an update without auth_data, which changes nothing",
        explains_answers: |case| {
            let updates = matches!(case.step.target, Target::Version(Some(_)));
            updates
                && case.theirs == (200, json!({}))
                && is_bad_json(case)
                && has_no_auth_data(case)
        },
        explains_state: |_| false,
        witness: || {
            let target = Target::Version(Some("1".to_owned()));
            vec![Step::new("PUT", target, &json!({ "algorithm": ALGORITHM }))]
        },
    },
    Departure {
        name: "it calls an is_verified that is no boolean an invalid parameter",
        explains_answers: |case| {
            let odd = case.step.keys().iter().any(|(_, _, key)| !key["is_verified"].is_boolean());
            odd && case.theirs.0 == 400
                && errcode(&case.theirs.1) == "M_INVALID_PARAM"
                && is_bad_json(case)
        },
        explains_state: |_| false,
        witness: || vec![put(&["!a", "s"], with("is_verified", json!("true")))],
    },
    Departure {
        name: "it stores numbers and session_data of any type",
        explains_answers: |case| {
            case.theirs.0 == 200
                && is_bad_json(case)
                && case.step.keys().iter().any(|(_, _, key)| is_odd(key))
        },
        explains_state: |case| {
            case.theirs.0 == 200
                && is_bad_json(case)
                && case.step.keys().iter().any(|(_, _, key)| is_odd(key))
        },
        witness: || vec![put(&["!a", "s"], with("first_message_index", json!("3")))],
    },
    Departure {
        name: "it does not look at the rest of a key that is not better",
        explains_answers: |case| {
            let keys = case.step.keys();
            let ignored = keys.iter().any(|(room, session, key)| {
                case.before.key(room, session).is_some() && (is_short(key) || is_odd(key))
            });
            ignored && case.theirs.0 == 200 && is_bad_json(case)
        },
        explains_state: |case| {
            case.theirs.0 == 200 && is_bad_json(case) && !case.step.keys().is_empty()
        },
        witness: || {
            let worse =
                json!({ "first_message_index": 6, "forwarded_count": 5, "is_verified": false });
            vec![put(&["!a", "s"], key(5, 5, false, "A")), put(&["!a", "s"], worse)]
        },
    },
    Departure {
        name: "it replaces a key if any of the three members is better, not the first that differs",
        explains_answers: |case| {
            case.theirs.0 == 200 && case.ours.0 == 200 && replaces_wrongly(case)
        },
        explains_state: |case| case.theirs.0 == 200 && case.ours.0 == 200 && replaces_wrongly(case),
        witness: || {
            vec![put(&["!a", "s"], key(5, 5, true, "A")), put(&["!a", "s"], key(4, 5, false, "B"))]
        },
    },
    Departure {
        name: "it keeps what it has replaced before it refuses a later key",
        explains_answers: |_| false,
        explains_state: |case| {
            case.theirs.0 >= 400 && case.ours.0 >= 400 && only_offered_keys_changed(case)
        },
        witness: || {
            let keys =
                json!({ "sessions": { "a": key(1, 1, false, "B"), "b": { "is_verified": 7 } } });
            vec![put(&["!a", "a"], key(5, 5, false, "A")), put(&["!a"], keys)]
        },
    },
    Departure {
        name: "it calls the version that was asked for current_version",
        explains_answers: |case| {
            let named = |body: &Value| body["current_version"].as_str().map(str::to_owned);
            case.theirs.0 == 403
                && case.ours.0 == 403
                && errcode(&case.theirs.1) == errcode(&case.ours.1)
                && named(&case.theirs.1).as_deref() == asked_version(case)
                && named(&case.ours.1) == case.before.current()
        },
        explains_state: |_| false,
        witness: || {
            let version = json!({ "algorithm": ALGORITHM, "auth_data": {} });
            let create = Step::new("POST", Target::Version(None), &version);
            vec![create, put(&["!a", "s"], key(0, 0, false, "A"))]
        },
    },
    Departure {
        name: "it reads a version as Python reads an integer, and fails with 500 beyond 64 bits",
        explains_answers: |case| {
            case.ours.0 == 404 && asked_version(case).is_some_and(is_python_integer)
        },
        explains_state: |case| asked_version(case).is_some_and(is_python_integer),
        witness: || {
            let read = |version: &str| {
                Step::new("GET", Target::Version(Some(version.to_owned())), &Value::Null)
            };
            vec![read("01"), read(" 1 "), read(BEYOND)]
        },
    },
    Departure {
        name: "it refuses a version parameter that is not ASCII",
        explains_answers: |case| {
            let asked = asked_version(case).is_some_and(|version| !version.is_ascii());
            asked && case.theirs == (400, json!({ "errcode": "M_UNKNOWN" })) && case.ours.0 == 404
        },
        explains_state: |_| false,
        witness: || {
            let target = Target::Keys(vec![], Some("é".to_owned()));
            vec![Step::new("GET", target, &Value::Null)]
        },
    },
];

fn put(part: &[&str], body: Value) -> Step {
    let part = part.iter().map(|id| (*id).to_owned()).collect();
    Step::new("PUT", Target::Keys(part, Some("1".to_owned())), &body)
}

fn with(member: &str, value: Value) -> Value {
    let mut key = key(0, 0, false, "A");
    key[member] = value;
    key
}

fn errcode(body: &Value) -> &str {
    body["errcode"].as_str().unwrap_or_default()
}

fn is_bad_json(case: &Case<'_>) -> bool {
    case.ours.0 == 400 && errcode(&case.ours.1) == "M_BAD_JSON"
}

fn has_odd_version_member(body: &str) -> bool {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let odd =
        |member: &str, fits: fn(&Value) -> bool| body.get(member).is_some_and(|one| !fits(one));
    odd("algorithm", Value::is_string) || odd("auth_data", Value::is_object)
}

fn has_no_auth_data(case: &Case<'_>) -> bool {
    let body: Value = serde_json::from_str(&case.step.body).unwrap_or_default();
    body.is_object() && body.get("auth_data").is_none()
}

/// Whether a member is there that is not what the specification says.
fn is_odd(key: &Value) -> bool {
    let odd =
        |member: &str, fits: fn(&Value) -> bool| key.get(member).is_some_and(|one| !fits(one));
    odd("first_message_index", is_index)
        || odd("forwarded_count", is_index)
        || odd("session_data", Value::is_object)
}

fn is_index(value: &Value) -> bool {
    value.as_u64().is_some_and(|number| number < 1 << 53)
}

/// Whether a member is missing.
fn is_short(key: &Value) -> bool {
    ["first_message_index", "forwarded_count", "is_verified", "session_data"]
        .iter()
        .any(|member| key.get(member).is_none())
}

/// Whether one key of the request replaces a stored one by Synapse's rule and not by the
/// specification's, and no other difference is there.
fn replaces_wrongly(case: &Case<'_>) -> bool {
    let wrongly = |room: &str, session: &str, offered: &Value| {
        let Some(stored) = case.before.key(room, session) else { return false };
        let number = |key: &Value, member: &str| key[member].as_u64().unwrap_or_default();
        let verified = |key: &Value| key["is_verified"].as_bool().unwrap_or_default();
        let lower = |member: &str| number(offered, member) < number(&stored, member);
        let rank = |key: &Value| {
            (!verified(key), number(key, "first_message_index"), number(key, "forwarded_count"))
        };
        let by_synapse = verified(offered) && !verified(&stored)
            || lower("first_message_index")
            || lower("forwarded_count");
        by_synapse && rank(offered) >= rank(&stored)
    };
    case.step.keys().iter().any(|(room, session, key)| wrongly(room, session, key))
        && differing_keys(case).iter().all(|(room, session)| {
            let offered = case.step.keys();
            let offered = offered.iter().rfind(|(r, s, _)| r == room && s == session);
            offered.is_some_and(|(_, _, key)| wrongly(room, session, key))
        })
}

fn only_offered_keys_changed(case: &Case<'_>) -> bool {
    let offered = case.step.keys();
    let differing = differing_keys(case);
    !differing.is_empty()
        && differing.iter().all(|(room, session)| {
            offered.iter().any(|(r, s, _)| r == room && s == session)
                && case.before.key(room, session).is_some()
        })
}

/// Where the two hold other keys afterwards.
fn differing_keys(case: &Case<'_>) -> Vec<(String, String)> {
    let (theirs, ours) = (&case.after.0, &case.after.1);
    let mut places: Vec<_> = theirs.places().chain(ours.places()).collect();
    places.sort();
    places.dedup();
    places.retain(|(room, session)| theirs.key(room, session) != ours.key(room, session));
    places
}

fn asked_version<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.step.version()
}

/// Whether `int()` takes the text, but the homeserver would write it in another way or cannot.
fn is_python_integer(text: &str) -> bool {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let is_integer = !digits.is_empty()
        && digits
            .split('_')
            .all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    is_integer && text.parse::<u64>().ok().map(|number| number.to_string()).as_deref() != Some(text)
}
