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

/// The key with its first character in group 3 mistyped, without it, and with neighbours swapped.
fn mistyped(text: &str) -> [(String, &'static str); 3] {
    let (before, rest) = text.split_at(10);
    let (wrong, after) = rest.split_at(1);
    let other = if wrong == "2" { "3" } else { "2" };
    let mut swapped: Vec<_> = text.chars().collect();
    let pair = (10..13).find(|at| swapped[*at] != swapped[at + 1]).unwrap();
    swapped.swap(pair, pair + 1);
    [
        (format!("{before}{other}{after}"), "the 1st character of group 3 is wrong"),
        (format!("{before}{after}"), "of group 3 is missing"),
        (swapped.into_iter().collect(), "and the one after it are in the wrong order"),
    ]
}

#[test]
fn a_mistyped_key_is_repaired_by_the_public_key_or_what_was_saved() {
    let fixture = fixture("random");
    let text = fixture["recovery_key"].as_str().unwrap();
    let whole = ["key", "check", "--file", "-", "--json"];
    let (_, out, _) = run(&whole, Some(text.as_bytes()));
    let whole: Value = serde_json::from_str(&out).unwrap();
    let public_key = whole["curve25519_public_key"].as_str().unwrap();
    let folder = Folder::new("repair");
    let saved = folder.write("account.json", fixture["account_data"].to_string().as_bytes());
    let base = ["key", "check", "--file", "-", "--repair"];
    for (typed, place) in mistyped(text) {
        for proof in [["--public-key", public_key], ["--from", &saved]] {
            let arguments = [&base[..], &proof].concat();
            let (status, out, errors) = run(&arguments, Some(typed.as_bytes()));
            assert_eq!(status, 3, "{errors}");
            assert!(out.contains(place) && out.contains(text), "{out}");
            let (status, out, _) =
                run(&[&arguments[..], &["--json"]].concat(), Some(typed.as_bytes()));
            let report: Value = serde_json::from_str(&out).unwrap();
            assert_eq!((status, &report["repaired"]), (3, &json!([text])));
            assert!((11..=14).contains(&report["position"].as_u64().unwrap()));
        }
    }
    let arguments = [&base[..], &["--public-key", public_key]].concat();
    assert_eq!(run(&arguments, Some(text.as_bytes())).0, 0);
}

#[test]
fn no_key_is_offered_without_its_proof() {
    let fixture = fixture("random");
    let text = fixture["recovery_key"].as_str().unwrap();
    let [(typed, _), ..] = mistyped(text);
    let base = ["key", "check", "--file", "-", "--repair"];
    let (status, out, errors) = run(&base, Some(typed.as_bytes()));
    assert_eq!((status, out.as_str()), (2, ""), "{errors}");
    let (status, out, errors) =
        run(&[&base[..], &["--public-key", text]].concat(), Some(typed.as_bytes()));
    assert_eq!((status, out.as_str()), (2, ""), "{errors}");
    assert!(errors.contains("--public-key") && !errors.contains(text), "{errors}");
    let other = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo";
    for (typed, says) in [(typed.as_str(), "could not be repaired"), (text, "not the right one")] {
        let arguments = [&base[..], &["--public-key", other]].concat();
        let (status, out, _) = run(&arguments, Some(typed.as_bytes()));
        assert_eq!(status, 1, "{out}");
        assert!(out.contains(says) && !out.contains(text), "{out}");
        let (_, out, _) = run(&[&arguments[..], &["--json"]].concat(), Some(typed.as_bytes()));
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["repaired"], json!([]));
    }
}
