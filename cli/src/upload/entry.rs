//! What stands under a session ID in the backup, and what becomes of another copy.

use strongroom::{
    backup::KeyBackupMetadata, encoding::base64, ids::SessionId, session_data::SessionData,
};

/// What the backup has instead of a session, or of it.
pub(super) enum Place {
    /// Nothing, or what is worse.
    Free,
    /// As good a one.
    Taken,
    /// One that was given before, and is as good.
    Ours,
    /// One that stays, and does not open, opens fewer messages, or is another session of that ID.
    Blocked,
    /// It could not be asked.
    Unknown,
}

/// What a session ID stands for.
pub(super) type PublicKey = [u8; 32];

/// 44 bytes with its key: of 420,000 sessions, with what a map has to spare, 30 MiB.
pub(super) struct Entry {
    /// `u32::MAX` is not known, or so much that it is as bad.
    first_message_index: u32,
    forwarded_count: u32,
    is_verified: bool,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It was there before, and opens.
    There,
    /// It was there before, and does not open.
    Closed,
    Sent,
    ReadBack,
}

impl Entry {
    pub(super) fn new(metadata: &KeyBackupMetadata, state: State) -> Self {
        let number = |it: Option<u64>| it.and_then(|it| it.try_into().ok()).unwrap_or(u32::MAX);
        Self {
            first_message_index: number(metadata.first_message_index),
            forwarded_count: number(metadata.forwarded_count),
            is_verified: metadata.is_verified,
            state,
        }
    }

    fn metadata(&self) -> KeyBackupMetadata {
        let number = |it: u32| (it != u32::MAX).then(|| it.into());
        KeyBackupMetadata {
            is_verified: self.is_verified,
            first_message_index: number(self.first_message_index),
            forwarded_count: number(self.forwarded_count),
        }
    }

    /// What becomes of ours beside this one, a copy of which opens the messages from that index on: `None` if none opens, or if
    /// those that do contradict ours. Which of them lies is not known, so the first one stays.
    pub(super) fn place_of(&self, ours: &Self, opens_from: Option<u32>) -> Place {
        let is_kept = !ours.replaces(self);
        match (self.state, opens_from) {
            (State::Closed, _) => {
                if is_kept {
                    Place::Blocked
                } else {
                    Place::Free
                }
            }
            (_, None) => Place::Blocked,
            (State::There, Some(index)) if index < ours.first_message_index => Place::Taken,
            (State::There, Some(index)) if is_kept && index > ours.first_message_index => {
                Place::Blocked
            }
            (State::There, Some(_)) if is_kept => Place::Taken,
            (State::Sent | State::ReadBack, Some(_)) if is_kept => Place::Ours,
            (State::There | State::Sent | State::ReadBack, Some(_)) => Place::Free,
        }
    }

    /// What was sent is there if nothing worse is.
    pub(super) fn confirm(&mut self, there: &KeyBackupMetadata) {
        if self.state == State::Sent && !self.metadata().replaces(there) {
            self.state = State::ReadBack;
        }
    }

    fn replaces(&self, there: &Self) -> bool {
        self.metadata().replaces(&there.metadata())
    }
}

/// As the session is sealed: nothing that comes from a file or a backup says that a device is verified.
pub(super) fn metadata(session: &SessionData) -> KeyBackupMetadata {
    KeyBackupMetadata {
        is_verified: false,
        first_message_index: Some(session.session_key().first_known_index().into()),
        forwarded_count: session.forwarding_chain().len().try_into().ok(),
    }
}

/// Which session it is. Of an ID in another form there is none of ours: we have only one form.
pub(super) fn key_of(session_id: &SessionId) -> Option<PublicKey> {
    let key = base64::decode_array(session_id.as_str()).ok()?;
    (base64::encode(&key) == session_id.as_str()).then_some(key)
}

/// The same from a session, without a text.
pub(super) fn public_key(session: &SessionData) -> PublicKey {
    session.session_key().expose_bytes().last_chunk().copied().unwrap_or_default()
}
