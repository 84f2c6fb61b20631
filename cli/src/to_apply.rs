//! A folder with what is to be done to an account: as `migrate` and `repair` write it, and `apply` does it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom::{
    api::{self, AccessToken, BaseUrl},
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
    secret_storage::{NewKey, PlanStep},
};

use crate::{
    failure::{Failure, shown, visible},
    folder::NewFolder,
};

/// What `plan.json` says: first what is done to the backup, then the account data, in their order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ToApply {
    pub(crate) user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backup: Option<Backup>,
    pub(crate) steps: Vec<Step>,
    /// The keys of the key storage, which the steps encrypt to.
    pub(crate) storage: Vec<Seen>,
    pub(crate) notes: Vec<String>,
}

/// Message keys that are put into a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Backup {
    /// Whether it is made first.
    pub(crate) is_new: bool,
    /// The public key that the message keys are sealed to.
    pub(crate) public_key: String,
    /// How many message keys there are.
    pub(crate) count: u64,
    /// How many the backup has that opened with its key, if it is not made first.
    pub(crate) kept: u64,
    /// All versions that there were, the current one first.
    pub(crate) versions: Vec<SeenVersion>,
}

/// A version of the backup when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenVersion {
    pub(crate) version: String,
    pub(crate) etag: Option<String>,
    pub(crate) count: Option<u64>,
    /// Whether all its message keys were opened.
    pub(crate) is_all_open: bool,
}

/// What is not written, and has to be as it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) event_type: String,
    pub(crate) content: Value,
}

/// A write to the account data.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) event_type: String,
    /// The file with its content.
    pub(crate) file: String,
    /// What the event must still hold; nothing if there is none.
    pub(crate) before: Option<Value>,
    pub(crate) reason: String,
}

impl ToApply {
    /// Nothing yet.
    pub(crate) fn of(user_id: Option<&UserId>) -> Self {
        Self { user_id: user_id.map(|it| it.as_str().to_owned()), ..Self::default() }
    }

    /// What may be deleted afterwards, and what not.
    fn advice(&self) -> Vec<String> {
        let others = self.backup.iter().flat_map(Backup::others);
        let (open, closed): (Vec<_>, Vec<_>) =
            others.partition(|version| version.is_all_open && version.is_countable());
        let mut advice =
            vec!["Nothing here deletes anything, and nothing has to be deleted.".to_owned()];
        if !open.is_empty() {
            advice.push(format!(
                "Afterwards, and not before \u{201c}strongroom apply\u{201d} says so, these backups may be deleted, since every \
                 message key in them is then in the other one: {}.",
                names(open)
            ));
        }
        if !closed.is_empty() {
            advice.push(format!(
                "These have to stay, since not all of their message keys were opened: {}.",
                names(closed)
            ));
        }
        advice
    }

    /// Notes what the key storage was when this was planned: another client may put new keys in the place of those.
    pub(crate) fn see<'a>(
        &mut self,
        account_data: impl Iterator<Item = &'a (EventType, JsonObject)>,
    ) {
        let is_key = |it: &str| it == DEFAULT_KEY || it.starts_with("m.secret_storage.key.");
        let mut seen = BTreeMap::from([(DEFAULT_KEY.to_owned(), json!({}))]);
        for (event_type, content) in account_data.filter(|(it, _)| is_key(it.as_str())) {
            let content = serde_json::from_str(content.as_str()).unwrap_or_default();
            seen.insert(event_type.as_str().to_owned(), content);
        }
        let seen = seen.into_iter().map(|(event_type, content)| Seen { event_type, content });
        self.storage = seen.collect();
    }

    /// A file for each content, and what is to be done with them: for programs, and for people.
    pub(crate) fn write(&mut self, folder: &NewFolder, steps: &[PlanStep]) -> Result<(), Failure> {
        for (number, step) in (self.first_number()..).zip(steps) {
            let file = format!("{number:02}.json");
            folder.write(&file, step.content.as_bytes())?;
            let before = step.before.as_ref();
            self.steps.push(Step {
                event_type: step.event_type.as_str().to_owned(),
                file,
                before: before.and_then(|it| serde_json::from_str(it.as_str()).ok()),
                reason: step.reason.to_string(),
            });
        }
        let steps = &self.steps;
        self.storage.retain(|seen| steps.iter().all(|it| it.event_type != seen.event_type));
        let for_programs = serde_json::to_string_pretty(self);
        let for_programs = for_programs.map_err(|error| Failure::other(error.to_string()))?;
        folder.write(PLAN, format!("{for_programs}\n").as_bytes())?;
        folder.write(LIST, self.list()?.as_bytes())
    }

    /// All that is done, for people. Whoever has changed the plan has changed this.
    pub(crate) fn list(&self) -> Result<String, Failure> {
        let mut list = self.backup.as_ref().map(Backup::list).unwrap_or_default();
        for (number, step) in (self.first_number()..).zip(&self.steps) {
            let request = visible(&step.request(self.user_id.as_deref())?);
            let (reason, file) = (visible(&step.reason), visible(&step.file));
            // Nothing can go wrong in a text.
            let _ = writeln!(list, "{number}. {reason}\n   {request}  with what is in {file}");
        }
        for note in &self.notes {
            let _ = writeln!(list, "Note: {}", visible(note));
        }
        let _ = writeln!(list);
        for sentence in self.advice() {
            let _ = writeln!(list, "{sentence}");
        }
        Ok(list)
    }

    /// Of the first write to the account data.
    fn first_number(&self) -> usize {
        if self.backup.is_some() { 3 } else { 1 }
    }
}

