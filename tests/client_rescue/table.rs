//! Versions, keys and sessions: what comes out of all of them together, and the table that says so.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, FailedSession, RestoreOptions, RestoreReport, RestoredSession},
    client::rescue::{BackupKeys, KeySource, RescueTable},
    crypto::curve25519_aes_sha2::MacScheme,
    session_data::{BestCopies, ExportedSession, SessionData, SessionKey},
};
use vodozemac::megolm::{GroupSession, InboundGroupSession};

use super::version_of;
use crate::response::{member, response, room, seal};

/// A copy of a session in a version.
#[derive(Debug, Clone)]
struct Copy {
    session: usize,
    room: usize,
    first_index: u32,
    /// The key that it is sealed to; the fourth is one that nobody has.
    key: usize,
}

fn copies() -> impl Strategy<Value = Vec<Copy>> {
    let copy = (0_usize..5, 0_usize..2, 0_u32..4, 0_usize..4);
    let copy =
        copy.prop_map(|(session, room, first_index, key)| Copy { session, room, first_index, key });
    vec(copy, 0..12)
}

/// Sessions that are exported from any index on.
struct Sessions(Vec<InboundGroupSession>);

impl Sessions {
    fn new(count: usize) -> Self {
        let inbound = |_| {
            let outbound = GroupSession::new(Default::default());
            InboundGroupSession::new(&outbound.session_key(), Default::default())
        };
        Self((0..count).map(inbound).collect())
    }

    fn member(&mut self, copy: &Copy, keys: &[BackupDecryptionKey]) -> String {
        let session = &mut self.0[copy.session];
        let payload = json!({
            "algorithm": "m.megolm.v1.aes-sha2",
            "forwarding_curve25519_key_chain": [],
            "sender_claimed_keys": {},
            "session_key": session.export_at(copy.first_index).unwrap().to_base64(),
        });
        let payload = payload.to_string();
        member(
            &session.session_id(),
            &seal(&keys[copy.key], payload.as_bytes(), MacScheme::EmptyString),
        )
    }

    /// The response of a version; a session has a place in a room, so that a copy may stand there under the same name again.
    fn response(&mut self, copies: &[Copy], keys: &[BackupDecryptionKey]) -> String {
        let rooms = ["!a", "!b"].iter().enumerate().map(|(number, id)| {
            let of_room = copies.iter().filter(|copy| copy.room == number);
            room(id, &of_room.map(|copy| self.member(copy, keys)).collect::<Vec<_>>())
        });
        let rooms: Vec<_> = rooms.collect();
        response(&rooms)
    }
}

fn restored(
    keys: &BackupKeys,
    version: &strongroom::backup::BackupVersionInfo,
    text: &str,
) -> (Vec<ExportedSession>, RestoreReport) {
    let mut restore = keys.restore(Some(version), RestoreOptions::default()).unwrap();
    let mut input = text.as_bytes();
    let mut sessions = Vec::new();
    let mut take = |verdicts: Vec<Result<RestoredSession, FailedSession>>| {
        sessions.extend(verdicts.into_iter().flatten().map(RestoredSession::into_exported));
    };
    while let Some(verdicts) = restore.next_batch(&mut input) {
        take(verdicts);
    }
    let (verdicts, report) = restore.finish();
    take(verdicts);
    (sessions, report)
}

fn id(session: &ExportedSession) -> (String, String) {
    (session.session_id().as_str().to_owned(), session.room_id.as_str().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_comes_out_is_all_that_any_key_opens_in_any_version_and_of_each_session_the_best_copy(
        versions in vec(copies(), 3), at_hand in vec(any::<bool>(), 3)
    ) {
        let keys: Vec<_> = (0..4).map(|_| BackupDecryptionKey::generate().unwrap()).collect();
        let mut sessions = Sessions::new(5);
        let mut known = BackupKeys::new(&Limits::default());
        for (key, is_at_hand) in keys.iter().zip(&at_hand) {
            if *is_at_hand {
                known.add(key.clone(), KeySource::Host);
            }
        }
        prop_assume!(known.iter().next().is_some());
        let texts: Vec<_> = versions.iter().map(|copies| sessions.response(copies, &keys)).collect();
        let info = |place: usize| version_of(&(3 - place).to_string(), &keys[place]);
        let mut best = BestCopies::default();
        for (place, text) in texts.iter().enumerate() {
            let (found, _) = restored(&known, &info(place), text);
            found.iter().for_each(|session| best.see(place, session));
        }
        let mut table = RescueTable::new(&known);
        let mut merged = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            let (found, report) = restored(&known, &info(place), text);
            let before = merged.len();
            merged.extend(found.into_iter().filter(|session| best.take(place, session)));
            table.add(Some(&info(place)), &report, (merged.len() - before) as u64);
        }
        let opens = |copy: &&Copy| at_hand.get(copy.key) == Some(&true);
        let mut expected: BTreeMap<_, u32> = BTreeMap::new();
        for copy in versions.iter().flatten().filter(opens) {
            let id = (sessions.0[copy.session].session_id(), ["!a", "!b"][copy.room].to_owned());
            let index = expected.entry(id).or_insert(copy.first_index);
            *index = copy.first_index.min(*index);
        }
        let index = |session: &ExportedSession| session.session.session_key().first_known_index();
        let found: BTreeMap<_, _> = merged.iter().map(|it| (id(it), index(it))).collect();
        prop_assert_eq!(found.len(), merged.len(), "each session once");
        prop_assert_eq!(found, expected);
        let json = serde_json::to_value(&table).unwrap();
        for (place, copies) in versions.iter().enumerate() {
            let row = &json["versions"][place];
            prop_assert_eq!(row["total"].as_u64().unwrap(), copies.len() as u64);
            let opened = row["opened"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap());
            let unopened = copies.iter().filter(|copy| !opens(copy)).count() as u64;
            prop_assert_eq!(&row["wrong_key"], unopened);
            prop_assert_eq!(opened.sum::<u64>() + unopened, copies.len() as u64);
        }
        for (number, (key, _)) in known.iter().enumerate() {
            let place = keys.iter().position(|it| it.public_key() == key.public_key()).unwrap();
            let opened = versions.iter().flatten().filter(|copy| copy.key == place).count() as u64;
            prop_assert_eq!(table.opened_by(key.public_key()), opened);
            prop_assert_eq!(&json["keys"][number]["opened"], opened);
        }
        let best = json["versions"].as_array().unwrap().iter();
        let best = best.map(|row| row["best_copies"].as_u64().unwrap());
        prop_assert_eq!(best.sum::<u64>(), merged.len() as u64);
    }
}

