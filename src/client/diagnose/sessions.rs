//! The sessions of a sample: which of them a restore would give.

use std::collections::BTreeMap;

use super::{Case, Findings, SessionCount, SessionFinding, SessionSample};
use crate::backup::{BackupDecryptionKey, FailureCause};

/// What a key makes of a sample.
#[derive(Default)]
struct Opened {
    restored: u64,
    warned: u64,
    causes: BTreeMap<FailureCause, u64>,
}

impl Case<'_> {
    pub(super) fn look_at_sessions(&self, findings: &mut Findings) {
        let Some(sample) = &self.evidence.sample else { return };
        if let Some(error) = sample.ended_early {
            findings.add(SessionFinding::ResponseBroken(error));
        }
        if sample.broken_rooms > 0 {
            findings.add(SessionFinding::BrokenRooms(sample.broken_rooms));
        }
        let keys = self.facts.backup_keys(self.evidence).take(MAX_KEYS);
        let best = keys.map(|key| open(sample, key)).max_by_key(|opened| opened.restored);
        let Some(best) = best else { return };
        let of = sample.count();
        let mut malformed = sample.unreadable;
        for (cause, count) in &best.causes {
            let count = SessionCount { count: *count, of };
            match cause {
                FailureCause::WrongKey => findings.add(SessionFinding::UnderOtherKey(count)),
                FailureCause::Damaged => findings.add(SessionFinding::Damaged(count)),
                FailureCause::UnsupportedAlgorithm => {
                    findings.add(SessionFinding::Unsupported(count));
                }
                FailureCause::Malformed => malformed += count.count,
            }
        }
        if malformed > 0 {
            findings.add(SessionFinding::Malformed(SessionCount { count: malformed, of }));
        }
        if best.warned > 0 {
            findings.add(SessionFinding::WithWarnings(SessionCount { count: best.warned, of }));
        }
        let restored = SessionCount { count: best.restored, of };
        let total = self.evidence.current().and_then(|info| info.count());
        findings.add(SessionFinding::WouldRestore { restored, total });
    }
}

fn open(sample: &SessionSample, key: &BackupDecryptionKey) -> Opened {
    let mut opened = Opened::default();
    for returned in &sample.sessions {
        match key.restore(returned) {
            Ok(session) => {
                opened.restored += 1;
                opened.warned += u64::from(!session.warnings().is_empty());
            }
            Err(error) => *opened.causes.entry(error.cause()).or_default() += 1,
        }
    }
    opened
}

/// The host's, the stored one, and those that were typed: no more than can be at hand.
const MAX_KEYS: usize = 8;
