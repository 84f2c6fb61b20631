//! The sessions of a sample: which of them a restore would give.

use std::collections::BTreeMap;

use super::{Case, Evidence, Findings, SessionCount, SessionFinding, SessionSample, facts::Facts};
use crate::backup::{BackedUpSession, BackupDecryptionKey, BackupPublicKey, FailureCause};

/// What the keys make of a sample, as far as it was looked at.
#[derive(Default)]
pub(super) struct Sampling {
    /// For each key, in their order.
    done: Vec<(BackupPublicKey, Opened)>,
    /// For the key that is tried, which is at this session.
    opened: Opened,
    next: usize,
}

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
        let total = self.evidence.current().and_then(|info| info.count());
        look_at_response(sample, total, findings);
        let (_, count) = self.facts.sampling_keys(self.evidence);
        let done = self.sampling.done.iter().take(count).map(|(_, opened)| opened);
        let best = done.max_by_key(|opened| opened.restored);
        let Some(best) = best else { return };
        let of = sample.count();
        let mut malformed = sample.unreadable;
        for (cause, count) in &best.causes {
            let count = SessionCount { count: *count, of };
            match cause {
                FailureCause::WrongKey => findings.add(SessionFinding::UnderOtherKey { count }),
                FailureCause::Damaged => findings.add(SessionFinding::Damaged { count }),
                FailureCause::UnsupportedAlgorithm => {
                    findings.add(SessionFinding::Unsupported { count });
                }
                FailureCause::Malformed => malformed += count.count,
            }
        }
        if malformed > 0 {
            findings
                .add(SessionFinding::Malformed { count: SessionCount { count: malformed, of } });
        }
        if best.warned > 0 {
            findings.add(SessionFinding::WithWarnings {
                count: SessionCount { count: best.warned, of },
            });
        }
        let restored = SessionCount { count: best.restored, of };
        findings.add(SessionFinding::WouldRestore { restored, total });
    }
}

/// What the response is that the sample is from, where the homeserver counts so many sessions.
fn look_at_response(sample: &SessionSample, total: Option<u64>, findings: &mut Findings) {
    if let Some(error) = sample.ended_early {
        findings.add(SessionFinding::ResponseBroken { error });
    }
    if sample.broken_rooms > 0 {
        findings.add(SessionFinding::BrokenRooms { count: sample.broken_rooms });
    }
    let is_known = sample.is_whole && sample.broken_rooms == 0;
    let returned = sample.count();
    if let Some(total) = total.filter(|total| is_known && *total > returned) {
        findings.add(SessionFinding::Fewer { returned, total });
    }
}

impl Sampling {
    /// Opens so many sessions more; `true` if none is left.
    pub(super) fn advance(&mut self, facts: &Facts, evidence: &Evidence, sessions: u32) -> bool {
        let Some(sample) = &evidence.sample else { return true };
        let mut left = sessions;
        let (keys, _) = facts.sampling_keys(evidence);
        for key in keys.into_iter().skip(self.done.len()) {
            for returned in sample.sessions.iter().skip(self.next) {
                if left == 0 {
                    return false;
                }
                left -= 1;
                self.next += 1;
                self.opened.count(key, returned);
            }
            self.next = 0;
            self.done.push((*key.public_key(), std::mem::take(&mut self.opened)));
        }
        true
    }
}

impl Sampling {
    /// The public keys of those that open sessions of the sample.
    pub(super) fn opening(self) -> Vec<BackupPublicKey> {
        let opening = self.done.into_iter().filter(|(_, opened)| opened.restored > 0);
        opening.map(|(key, _)| key).collect()
    }
}

impl Opened {
    fn count(&mut self, key: &BackupDecryptionKey, returned: &BackedUpSession) {
        match key.open_session(returned) {
            Ok(session) => {
                self.restored += 1;
                self.warned += u64::from(!session.warnings().is_empty());
            }
            Err(error) => *self.causes.entry(error.cause()).or_default() += 1,
        }
    }
}
