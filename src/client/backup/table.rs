//! The whole table of stages and events, pair by pair.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

use super::{
    stage::{Creation, Disabling, Draft, Event, Making, Phase, Stage, State},
    upload::InUse,
};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    provenance::Provenance,
    secret::SecretBytes,
};

/// All stages.
fn stages() -> Vec<Stage> {
    std::iter::successors(Some(Stage::Looking), |stage| state(*stage).1).collect()
}

/// All events, in the order of the rows.
fn events() -> Vec<Event> {
    std::iter::successors(Some(Event::NoBackup), following).collect()
}

/// The event of the next row. A new variant does not compile until it is here.
fn following(event: &Event) -> Option<Event> {
    Some(match event {
        Event::NoBackup => Event::Trusted(trusted()),
        Event::Trusted(_) => Event::Untrusted,
        Event::Untrusted => Event::Other,
        Event::Other => Event::NotYet { is_fresh: true },
        Event::NotYet { .. } => Event::Gone,
        Event::Gone => Event::Create,
        Event::Create => Event::Use(trusted()),
        Event::Use(_) => Event::Stop,
        Event::Stop => Event::Signed(Vec::new()),
        Event::Signed(_) => Event::Sent,
        Event::Sent => Event::Refused,
        Event::Refused => Event::Disable(None),
        Event::Disable(_) => Event::Deleted,
        Event::Deleted => Event::Enable,
        Event::Enable => Event::Cancel,
        Event::Cancel => return None,
    })
}

/// A state at this stage, and the stage of the next column. A new variant does not compile until it is here.
fn state(stage: Stage) -> (State, Option<Stage>) {
    let making = |phase| State::Making(Making { old: None, phase });
    let creating = Phase::Creating { draft: draft(), is_fresh: false };
    match stage {
        Stage::Looking => (State::Looking, Some(Stage::Absent)),
        Stage::Absent => (State::Absent, Some(Stage::Untrusted)),
        Stage::Untrusted => (State::Untrusted, Some(Stage::Changed)),
        Stage::Changed => (State::Changed, Some(Stage::Signing)),
        Stage::Signing => (making(Phase::Signing(draft(), None)), Some(Stage::Creating)),
        Stage::Creating => (making(creating), Some(Stage::Confirming)),
        Stage::Confirming => {
            (making(Phase::Confirming(draft(), Creation::Sent)), Some(Stage::Running))
        }
        Stage::Running => (State::Running(InUse::new(trusted())), Some(Stage::Disabling)),
        Stage::Disabling => (State::Disabling(Disabling::default()), Some(Stage::Off)),
        Stage::Off => (State::Off, None),
    }
}

fn draft() -> Draft {
    Draft { key: key(), signatures: Vec::new(), before: None, replaces: None, is_unsent: true }
}

fn key() -> BackupDecryptionKey {
    BackupDecryptionKey::with_provenance(SecretBytes::init_with(|_| {}), Provenance::Generated)
}

fn trusted() -> TrustedBackup {
    let public_key = key().public_key().to_base64();
    let info = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data":{{"public_key":"{public_key}"}},"count":0,"etag":"0"}}"#
    );
    let info = BackupVersionInfo::from_json(info.as_bytes(), &Limits::default()).unwrap();
    TrustedBackup::by_decryption_key(&info, &key(), &[]).unwrap()
}

/// One row for each event, one column for each stage. `-` stays.
const TABLE: &str = "
            Looking    Absent     Untrusted  Changed    Signing   Creating   Confirming Running   Disabling Off
NoBackup    Absent     -          Absent     -          -         -          -          -         -         -
Trusted     Running    Running    Running    -          -         -          Running    -         -         -
Untrusted   Untrusted  Untrusted  -          -          -         -          Untrusted  -         Untrusted -
Other       Changed    Changed    Changed    -          -         -          Changed    Changed   Changed   -
NotYet      -          -          -          -          -         -          Creating   -         -         -
Gone        -          -          -          -          -         -          -          Looking   -         -
Create      Signing    Signing    Signing    Signing    -         -          -          Signing   -         Signing
Use         -          -          Running    Running    -         -          -          -         -         -
Stop        Off        Off        Off        Off        Off       Off        Off        Off       -         -
Signed      -          -          -          -          Creating  -          -          -         -         -
Sent        -          -          -          -          -         Confirming -          -         -         -
Refused     -          -          -          -          -         -          Looking    -         -         -
Disable     Disabling  Disabling  Disabling  Disabling  Disabling Disabling  Disabling  Disabling -         Disabling
Deleted     -          -          -          -          -         -          -          -         Off       -
Enable      -          -          -          -          -         -          -          -         Looking   Looking
Cancel      -          -          -          -          Looking   Looking    Looking    -         -         -
";

#[test]
fn every_stage_meets_every_event_as_the_table_says() {
    let mut rows = TABLE.trim().lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let names: Vec<_> = stages().into_iter().map(|stage| format!("{stage:?}")).collect();
    assert_eq!(rows.next().unwrap_or_default(), names);
    for (index, event) in events().iter().enumerate() {
        let row = rows.next().unwrap_or_default();
        let name = format!("{event:?}");
        let mut expected = vec![name.split(|it: char| !it.is_alphabetic()).collect::<Vec<_>>()[0]];
        let nexts: Vec<_> = stages()
            .into_iter()
            .map(|stage| {
                let next = state(stage).0.after(events().remove(index)).stage();
                if next == stage { "-".to_owned() } else { format!("{next:?}") }
            })
            .collect();
        expected.extend(nexts.iter().map(String::as_str));
        assert_eq!(row, expected);
    }
    assert_eq!(rows.next(), None);
}
