//! Saved state.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom::{
    encoding::base64,
    ids::RequestId,
    saved_state::SavedStateError,
    secret::SecretVec,
    secret_sharing::{
        ClosedBy, RequestState, Requester, RequesterOptions, Responder, SavedRequester, SharePolicy,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeyVerdict, PublicKeys},
};

use crate::kit::{
    USER, accepted, answer, ask, asked, key, known, laptop, receive, requester, responder,
    seen_by_phone, tablet, text_of,
};

fn restore(saved: &SavedRequester, user: &str, device: &str) -> Result<Requester, SavedStateError> {
    Requester::restore(saved, user.into(), device.into(), RequesterOptions::default())
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
    let received: Vec<_> = after.received().collect();
    assert_eq!(text_of(&received[0].secret.value), key(8));
    let receipts = after.learn(&seen_by_phone(), &known(8), 2);
    assert_eq!(receipts.len(), 2);
    assert_eq!(accepted(receipts[1].clone()).request_id, open);
}

#[test]
fn a_secret_part_that_was_not_written_yet_makes_its_request_open_again() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let before = requester.save();
    receive(&mut requester, &answer(&laptop(), &id, &key(8)), &seen_by_phone(), &known(8), 1);
    let after = requester.save();
    let torn = SavedRequester { public: after.public.clone(), secret: before.secret.clone() };
    let restored = restore(&torn, USER, "PHONE").unwrap();
    assert_eq!(restored.state(&id), Some(RequestState::Open));
    let torn = SavedRequester { public: before.public, secret: after.secret };
    let restored = restore(&torn, USER, "PHONE").unwrap();
    assert_eq!(restored.state(&id), Some(RequestState::Received), "the secret is there");
}

#[test]
fn a_secret_that_was_stored_is_in_no_state() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    receive(&mut requester, &answer(&laptop(), &id, &key(8)), &seen_by_phone(), &known(8), 1);
    let saved = requester.save();
    assert!(
        !String::from_utf8(saved.public).unwrap().contains(&key(8)),
        "never in the public part"
    );
    assert!(str::from_utf8(saved.secret.expose_bytes()).unwrap().contains(&key(8)));
    requester.stored(&id).unwrap();
    let saved = requester.save();
    assert!(!str::from_utf8(saved.secret.expose_bytes()).unwrap().contains(&key(8)));
}

