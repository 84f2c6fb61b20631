//! Rows 46 to 49 and 61 of what real clients wrote, or may: each read, or named.

use strongroom::{Limits, key_export::*, session_data::Repair};

use super::kit::*;

/// The same file in all the ways in which it is written.
fn written_otherwise(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let padded = base64_of(bytes);
    let bare = padded.trim_end_matches('=').to_owned();
    let padding = "=".repeat(padded.len() - bare.len());
    let lines = |width: usize, end: &str| {
        let lines: Vec<_> = padded.as_bytes().chunks(width).collect();
        lines.iter().map(|line| str::from_utf8(line).unwrap().to_owned() + end).collect::<String>()
    };
    vec![
        ("as clients write it", format!("{BEGIN}\n{padded}\n{END}\n")),
        ("everything on one line", format!("{BEGIN}{padded}{END}")),
        ("everything on one line without padding", format!("{BEGIN}{bare}{END}")),
        ("spaces in the place of line ends", format!("{BEGIN} {padded} {END} ")),
        ("no newline before the end", format!("{BEGIN}\n{padded}{END}\n")),
        ("no newline after the beginning", format!("{BEGIN}{padded}\n{END}\n")),
        ("no newline at the end", format!("{BEGIN}\n{padded}\n{END}")),
        ("CRLF", format!("{BEGIN}\r\n{}{END}\r\n", lines(76, "\r\n"))),
        ("CR alone", format!("{BEGIN}\r{}{END}\r", lines(64, "\r"))),
        ("short lines", format!("{BEGIN}\n{}{END}\n", lines(1, "\n"))),
        ("lines of 128 characters", format!("{BEGIN}\n{}{END}\n", lines(128, "\n"))),
        ("lines that are indented", format!("  {BEGIN}\n{}\t{END}\n", lines(75, "\n  \t"))),
        ("unpadded", format!("{BEGIN}\n{bare}\n{END}\n")),
        ("padded in a line of its own", format!("{BEGIN}\n{bare}\n{padding}\n{END}\n")),
        ("blank lines before it", format!("\n\r\n \t\n{BEGIN}\n{padded}\n{END}\n")),
        ("blank lines everywhere", format!("\n{BEGIN}\n\n\n{}\n\n{END}\n\n\n", lines(60, "\n\n"))),
        ("text before it", format!("My keys, saved -- in May:\n----{BEGIN}\n{padded}\n{END}\n")),
        ("a list before it", format!("[these are my keys]\n{BEGIN}\n{padded}\n{END}\n")),
        ("text after it", format!("{BEGIN}\n{padded}\n{END}\nRegards\n-----\n")),
        ("a byte-order mark", format!("\u{feff}{BEGIN}\n{padded}\n{END}\n")),
        ("a byte-order mark and CRLF", format!("\u{feff}{BEGIN}\r\n{bare}\r\n{END}\r\n")),
    ]
}

#[test]
fn row_46_lines_padding_and_text_around_a_file_do_not_matter() {
    // Each length of the last quantum.
    for spaces in ["", " ", "  "] {
        let expected = sessions(3);
        let list = json(&expected) + spaces;
        let bytes = sealed(PASSPHRASE, 1, IV, list.as_bytes());
        for (how, file) in written_otherwise(&bytes) {
            assert_eq!(read_whole(&file), expected, "{how}");
        }
    }
}

#[test]
fn row_46_unused_bits_of_the_last_character_do_not_matter() {
    let expected = sessions(1);
    let list = json(&expected);
    let spaces = (0..3).map(|count| " ".repeat(count));
    let bytes = spaces.map(|spaces| sealed(PASSPHRASE, 1, IV, (list.clone() + &spaces).as_bytes()));
    for bytes in bytes.filter(|bytes| bytes.len() % 3 != 0) {
        let text = base64_of(&bytes).trim_end_matches('=').to_owned();
        let (start, last) = text.split_at(text.len() - 1);
        let other = char::from(last.as_bytes()[0] + 1);
        assert_eq!(read_whole(format!("{BEGIN}\n{start}{other}\n{END}")), expected);
    }
}

