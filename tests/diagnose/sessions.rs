//! How many message keys the homeserver returned, and how many it counts.

use serde_json::json;
use strongroom::client::diagnose::{DiagnosisVerdict, Severity};

use crate::world::{BACKUP_KEY, World, room_keys};

/// Other devices go on uploading while the two responses are fetched.
#[test]
fn a_few_that_were_not_returned_are_no_failure_and_many_are() {
    let cases = [
        (3, 3, None),
        (3, 2, None),
        (3, 4, Some(Severity::Notice)),
        (3, 13, Some(Severity::Notice)),
        (3, 14, Some(Severity::Warning)),
        (90, 100, Some(Severity::Notice)),
        (150, 165, Some(Severity::Notice)),
        (149, 166, Some(Severity::Warning)),
        (0, 1, Some(Severity::Warning)),
    ];
    for (returned, counted, severity) in cases {
        let mut world = World::well();
        world.at_most = 1_000;
        world.room_keys = Some(room_keys(&vec![BACKUP_KEY; returned]));
        world.backup()["count"] = json!(counted);
        let diagnosis = world.diagnose();
        let mut findings = diagnosis.findings().iter();
        let finding = findings.find(|it| it.code() == "sessions.fewer");
        assert_eq!(finding.map(|it| it.severity()), severity, "{returned} of {counted}");
        let is_ill = diagnosis.verdict() == DiagnosisVerdict::Ill;
        assert_eq!(is_ill, severity == Some(Severity::Warning), "{returned} of {counted}");
    }
}
