//! Files that are another thing get a sentence that says what they seem to be.

use strongroom::key_export::*;

use super::kit::*;

#[test]
fn a_file_that_is_another_thing_is_named() {
    let key = "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";
    let long_page = format!("<!DOCTYPE html><html>{}", "<p>hello</p>".repeat(10_000));
    let utf16: Vec<u8> =
        format!("\u{feff}{BEGIN}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let many: Vec<(&str, Vec<&[u8]>)> = vec![
        ("is empty", vec![b"", b" \n\t", b"\xef\xbb\xbf", b"\r\n\r\n"]),
        (
            "error of a homeserver (M_UNKNOWN_TOKEN)",
            vec![
                br#"{"errcode":"M_UNKNOWN_TOKEN","error":"x"}"#,
                b"\xef\xbb\xbf\n { \"error\": \"x\", \"errcode\": \"M_UNKNOWN_TOKEN\" }\n",
            ],
        ),
        (
            "a backup as a homeserver returns it",
            vec![
                br#"{"rooms":{}}"#,
                br#"{ "sessions": {"x": {}}}"#,
                br#"{"etag":"1","rooms":{"!r":{"sessions":{"#,
            ],
        ),
        ("other JSON", vec![b"{}", br#"{"keys":[]}"#, b"\"text\"", b"{\"a\":", b"  {\"a\":1}"]),
        (
            "a web page",
            vec![
                b"<!DOCTYPE html>",
                b"\n<html lang=\"en\">",
                b"<HEAD>",
                b"<!-- saved -->",
                long_page.as_bytes(),
            ],
        ),
        (
            "a recovery key",
            vec![
                key.as_bytes(),
                b"Recovery key: EsTSFgHNgJdTGvLmcB3wckopEUyKXNKoP1b3h9j2fNNQqJ8j\r\n",
            ],
        ),
        (
            "of another program",
            vec![b"-----BEGIN PGP MESSAGE-----\n", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA"],
        ),
        ("UTF-16", vec![&utf16, b"\xfe\xff\0-"]),
        ("compressed", vec![b"PK\x03\x04....", b"\x1f\x8b\x08"]),
        (
            "no line \u{201c}-----BEGIN",
            vec![
                b"hello",
                b"-----",
                b"\0\0\0",
                b"AXNhbHQ",
                b"-----BEGIM MEGOLM",
                b"----BEGIN MEGOLM SESSION DATA-----\n",
                b"7",
            ],
        ),
    ];
    for (expected, files) in many {
        for file in files {
            let error = read(file).unwrap_err();
            assert!(error.is_of_other_file(), "{error:?}");
            let sentence = error.to_string();
            let shown = String::from_utf8_lossy(&file[..file.len().min(50)]);
            assert!(sentence.contains(expected), "{shown:?}: {sentence}");
            assert!(sentence.contains(';'), "it says what to do: {sentence}");
            assert!(!sentence.contains("EsTS"), "{sentence}");
        }
    }
}

#[test]
fn text_before_a_file_may_be_long_and_not_without_end() {
    let file = file_with(&sessions(1));
    let with = |length: usize| read(format!("{}\n{file}", "x ".repeat(length / 2)));
    assert!(with(60_000).unwrap().1.is_everything());
    let error = with(70_000).unwrap_err();
    assert_eq!(error, KeyFileError::OtherFile);
}

#[test]
fn no_error_shows_what_is_in_the_file() {
    let session = session(1);
    let json = entry(&session);
    let key = session.session.session_key().to_base64();
    let pieces: Vec<_> = key.expose_str().as_bytes().chunks(12).collect();
    for file in [
        file_of(&json),
        json.clone(),
        format!("[{json},{{"),
        format!("[{}]", json.replace("m.megolm.v1.aes-sha2", key.expose_str())),
        format!("{{\"errcode\":7,\"x\":{json}}}"),
        key.expose_str().to_owned(),
    ] {
        let printed = match read(&file) {
            Ok((verdicts, report)) => {
                format!(
                    "{verdicts:?} {report:?} {report} {}",
                    serde_json::to_string(&report).unwrap()
                )
            }
            Err(error) => format!("{error} {error:?}"),
        };
        for piece in &pieces {
            let piece = str::from_utf8(piece).unwrap();
            assert!(
                piece.len() < 12 || piece == "AAAAAAkJCQkJ" || !printed.contains(piece),
                "{printed}"
            );
        }
    }
}
