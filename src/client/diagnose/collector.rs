//! Asking the homeserver for what a diagnosis compares.

use std::mem;

use http::{Request, Response};

use super::{CurrentBackup, Evidence};
use crate::{
    api::{self, AccessToken, BaseUrl, QueriedKeys, RequestError, RoomKeys},
    backup::BackupVersionInfo,
    client::{NoAnswer, rescue::VersionWalk},
    ids::UserId,
    limits::Limits,
};

/// Collects from the homeserver what is evidence: the current backup and those before it, the user's published keys, and the
/// first sessions of the backup. Account data, keys and what the user trusts come from the host.
///
/// One request follows the other. What is not answered is not at hand, and the diagnosis says so: nothing is asked twice.
///
/// ```
/// use strongroom::{Limits, api::{self, AccessToken, BaseUrl}, client::diagnose::{EvidenceCollector, diagnose}};
/// # fn send(_: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, strongroom::client::NoAnswer> {
/// #     Err(strongroom::client::NoAnswer)
/// # }
///
/// let (base_url, token) = ("https://matrix.example.org".parse::<BaseUrl>()?, AccessToken::from("secret"));
/// let mut collector = EvidenceCollector::new("@alice:example.org".into(), 1_000, Limits::default());
/// while let Some(request) = collector.request(&base_url, &token)? {
///     collector.answer(send(request));
/// }
/// let evidence = collector.into_evidence();
/// println!("{:?}", diagnose(&evidence, None, &Limits::default()).verdict());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EvidenceCollector {
    evidence: Evidence,
    walk: VersionWalk,
    next: Step,
    sessions: usize,
    limits: Limits,
}

/// What is asked for next.
#[derive(Debug)]
enum Step {
    Current(api::Request<Option<BackupVersionInfo>>),
    Sample(api::Request<RoomKeys>),
    Older(api::Request<Option<BackupVersionInfo>>),
    Keys(api::Request<QueriedKeys>),
    Nothing,
}

impl EvidenceCollector {
    /// For this user, with at most so many sessions of the backup.
    #[must_use]
    pub fn new(user_id: UserId, sessions: usize, limits: Limits) -> Self {
        let next = Step::Current(api::get_current_backup_version());
        let walk = VersionWalk::new(OLDER_VERSIONS);
        Self { evidence: Evidence::new(user_id), walk, next, sessions, limits }
    }

    /// The request to send now; `None` if everything was asked for.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the token or an ID cannot stand in a request.
    pub fn request(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Option<Request<Vec<u8>>>, RequestError> {
        match &self.next {
            Step::Current(call) => call.to_http(base_url, token).map(Some),
            Step::Sample(call) => call.to_http(base_url, token).map(Some),
            Step::Older(call) => call.to_http(base_url, token).map(Some),
            Step::Keys(call) => call.to_http(base_url, token).map(Some),
            Step::Nothing => Ok(None),
        }
    }

    /// Takes the response to the request, or that there was none.
    pub fn answer(&mut self, answer: Result<Response<Vec<u8>>, NoAnswer>) {
        let asked = mem::replace(&mut self.next, Step::Nothing);
        self.next = self.after(asked, answer.ok());
    }

    /// What was collected, for the host to add what it knows.
    #[must_use]
    pub fn into_evidence(self) -> Evidence {
        self.evidence
    }

    /// Takes the response to this, and says what is asked for next.
    fn after(&mut self, asked: Step, answer: Option<Response<Vec<u8>>>) -> Step {
        match asked {
            Step::Current(call) => {
                let current = answer.map(|response| call.read_response(&response, &self.limits));
                let is_known = matches!(current, Some(Ok(_)));
                let current = self.walk.answer(current.and_then(Result::ok).flatten());
                match current {
                    Some(current) => {
                        let version = current.version().clone();
                        self.evidence.backup = CurrentBackup::Version(Box::new(current));
                        if version.as_str().is_empty() {
                            self.keys()
                        } else {
                            Step::Sample(api::get_room_keys(&version))
                        }
                    }
                    None => {
                        if is_known {
                            self.evidence.backup = CurrentBackup::Absent;
                        }
                        self.keys()
                    }
                }
            }
            Step::Sample(_) => {
                let response = answer.filter(|response| response.status().is_success());
                if let Some(response) = response {
                    let (sessions, limits) = (self.sessions, &self.limits);
                    self.evidence.take_room_keys(response.body(), sessions, limits);
                }
                self.older()
            }
            Step::Older(call) => {
                let older = answer.map(|response| call.read_response(&response, &self.limits));
                let older = self.walk.answer(older.and_then(Result::ok).flatten());
                self.evidence.older_versions.extend(older);
                self.older()
            }
            Step::Keys(call) => {
                let keys =
                    answer.and_then(|response| call.read_response(&response, &self.limits).ok());
                self.evidence.keys = keys;
                Step::Nothing
            }
            Step::Nothing => Step::Nothing,
        }
    }

    fn older(&self) -> Step {
        self.walk.request().map_or_else(|| self.keys(), Step::Older)
    }

    fn keys(&self) -> Step {
        Step::Keys(api::query_keys([(self.evidence.user_id.clone(), vec![])], None))
    }
}

/// How many versions before the current one are asked for.
const OLDER_VERSIONS: u64 = 20;
