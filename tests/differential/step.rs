//! One request of a sequence, and where the random ones come from.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::{
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Union},
};
use serde_json::{Map, Value, json};

use crate::support::ask::{ALGORITHM, ROOM_KEYS};

/// A request below `/room_keys`.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) method: &'static str,
    pub(crate) target: Target,
    pub(crate) body: String,
}

/// What a request is about.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// `/version`, or the one that is named.
    Version(Option<String>),
    /// `/keys` and what stands behind it, with the parameter `version`.
    Keys(Vec<String>, Option<String>),
    /// Anything else, percent-encoded.
    Other(String),
}

impl Step {
    pub(crate) fn new(method: &'static str, target: Target, body: &Value) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self { method, target, body }
    }

    pub(crate) fn path(&self) -> String {
        match &self.target {
            Target::Version(None) => format!("{ROOM_KEYS}/version"),
            Target::Version(Some(version)) => format!("{ROOM_KEYS}/version/{}", encode(version)),
            Target::Keys(part, version) => {
                let part: String = part.iter().map(|id| format!("/{}", encode(id))).collect();
                let query = version.as_ref().map(|version| format!("?version={}", encode(version)));
                format!("{ROOM_KEYS}/keys{part}{}", query.unwrap_or_default())
            }
            Target::Other(path) => format!("{ROOM_KEYS}{path}"),
        }
    }

    /// The version that it names.
    pub(crate) fn version(&self) -> Option<&str> {
        match &self.target {
            Target::Version(version) | Target::Keys(_, version) => version.as_deref(),
            // All of them that name one name this one.
            Target::Other(path) => path.contains("version=").then_some("1"),
        }
    }

    /// The keys that it stores, by room and session, as far as its body has the shape for it.
    pub(crate) fn keys(&self) -> Vec<(String, String, Value)> {
        let (Target::Keys(part, _), "PUT") = (&self.target, self.method) else { return Vec::new() };
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let rooms = match part.as_slice() {
            [] => body["rooms"].clone(),
            [room] => json!({ (room): body }),
            [room, session, ..] => json!({ (room): { "sessions": { (session): body } } }),
        };
        let mut keys = Vec::new();
        for (room, sessions) in rooms.as_object().unwrap_or(&Map::new()) {
            for (session, key) in sessions["sessions"].as_object().unwrap_or(&Map::new()) {
                keys.push((room.clone(), session.clone(), key.clone()));
            }
        }
        keys
    }
}

fn encode(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

/// Any request: mostly good ones, some with one odd thing, a few with several.
pub(crate) fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => version_body().prop_map(|body| with_text("POST", Target::Version(None), body)),
        2 => Just(without_body("GET", Target::Version(None))),
        2 => version().prop_map(|version| without_body("GET", Target::Version(Some(version)))),
        3 => (version(), update_body())
            .prop_map(|(version, body)| with_text("PUT", Target::Version(Some(version)), body)),
        2 => version().prop_map(|version| without_body("DELETE", Target::Version(Some(version)))),
        20 => put_keys(),
        4 => keys_target().prop_map(|target| without_body("GET", target)),
        3 => keys_target().prop_map(|target| without_body("DELETE", target)),
        1 => odd_request(),
    ]
}

fn without_body(method: &'static str, target: Target) -> Step {
    Step { method, target, body: String::new() }
}

fn with_text(method: &'static str, target: Target, body: String) -> Step {
    Step { method, target, body }
}

fn version() -> impl Strategy<Value = String> {
    let usual = select(vec!["1", "1", "1", "2", "2", "3"]);
    let odd = select(vec![
        "4", "0", "-1", "9", "01", " 1 ", "+2", "1_0", "1.0", "abc", "é", "1/2", BEYOND,
    ]);
    prop_oneof![9 => usual, 1 => odd].prop_map(str::to_owned)
}

fn version_parameter() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        40 => version().prop_map(Some),
        1 => Just(Some(String::new())),
        1 => Just(None),
    ]
}

fn room() -> impl Strategy<Value = String> {
    select(vec![
        "!a:localhost",
        "!a:localhost",
        "!a:localhost",
        "!b",
        "not/a room?#&=+é",
        "..",
        "%21",
    ])
    .prop_map(str::to_owned)
}

fn session() -> impl Strategy<Value = String> {
    select(vec!["s", "s/+1=", "\u{1f511} \u{7f}\u{1}"]).prop_map(str::to_owned)
}

fn part() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        Just(vec![]),
        room().prop_map(|room| vec![room]),
        (room(), session()).prop_map(|(room, session)| vec![room, session]),
    ]
}

fn keys_target() -> impl Strategy<Value = Target> {
    (part(), version_parameter()).prop_map(|(part, version)| Target::Keys(part, version))
}

fn put_keys() -> impl Strategy<Value = Step> {
    keys_target()
        .prop_flat_map(|target| {
            let depth = if let Target::Keys(part, _) = &target { part.len() } else { 0 };
            let body = match depth {
                0 => rooms(),
                1 => sessions(),
                _ => key(),
            };
            (Just(target), text_of(body))
        })
        .prop_map(|(target, body)| with_text("PUT", target, body))
}

fn rooms() -> BoxedStrategy<Value> {
    let members = prop::collection::vec((room(), sessions()), 0..3);
    odd_or(
        members.prop_map(|rooms| json!({ "rooms": object(rooms) })),
        vec![
            json!({}),
            json!({ "rooms": [] }),
            json!({ "rooms": null }),
            json!({ "rooms": { "!a:localhost": [] } }),
            json!({ "rooms": { "!a:localhost": "x" } }),
        ],
    )
}

