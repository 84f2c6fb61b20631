//! Of several copies of a session, the best one.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use sha2::{Digest as _, Sha256};

use super::ExportedSession;

/// Finds the best copy of each session where several sources have copies, versions of a backup and key files, say, without
/// keeping the copies: all sources are read twice.
///
/// The order is that of [`SessionData::replaces`](super::SessionData::replaces); of copies that are equal in it, the one that was
/// seen first is the best. What a homeserver says beside a session, `is_verified` above all, is left out: it could make a copy
/// win that opens fewer messages.
///
/// Copies of one session have its ID, one room, since nothing but a homeserver's word says which room is the right one, and one
/// ratchet, whose slowest part is the same whichever of the first 16 million messages they begin with. So nobody makes a session
/// vanish by something that pretends to be a better copy: whoever knows no more than the public key of a backup can make up
/// none.
///
/// What is kept of a session are 24 bytes; of 420,000 sessions, with what a map has to spare, 20 MiB.
///
/// ```
/// use strongroom::session_data::{BestCopies, ExportedSession};
///
/// fn merge(sources: &[Vec<ExportedSession>]) -> Vec<&ExportedSession> {
///     let mut best = BestCopies::default();
///     for (place, source) in sources.iter().enumerate() {
///         source.iter().for_each(|session| best.see(place, session));
///     }
///     let all = sources.iter().enumerate();
///     let all = all.flat_map(|(place, source)| source.iter().map(move |it| (place, it)));
///     all.filter_map(|(place, session)| best.take(place, session).then_some(session)).collect()
/// }
/// # assert!(merge(&[]).is_empty());
/// ```
#[derive(Default)]
pub struct BestCopies(HashMap<[u64; 2], (Rank, u16)>);

/// The lower one is better.
type Rank = (u32, u16);

impl BestCopies {
    /// Takes note of a copy in the source that has this number.
    pub fn see(&mut self, place: usize, session: &ExportedSession) {
        let this = (rank(session), number_of(place));
        match self.0.entry(name(session)) {
            Entry::Vacant(entry) => drop(entry.insert(this)),
            Entry::Occupied(mut best) if this < *best.get() => drop(best.insert(this)),
            Entry::Occupied(_) => {}
        }
    }

    /// Whether this copy, in the source that has this number, is the best one: `true` once for each session that was seen, however
    /// often the source has that copy, and always for one that was not.
    pub fn take(&mut self, place: usize, session: &ExportedSession) -> bool {
        let Some(best) = self.0.get_mut(&name(session)) else { return true };
        let is_best = *best == (rank(session), number_of(place));
        if is_best {
            best.1 = TAKEN;
        }
        is_best
    }

    /// The index of the first message that the best copy of this session opens, if one was seen.
    #[must_use]
    pub fn first_index(&self, session: &ExportedSession) -> Option<u32> {
        self.0.get(&name(session)).map(|((first_index, _), _)| *first_index)
    }

    /// Whether a copy was seen that is as good.
    #[must_use]
    pub fn has(&self, session: &ExportedSession) -> bool {
        self.0.get(&name(session)).is_some_and(|(best, _)| *best <= rank(session))
    }
}

impl fmt::Debug for BestCopies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(sessions) = self;
        f.debug_struct("BestCopies").field("sessions", &sessions.len()).finish_non_exhaustive()
    }
}

fn rank(session: &ExportedSession) -> Rank {
    let session = &session.session;
    let forwarded = u16::try_from(session.forwarding_chain().len()).unwrap_or(u16::MAX);
    (session.session_key().first_known_index(), forwarded)
}

/// Sources beyond the first 65,534 are alike.
fn number_of(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX).min(TAKEN - 1)
}

/// A hash of what the copies of a session have in common, long enough that nobody finds a second one that is alike: the public
/// key, which is its ID, the slow part of the ratchet and the room.
fn name(session: &ExportedSession) -> [u64; 2] {
    let key = session.session.session_key();
    let hash = Sha256::new()
        .chain_update(key.public_key_bytes())
        .chain_update(key.expose_slow_part())
        .chain_update(session.room_id.as_str())
        .finalize();
    let (parts, _) = hash.as_chunks();
    let part = |place| parts.get(place).map_or(0, |part| u64::from_le_bytes(*part));
    [part(0), part(1)]
}

/// In the place of the number of a source.
const TAKEN: u16 = u16::MAX;