#[test]
fn row_47_a_file_without_its_end_is_truncated_and_never_has_a_wrong_passphrase() {
    let file = file_with(&sessions(2));
    let whole = file.trim_end().len();
    for end in 6..whole {
        // In the first line no more than that can be said of five dashes.
        assert_eq!(read(&file[..end]).unwrap_err(), KeyFileError::Truncated, "{end}");
    }
    let bytes = sealed(PASSPHRASE, 1, IV, json(&sessions(2)).as_bytes());
    for (how, file) in written_otherwise(&bytes) {
        let end = file.find(END).unwrap();
        for cut in [end, end - 1, end + 1, end + 20, end + END.len() - 1, end / 2] {
            assert_eq!(read(&file[..cut]).unwrap_err(), KeyFileError::Truncated, "{how}: {cut}");
        }
    }
    // As an editor or a file system leaves it.
    for end in [6, 30, 80, 1_000, whole - 40, whole - END.len() + 5, whole - 10, whole - 1] {
        for filling in ["\n", "\r\n\r\n", " "] {
            let file = format!("{}{filling}", &file[..end]);
            assert_eq!(read(&file).unwrap_err(), KeyFileError::Truncated, "{end} {filling:?}");
        }
        let file = format!("{}{}", &file[..end], "\0".repeat(5_000));
        assert_eq!(read(&file).unwrap_err(), KeyFileError::Truncated, "{end}");
    }
    let sentence = KeyFileError::Truncated.to_string();
    assert!(sentence.contains("truncated") && !sentence.contains("passphrase"), "{sentence}");
}

#[test]
fn row_48_a_file_shorter_than_its_header_is_too_short() {
    let bytes = sealed(PASSPHRASE, 1, IV, b"");
    assert_eq!(bytes.len(), 69);
    for length in 0..69 {
        let expected = KeyFileError::TooShort { found: length as u64 };
        assert_eq!(read(framed(&bytes[..length])).unwrap_err(), expected);
    }
    // With its header and nothing else it is a file without a list.
    let (verdicts, report) = read(framed(&bytes)).unwrap();
    assert_eq!((verdicts.len(), report.ended_early()), (0, Some(&KeyFileError::NotAList)));
}

