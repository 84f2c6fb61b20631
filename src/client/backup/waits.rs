//! What the machine waits for.

use std::collections::BTreeSet;

use super::{Backup, RequestKind, Stage, kept::Vaulted, making::Making, upload::Supply};
use crate::client::waiting::{Awaited, Waiting};

impl Backup {
    /// What the machine waits for, as of the last [`next`](Self::next), with the reasons: requests that are on their way or
    /// have failed, the access token, the end of a rate limit, and what the host or the user was asked for. Nothing if all is
    /// well, and only news or the next regular look is waited for.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<Waiting> {
        self.office.courier.waiting_for(&self.wanted_requests())
    }

    /// The requests that the machine wants to send, now or later.
    pub(in crate::client) fn wanted_requests(&self) -> BTreeSet<RequestKind> {
        let mut wanted = BTreeSet::new();
        if self.version_is_due() {
            wanted.insert(self.version_kind());
        }
        if self.stage() == Stage::Confirming {
            wanted.insert(RequestKind::CreateVersion);
        }
        if self.stage() == Stage::Disabling {
            wanted.insert(RequestKind::DeleteVersion);
        }
        if self.preference.is_due(self.stage()) {
            wanted.extend(self.preference.kinds());
        }
        if self.state.in_use().is_some() {
            wanted.extend([RequestKind::Upload, RequestKind::CompareSession]);
        }
        wanted.extend(self.download.kinds());
        wanted
    }

    /// What the host was asked for and has not done.
    pub(in crate::client) fn awaited_of_host(&self) -> Vec<Awaited> {
        let is_secret_awaited = matches!(self.kept.vaulted, Vaulted::Asked(_));
        let is_secret_awaited = is_secret_awaited && self.secret_task().is_some();
        let supply = self.state.in_use().map(|in_use| in_use.supply);
        let awaited = [
            (self.office.desk.is_saving, Awaited::Saved),
            (self.state.making().is_some_and(Making::awaits_signatures), Awaited::Signatures),
            (self.office.desk.awaits_ack(), Awaited::Acknowledgement),
            (supply == Some(Supply::Asked), Awaited::Sessions),
            (is_secret_awaited, Awaited::SecretStorage),
            (!self.office.desk.asked.is_empty(), Awaited::Reply),
        ];
        awaited.into_iter().filter(|(is_awaited, _)| *is_awaited).map(|(_, what)| what).collect()
    }
}
