//! Writing the account data, each event only where it is still what the plan was made from.

use std::{collections::HashSet, path::Path};

use serde_json::{Value, json};
use strongroom::{Limits, api, encoding::json_object::JsonObject, ids::EventType};

use crate::{
    beginning::beginning_of,
    failure::{Failure, quoted},
    network::Account,
    to_apply::{Seen, Step},
};

pub(super) struct AccountData<'a> {
    pub(super) account: &'a Account,
    pub(super) folder: &'a Path,
    pub(super) steps: &'a [Step],
    pub(super) storage: &'a [Seen],
}

impl AccountData<'_> {
    /// Sees that the steps after so many can be taken. Of several of one event the first one can be seen.
    pub(super) fn check(&self, done: usize) -> Result<(), Failure> {
        self.require_storage()?;
        let mut seen = HashSet::new();
        for step in self.steps.iter().skip(done) {
            let (_, content) = self.content(step)?;
            if seen.insert(&step.event_type) {
                let there = self.there(&step.event_type)?;
                require_unchanged(step, &there, &content)?;
            }
        }
        Ok(())
    }

    /// Takes a step, unless it is done, and reads it back.
    pub(super) fn write(&self, number: usize) -> Result<(), Failure> {
        let Some(step) = self.steps.get(number) else { return Ok(()) };
        let (object, content) = self.content(step)?;
        let there = self.there(&step.event_type)?;
        if there == content {
            return Ok(());
        }
        require_unchanged(step, &there, &content)?;
        let put = api::put_account_data(
            &self.account.user_id,
            &EventType::from(step.event_type.as_str()),
            &object,
        );
        self.account.connection.send(&put).map_err(|trouble| self.account.failed(trouble))?;
        if self.there(&step.event_type)? == content {
            return Ok(());
        }
        Err(Failure::other(format!(
            "the homeserver took {} and shows something else: nothing more was sent; look at the account with \u{201c}strongroom \
             diagnose\u{201d}",
            quoted(&step.event_type)
        )))
    }

    /// Sees that all is there in the end: of several steps of one event, what the last one has written.
    pub(super) fn require_done(&self) -> Result<(), Failure> {
        self.require_storage()?;
        let mut seen = HashSet::new();
        for step in self.steps.iter().rev().filter(|step| seen.insert(&step.event_type)) {
            let (_, content) = self.content(step)?;
            if self.there(&step.event_type)? != content {
                return Err(changed(&step.event_type));
            }
        }
        Ok(())
    }

    /// Sees that the keys are still those that the steps encrypt to.
    fn require_storage(&self) -> Result<(), Failure> {
        for seen in self.storage {
            if self.there(&seen.event_type)? != seen.content {
                return Err(changed(&seen.event_type));
            }
        }
        Ok(())
    }

    /// What a step writes.
    fn content(&self, step: &Step) -> Result<(JsonObject, Value), Failure> {
        let path = self.folder.join(&step.file);
        let (bytes, _) = beginning_of(&path, &Limits::default())?;
        let object = JsonObject::from_json(bytes.expose_bytes())
            .map_err(|error| Failure::content(&path, error))?;
        let content = value(&object)?;
        Ok((object, content))
    }

    /// What the homeserver has; of what it has not, `{}`, as of what was deleted.
    fn there(&self, event_type: &str) -> Result<Value, Failure> {
        let get = api::get_account_data(&self.account.user_id, &EventType::from(event_type));
        let there = self.account.connection.send(&get).map_err(|it| self.account.failed(it))?;
        there.map_or_else(|| Ok(json!({})), |there| value(&there))
    }
}

fn require_unchanged(step: &Step, there: &Value, content: &Value) -> Result<(), Failure> {
    let before = step.before.clone().unwrap_or_else(|| json!({}));
    if *there == before || there == content {
        return Ok(());
    }
    Err(changed(&step.event_type))
}

fn changed(event_type: &str) -> Failure {
    Failure::other(format!(
        "the account has changed since this was planned, in {}: nothing more was sent; make another plan with \u{201c}strongroom \
         repair\u{201d}, which starts from what there is now",
        quoted(event_type)
    ))
}

fn value(object: &JsonObject) -> Result<Value, Failure> {
    serde_json::from_str(object.as_str()).map_err(|error| Failure::other(error.to_string()))
}