#[test]
fn state_of_another_account_device_machine_or_format_is_refused() {
    let (requester, _) = busy();
    let saved = requester.save();
    for (user, device) in [("@bob:example.org", "PHONE"), (USER, "LAPTOP")] {
        assert_eq!(restore(&saved, user, device).unwrap_err(), SavedStateError::OtherAccount);
    }
    let swapped = SavedRequester {
        public: saved.secret.expose_bytes().to_vec(),
        secret: SecretVec::from(saved.public.as_slice()),
    };
    assert_eq!(restore(&swapped, USER, "PHONE").unwrap_err(), SavedStateError::OtherPart);
    let newer = String::from_utf8(saved.public.clone()).unwrap().replacen(
        "\"format\":1",
        "\"format\":9",
        1,
    );
    let newer = SavedRequester { public: newer.into_bytes(), secret: saved.secret.clone() };
    assert_eq!(restore(&newer, USER, "PHONE").unwrap_err(), SavedStateError::Format { found: 9 });

    let mut responder = responder();
    asked(&mut responder, "1");
    let saved_responder = responder.save();
    let restore = |saved: &[u8], user: &str, device: &str| {
        Responder::restore(saved, user.into(), device.into(), SharePolicy::default()).err()
    };
    assert_eq!(restore(&saved.public, USER, "PHONE"), Some(SavedStateError::OtherPart));
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
    let parts = [saved.public.clone(), saved.secret.expose_bytes().to_vec(), saved_responder];
    for (part, bytes) in parts.iter().enumerate() {
        let try_it = |bytes: &[u8]| match part {
            0 => {
                let public = bytes.to_vec();
                let saved = SavedRequester { public, secret: saved.secret.clone() };
                restore(&saved, USER, "PHONE").is_ok()
            }
            1 => {
                let secret = SecretVec::from(bytes);
                let saved = SavedRequester { public: saved.public.clone(), secret };
                restore(&saved, USER, "PHONE").is_ok()
            }
            _ => {
                let policy = SharePolicy::default();
                Responder::restore(bytes, USER.into(), "LAPTOP".into(), policy).is_ok()
            }
        };
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
    let verdicts: BTreeMap<_, _> =
        restored.received().map(|secret| (secret.request_id, secret.public_key)).collect();
    assert_eq!(verdicts[&proven], PublicKeyVerdict::Belongs);
    assert_eq!(verdicts[&unproven], PublicKeyVerdict::NotChecked);
}

#[test]
fn no_secret_is_in_the_public_part_in_any_encoding() {
    let (mut requester, _) = busy();
    let note = ask(&mut requester, "org.example.note");
    let text = "correct \"horse\" battery/staple ä";
    let event = answer(&laptop(), &note, text);
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
    let saved = requester.save();
    let secret = String::from_utf8(saved.secret.expose_bytes().to_vec()).unwrap();
    assert!(secret.contains(&key(7)) && secret.contains("staple"), "they are in the other part");
    let public = String::from_utf8(saved.public).unwrap();
    let mut responder = responder();
    asked(&mut responder, "1");
    let of_responder = String::from_utf8(responder.save()).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for plain in [[7; 32].as_slice(), &[8; 32], text.as_bytes()] {
        let numbers = plain.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        for encoded in [base64::encode(plain), hex(plain), numbers] {
            let windows = encoded.as_bytes().windows(10).map(|part| str::from_utf8(part).unwrap());
            for part in windows {
                assert!(!public.contains(part) && !of_responder.contains(part), "{part}");
            }
        }
    }
    assert!(!["horse", "battery", "staple"].iter().any(|word| public.contains(word)));
}

#[test]
fn one_secret_that_is_missing_opens_its_own_request_and_no_other() {
    let mut requester = requester();
    let ids = [8, 9].map(|byte| {
        let id = ask(&mut requester, MEGOLM_BACKUP_V1);
        let event = answer(&laptop(), &id, &key(byte));
        accepted(receive(&mut requester, &event, &seen_by_phone(), &known(byte), 1));
        id
    });
    let mut saved = requester.save();
    edit_secrets(&mut saved, |secrets| {
        secrets.retain(|secret| secret["request_id"] != ids[0].as_str());
    });
    let mut restored = restore(&saved, USER, "PHONE").unwrap();
    assert_eq!(restored.state(&ids[0]), Some(RequestState::Open));
    assert_eq!(restored.state(&ids[1]), Some(RequestState::Received));
    let event = answer(&laptop(), &ids[0], &key(8));
    accepted(receive(&mut restored, &event, &seen_by_phone(), &known(8), 2));
}

#[test]
fn a_secret_without_its_request_or_of_one_that_is_over_is_forgotten() {
    let mut requester = requester();
    let empty = requester.save();
    let (kept, received) =
        (ask(&mut requester, MEGOLM_BACKUP_V1), ask(&mut requester, MEGOLM_BACKUP_V1));
    let event = answer(&laptop(), &kept, &key(8));
    receive(&mut requester, &event, &seen_by_phone(), &PublicKeys::default(), 1);
    let event = answer(&laptop(), &received, &key(8));
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
    let secret = requester.save().secret;
    let torn = SavedRequester { public: empty.public, secret: secret.clone() };
    let restored = restore(&torn, USER, "PHONE").unwrap();
    assert_eq!((restored.requests().count(), restored.received().count()), (0, 0));
    requester.cancel(&kept).unwrap();
    requester.stored(&received).unwrap();
    let torn = SavedRequester { public: requester.save().public, secret };
    let restored = restore(&torn, USER, "PHONE").unwrap();
    assert_eq!(restored.state(&kept), Some(RequestState::Closed(ClosedBy::Cancelled)));
    assert_eq!(restored.state(&received), Some(RequestState::Closed(ClosedBy::Stored)));
    let secret = restored.save().secret;
    assert!(!str::from_utf8(secret.expose_bytes()).unwrap().contains(&key(8)));
}

#[test]
fn a_secret_that_does_not_fit_its_name_is_damage() {
    let (requester, _) = busy();
    let mut saved = requester.save();
    edit_secrets(&mut saved, |secrets| secrets[0]["secret"] = "short".into());
    assert_eq!(restore(&saved, USER, "PHONE").unwrap_err(), SavedStateError::Damaged);
}

#[test]
fn each_part_says_whose_it_is_and_in_which_format() {
    let (requester, _) = busy();
    let mut responder = responder();
    asked(&mut responder, "1");
    let saved = requester.save();
    let parts = [saved.public.clone(), saved.secret.expose_bytes().to_vec(), responder.save()];
    let device = ["PHONE", "PHONE", "LAPTOP"];
    for (index, part) in parts.iter().enumerate() {
        let read = |member: &str, value: Value| {
            let mut part: Value = serde_json::from_slice(part).unwrap();
            part[member] = value;
            restore_part(index, part.to_string().as_bytes(), &saved)
        };
        assert_eq!(read("device_id", device[index].into()), None, "as it was");
        assert_eq!(read("user_id", "@bob:a".into()), Some(SavedStateError::OtherAccount));
        assert_eq!(read("device_id", "OTHER".into()), Some(SavedStateError::OtherAccount));
        assert_eq!(read("part", "another".into()), Some(SavedStateError::OtherPart));
        assert_eq!(read("format", 2.into()), Some(SavedStateError::Format { found: 2 }));
        assert_eq!(read("format", "1".into()), Some(SavedStateError::Damaged));
        for (other, bytes) in parts.iter().enumerate().filter(|(other, _)| *other != index) {
            let found = restore_part(index, bytes, &saved);
            assert_eq!(found, Some(SavedStateError::OtherPart), "{other} for {index}");
        }
    }
}

/// Restores the machine of this part, with the other part as it was saved.
fn restore_part(part: usize, bytes: &[u8], saved: &SavedRequester) -> Option<SavedStateError> {
    let mut torn = saved.clone();
    match part {
        0 => torn.public = bytes.to_vec(),
        1 => torn.secret = SecretVec::from(bytes),
        _ => {
            let policy = SharePolicy::default();
            return Responder::restore(bytes, USER.into(), "LAPTOP".into(), policy).err();
        }
    }
    restore(&torn, USER, "PHONE").err()
}

fn edit_secrets(saved: &mut SavedRequester, edit: impl FnOnce(&mut Vec<Value>)) {
    let mut part: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
    edit(part["secrets"].as_array_mut().unwrap());
    saved.secret = SecretVec::from(part.to_string().as_bytes());
}
