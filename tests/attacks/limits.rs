//! The table of SECURITY.md that says what bounds foreign input, made from `Limits` itself.

use std::{env, fs, path::Path};

use strongroom::Limits;

#[test]
fn the_limits_are_documented_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("SECURITY.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let source = fs::read_to_string(root.join("src/limits.rs")).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", table(&source));
    if env::var_os("STRONGROOM_WRITE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert_eq!(document, expected, "run it once more with STRONGROOM_WRITE_DOCS=1");
}

/// A row for each field: its name, its default, and the first sentence of what is said of it.
fn table(source: &str) -> String {
    let (_, fields) = source.split_once("pub struct Limits {").unwrap();
    let (fields, _) = fields.split_once("\n}").unwrap();
    let defaults = format!("{:?}", Limits::default());
    let (mut table, mut doc, mut count) = (String::new(), String::new(), 0);
    for line in fields.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|it| it.split_once(':'))
        {
            let value = defaults.split(&format!(" {name}: ")).nth(1).unwrap();
            let value = value.split([',', ' ']).next().unwrap().parse().unwrap();
            let bounds = doc.split(". ").next().unwrap().trim();
            table += &format!("| `{name}` | {} | {bounds} |\n", shown(name, value));
            (doc, count) = (String::new(), count + 1);
        }
    }
    assert_eq!(count, defaults.matches(": ").count(), "{defaults}");
    table
}

fn shown(name: &str, value: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit =
        units.into_iter().find(|(_, bits)| value >> bits > 0 && value.is_multiple_of(1 << bits));
    match unit {
        Some((unit, bits)) if name.ends_with("_bytes") => format!("{} {unit}", value >> bits),
        _ => {
            let digits = value.to_string();
            let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
            String::from_utf8(groups.join(&b","[..])).unwrap()
        }
    }
}

const BEGIN: &str = "| field | default | bounds |\n|---|---|---|\n";
const END: &str = "\nBesides these,";
