//! Questions to the user, with the facts that a person needs.

// docs/decisions.md, 27: the user is asked about facts of today.

use super::{AnswerError, Backup, Scope, TaskId, download::RestoreChoice, stage::Event};
use crate::{
    api::ApiError,
    backup::{BackupPublicKey, TrustError},
    ids::{BackupVersion, RoomId, SessionId},
    recovery_key::RecoveryKey,
    signed_json::SignatureReport,
};

/// A question to the user. It is answered by [`Backup::reply`](super::Backup::reply), and void when another
/// question takes its place or [`Backup::open_questions`](super::Backup::open_questions) has it no more.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Question {
    /// There is no backup. [`Reply::Create`] makes one, [`Reply::Stop`] remembers that the user wants none.
    SetUp {
        /// What the account data `m.key_backup` says, if it says anything. The homeserver can write it.
        preference: Option<bool>,
    },
    /// The homeserver does not say which backup there is. It is asked at once if the homeserver shows a backup without a
    /// version; after half a minute, or five answers, if what it shows is no backup; and after more than an hour, or 16
    /// answers, if it refuses or fails, or something before it answers. That passes by itself more often than not, and whoever
    /// makes a new backup loses sight of a good one; until then [`Backup::waiting_for`](super::Backup::waiting_for) says why
    /// nothing goes on. [`Reply::Create`] makes a new one in the place of whatever is there, [`Reply::Stop`] leaves all as it is. The homeserver
    /// is asked again meanwhile.
    Unseen {
        /// What it answers.
        error: ApiError,
        /// What the account data `m.key_backup` says, if it says anything. The homeserver can write it.
        preference: Option<bool>,
    },
    /// There is a backup, which this device has not used yet. [`Reply::Use`] needs it to be trusted;
    /// [`Reply::Create`] puts a new one in its place, [`Reply::Stop`] leaves all as it is and uploads nothing.
    Use {
        /// What is known of it.
        found: FoundBackup,
        /// What the account data `m.key_backup` says, if it says anything. The homeserver can write it.
        preference: Option<bool>,
    },
    /// The backup is not the one that this device has used. Replies as for [`Question::Use`].
    Changed {
        /// The version that was used, and its public key.
        used: (BackupVersion, BackupPublicKey),
        /// What is known of the one that took its place; nothing if there is no backup any more.
        found: Option<FoundBackup>,
        /// What the account data `m.key_backup` says, if it says anything. The homeserver can write it.
        preference: Option<bool>,
    },
    /// There is a new backup. Without this key nobody opens it: [`Reply::Saved`] once the user has written it down
    /// or stored it.
    SaveRecoveryKey {
        /// The public key of the backup.
        public_key: BackupPublicKey,
        /// What the user is shown.
        recovery_key: RecoveryKey,
    },
    /// A message cannot be decrypted, and the backup may have its session. [`Reply::RestoreSession`] and the three after it say
    /// how much to fetch now and whenever this happens again.
    Restore {
        /// The room of the message.
        room_id: RoomId,
        /// Its session.
        session_id: SessionId,
        /// How many sessions the server says the backup has.
        count: Option<u64>,
    },
    /// Sessions are wanted from the backup, and this device does not have its key: see
    /// [`Backup::give_key`](super::Backup::give_key).
    DecryptionKey {
        /// The version.
        version: BackupVersion,
        /// The public key that the decryption key has to belong to, by the word of the server.
        public_key: BackupPublicKey,
    },
}

/// A backup on the server, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundBackup {
    /// Its version.
    pub version: BackupVersion,
    /// Its public key, if it can be read.
    pub public_key: Option<BackupPublicKey>,
    /// Why it is not trusted; nothing if it is, so that the user may choose it. It is judged by the signers that the host has
    /// [given last](super::Backup::set_signers): after the identity was reset they are to be given first.
    pub problem: Option<TrustError>,
    /// Who signed it: every signature by this user, with what is known of the signer.
    pub signatures: Option<SignatureReport>,
    /// How many sessions the server says it has.
    pub count: Option<u64>,
}

/// What the user replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Make a new backup.
    Create,
    /// Use this one.
    Use,
    /// No backup on this device.
    Stop,
    /// The recovery key is saved.
    Saved,
    /// Fetch the session of the message, now and from now on.
    RestoreSession,
    /// Fetch all sessions of its room, now and from now on.
    RestoreRoom,
    /// Fetch the whole backup once, and single sessions from then on.
    RestoreEverything,
    /// Fetch nothing, now and from now on.
    RestoreNothing,
}

impl FoundBackup {
    /// Whether it is the same, however many sessions other devices have stored meanwhile.
    fn is_same(&self, other: &Self) -> bool {
        let Self { version, public_key, problem, signatures, count: _ } = self;
        (version, public_key, problem, signatures)
            == (&other.version, &other.public_key, &other.problem, &other.signatures)
    }
}

