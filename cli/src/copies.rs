//! Of several copies of a message key, the better one.

use std::collections::HashMap;

use strongroom::session_data::ExportedSession;

/// For each session how good its best copy is, and where that is. What is kept of one are 24 bytes: of 420,000 sessions, with what
/// a map has to spare, 20 MiB.
#[derive(Default)]
pub(crate) struct Best(HashMap<[u64; 2], (Rank, u16)>);

/// The lower first index is better, then the shorter forwarding chain: the order of `SessionData::replaces`.
type Rank = (u32, u16);

impl Best {
    /// A copy in the file, or response, of this number.
    pub(crate) fn see(&mut self, place: usize, session: &ExportedSession) {
        let this = (rank(session), saturating(place));
        let known = self.0.entry(number(session)).or_insert(this);
        *known = this.min(*known);
    }

    /// Whether this copy is the best one, or none was seen.
    pub(crate) fn is_best(&self, place: usize, session: &ExportedSession) -> bool {
        self.0.get(&number(session)).is_none_or(|(_, best)| *best == saturating(place))
    }

    /// From which message on the best copy opens, if there is one.
    pub(crate) fn first_index(&self, session: &ExportedSession) -> Option<u32> {
        self.0.get(&number(session)).map(|((first_index, _), _)| *first_index)
    }

    /// Whether a copy that is as good was seen.
    pub(crate) fn has(&self, session: &ExportedSession) -> bool {
        self.0.get(&number(session)).is_some_and(|(best, _)| *best <= rank(session))
    }
}

fn rank(session: &ExportedSession) -> Rank {
    let session = &session.session;
    (session.session_key().first_known_index(), saturating(session.forwarding_chain().len()))
}

/// More of them than this are alike.
fn saturating(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The half of the session's public key, which is its ID: long enough that nobody finds two alike.
fn number(session: &ExportedSession) -> [u64; 2] {
    let key = session.session.session_key().expose_bytes();
    let (_, public_key) = key.split_at(key.len() - 32);
    let (halves, _) = public_key.as_chunks();
    let half = |place| halves.get(place).map_or(0, |half| u64::from_le_bytes(*half));
    [half(0), half(1)]
}