/// Three versions of three keys, and a text for each of them that is not its own.
#[test]
fn a_version_whose_sessions_have_two_keys_and_one_that_names_another_key_come_back_whole() {
    let keys: Vec<_> = (0..3).map(|_| BackupDecryptionKey::generate().unwrap()).collect();
    let mut sessions = Sessions::new(6);
    let copy = |session, key| Copy { session, room: 0, first_index: 0, key };
    // The newest has sessions of two keys, the middle one names a key that none of its sessions has, and the current key opens
    // the oldest.
    let newest = sessions.response(&[copy(0, 0), copy(1, 1)], &keys);
    let middle = sessions.response(&[copy(2, 2), copy(3, 2)], &keys);
    let oldest = sessions.response(&[copy(4, 0), copy(5, 0)], &keys);
    let mut known = BackupKeys::new(&Limits::default());
    known.add(keys[1].clone(), KeySource::SecretsBundle);
    known.add(keys[0].clone(), KeySource::Typed);
    known.add(keys[2].clone(), KeySource::BackupPassphrase);
    let mut table = RescueTable::new(&known);
    for (number, key, text) in
        [("12", &keys[0], &newest), ("7", &keys[1], &middle), ("1", &keys[2], &oldest)]
    {
        let info = version_of(number, key);
        let (found, report) = restored(&known, &info, text);
        assert!(found.len() == 2 && report.is_everything(), "{number}");
        table.add(Some(&info), &report, 2);
    }
    table.add(None, &restored(&known, &version_of("0", &keys[0]), &response(&[])).1, 0);
    assert_eq!((table.version_count(), table.useful_key_count()), (4, 3));
    assert_eq!(
        table.to_string(),
        "\
version  message keys  key 1  key 2  key 3  unopened  damaged  best copies
     12             2      1      1      0         0        0            2
      7             2      0      0      2         0        0            2
      1             2      0      2      0         0        0            2
      ?             0      0      0      0         0        0            0
key 1: the key in a secrets bundle (version 7)
key 2: the key of a backup (version 12)
key 3: the passphrase of a backup (version 1)
"
    );
}

/// Which of two rooms is the right one, nothing says but the homeserver: it must not be able to make a session vanish from the
/// right one.
#[test]
fn a_copy_under_another_room_takes_the_place_of_none() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut sessions = Sessions::new(1);
    let mut known = BackupKeys::new(&Limits::default());
    known.add(key.clone(), KeySource::Host);
    let info = version_of("1", &key);
    let mut of = |room| {
        let copy = Copy { session: 0, room, first_index: 0, key: 0 };
        let text = sessions.response(&[copy], std::slice::from_ref(&key));
        restored(&known, &info, &text).0.remove(0)
    };
    let (lie, truth) = (of(1), of(0));
    let mut best = BestCopies::default();
    best.see(0, &lie);
    best.see(1, &truth);
    assert!(best.take(0, &lie) && best.take(1, &truth) && !best.take(1, &truth));
    assert!(best.has(&lie) && best.has(&truth));
}

/// Whoever knows the public key of the backup can seal anything to it: a session of the same ID that claims to begin earlier, say.
#[test]
fn a_made_up_copy_that_claims_to_be_better_takes_the_place_of_none() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut sessions = Sessions::new(1);
    let mut known = BackupKeys::new(&Limits::default());
    known.add(key.clone(), KeySource::Host);
    let info = version_of("1", &key);
    let mut of = |first_index| {
        let copy = Copy { session: 0, room: 0, first_index, key: 0 };
        let text = sessions.response(&[copy], std::slice::from_ref(&key));
        restored(&known, &info, &text).0.remove(0)
    };
    let (early, late) = (of(1), of(3));
    let mut made_up = *early.session.session_key().expose_bytes();
    made_up[1..133].fill(0);
    let made_up = SessionData::of_unknown_sender(SessionKey::from_bytes(&made_up).unwrap());
    let made_up = ExportedSession { room_id: early.room_id.clone(), session: made_up };
    assert_eq!(made_up.session_id(), early.session_id());
    let mut best = BestCopies::default();
    [&made_up, &late, &early].into_iter().for_each(|copy| best.see(0, copy));
    assert_eq!((best.first_index(&late), best.first_index(&made_up)), (Some(1), Some(0)));
    assert!(best.take(0, &early) && !best.take(0, &late), "of the real ones, the better one");
    assert!(best.take(0, &made_up), "which is which, nobody knows");
}
