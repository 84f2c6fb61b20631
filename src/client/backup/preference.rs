//! The preference of the account: `m.key_backup`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#mkey_backup)), or what one client wrote
//! before there was one. Only the former is written.

use super::{Backup, Call, Stage, upload::FAILURES};
use crate::client::failure::Failure;
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
            None if self.asks_old_preference => {
                Call::Preference(GetAccountData::new(user_id, BACKUP_DISABLED.into()))
            }
            None => Call::Preference(GetAccountData::new(user_id, event_type)),
        })
    }

    pub(super) fn preference_is_due(&self) -> bool {
        let is_wanted = self.kept.stage == Stage::Looking && !self.kept.preference.was_read;
        self.kept.preference.write.is_some() || is_wanted
    }

    /// What is not a boolean says nothing. The old event counts where the standard one says nothing.
    pub(super) fn preference_read(&mut self, read: Result<Option<JsonObject>, Failure>, now: u64) {
        match read {
            Ok(content) => {
                let is_old = std::mem::take(&mut self.asks_old_preference);
                let found = boolean(content.as_ref(), if is_old { "disabled" } else { "enabled" });
                self.preference.succeeded(now);
                if found.is_none() && !is_old {
                    self.asks_old_preference = true;
                } else {
                    self.preference_is(found.map(|found| found != is_old));
                }
            }
            // A server that has none to give, or always fails on it, does not keep anybody from a backup.
            Err(Failure::Refused(_) | Failure::TooLarge) => self.preference_is_hidden(now),
            Err(Failure::Later { .. }) if self.preference.failures() >= FAILURES => {
                self.preference_is_hidden(now);
            }
            Err(failure) => self.preference.failed(now, failure.wait_ms(), self.options.backoff()),
        }
    }

    fn preference_is_hidden(&mut self, now: u64) {
        self.preference.succeeded(now);
        self.preference_is(self.kept.preference.enabled);
    }

    fn preference_is(&mut self, enabled: Option<bool>) {
        self.kept.preference.enabled = enabled;
        self.kept.preference.was_read = true;
        self.asks_old_preference = false;
        self.touch();
    }

    /// The preference may have been changed while it was written: then it is written again.
    pub(super) fn preference_written(&mut self, written: Result<(), Failure>, now: u64) {
        match written {
            Ok(()) | Err(Failure::Refused(_)) => {
                let wanted = self.kept.preference.write;
                if wanted == self.preference_sent {
                    self.kept.preference.write = None;
                }
                self.preference.succeeded(now);
                self.preference_is(self.preference_sent);
            }
            Err(Failure::Later { .. }) if self.preference.failures() >= FAILURES => {
                self.kept.preference.write = None;
                self.preference.succeeded(now);
                self.preference_is(self.preference_sent);
            }
            Err(failure) => self.preference.failed(now, failure.wait_ms(), self.options.backoff()),
        }
    }
}

fn boolean(content: Option<&JsonObject>, name: &str) -> Option<bool> {
    match content?.member(name)?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

const M_KEY_BACKUP: &str = "m.key_backup";

/// The event of one client family, `{"disabled": bool}`.
const BACKUP_DISABLED: &str = "m.org.matrix.custom.backup_disabled";