#[test]
fn row_49_a_bad_entry_among_good_ones_costs_itself() {
    let good: Vec<_> = sessions(2).iter().map(entry).collect();
    for bad in [
        "null",
        "true",
        "7",
        "-1.5e3",
        "\"text\"",
        "[]",
        "{}",
        r#"{"session_key":7,"room_id":"!r"}"#,
        r#"{"session_key":"AQAA","room_id":"!r"}"#,
        r#"{"algorithm":"m.megolm.v9","session_key":"AQAA","room_id":"!r"}"#,
        r#"{"algorithm":"\ud800"}"#,
        &good[0].replace("!room:example.org", ""),
        &good[0].replace("\"room_id\"", "\"room\""),
    ] {
        for entries in
            [[bad, &good[0], &good[1]], [&good[0], bad, &good[1]], [&good[0], &good[1], bad]]
        {
            let place = entries.iter().position(|entry| *entry == bad).unwrap() as u64 + 1;
            for list in
                [format!("[{}]", entries.join(",")), format!(" [ {} ] ", entries.join(" , "))]
            {
                let file = file_of(&list);
                for file in [file.as_str(), &list] {
                    let (verdicts, report) = read(file).unwrap();
                    assert_eq!(exported(&verdicts), sessions(2), "{bad}");
                    assert_eq!((report.read(), report.failed(), report.total()), (2, 1, 3));
                    assert!(report.ended_early().is_none() && !report.is_everything());
                    assert_eq!(report.failures()[0].0, place, "{bad}");
                    let Err(error) = &verdicts[place as usize - 1] else {
                        panic!("{bad} is no session");
                    };
                    assert_eq!(report.failures()[0].1, *error);
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}

#[test]
fn row_61_ivs_with_bit_63_set_are_taken_as_they_are() {
    let expected = sessions(40);
    let list = json(&expected);
    for iv in [[0xff; 16], [0x88; 16], [0; 16], {
        // The lower half overflows with the second block: those who write such IVs count in 128 bits.
        let mut iv = [0xff; 16];
        iv[..8].fill(3);
        iv
    }] {
        let file = framed(&sealed(PASSPHRASE, 2, iv, list.as_bytes()));
        assert_eq!(read_whole(&file), expected, "{iv:?}");
    }
}

#[test]
fn row_61_what_old_clients_wrote_into_exports_is_read_and_noted() {
    let session = session(3);
    let json = entry(&session);
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut object = object.as_object().unwrap().clone();
        change(&mut object);
        let list = serde_json::to_string(&[object]).unwrap();
        let (verdicts, report) = read(file_of(&list)).unwrap();
        assert!(report.is_everything(), "{report}");
        let [Ok(read)] = verdicts.as_slice() else { panic!() };
        let (exported, repairs) = (&read.value, &read.repairs);
        assert_eq!(exported.session.session_key(), session.session.session_key());
        (exported.session.clone(), repairs.clone())
    };

    let (read, repairs) = with(&|object| {
        let claimed = object.remove("sender_claimed_keys").unwrap();
        object.insert("sender_claimed_ed25519_key".to_owned(), claimed["ed25519"].clone());
    });
    assert_eq!(read.sender_claimed_ed25519(), session.session.sender_claimed_ed25519());
    assert_eq!(repairs, [Repair::SenderClaimedKeyMoved]);

    let (read, repairs) = with(&|object| {
        object.insert("sender_key".to_owned(), "".into());
    });
    assert_eq!(
        (read.sender_key(), repairs.as_slice()),
        (None, [Repair::SenderKeyDropped].as_slice())
    );

    for name in ["shared_history", "m.shared_history", "org.matrix.msc3061.shared_history"] {
        let (read, repairs) = with(&|object| {
            object.retain(|name, _| !name.ends_with("shared_history"));
            object.insert(name.to_owned(), true.into());
        });
        assert!(read.shared_history() && repairs.is_empty(), "{name}");
    }

    let (read, repairs) = with(&|object| {
        object.remove("forwarding_curve25519_key_chain");
    });
    assert!(read.forwarding_chain().is_empty() && repairs.is_empty());
}

#[test]
fn another_version_is_named() {
    for version in [0, 2, 0x7b, 0xff] {
        let mut bytes = sealed(PASSPHRASE, 1, IV, b"[]");
        bytes[0] = version;
        let expected = KeyFileError::UnsupportedVersion { found: version };
        assert_eq!(read(framed(&bytes)).unwrap_err(), expected);
        assert!(expected.to_string().contains(&version.to_string()));
    }
}

#[test]
fn a_character_that_is_not_base64_is_named_with_its_place() {
    let bytes = sealed(PASSPHRASE, 1, IV, json(&sessions(1)).as_bytes());
    let text = base64_of(&bytes);
    let at = |line: u64, column: u64, offset: u64| KeyFileError::Character { offset, line, column };
    let first = BEGIN.len() as u64 + 1;
    for bad in ["!", "_", "*", "\u{0}", "\"", "\u{a0}", "\u{feff}", "&"] {
        let file = format!("{BEGIN}\n{}{bad}{}\n{END}\n", &text[..9], &text[9..]);
        assert_eq!(read(&file).unwrap_err(), at(2, 10, first + 9), "{bad:?}");
        let file =
            format!("{BEGIN}\n{}\n{}{bad}{}\n{END}\n", &text[..8], &text[8..12], &text[12..]);
        assert_eq!(read(&file).unwrap_err(), at(3, 5, first + 13), "{bad:?}");
    }
    // Padding in the middle, and a hyphen that begins no last line.
    let file = format!("{BEGIN}\n{}==\n{}\n{END}\n", &text[..10], &text[10..]);
    assert_eq!(read(&file).unwrap_err(), at(3, 1, first + 13));
    let file = format!("{BEGIN}\n{}-{}\n{END}\n", &text[..10], &text[10..]);
    assert_eq!(read(&file).unwrap_err(), at(2, 12, first + 11));
    let sentence = at(3, 5, 99).to_string();
    assert!(sentence.contains("line 3") && sentence.contains("character 5"), "{sentence}");
}

#[test]
fn a_character_too_few_is_named_and_a_block_too_few_does_not_fit() {
    let bytes = sealed(PASSPHRASE, 1, IV, json(&sessions(1)).as_bytes());
    let text = base64_of(&bytes).trim_end_matches('=').to_owned();
    let whole = text.len() - text.len() % 4;
    for (length, expected) in [
        (whole - 3, KeyFileError::CharacterMissing),
        (whole - 4, KeyFileError::WrongPassphrase),
        (whole - 2, KeyFileError::WrongPassphrase),
    ] {
        let file = format!("{BEGIN}\n{}\n{END}\n", &text[..length]);
        assert_eq!(read(&file).unwrap_err(), expected, "{length}");
    }
}

#[test]
fn two_files_in_one_are_not_read_as_the_first_alone() {
    let file = file_with(&sessions(1));
    for both in [format!("{file}{file}"), format!("{}{file}", file.trim_end())] {
        assert_eq!(read(&both).unwrap_err(), KeyFileError::SeveralFiles);
    }
}

#[test]
fn rounds_are_refused_before_any_are_run() {
    let limits = {
        let mut limits = Limits::default();
        limits.pbkdf2_rounds = 10;
        limits
    };
    let with = |rounds: u32| {
        let mut bytes = sealed(PASSPHRASE, 1, IV, b"[]");
        bytes[33..37].copy_from_slice(&rounds.to_be_bytes());
        framed(&bytes)
    };
    let error = |rounds| KeyFile::from_slice(with(rounds).as_bytes(), &limits).err();
    assert_eq!(error(0), Some(KeyFileError::NoRounds));
    assert_eq!(error(10), None);
    for asked in [11, 10_000_001, u32::MAX] {
        assert_eq!(error(asked), Some(KeyFileError::TooManyRounds { asked, limit: 10 }));
    }
}
