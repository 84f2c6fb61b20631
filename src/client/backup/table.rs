//! The whole table of stages and events, pair by pair.

use super::stage::{Event, Stage, step};

/// All stages. A new variant does not compile until it is here.
fn stages() -> Vec<Stage> {
    let mut all = Vec::new();
    let mut next = Some(Stage::Looking);
    while let Some(stage) = next {
        all.push(stage);
        next = match stage {
            Stage::Looking => Some(Stage::Absent),
            Stage::Absent => Some(Stage::Untrusted),
            Stage::Untrusted => Some(Stage::Changed),
            Stage::Changed => Some(Stage::Signing),
            Stage::Signing => Some(Stage::Creating),
            Stage::Creating => Some(Stage::Confirming),
            Stage::Confirming => Some(Stage::Running),
            Stage::Running => Some(Stage::Disabling),
            Stage::Disabling => Some(Stage::Off),
            Stage::Off => None,
        };
    }
    all
}

/// All events, in the order of the rows.
fn events() -> Vec<Event> {
    let mut all = Vec::new();
    let mut next = Some(Event::NoBackup);
    while let Some(event) = next {
        all.push(event);
        next = match event {
            Event::NoBackup => Some(Event::Trusted),
            Event::Trusted => Some(Event::Untrusted),
            Event::Untrusted => Some(Event::Other),
            Event::Other => Some(Event::NotYet),
            Event::NotYet => Some(Event::Gone),
            Event::Gone => Some(Event::Create),
            Event::Create => Some(Event::Use),
            Event::Use => Some(Event::Stop),
            Event::Stop => Some(Event::Signed),
            Event::Signed => Some(Event::Sent),
            Event::Sent => Some(Event::Refused),
            Event::Refused => Some(Event::Disable),
            Event::Disable => Some(Event::Deleted),
            Event::Deleted => Some(Event::Enable),
            Event::Enable => Some(Event::Cancel),
            Event::Cancel => None,
        };
    }
    all
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
    for event in events() {
        let row = rows.next().unwrap_or_default();
        let mut expected = vec![format!("{event:?}")];
        expected.extend(stages().into_iter().map(|stage| match step(stage, event) {
            next if next == stage => "-".to_owned(),
            next => format!("{next:?}"),
        }));
        assert_eq!(row, expected);
    }
    assert_eq!(rows.next(), None);
}