impl Question {
    /// Whether it asks the same about the same facts.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::SetUp { preference: a }, Self::SetUp { preference: b })
            | (Self::Unseen { preference: a, .. }, Self::Unseen { preference: b, .. }) => a == b,
            (Self::Use { found: a, preference: b }, Self::Use { found: c, preference: d }) => {
                a.is_same(c) && b == d
            }
            (
                Self::Changed { used: a, found: b, preference: e },
                Self::Changed { used: c, found: d, preference: f },
            ) => {
                let is_same = b.is_some() == d.is_some();
                a == c && is_same && b.iter().zip(d).all(|(b, d)| b.is_same(d)) && e == f
            }
            (
                Self::SaveRecoveryKey { public_key: a, .. },
                Self::SaveRecoveryKey { public_key: b, .. },
            ) => a == b,
            (
                Self::Restore { room_id: a, session_id: b, .. },
                Self::Restore { room_id: c, session_id: d, .. },
            ) => (a, b) == (c, d),
            (
                Self::DecryptionKey { version: a, public_key: b },
                Self::DecryptionKey { version: c, public_key: d },
            ) => (a, b) == (c, d),
            _ => false,
        }
    }

    /// Whether it asks what to do about the backup as a whole.
    pub(super) fn is_about_backup(&self) -> bool {
        matches!(
            self,
            Self::SetUp { .. } | Self::Unseen { .. } | Self::Use { .. } | Self::Changed { .. }
        )
    }

    /// Whether it is about a backup, and the account's preference says that none is wanted.
    pub(in crate::client) fn is_unwanted(&self) -> bool {
        matches!(
            self,
            Self::SetUp { preference: Some(false) }
                | Self::Unseen { preference: Some(false), .. }
                | Self::Use { preference: Some(false), .. }
                | Self::Changed { preference: Some(false), .. }
        )
    }

    pub(super) fn offered(&self) -> Option<&BackupVersion> {
        match self {
            Self::Use { found, .. } | Self::Changed { found: Some(found), .. } => {
                Some(&found.version)
            }
            _ => None,
        }
    }

    pub(super) fn takes(&self, reply: Reply) -> bool {
        match self {
            Self::SetUp { .. } | Self::Unseen { .. } => {
                matches!(reply, Reply::Create | Reply::Stop)
            }
            Self::Use { .. } | Self::Changed { .. } => {
                matches!(reply, Reply::Create | Reply::Use | Reply::Stop)
            }
            Self::SaveRecoveryKey { .. } => reply == Reply::Saved,
            Self::Restore { .. } => matches!(
                reply,
                Reply::RestoreSession
                    | Reply::RestoreRoom
                    | Reply::RestoreEverything
                    | Reply::RestoreNothing
            ),
            Self::DecryptionKey { .. } => false,
        }
    }
}

impl Backup {
    /// The user has replied to a question.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the question is not open any more, the reply does not fit it, or the backup that is to be
    /// used is not trusted. Nothing has changed then.
    pub fn reply(&mut self, id: TaskId, reply: Reply) -> Result<(), AnswerError> {
        let (_, question) = self
            .office
            .desk
            .asked
            .iter()
            .find(|(asked, _)| *asked == id)
            .ok_or(AnswerError::NotAwaited)?;
        if !question.takes(reply) {
            return Err(AnswerError::OtherQuestion);
        }
        let question = question.clone();
        if !self.questions().iter().any(|open| open.is_same(&question)) {
            return Err(AnswerError::NotAwaited);
        }
        match (reply, &question) {
            (Reply::Create, _) => self.turn(Event::Create),
            (Reply::Use, _) => self.use_found()?,
            (Reply::Stop, Question::SetUp { .. }) => {
                self.preference.known.write = Some(false);
                self.turn(Event::Stop);
            }
            (Reply::Stop, _) => self.turn(Event::Stop),
            (Reply::Saved, _) => self.recovery_key_saved(),
            (Reply::RestoreSession, _) => self.restores(RestoreChoice::Session),
            (Reply::RestoreRoom, _) => self.restores(RestoreChoice::Room),
            (Reply::RestoreEverything, _) => self.restores(RestoreChoice::Everything),
            (Reply::RestoreNothing, _) => self.restores(RestoreChoice::Nothing),
        }
        self.office.desk.asked.retain(|(asked, _)| *asked != id);
        Ok(())
    }

    /// The user has what opens the backup, so nothing is asked about it any more.
    pub(in crate::client) fn recovery_key_saved(&mut self) {
        self.kept.recovery_key_unsaved = false;
        self.office.touch();
    }

    pub(super) fn questions(&self) -> Vec<Question> {
        let questions = [
            self.stage_question(),
            self.recovery_key_question(),
            self.restore_question(),
            self.key_question(),
        ];
        questions.into_iter().flatten().collect()
    }

    /// The key is shown while its backup is in use, and only then.
    fn recovery_key_question(&self) -> Option<Question> {
        let public_key = *self.trusted()?.public_key();
        let key = self.kept.key_of(&public_key)?;
        let recovery_key = key.to_recovery_key();
        let is_unsaved = self.kept.recovery_key_unsaved;
        is_unsaved.then_some(Question::SaveRecoveryKey { public_key, recovery_key })
    }

    fn restore_question(&self) -> Option<Question> {
        let Scope::Session(room_id, session_id) = self.download.first_undecided.clone()? else {
            return None;
        };
        let count = self.look.found()?.count();
        Some(Question::Restore { room_id, session_id, count })
    }

    fn key_question(&self) -> Option<Question> {
        let public_key = self.look.public_key()?;
        let is_wanted = !self.download.wanted.is_empty() && !self.has_key();
        let version = self.look.found().filter(|_| is_wanted)?.version().clone();
        Some(Question::DecryptionKey { version, public_key })
    }

    fn use_found(&mut self) -> Result<(), AnswerError> {
        let found = self.look.found.as_ref().ok_or(AnswerError::NoBackup)?;
        let backup = self.trust(found)?;
        self.adopt(&backup);
        self.turn(Event::Use(backup));
        if self.preference.known.enabled == Some(false) {
            self.preference.known.write = Some(true);
        }
        Ok(())
    }
}
