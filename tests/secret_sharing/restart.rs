//! Saved state.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom::{
    encoding::base64,
    ids::RequestId,
    saved_state::SavedStateError,
    secret::SecretVec,
    secret_sharing::{Requester, RequesterError, Responder, SharePolicy},
    secret_value::{DEHYDRATED_DEVICE, MEGOLM_BACKUP_V1, PublicKeys},
};

use crate::kit::{
    USER, accepted, answer, ask, asked, dropped, key, known, laptop, receive, requester, responder,
    seen_by_phone, tablet, text_of,
};

fn restore(saved: &SecretVec, user: &str, device: &str) -> Result<Requester, SavedStateError> {
    Requester::from_saved(saved, user.into(), device.into())
}

/// A requester with a request in each state, and answers that wait.
fn busy() -> (Requester, RequestId) {
    let mut requester = requester();
    let open = ask(&mut requester, MEGOLM_BACKUP_V1);
    let nothing = PublicKeys::default();
    for (from, byte) in [(laptop(), 7), (tablet(), 8)] {
        receive(&mut requester, &answer(&from, &open, &key(byte)), &seen_by_phone(), &nothing, 1);
    }
    let received = ask(&mut requester, MEGOLM_BACKUP_V1);
    receive(&mut requester, &answer(&laptop(), &received, &key(8)), &seen_by_phone(), &known(8), 1);
    let over = ask(&mut requester, MEGOLM_BACKUP_V1);
    requester.cancel(&over).unwrap();
    (requester, open)
}

#[test]
fn what_was_saved_goes_on_as_if_nothing_had_happened() {
    let (before, open) = busy();
    let mut after = restore(&before.save(), USER, "PHONE").unwrap();
    assert_eq!(after.save(), before.save());
    let states = |requester: &Requester| {
        let states = requester.requests().map(|(id, _, state)| (id.clone(), state));
        states.collect::<Vec<_>>()
    };
    assert_eq!(states(&after), states(&before));
    let received: Vec<_> = after.received(&seen_by_phone()).collect();
    assert_eq!(text_of(&received[0].secret.value), key(8));
    let receipts = after.learn(&seen_by_phone(), &known(8), 2);
    assert_eq!(receipts.len(), 2);
    assert_eq!(accepted(receipts[1].clone()).request_id, open);
}

#[test]
fn a_secret_that_was_stored_is_in_no_state() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    receive(&mut requester, &answer(&laptop(), &id, &key(8)), &seen_by_phone(), &known(8), 1);
    let holds = |requester: &Requester| {
        // What was received is saved in base64, as it came.
        let text = base64::encode(key(8).as_bytes());
        str::from_utf8(requester.save().expose_bytes()).unwrap().contains(&text)
    };
    assert!(holds(&requester));
    requester.stored(&id).unwrap();
    assert!(!holds(&requester));
}

#[test]
fn state_of_another_account_device_machine_or_format_is_refused() {
    let (requester, _) = busy();
    let saved = requester.save();
    for (user, device) in [("@bob:example.org", "PHONE"), (USER, "LAPTOP")] {
        assert_eq!(restore(&saved, user, device).unwrap_err(), SavedStateError::OtherAccount);
    }
    let newer = str::from_utf8(saved.expose_bytes()).unwrap();
    let newer = newer.replacen("\"format\":3", "\"format\":9", 1);
    let newer = SecretVec::from(newer.as_bytes());
    assert_eq!(restore(&newer, USER, "PHONE").unwrap_err(), SavedStateError::Format { found: 9 });

    let mut responder = responder();
    asked(&mut responder, "1");
    let saved_responder = responder.save();
    let restore = |saved: &SecretVec, user: &str, device: &str| {
        Responder::from_saved(saved, user.into(), device.into(), SharePolicy::default()).err()
    };
    assert_eq!(restore(&saved, USER, "PHONE"), Some(SavedStateError::OtherPart));
    assert_eq!(restore(&saved_responder, USER, "PHONE"), Some(SavedStateError::OtherAccount));
    assert_eq!(restore(&saved_responder, USER, "LAPTOP"), None);
}

#[test]
fn damaged_state_is_an_error_and_never_a_panic() {
    let (requester, _) = busy();
    let saved = requester.save();
    let mut responder = responder();
    asked(&mut responder, "1");
    let saved_responder = responder.save();
    let parts = [saved, saved_responder].map(|saved| saved.expose_bytes().to_vec());
    for (part, bytes) in parts.iter().enumerate() {
        let try_it = |bytes: &[u8]| restore_part(part, bytes).is_none();
        assert!(try_it(bytes));
        for length in 0..bytes.len() {
            assert!(!try_it(&bytes[..length]), "part {part}, {length} bytes");
        }
        for index in 0..bytes.len() {
            for bit in [1, 16] {
                let mut flipped = bytes.clone();
                flipped[index] ^= bit;
                try_it(&flipped);
            }
        }
    }
}

