//! Responses with real sealed sessions, and what becomes of them.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, FailedSession, FailureCause, Restore, RestoreOptions, RestoreReport,
        RestoredSession,
    },
    crypto::curve25519_aes_sha2::MacScheme,
};
use vodozemac::megolm::{GroupSession, InboundGroupSession};

use crate::primitives::curve25519_aes_sha2::seal_with_rng;

/// A session as a client seals it.
pub(crate) struct Megolm {
    pub(crate) id: String,
    pub(crate) payload: Value,
}

impl Megolm {
    pub(crate) fn new() -> Self {
        let megolm = GroupSession::new(Default::default());
        let inbound = InboundGroupSession::new(&megolm.session_key(), Default::default());
        let payload = json!({
            "algorithm": "m.megolm.v1.aes-sha2",
            "forwarding_curve25519_key_chain": [],
            "sender_claimed_keys": {},
            "session_key": inbound.export_at_first_known_index().to_base64(),
        });
        Self { id: megolm.session_id(), payload }
    }

    /// As a member of `sessions`, sealed to a key.
    pub(crate) fn member(&self, key: &BackupDecryptionKey) -> String {
        member(&self.id, &self.sealed(key))
    }

    pub(crate) fn sealed(&self, key: &BackupDecryptionKey) -> Value {
        seal(key, self.payload.to_string().as_bytes(), MacScheme::EmptyString)
    }
}

/// Seals any bytes as if they were a session.
pub(crate) fn seal(key: &BackupDecryptionKey, plaintext: &[u8], scheme: MacScheme) -> Value {
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let message = seal_with_rng(key.public_key().as_curve25519(), plaintext, scheme, rng);
    json!({
        "first_message_index": 0,
        "forwarded_count": 0,
        "is_verified": false,
        "session_data": message.to_value(),
    })
}

pub(crate) fn member(name: &str, value: &Value) -> String {
    format!("{}:{value}", json!(name))
}

/// A room as a member of `rooms`.
pub(crate) fn room(room_id: &str, members: &[String]) -> String {
    format!(r#"{}:{{"sessions":{{{}}}}}"#, json!(room_id), members.join(","))
}

pub(crate) fn response(rooms: &[String]) -> String {
    format!(r#"{{"rooms":{{{}}}}}"#, rooms.join(","))
}

/// A response with one room.
pub(crate) fn one_room(members: &[String]) -> String {
    response(&[room("!a", members)])
}

/// What became of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdicts: Vec<Result<RestoredSession, FailedSession>>,
    pub(crate) report: RestoreReport,
}

impl Outcome {
    pub(crate) fn of(key: &BackupDecryptionKey, response: &str) -> Self {
        let (options, limits) = (RestoreOptions::default(), Limits::default());
        Self::in_pieces(key, [response.as_bytes()], options, &limits)
    }

    pub(crate) fn with(key: &BackupDecryptionKey, response: &str, options: RestoreOptions) -> Self {
        Self::in_pieces(key, [response.as_bytes()], options, &Limits::default())
    }

    pub(crate) fn limited(key: &BackupDecryptionKey, response: &str, limits: &Limits) -> Self {
        Self::in_pieces(key, [response.as_bytes()], RestoreOptions::default(), limits)
    }

    pub(crate) fn in_pieces<'a>(
        key: &BackupDecryptionKey,
        pieces: impl IntoIterator<Item = &'a [u8]>,
        options: RestoreOptions,
        limits: &Limits,
    ) -> Self {
        let mut restore = Restore::new(key.clone(), options, limits);
        let mut verdicts = Vec::new();
        for mut piece in pieces {
            while let Some(batch) = restore.next_batch(&mut piece) {
                verdicts.extend(batch);
            }
            assert!(piece.is_empty(), "all of a piece is taken");
        }
        let (last, report) = restore.finish();
        verdicts.extend(last);
        let outcome = Self { verdicts, report };
        outcome.adds_up();
        outcome
    }

    /// One letter for each verdict, in order: `r` restored, `w` wrong key, `d` damaged, `m`
    /// malformed, `u` unsupported algorithm.
    pub(crate) fn letters(&self) -> String {
        let letter = |verdict: &Result<RestoredSession, FailedSession>| match verdict {
            Ok(_) => 'r',
            Err(failed) => match failed.error.cause() {
                FailureCause::WrongKey => 'w',
                FailureCause::Damaged => 'd',
                FailureCause::Malformed => 'm',
                FailureCause::UnsupportedAlgorithm => 'u',
                other => unreachable!("{other:?}"),
            },
        };
        self.verdicts.iter().map(letter).collect()
    }

    fn adds_up(&self) {
        let Self { verdicts, report } = self;
        let restored = verdicts.iter().filter(|v| v.is_ok()).count() as u64;
        assert_eq!(report.total(), verdicts.len() as u64);
        assert_eq!(report.restored(), restored);
        assert_eq!(report.total(), report.restored() + report.failed());
        assert_eq!(report.causes().map(|(_, count)| count).sum::<u64>(), report.failed());
        let schemes = [MacScheme::EmptyString, MacScheme::Ciphertext];
        let by_scheme = schemes.map(|scheme| report.restored_under(scheme));
        assert_eq!(by_scheme.iter().sum::<u64>(), report.restored());
        let is_complete = report.ended_early().is_none() && report.broken_room_count() == 0;
        assert_eq!(report.is_complete(), is_complete);
        assert_eq!(report.is_everything(), is_complete && report.failed() == 0);
    }
}
