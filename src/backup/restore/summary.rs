//! A report of a restore in words, and as JSON.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeStruct as _},
};

use super::{FailedSession, RestoreReport};

impl fmt::Display for RestoreReport {
    /// One line, in the words of clients: *3 of 5 message keys were restored; damaged: 2*
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} message keys were restored", self.restored(), self.total())?;
        for (cause, count) in self.causes() {
            write!(f, "; {cause}: {count}")?;
        }
        if self.broken_room_count() > 0 {
            write!(f, "; unreadable rooms: {}", self.broken_room_count())?;
        }
        if let Some(error) = self.ended_early() {
            write!(f, "; {error}, so there may be more")?;
        }
        Ok(())
    }
}

impl Serialize for RestoreReport {
    /// An object with `total`, `restored`, `failed`, `skipped`, `warned`, `broken_rooms` (numbers), `causes` (a number for
    /// each [name](crate::backup::FailureCause::as_str)), `is_complete`, `ended_early` (a sentence or `null`) and `failures`, each with
    /// `room_id`, `session_id`, `cause` and `error` (a sentence).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("RestoreReport", 10)?;
        object.serialize_field("total", &self.total())?;
        object.serialize_field("restored", &self.restored())?;
        object.serialize_field("failed", &self.failed())?;
        object.serialize_field("skipped", &self.skipped())?;
        object.serialize_field("warned", &self.warned())?;
        object.serialize_field("broken_rooms", &self.broken_room_count())?;
        object.serialize_field("causes", &Causes(self))?;
        object.serialize_field("is_complete", &self.is_complete())?;
        let ended_early = self.ended_early().map(|error| error.to_string());
        object.serialize_field("ended_early", &ended_early)?;
        object.serialize_field("failures", self.failures())?;
        object.end()
    }
}

impl Serialize for FailedSession {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { room_id, session_id, error } = self;
        let mut object = serializer.serialize_struct("FailedSession", 4)?;
        object.serialize_field("room_id", room_id)?;
        object.serialize_field("session_id", session_id)?;
        object.serialize_field("cause", error.cause().as_str())?;
        object.serialize_field("error", &error.to_string())?;
        object.end()
    }
}

/// How many sessions failed for each cause.
struct Causes<'a>(&'a RestoreReport);

impl Serialize for Causes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (cause, count) in self.0.causes() {
            object.serialize_entry(cause.as_str(), &count)?;
        }
        object.end()
    }
}
