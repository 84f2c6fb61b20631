//! A plan: what to write to the account data, in which order, and how to be sure of each step.

// docs/decisions.md, 22: a change of the secret storage is a plan.

use std::fmt;

use super::ChangeError;
use crate::{
    Limits,
    encoding::{canonical_json::JsonValue, json_object::JsonObject},
    excerpt::Excerpt,
    ids::{EventType, SecretName, SecretStorageKeyId},
    secret_storage::opened_secret::SecretOrigin,
    secret_value::is_former_backup_key,
};

/// An ordered list of writes to an account's data.
///
/// Account data has no compare-and-swap. So each step is written only where its event is still what the
/// plan was made from, and the next step is taken only when what was written was read back:
///
/// ```text
/// while let Some(step) = plan.next() {
///     plan.check_before(GET step.event_type)?     else: read the account data, and plan again
///     PUT step.event_type, step.content
///     plan.read_back(GET step.event_type)?        else: read the account data, and plan again
/// }
/// ```
///
/// After any number of steps, whether or not the answers arrived, every secret opens with a key that the
/// user has. A plan that was interrupted is not resumed but made again, from what the server has then.
#[derive(Debug, Clone)]
pub struct Plan {
    steps: Vec<PlanStep>,
    notes: Vec<PlanNote>,
    done: usize,
}

/// One write.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlanStep {
    /// The type of the event to write.
    pub event_type: EventType,
    /// What the event must still hold; `None` for an event that is not there, or `{}`.
    pub before: Option<JsonObject>,
    /// What to write.
    pub content: JsonObject,
    /// Why, as a sentence.
    pub reason: PlanNote,
}

/// Why something is written, or left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlanNote {
    /// A new key becomes known.
    DescribeKey(SecretStorageKeyId),
    /// A key whose description is gone is described again.
    DescribeKeyAgain(SecretStorageKeyId),
    /// A new secret is stored.
    Store(SecretName),
    /// A secret gets another value. Keys that cannot be written with do not open it any more.
    Replace(SecretName, Vec<SecretStorageKeyId>),
    /// A secret that other keys open becomes readable with these keys as well.
    AddEntries(SecretName, Vec<SecretStorageKeyId>),
    /// A secret is not readable any more with keys that are given up; others open it.
    RemoveEntries(SecretName, Vec<SecretStorageKeyId>),
    /// A secret goes.
    Delete(SecretName),
    /// A secret stands under its current name now, so the old one goes.
    DeleteOldName(SecretName),
    /// The default key changes.
    SetDefault(SecretStorageKeyId),
    /// No key is the default one any more.
    RemoveDefault(SecretStorageKeyId),
    /// A key goes that opens nothing any more.
    RemoveKey(SecretStorageKeyId),
    /// Nobody vouches for the secret: anybody could have put it there. It moves if the user accepts this
    /// secret by its name.
    NeedsAcceptance(SecretName, SecretOrigin),
    /// The secret does not belong to the public key that was verified, so it does not move.
    Contradicted(SecretName),
    /// No key at hand opens the secret.
    NotOpened(SecretName),
    /// A secret stands under its current name and under an old one, with different values.
    TwoValues(SecretName),
    /// A secret is stored with another value than the one at hand, and stays as it is.
    OtherValue(SecretName),
    /// A key stays since secrets depend on it.
    KeyStays(SecretStorageKeyId),
}

impl Plan {
    pub(super) fn new(steps: Vec<PlanStep>, notes: Vec<PlanNote>) -> Self {
        Self { steps, notes, done: 0 }
    }

    /// All steps, in their order, those that were taken included.
    #[must_use]
    pub fn steps(&self) -> &[PlanStep] {
        &self.steps
    }

    /// What the plan leaves as it is, and why. Some of it asks for a decision of the user.
    #[must_use]
    pub fn notes(&self) -> &[PlanNote] {
        &self.notes
    }

    /// The next step to take; `None` when all were read back.
    #[must_use]
    pub fn next(&self) -> Option<&PlanStep> {
        self.steps.get(self.done)
    }

    /// Compares what the server has with what the next step starts from; `None` for 404.
    ///
    /// # Errors
    ///
    /// [`ChangeError::ChangedBefore`] if they differ.
    pub fn check_before(&self, content: Option<&JsonObject>) -> Result<(), ChangeError> {
        match self.next() {
            Some(step) if !is_same(content, step.before.as_ref()) => {
                Err(ChangeError::ChangedBefore)
            }
            _ => Ok(()),
        }
    }

