//! The preference of the account: `m.key_backup`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)).

use super::{Backup, Call, Stage, answer::Failure};
use crate::{
    api::{GetAccountData, PutAccountData},
    encoding::json_object::JsonObject,
};

impl Backup {
    /// The next request about the preference, if one is due.
    pub(super) fn preference_call(&mut self, now: u64) -> Option<Call> {
        if !self.preference.is_free(now) || !self.preference_is_due() {
            return None;
        }
        let (user_id, event_type) = (self.user_id.clone(), M_KEY_BACKUP.into());
        Some(match self.kept.preference.write {
            Some(enabled) => {
                self.preference_sent = Some(enabled);
                let content = JsonObject::from_our_own(&format!(r#"{{"enabled":{enabled}}}"#));
                Call::SetPreference(PutAccountData::new(user_id, event_type, content))
            }
            None => Call::Preference(GetAccountData::new(user_id, event_type)),
        })
    }

    pub(super) fn preference_is_due(&self) -> bool {
        let is_wanted = self.kept.stage == Stage::Looking && !self.kept.preference.was_read;
        self.kept.preference.write.is_some() || is_wanted
    }

    /// What is not a boolean says nothing.
    pub(super) fn preference_read(&mut self, read: Result<Option<JsonObject>, Failure>, now: u64) {
        match read {
            Ok(content) => {
                let enabled = content.as_ref().and_then(|content| content.member("enabled"));
                self.kept.preference.enabled = match enabled.map(|enabled| enabled.get()) {
                    Some("true") => Some(true),
                    Some("false") => Some(false),
                    _ => None,
                };
                self.kept.preference.was_read = true;
                self.touch();
                self.preference.succeeded(now);
            }
            // A server that has none to give does not keep anybody from a backup.
            Err(Failure::Refused(_) | Failure::TooLarge) => {
                self.kept.preference.was_read = true;
                self.touch();
                self.preference.succeeded(now);
            }
            Err(failure) => self.preference.failed(now, failure.wait_ms(), &self.options),
        }
    }

    /// The preference may have been changed while it was written: then it is written again.
    pub(super) fn preference_written(&mut self, written: Result<(), Failure>, now: u64) {
        match written {
            Ok(()) | Err(Failure::Refused(_)) => {
                let wanted = self.kept.preference.write;
                if wanted == self.preference_sent {
                    self.kept.preference.write = None;
                }
                self.kept.preference.enabled = self.preference_sent;
                self.kept.preference.was_read = true;
                self.touch();
                self.preference.succeeded(now);
            }
            Err(failure) => self.preference.failed(now, failure.wait_ms(), &self.options),
        }
    }
}

const M_KEY_BACKUP: &str = "m.key_backup";