#[test]
fn why_a_secret_was_accepted_is_remembered_with_it() {
    let mut requester = requester();
    let proven = ask(&mut requester, MEGOLM_BACKUP_V1);
    let event = answer(&laptop(), &proven, &key(8));
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
    let unproven = ask(&mut requester, "org.example.note");
    let event = answer(&laptop(), &unproven, "a note");
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
    let restored = restore(&requester.save(), USER, "PHONE").unwrap();
    let verdicts: BTreeMap<_, _> = restored
        .received(&seen_by_phone())
        .map(|it| (it.request_id, it.belongs_to_public_key))
        .collect();
    assert!(verdicts[&proven]);
    assert!(!verdicts[&unproven]);
}

#[test]
fn a_secret_that_does_not_fit_its_name_is_damage() {
    let (requester, _) = busy();
    let mut saved = requester.save();
    let mut part: Value = serde_json::from_slice(saved.expose_bytes()).unwrap();
    let requests = part["requests"].as_array_mut().unwrap();
    let mut answers = requests.iter_mut().filter_map(|it| it["state"].get_mut("open")?.get_mut(0));
    answers.next().unwrap()["secret"] = base64::encode(b"short").into();
    saved = SecretVec::from(part.to_string().as_bytes());
    assert_eq!(restore(&saved, USER, "PHONE").unwrap_err(), SavedStateError::Damaged);
}

#[test]
fn each_part_says_whose_it_is_and_in_which_format() {
    let (requester, _) = busy();
    let mut responder = responder();
    asked(&mut responder, "1");
    let saved = requester.save();
    let parts = [saved, responder.save()].map(|saved| saved.expose_bytes().to_vec());
    let device = ["PHONE", "LAPTOP"];
    for (index, part) in parts.iter().enumerate() {
        let read = |member: &str, value: Value| {
            let mut part: Value = serde_json::from_slice(part).unwrap();
            part[member] = value;
            restore_part(index, part.to_string().as_bytes())
        };
        assert_eq!(read("device_id", device[index].into()), None, "as it was");
        assert_eq!(read("user_id", "@bob:a".into()), Some(SavedStateError::OtherAccount));
        assert_eq!(read("device_id", "OTHER".into()), Some(SavedStateError::OtherAccount));
        assert_eq!(read("part", "another".into()), Some(SavedStateError::OtherPart));
        assert_eq!(read("format", 1.into()), Some(SavedStateError::Format { found: 1 }));
        assert_eq!(read("format", "3".into()), Some(SavedStateError::Damaged));
        for (other, bytes) in parts.iter().enumerate().filter(|(other, _)| *other != index) {
            let found = restore_part(index, bytes);
            assert_eq!(found, Some(SavedStateError::OtherPart), "{other} for {index}");
        }
    }
}

/// Restores the requester or the responder.
fn restore_part(part: usize, bytes: &[u8]) -> Option<SavedStateError> {
    let saved = SecretVec::from(bytes);
    match part {
        0 => restore(&saved, USER, "PHONE").err(),
        _ => {
            let policy = SharePolicy::default();
            Responder::from_saved(&saved, USER.into(), "LAPTOP".into(), policy).err()
        }
    }
}

/// The key of a dehydrated device had no shape once.
#[test]
fn a_text_that_was_accepted_as_the_key_of_a_dehydrated_device_costs_no_other_request() {
    let mut requester = requester();
    let note = ask(&mut requester, "org.example.note");
    let other = ask(&mut requester, MEGOLM_BACKUP_V1);
    let event = answer(&laptop(), &note, "any text");
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 0));
    let saved = requester.save();
    let saved = str::from_utf8(saved.expose_bytes()).unwrap();
    let saved = saved.replace("org.example.note", DEHYDRATED_DEVICE);
    let saved = SecretVec::from(saved.as_bytes());
    let mut requester = Requester::from_saved(&saved, USER.into(), "PHONE".into()).unwrap();
    let devices = seen_by_phone();
    let received: Vec<_> = requester.received(&devices).collect();
    assert_eq!(text_of(&received[0].secret.value), "any text");
    drop(received);
    // Today it would be refused, alone.
    let asked = ask(&mut requester, DEHYDRATED_DEVICE);
    let event = answer(&laptop(), &asked, "any text");
    let reason = dropped(receive(&mut requester, &event, &devices, &known(8), 0));
    assert!(matches!(reason, RequesterError::Shape(_)), "{reason:?}");
    let event = answer(&laptop(), &asked, &key(9));
    accepted(receive(&mut requester, &event, &devices, &known(8), 0));
    let event = answer(&laptop(), &other, &key(8));
    accepted(receive(&mut requester, &event, &devices, &known(8), 0));
}
