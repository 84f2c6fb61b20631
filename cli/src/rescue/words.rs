//! Counts in words.

use strongroom::backup::{FailureCause, RestoreReport};

/// What became of a version: *36 of 39 message keys were restored; 2 are damaged, 1 is incomplete*.
pub(super) fn line(report: &RestoreReport) -> String {
    let (restored, total) = (report.restored(), report.total());
    let mut line = match (restored, total) {
        (0, 0) if report.skipped() > 0 => "none of its message keys is wanted".to_owned(),
        (0, 0) => "there are no message keys in it".to_owned(),
        (1, 1) => "its only message key was restored".to_owned(),
        (0, 1) => "its only message key was not restored".to_owned(),
        (1, total) => format!("1 of {total} message keys was restored"),
        (restored, total) => format!("{restored} of {total} message keys were restored"),
    };
    let causes = report.causes().map(|(cause, count)| counted(count, predicate(cause)));
    let causes = causes.collect::<Vec<_>>().join(", ");
    if !causes.is_empty() {
        line += &format!("; {causes}");
    }
    match report.broken_room_count() {
        0 => {}
        1 => line += "; 1 room cannot be read",
        count => line += &format!("; {count} rooms cannot be read"),
    }
    if let Some(error) = report.ended_early() {
        line += &format!("; {error}, so there may be more");
    }
    line
}

/// *1 message key*.
pub(super) fn message_keys(count: u64) -> String {
    if count == 1 { "1 message key".to_owned() } else { format!("{count} message keys") }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {} {what}", if count == 1 { "is" } else { "are" })
}

fn predicate(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::WrongKey => "encrypted with another key",
        FailureCause::Damaged => "damaged",
        FailureCause::Malformed => "incomplete",
        FailureCause::UnsupportedAlgorithm => "encrypted in a way that is not known",
        _ => "not to be read",
    }
}
