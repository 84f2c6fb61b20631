//! What stands between the entries, what is too large, and lists that are not encrypted.

use strongroom::{Limits, backup::Authenticity, key_export::*, session_data::SessionDataError};

use super::kit::*;

/// The same for the list in an encrypted file and by itself.
fn both(list: &str, check: impl Fn(&[EntryVerdict], &KeyFileReport)) {
    for file in [file_of(list), list.to_owned()] {
        let (verdicts, report) = read(&file).unwrap();
        assert_eq!(report.total(), verdicts.len() as u64);
        check(&verdicts, &report);
    }
}

#[test]
fn a_list_that_is_not_encrypted_is_read_without_a_passphrase() {
    let expected = sessions(3);
    let list = json(&expected);
    let pretty = {
        let value: serde_json::Value = serde_json::from_str(&list).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    for list in [
        list.clone(),
        format!("\u{feff}{list}"),
        format!("\r\n\t {list}\r\n\n"),
        format!("\u{feff}{}", pretty.replace('\n', "\r\n")),
    ] {
        let KeyFile::Plain(sessions) =
            KeyFile::from_slice(list.as_bytes(), &Limits::default()).unwrap()
        else {
            panic!("it is not encrypted");
        };
        assert_eq!(
            (sessions.form(), sessions.authenticity()),
            (None, Authenticity::Unauthenticated)
        );
        assert_eq!(sessions.read_all().unwrap().0, expected);
    }
}

#[test]
fn an_empty_list_is_a_success_with_nothing_in_it() {
    for list in ["[]", " [ ] ", "[\n]\n"] {
        both(list, |verdicts, report| {
            assert!(verdicts.is_empty() && report.is_everything(), "{report}");
            assert_eq!(report.to_string(), "0 of 0 message keys were read");
        });
    }
}

#[test]
fn what_comes_before_a_broken_place_is_delivered_and_the_report_says_why_it_ends() {
    let good = entry(&session(1));
    for (list, read, end) in [
        (format!("[{good},{good}"), 2, KeyFileError::ListTruncated),
        (format!("[{good},"), 1, KeyFileError::ListTruncated),
        (format!("[{good},{}", &good[..good.len() / 2]), 1, KeyFileError::ListTruncated),
        (format!("[{good},nul"), 1, KeyFileError::ListTruncated),
        ("[".to_owned(), 0, KeyFileError::ListTruncated),
        (format!("[{good},,{good}]"), 1, KeyFileError::ListSyntax),
        (format!("[{good} {good}]"), 1, KeyFileError::ListSyntax),
        (format!("[{good},]"), 1, KeyFileError::ListSyntax),
        (format!("[,{good}]"), 0, KeyFileError::ListSyntax),
        (format!("[{good}}}"), 1, KeyFileError::ListSyntax),
        (format!("[{good},{{'a':1}}]"), 1, KeyFileError::ListSyntax),
        (format!("[{good}][{good}]"), 1, KeyFileError::ListTrailingBytes),
        (format!("[{good}]\u{0}"), 1, KeyFileError::ListTrailingBytes),
    ] {
        both(&list, |verdicts, report| {
            assert_eq!(exported(verdicts).len(), read, "{list}");
            assert_eq!(report.ended_early(), Some(&end), "{list}");
            assert!(!report.is_everything());
            assert!(report.to_string().contains("there may be more"), "{report}");
        });
    }
    let truncated = KeyFileError::ListTruncated.to_string();
    assert!(truncated.contains("truncated"), "{truncated}");
}

#[test]
fn an_encrypted_file_without_a_list_is_named() {
    for list in ["", "{}", "null", "\"[]\"", "{\"sessions\":[]}", " ", "plain"] {
        let (verdicts, report) = read(file_of(list)).unwrap();
        assert_eq!((verdicts.len(), report.ended_early()), (0, Some(&KeyFileError::NotAList)));
    }
}

#[test]
fn an_entry_that_exceeds_a_limit_costs_itself() {
    let good = entry(&session(1));
    let mut limits = Limits::default();
    limits.session_bytes = good.len();
    limits.response_depth = 4;
    let large = good.replace('{', "{ ");
    let deep = good
        .replacen('{', r#"{"deep":[[[]]],"#, 1)
        .replace(",\"sender_claimed_keys\":{", ",\"x\":{");
    limits.session_bytes = limits.session_bytes.max(deep.len());
    let padded = format!("{large}{}", " ".repeat(0));
    let large = padded.replacen('{', &format!("{{{}", " ".repeat(limits.session_bytes)), 1);
    let list = format!("[{good},{large},{good},{deep},{good}]");
    for file in [file_of(&list), list] {
        let sessions = match KeyFile::from_slice(file.as_bytes(), &limits).unwrap() {
            KeyFile::Encrypted(file) => file.unlock(PASSPHRASE).open().unwrap(),
            KeyFile::Plain(sessions) => sessions,
        };
        let (read, report) = sessions.read_all().unwrap();
        assert_eq!(read.len(), 3);
        let [
            (2, SessionDataError::TooLarge { limit, found }),
            (4, SessionDataError::TooDeep { limit: 4 }),
        ] = report.failures()
        else {
            panic!("{report:?}");
        };
        assert_eq!((*limit, *found), (limits.session_bytes, large.len()));
    }
}

#[test]
fn a_report_counts_all_failures_and_names_as_many_as_are_allowed() {
    let list = format!("[{}]", vec!["null"; 30].join(","));
    let mut limits = Limits::default();
    limits.findings = 4;
    let KeyFile::Plain(sessions) = KeyFile::from_slice(list.as_bytes(), &limits).unwrap() else {
        panic!("it is not encrypted");
    };
    let report = sessions.finish().unwrap();
    assert_eq!((report.failed(), report.failures().len()), (30, 4));
    assert_eq!(report.to_string(), "0 of 30 message keys were read; unreadable: 30");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["failed"], &json["failures"][3]["entry"]), (&30.into(), &4.into()));
    assert!(json["failures"][0]["error"].is_string() && json["ended_early"].is_null());
}

#[test]
fn of_two_copies_the_one_that_decrypts_more_and_was_forwarded_less_is_the_better_one() {
    let [early, late] = [1, 3].map(|index: u32| {
        let session = session(0).session;
        let mut bytes = *session.session_key().expose_bytes();
        bytes[1..5].copy_from_slice(&index.to_be_bytes());
        let key = strongroom::session_data::SessionKey::from_bytes(&bytes).unwrap();
        strongroom::session_data::SessionData::of_unknown_sender(key)
    });
    let chain = vec![strongroom::crypto::curve25519::Curve25519PublicKey::from_bytes([8; 32])];
    let forwarded = early.clone().with_forwarding_chain(chain);
    assert!(early.replaces(&late) && !late.replaces(&early));
    assert!(early.replaces(&forwarded) && !forwarded.replaces(&early));
    assert!(forwarded.replaces(&late), "what it decrypts counts first");
    assert!(!early.replaces(&early), "equal on all: the one that is kept stays");
}
