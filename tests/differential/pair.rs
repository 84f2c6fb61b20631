//! Two homeservers that get the same requests.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use strongroom::homeserver::Homeserver;

use super::step::{Step, Target};
use crate::support::{
    ask::{Answer, ROOM_KEYS, ask, without_error},
    synapse::{Login, Synapse},
};

/// A user of Synapse and one of the in-memory homeserver, who do the same.
pub(crate) struct Pair<'a> {
    synapse: &'a Synapse,
    login: Login,
    homeserver: Homeserver,
    token: String,
}

/// A request with all there is to judge its answers by.
pub(crate) struct Case<'a> {
    pub(crate) step: &'a Step,
    /// What both stored before.
    pub(crate) before: Stored,
    /// The answers, without the sentence for people.
    pub(crate) theirs: Answer,
    pub(crate) ours: Answer,
    /// What Synapse and the in-memory homeserver store afterwards.
    pub(crate) after: (Stored, Stored),
}

/// What a homeserver stores: the current version, and of those that were looked at the answers to
/// `GET /version/{version}` and `GET /keys`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    current: Answer,
    versions: BTreeMap<String, (Answer, Answer)>,
    /// The version whose keys [`Stored::key`] returns.
    of_interest: String,
}

impl<'a> Pair<'a> {
    /// Makes a user on both.
    pub(crate) fn new(synapse: &'a Synapse) -> Self {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in("@user:localhost", "DEVICE");
        Self { synapse, login: synapse.register(), homeserver, token }
    }

    /// Sends a request to both, and looks at what they store if it could have changed that.
    pub(crate) fn send<'b>(&mut self, step: &'b Step) -> Case<'b> {
        let versions: Vec<_> =
            (1..=self.versions_made()).map(|number| number.to_string()).collect();
        let of_interest = match (&step.target, step.version()) {
            (Target::Keys(..) | Target::Other(_), Some(version)) => {
                version.trim().trim_start_matches(['0', '+']).to_owned()
            }
            _ => String::new(),
        };
        let before = self.ours(&versions, &of_interest);
        let path = step.path();
        let theirs = self.synapse.ask(&self.login.token, step.method, &path, &step.body);
        let ours = ask(&mut self.homeserver, &self.token, step.method, &path, &step.body);
        let (theirs, ours) = (without_error(theirs), without_error(ours));
        let looked_at = if theirs != ours || before.versions.is_empty() {
            versions
        } else {
            versions.into_iter().filter(|version| *version == of_interest).collect()
        };
        let after = if step.method == "GET" {
            (before.clone(), before.clone())
        } else {
            let after = self.ours(&looked_at, &of_interest);
            (self.theirs(&looked_at, &of_interest), after)
        };
        Case { step, before, theirs, ours, after }
    }

    /// Everything that both store.
    pub(crate) fn all(&mut self) -> (Stored, Stored) {
        let versions: Vec<_> =
            (1..=self.versions_made()).map(|number| number.to_string()).collect();
        (self.theirs(&versions, ""), self.ours(&versions, ""))
    }

    /// How many versions there ever were: the highest number that can be deleted, even again.
    fn versions_made(&self) -> usize {
        let mut probe = self.homeserver.clone();
        let exists = |number: &usize| {
            let path = format!("{ROOM_KEYS}/version/{number}");
            ask(&mut probe, &self.token, "DELETE", &path, "").0 == 200
        };
        (1..).take_while(exists).count()
    }

    fn theirs(&self, versions: &[String], of_interest: &str) -> Stored {
        let ask = |path: &str| self.synapse.ask(&self.login.token, "GET", path, "");
        Stored::read(ask, versions, of_interest)
    }

    fn ours(&mut self, versions: &[String], of_interest: &str) -> Stored {
        let ask = |path: &str| ask(&mut self.homeserver, &self.token, "GET", path, "");
        Stored::read(ask, versions, of_interest)
    }
}

impl Case<'_> {
    pub(crate) fn answers_differ(&self) -> bool {
        self.theirs != self.ours
    }

    pub(crate) fn states_differ(&self) -> bool {
        self.after.0 != self.after.1
    }
}

impl Stored {
    fn read(mut ask: impl FnMut(&str) -> Answer, versions: &[String], of_interest: &str) -> Self {
        let mut get = |path: String| without_error(ask(&format!("{ROOM_KEYS}{path}")));
        let current = get("/version".to_owned());
        let versions = versions.iter().map(|version| {
            let info = get(format!("/version/{version}"));
            (version.clone(), (info, get(format!("/keys?version={version}"))))
        });
        let versions = versions.collect();
        Self { current, versions, of_interest: of_interest.to_owned() }
    }

    /// The number of the current version.
    pub(crate) fn current(&self) -> Option<String> {
        self.current.1["version"].as_str().map(str::to_owned)
    }

    /// A key of the version that the request was about.
    pub(crate) fn key(&self, room: &str, session: &str) -> Option<Value> {
        self.rooms()?.get(room)?.get("sessions")?.get(session).cloned()
    }

    /// Where that version has keys.
    pub(crate) fn places(&self) -> impl Iterator<Item = (String, String)> {
        let mut places = Vec::new();
        for (room, sessions) in self.rooms().into_iter().flatten() {
            for session in sessions["sessions"].as_object().into_iter().flatten() {
                places.push((room.clone(), session.0.clone()));
            }
        }
        places.into_iter()
    }

    fn rooms(&self) -> Option<&Map<String, Value>> {
        let (_, (_, keys)) = self.versions.get(&self.of_interest)?;
        keys["rooms"].as_object()
    }
}
