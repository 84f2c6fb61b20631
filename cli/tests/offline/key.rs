//! `strongroom key`.

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run};

#[test]
fn a_key_is_read_from_standard_input_and_from_utf_16() {
    let text = fixture("random")["recovery_key"].as_str().unwrap().to_owned();
    let folder = Folder::new("utf-16");
    let utf_16: Vec<_> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), format!("{text}\r\n").as_bytes(), &utf_16] {
        let key = folder.write("key.txt", bytes);
        for (file, input) in [(key.as_str(), None), ("-", Some(bytes))] {
            let (status, out, errors) = run(&["key", "check", "--file", file, "--json"], input);
            let report: Value = serde_json::from_str(&out).unwrap();
            assert_eq!((status, &report["valid"]), (0, &json!(true)), "{errors}");
            assert_eq!(report["curve25519_public_key"].as_str().unwrap().len(), 43);
        }
    }
}

#[test]
fn a_mistake_in_a_key_is_named_with_its_place() {
    let text = fixture("random")["recovery_key"].as_str().unwrap().to_owned();
    let zero = text.replacen(&text[10..11], "0", 1);
    let place = zero.find('0').unwrap() + 1;
    for (typed, position, says) in [
        (zero.as_str(), json!(place), "never 0 (zero)"),
        (&text[..20], Value::Null, "48 letters and digits"),
        ("hunter2", Value::Null, "looks like a passphrase"),
    ] {
        let (status, out, _) = run(&["key", "check", "--file", "-"], Some(typed.as_bytes()));
        assert_eq!(status, 1);
        assert!(out.contains(says), "{out}");
        assert!(!out.contains(typed), "{out}");
        let (status, out, _) =
            run(&["key", "check", "--file", "-", "--json"], Some(typed.as_bytes()));
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((status, &report["valid"], &report["position"]), (1, &json!(false), &position));
        assert!(report["error"].as_str().unwrap().contains(says), "{report:#}");
    }
}
