//! Every way to damage a saved state, made from the state itself.

use serde_json::{Map, Value, json};

/// The state with one thing changed, in every place.
pub(crate) fn damaged(state: &[u8]) -> Vec<Vec<u8>> {
    let text = str::from_utf8(state).unwrap();
    assert!(text.is_ascii(), "it can be cut anywhere");
    let whole: Value = serde_json::from_str(text).unwrap();
    let mut pointers = Vec::new();
    collect(&whole, String::new(), &mut pointers);
    assert!(pointers.len() >= 8, "{pointers:?}");
    let mut all = Vec::new();
    for pointer in &pointers {
        let old = whole.pointer(pointer).unwrap();
        let others = replacements(old).into_iter().map(|value| value.to_string());
        for other in others.chain(escaped(old)) {
            let mut changed = whole.clone();
            *changed.pointer_mut(pointer).unwrap() = json!(PLACE);
            all.push(changed.to_string().replace(&json!(PLACE).to_string(), &other).into_bytes());
        }
        all.extend(without_its_name(&whole, pointer));
    }
    all.extend((0..text.len()).map(|length| text.as_bytes()[..length].to_vec()));
    all.extend((0..text.len()).step_by(3).map(|at| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = 0xff;
        bytes
    }));
    all
}

/// Where something else is written.
const PLACE: &str = "(here)";

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(element, format!("{pointer}/{index}"), pointers);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(member, format!("{pointer}/{name}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

/// Values of every type, and the old one where it is nested otherwise.
fn replacements(old: &Value) -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("other"),
        json!([]),
        json!({}),
        json!([old]),
        json!([old, old]),
        json!({ "other": old }),
        json!({ "secret": old, "key": old }),
        json!([[[old]]]),
    ]
}

/// A string with escapes, well-formed or not; nothing of another value.
fn escaped(old: &Value) -> Vec<String> {
    let Some(text) = old.as_str().filter(|text| !text.is_empty()) else { return Vec::new() };
    let escape = |text: &str| -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    let (first, rest) = text.split_at(1);
    let (begin, last) = text.split_at(text.len() - 1);
    vec![
        format!("\"{}{rest}\"", escape(first)),
        format!("\"{begin}{}\"", escape(last)),
        format!("\"{}\"", escape(text)),
        format!("\"{text}\\n\""),
        format!("\"{text}\\ud800\""),
        format!("\"\\/{text}\""),
    ]
}

/// The state without a member, and with the member under other names.
fn without_its_name(whole: &Value, pointer: &str) -> Vec<Vec<u8>> {
    let Some((object, name)) = pointer.rsplit_once('/') else { return Vec::new() };
    if whole.pointer(object).is_none_or(|object| !object.is_object()) {
        return Vec::new();
    }
    let changed = |change: &dyn Fn(&mut Map<String, Value>, Value)| {
        let mut changed = whole.clone();
        let members = changed.pointer_mut(object).unwrap().as_object_mut().unwrap();
        let member = members.remove(name).unwrap();
        change(members, member);
        changed.to_string()
    };
    let renamed =
        |name: &str| changed(&|members, member| drop(members.insert(name.to_owned(), member)));
    let mut all = vec![changed(&|_, _| ()), renamed("other"), renamed("secret")];
    let escaped =
        renamed(PLACE).replace(PLACE, &format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]));
    all.push(escaped);
    all.into_iter().map(String::into_bytes).collect()
}