    /// Compares what the server has with what the step wrote, and goes on to the next one.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NotWritten`] if they differ.
    pub fn read_back(&mut self, content: Option<&JsonObject>) -> Result<(), ChangeError> {
        match self.next() {
            Some(step) if !is_same(content, Some(&step.content)) => Err(ChangeError::NotWritten),
            Some(_) => {
                self.done += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl PlanNote {
    /// Whether something that could be read cannot be read any more.
    pub(super) fn takes_away(&self) -> bool {
        match self {
            Self::RemoveEntries(..)
            | Self::Delete(_)
            | Self::DeleteOldName(_)
            | Self::RemoveDefault(_)
            | Self::RemoveKey(_) => true,
            Self::DescribeKey(_)
            | Self::DescribeKeyAgain(_)
            | Self::Store(_)
            | Self::Replace(..)
            | Self::AddEntries(..)
            | Self::SetDefault(_)
            | Self::NeedsAcceptance(..)
            | Self::Contradicted(_)
            | Self::NotOpened(_)
            | Self::TwoValues(_)
            | Self::OtherValue(_)
            | Self::KeyStays(_) => false,
        }
    }
}

impl fmt::Display for Plan {
    /// A line for each step and each note.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            writeln!(f, "Nothing has to be changed.")?;
        }
        for (number, step) in (1_usize..).zip(&self.steps) {
            writeln!(f, "{number}. {}", step.reason)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "Note: {note}"))
    }
}

impl fmt::Display for PlanNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DescribeKey(id) => write!(f, "Make the new key {} known.", shown(id)),
            Self::DescribeKeyAgain(id) => write!(f, "Describe the key {} again.", shown(id)),
            Self::Store(name) if is_former_backup_key(name) => {
                write!(f, "Keep the former backup key, as {}.", Excerpt::new(name.as_str()))
            }
            Self::Store(name) => {
                write!(f, "Store the secret {name}.", name = Excerpt::new(name.as_str()))
            }
            Self::Replace(name, dropped) => {
                write!(f, "Replace the secret {}", Excerpt::new(name.as_str()))?;
                if !dropped.is_empty() {
                    write!(f, "; these keys open it no more: {}", list(dropped))?;
                }
                f.write_str(".")
            }
            Self::AddEntries(name, ids) => {
                let name = Excerpt::new(name.as_str());
                let keys = if ids.len() == 1 { "the key" } else { "the keys" };
                write!(f, "Encrypt the secret {name} to {keys} {} as well.", list(ids))
            }
            Self::RemoveEntries(name, ids) => {
                let name = Excerpt::new(name.as_str());
                write!(f, "Take the secret {name} from what these keys open: {}.", list(ids))
            }
            Self::Delete(name) => write!(f, "Delete the secret {}.", Excerpt::new(name.as_str())),
            Self::DeleteOldName(name) => {
                write!(f, "Delete the old copy {}.", Excerpt::new(name.as_str()))
            }
            Self::SetDefault(id) => write!(f, "Make {} the default key.", shown(id)),
            Self::RemoveDefault(id) => write!(f, "Make {} the default key no more.", shown(id)),
            Self::RemoveKey(id) => write!(f, "Remove the key {}, which opens nothing.", shown(id)),
            Self::NeedsAcceptance(name, _) => write!(
                f,
                "nothing shows that the secret {} is yours: the homeserver could have put it there; it stays \
                 where it is unless you accept it",
                Excerpt::new(name.as_str())
            ),
            Self::Contradicted(name) => write!(
                f,
                "the secret {} does not belong to your account\u{2019}s public key and stays where it is",
                Excerpt::new(name.as_str())
            ),
            Self::NotOpened(name) => write!(
                f,
                "the secret {} does not open with the keys at hand and stays where it is",
                Excerpt::new(name.as_str())
            ),
            Self::TwoValues(name) => write!(
                f,
                "the secret {} stands under an old name too, with another value, which stays",
                Excerpt::new(name.as_str())
            ),
            Self::OtherValue(name) => write!(
                f,
                "the secret {} is stored with another value than the one on this device, and stays as it is",
                Excerpt::new(name.as_str())
            ),
            Self::KeyStays(id) => write!(
                f,
                "the key {} stays, since there are secrets that only it opens",
                Excerpt::new(id.as_str())
            ),
        }
    }
}

fn shown(id: &SecretStorageKeyId) -> Excerpt {
    Excerpt::new(id.as_str())
}

/// The first few, so that nobody can flood a screen.
fn list(ids: &[SecretStorageKeyId]) -> String {
    let mut list: Vec<_> = ids.iter().take(SHOWN).map(|id| shown(id).to_string()).collect();
    if ids.len() > SHOWN {
        list.push(format!("and {} more", ids.len() - SHOWN));
    }
    list.join(", ")
}

const SHOWN: usize = 10;

/// Whether two contents say the same, however a server writes JSON. What is not there is `{}`.
fn is_same(one: Option<&JsonObject>, other: Option<&JsonObject>) -> bool {
    let one = one.filter(|content| !content.is_empty());
    let other = other.filter(|content| !content.is_empty());
    one == other
        || match (one, other) {
            (Some(one), Some(other)) => {
                canonical(one).is_some_and(|one| Some(one) == canonical(other))
            }
            _ => false,
        }
}

fn canonical(content: &JsonObject) -> Option<Vec<u8>> {
    let limits = Limits { signed_object_bytes: usize::MAX, ..Limits::default() };
    JsonValue::parse(content.as_str(), &limits).ok()?.to_canonical().ok()
}
