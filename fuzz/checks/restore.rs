//! What must hold of verdicts and reports, whatever comes as a response.

use std::sync::LazyLock;

use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, FailedSession, Restore, RestoreOptions, RestoreReport, RestoredSession,
    },
    secret::SecretBytes,
};

/// The key that the corpus has a session for.
static KEY: LazyLock<BackupDecryptionKey> = LazyLock::new(|| {
    BackupDecryptionKey::typed_by_user(SecretBytes::from_slice(&[7; 32]).expect("32 bytes"))
});

/// Verdicts and report do not depend on the pieces, and the totals add up.
pub(crate) fn check(text: &[u8], pieces: &[&[u8]], one_room: bool, limits: &Limits) {
    let mut half = *limits;
    half.streamed_response_bytes = text.len() as u64 / 2;
    let room_a = RestoreOptions::nothing().with_room("!a".into());
    for (mut options, limits) in
        [(RestoreOptions::default(), limits), (room_a, limits), (RestoreOptions::default(), &half)]
    {
        options.room_id = one_room.then(|| "!one".into());
        options.check_rooms = true;
        let whole = restore(&[text], options.clone(), limits);
        adds_up(&whole.0, &whole.1);
        assert_eq!(whole, restore(pieces, options, limits), "in pieces");
    }
}

fn restore(
    pieces: &[&[u8]],
    options: RestoreOptions,
    limits: &Limits,
) -> (Vec<Result<RestoredSession, FailedSession>>, RestoreReport) {
    let mut restore = Restore::new(KEY.clone(), options, limits);
    let mut verdicts = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(batch) = restore.next_batch(&mut piece) {
            verdicts.extend(batch);
        }
        assert!(piece.is_empty(), "all of a piece is taken");
    }
    let (last, report) = restore.finish();
    verdicts.extend(last);
    (verdicts, report)
}

fn adds_up(verdicts: &[Result<RestoredSession, FailedSession>], report: &RestoreReport) {
    let restored = verdicts.iter().filter(|verdict| verdict.is_ok());
    assert_eq!(report.total(), verdicts.len() as u64);
    assert_eq!(report.restored(), restored.count() as u64);
    assert_eq!(report.total(), report.restored() + report.failed());
    assert_eq!(report.causes().map(|(_, count)| count).sum::<u64>(), report.failed());
    assert!(report.failures().len() as u64 <= report.failed());
}
