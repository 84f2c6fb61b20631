//! A restore with several keys: each session is opened by the key that it was sealed to, and says which one that was.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, FailedSession, FailureCause, Restore, RestoreOptions, RestoreReport,
        RestoredSession,
    },
    crypto::curve25519_aes_sha2::MacScheme,
};

use crate::response::{Megolm, Outcome, member, one_room, response, room, seal};

type Verdicts = Vec<Result<RestoredSession, FailedSession>>;

fn restored(
    keys: &[BackupDecryptionKey],
    text: &str,
    options: RestoreOptions,
    limits: &Limits,
) -> (Verdicts, RestoreReport) {
    let [first, others @ ..] = keys else { unreachable!("a restore has a key") };
    let restore = Restore::new(first.clone(), options, limits);
    let mut restore = restore.with_other_keys(others.iter().cloned());
    let (mut input, mut verdicts) = (text.as_bytes(), Vec::new());
    while let Some(batch) = restore.next_batch(&mut input) {
        verdicts.extend(batch);
    }
    let (last, report) = restore.finish();
    verdicts.extend(last);
    (verdicts, report)
}

fn all(keys: &[BackupDecryptionKey], text: &str) -> (Verdicts, RestoreReport) {
    restored(keys, text, RestoreOptions::default(), &Limits::default())
}

fn keys(count: usize) -> Vec<BackupDecryptionKey> {
    (0..count).map(|_| BackupDecryptionKey::generate().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The last of the keys is one that nobody has.
    #[test]
    fn what_several_keys_restore_is_what_each_of_them_restores(
        sealed_to in vec(0_usize..4, 0..40), first in 0_usize..3
    ) {
        let keys = keys(4);
        let members: Vec<_> = sealed_to.iter().map(|key| Megolm::new().member(&keys[*key])).collect();
        let text = one_room(&members);
        let mut at_hand = keys[..3].to_vec();
        at_hand.rotate_left(first);
        let (verdicts, report) = all(&at_hand, &text);
        prop_assert_eq!(verdicts.len(), sealed_to.len());
        let alone: Vec<_> = keys.iter().map(|key| Outcome::of(key, &text).verdicts).collect();
        let mut counts = BTreeMap::new();
        for (place, (verdict, key)) in verdicts.iter().zip(&sealed_to).enumerate() {
            // With the key that nobody has, it is what any of the others says.
            prop_assert_eq!(verdict, &alone[if *key == 3 { 0 } else { *key }][place]);
            if let Ok(session) = verdict {
                prop_assert_eq!(session.opened_by(), keys[*key].public_key());
                *counts.entry(keys[*key].public_key().to_base64()).or_insert(0) += 1;
            }
        }
        let reported = report.opened_by().map(|(key, count)| (key.to_base64(), count)).collect();
        prop_assert_eq!(counts, reported);
        let unopened = sealed_to.iter().filter(|key| **key == 3).count() as u64;
        prop_assert_eq!(report.failed_by(FailureCause::WrongKey), unopened);
        prop_assert_eq!(report.failed(), unopened);
    }
}

#[test]
fn many_batches_of_changing_keys_come_out_in_their_order() {
    let keys = keys(3);
    let sealed_to = |number: usize| &keys[number / 300 % 3];
    let sessions: Vec<_> = (0..2_000).map(|_| Megolm::new()).collect();
    let members = sessions.iter().enumerate().map(|(it, session)| session.member(sealed_to(it)));
    let text = one_room(&members.collect::<Vec<_>>());
    let mut parallel = RestoreOptions::default();
    parallel.parallel = true;
    let (verdicts, report) = all(&keys, &text);
    for (number, verdict) in verdicts.iter().enumerate() {
        let session = verdict.as_ref().unwrap();
        assert_eq!(session.exported().session_id().as_str(), sessions[number].id);
        assert_eq!(session.opened_by(), sealed_to(number).public_key());
    }
    assert_eq!(report.opened_by().map(|(_, count)| count).sum::<u64>(), 2_000);
    assert_eq!(restored(&keys, &text, parallel, &Limits::default()), (verdicts, report));
}

#[test]
fn a_session_that_is_damaged_is_damaged_whatever_other_keys_there_are() {
    let keys = keys(3);
    let damaged = |key| member("a", &seal(key, b"no session", MacScheme::EmptyString));
    for key in &keys {
        let (verdicts, report) = all(&keys, &one_room(&[damaged(key)]));
        assert_eq!(verdicts[0].as_ref().unwrap_err().error.cause(), FailureCause::Damaged);
        assert!(report.wrong_key().is_none(), "it was sealed to one of the keys");
    }
    let (_, report) = all(&keys[1..], &one_room(&[damaged(&keys[0])]));
    assert!(report.wrong_key().is_some());
}

#[test]
fn one_session_in_two_rooms_is_warned_of_whichever_keys_open_it() {
    let keys = keys(2);
    let session = Megolm::new();
    let text = response(&[
        room("!a", &[session.member(&keys[0])]),
        room("!b", &[session.member(&keys[1])]),
    ]);
    let mut options = RestoreOptions::default();
    options.check_rooms = true;
    let (verdicts, report) = restored(&keys, &text, options, &Limits::default());
    assert_eq!((report.restored(), report.warned()), (2, 1));
    assert!(verdicts[0].as_ref().unwrap().warnings().is_empty());
}

#[test]
fn no_more_keys_are_tried_than_the_limit_allows_and_the_report_counts_the_others() {
    let limits = Limits::default();
    let keys = keys(limits.backup_keys + 3);
    let text = one_room(&keys.iter().map(|key| Megolm::new().member(key)).collect::<Vec<_>>());
    let again = [&*keys, &keys[..5]].concat();
    let (verdicts, report) = restored(&again, &text, RestoreOptions::default(), &limits);
    let opened: Vec<_> = verdicts.iter().map(Result::is_ok).collect();
    assert!(opened[..limits.backup_keys].iter().all(|is_open| *is_open));
    assert!(opened[limits.backup_keys..].iter().all(|is_open| !is_open));
    assert_eq!(report.keys_left_out(), 3, "a key that is given twice is one");
    let mut none = limits;
    none.backup_keys = 0;
    let (_, report) = restored(&keys[..2], &text, RestoreOptions::default(), &none);
    assert_eq!(
        (report.restored(), report.keys_left_out()),
        (1, 1),
        "the first one is always tried"
    );
}