fn sessions() -> BoxedStrategy<Value> {
    let members = prop::collection::vec((session(), key()), 0..3);
    odd_or(
        members.prop_map(|sessions| json!({ "sessions": object(sessions) })),
        vec![
            json!({}),
            json!({ "sessions": ["s"] }),
            json!({ "sessions": null }),
            json!({ "sessions": { "s": "x" } }),
            json!({ "sessions": { "s": null } }),
            json!({ "sessions": {}, "extra": 1 }),
        ],
    )
}

/// A key with small numbers, so that many are better or worse by one of three members alone.
fn key() -> BoxedStrategy<Value> {
    let good = (0..3_u64, 0..3_u64, any::<bool>(), session_data());
    let good = good.prop_map(|(index, count, verified, data)| {
        json!({
            "first_message_index": index, "forwarded_count": count,
            "is_verified": verified, "session_data": data,
        })
    });
    let good = good.boxed();
    let member =
        select(vec!["first_message_index", "forwarded_count", "is_verified", "session_data"]);
    let value = select(vec![
        json!("1"),
        json!(1.5),
        json!(-1),
        json!(true),
        Value::Null,
        json!([]),
        json!(1_u64 << 40),
        json!(1_u64 << 63),
        json!({}),
    ]);
    let spoilt = (good.clone(), member, prop::option::weighted(0.6, value)).prop_map(
        |(mut key, member, value)| {
            let members = key.as_object_mut().expect("a key is an object");
            match value {
                Some(value) => members.insert(member.to_owned(), value),
                None => members.remove(member),
            };
            key
        },
    );
    let extended = good.clone().prop_map(|mut key| {
        key["extra"] = json!({ "x": 1 });
        key
    });
    prop_oneof![24 => good, 2 => spoilt, 1 => extended].boxed()
}

fn session_data() -> impl Strategy<Value = Value> {
    (0..100_u32, select(vec![json!({}), json!(1.5), json!("é\u{0}\"\\/"), json!([[], null])]))
        .prop_map(|(number, odd)| json!({ "ephemeral": number.to_string(), "odd": odd }))
}

fn version_body() -> BoxedStrategy<String> {
    let good = (0..9_u8).prop_map(|n| {
        json!({ "algorithm": ALGORITHM, "auth_data": { "public_key": n }, "version": "77", "etag": 1 })
    });
    text_of(odd_or(
        good,
        vec![
            json!({}),
            json!({ "algorithm": ALGORITHM }),
            json!({ "auth_data": {} }),
            json!({ "algorithm": "other", "auth_data": {} }),
            json!({ "algorithm": 5, "auth_data": {} }),
            json!({ "algorithm": ALGORITHM, "auth_data": "x" }),
            json!({ "algorithm": ALGORITHM, "auth_data": null }),
        ],
    ))
    .boxed()
}

fn update_body() -> BoxedStrategy<String> {
    let good = (0..9_u8, prop::option::of(version())).prop_map(|(n, version)| {
        let mut body = json!({ "algorithm": ALGORITHM, "auth_data": { "public_key": n } });
        if let Some(version) = version {
            body["version"] = json!(version);
        }
        body
    });
    text_of(odd_or(
        good,
        vec![
            json!({}),
            json!({ "algorithm": ALGORITHM }),
            json!({ "algorithm": ALGORITHM, "auth_data": {}, "version": 1 }),
            json!({ "algorithm": ALGORITHM, "auth_data": {}, "version": null }),
            json!({ "algorithm": "other", "auth_data": {} }),
            json!({ "algorithm": 5, "auth_data": {} }),
            json!({ "algorithm": ALGORITHM, "auth_data": [] }),
        ],
    ))
    .boxed()
}

/// Requests that belong to no endpoint, or to none with this method or these parameters.
fn odd_request() -> impl Strategy<Value = Step> {
    let method = select(vec!["GET", "PUT", "POST", "DELETE"]);
    let path = select(vec![
        "",
        "/",
        "/version/",
        "/version/1/",
        "/keys/",
        "/keys//s",
        "/keys/!a/s/more?version=1",
        "/keys/!a/?version=1",
        "/keys?version=1&version=2",
        "/keys?other=1&version=%31",
        "/keys?version",
        "/keys?VERSION=1",
        "/nothing",
    ]);
    (method, path, select(vec!["", "{}", "[]", "{bad"])).prop_map(|(method, path, body)| {
        with_text(method, Target::Other(path.to_owned()), body.to_owned())
    })
}

/// Mostly the good value, else one of these.
fn odd_or(good: impl Strategy<Value = Value> + 'static, odd: Vec<Value>) -> BoxedStrategy<Value> {
    prop_oneof![12 => good, 1 => select(odd)].boxed()
}

/// The JSON text of a value, or now and then something else.
fn text_of(body: BoxedStrategy<Value>) -> impl Strategy<Value = String> {
    let broken = select(vec!["", "{", "[]", "null", "\"x\"", "{} x", "\u{feff}{}", r#"{"n":NaN}"#]);
    Union::new_weighted(vec![
        (30, body.prop_map(|body| body.to_string()).boxed()),
        (1, broken.prop_map(str::to_owned).boxed()),
    ])
}

fn object(members: Vec<(String, Value)>) -> Value {
    Value::Object(members.into_iter().collect())
}

/// More than 64 bits hold.
pub(crate) const BEYOND: &str = "99999999999999999999";