impl Step {
    /// Whether it writes what lies in the folder itself.
    pub(crate) fn is_of_folder(&self, folder: &Path) -> bool {
        let mut parts = Path::new(&self.file).components();
        let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        let kind = folder.join(&self.file).symlink_metadata();
        is_name && kind.is_ok_and(|kind| kind.is_file())
    }

    /// `PUT` and the path.
    fn request(&self, user_id: Option<&str>) -> Result<String, Failure> {
        let failed = |error: &dyn std::error::Error| Failure::other(error.to_string());
        let nothing = JsonObject::from_json(b"{}").map_err(|error| failed(&error))?;
        let event_type = EventType::from(self.event_type.as_str());
        let put = api::put_account_data(&user_id.unwrap_or("USER").into(), &event_type, &nothing);
        let nowhere = BaseUrl::new("https://localhost").map_err(|error| failed(&error))?;
        let request =
            put.to_http(&nowhere, &AccessToken::from("none")).map_err(|error| failed(&error))?;
        Ok(format!("{} {}", request.method(), request.uri().path()))
    }
}

impl SeenVersion {
    /// Whether it would show if something came into it.
    pub(crate) fn is_countable(&self) -> bool {
        self.etag.is_some() && self.count.is_some()
    }
}

impl Backup {
    /// The versions that nothing is put into.
    pub(crate) fn others(&self) -> impl Iterator<Item = &SeenVersion> {
        self.versions.iter().skip(usize::from(!self.is_new))
    }

    fn list(&self) -> String {
        let first = if self.is_new {
            format!(
                "1. Create a backup with the key that is in {BACKUP_KEY}. The former ones stay.\n   POST \
                 /_matrix/client/v3/room_keys/version"
            )
        } else {
            format!("1. See that the backup is still the one whose key is in {BACKUP_KEY}.")
        };
        format!(
            "{first}\n2. Put the message keys in {SESSIONS} into it ({}), which are encrypted to that key, read them back, open \
             them, and compare.\n   PUT /_matrix/client/v3/room_keys/keys\n",
            self.count
        )
    }
}

/// A list of versions, as they are shown.
pub(crate) fn names<'a>(versions: impl IntoIterator<Item = &'a SeenVersion>) -> String {
    let names = versions.into_iter().map(|it| format!("version {}", shown(&it.version)));
    names.collect::<Vec<_>>().join(", ")
}

/// The recovery key of a new key of the key storage.
pub(crate) fn write_recovery_key(folder: &NewFolder, new_key: &NewKey) -> Result<(), Failure> {
    let text = new_key.to_recovery_key().map(|key| key.to_text());
    let text = text.ok_or_else(|| Failure::other("the new key has no recovery key"))?;
    folder.write(RECOVERY_KEY, text.expose_str().as_bytes())
}

const DEFAULT_KEY: &str = "m.secret_storage.default_key";

pub(crate) const PLAN: &str = "plan.json";
pub(crate) const LIST: &str = "plan.txt";
pub(crate) const RECOVERY_KEY: &str = "recovery_key.txt";

/// The key of the backup, as a recovery key.
pub(crate) const BACKUP_KEY: &str = "backup_key.txt";

/// A folder of message keys, encrypted to it.
pub(crate) const SESSIONS: &str = "sessions";

/// A folder with everything that there was.
pub(crate) const ARCHIVE: &str = "archive";
