//! What the user replies.

use super::{AnswerError, Backup, Question, QuestionId, Reply, download::Facts, stage::Event};

impl Backup {
    /// The user has replied to a question.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the question is not open any more, the reply does not fit it, or the backup that is to be
    /// used is not trusted. Nothing has changed then.
    pub fn reply(&mut self, id: QuestionId, reply: Reply) -> Result<(), AnswerError> {
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
            (Reply::Restore(choice), _) => self.download.choose(&mut self.office, choice),
        }
        self.office.desk.asked.retain(|(asked, _)| *asked != id);
        Ok(())
    }

    /// The user has what opens the backup, so nothing is asked about it any more.
    pub(in crate::client) fn recovery_key_saved(&mut self) {
        self.kept.recovery_key_unsaved = false;
        self.office.touch();
    }

    /// The questions that are open as things stand.
    pub(super) fn questions(&self) -> Vec<Question> {
        let facts = Facts::new(&self.look, &self.kept, true);
        let questions = [
            self.stage_question(),
            self.recovery_key_question(),
            self.download.restore_question(facts),
            self.download.key_question(facts),
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
