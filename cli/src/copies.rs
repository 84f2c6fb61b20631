//! Of several copies of a message key, the better one.

use std::collections::HashMap;

use strongroom::session_data::ExportedSession;

/// For each session how good its best copy is, and where that is. What is kept of one are some 50 bytes.
#[derive(Default)]
pub(crate) struct Best(HashMap<u128, (Rank, usize)>);

/// The lower first index is better, then the shorter forwarding chain: the order of `SessionData::replaces`.
type Rank = (u32, usize);

impl Best {
    /// A copy in the file, or response, of this number.
    pub(crate) fn see(&mut self, place: usize, session: &ExportedSession) {
        let this = (rank(session), place);
        let known = self.0.entry(number(session)).or_insert(this);
        *known = this.min(*known);
    }

    /// Whether this copy is the best one, or none was seen.
    pub(crate) fn is_best(&self, place: usize, session: &ExportedSession) -> bool {
        self.0.get(&number(session)).is_none_or(|(_, best)| *best == place)
    }

    /// Whether a copy that is as good was seen.
    pub(crate) fn has(&self, session: &ExportedSession) -> bool {
        self.0.get(&number(session)).is_some_and(|(best, _)| *best <= rank(session))
    }
}

fn rank(session: &ExportedSession) -> Rank {
    let session = &session.session;
    (session.session_key().first_known_index(), session.forwarding_chain().len())
}

/// The half of the session's public key, which is its ID: long enough that nobody finds two alike.
fn number(session: &ExportedSession) -> u128 {
    let key = session.session.session_key().expose_bytes();
    let (_, public_key) = key.split_at(key.len() - 32);
    public_key.first_chunk().map_or(0, |half| u128::from_le_bytes(*half))
}
