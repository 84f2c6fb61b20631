//! What is meant as a recovery key, though it is mistyped, and what is a passphrase (rows 53 and 54 of the malformations).

use serde_json::json;
use strongroom::{
    Limits,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret::SecretBytes,
    secret_storage::{EntryKind, UnlockError, UnlockFailure},
    secret_value::PublicKeys,
};

use crate::account::{Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};

/// What people write before a key.
const LABELS: [&str; 16] = [
    "",
    "Recovery key: ",
    "Recovery key ",
    "My Element key for work: ",
    "Es ist der Schl\u{fc}ssel: ",
    "Essential: ",
    "Esta es la clave de Element: ",
    "Estoy guardando mi clave - ",
    "Cl\u{e9} de r\u{e9}cup\u{e9}ration : ",
    "\u{6062}\u{590d}\u{5bc6}\u{94a5}\u{ff1a}",
    "\u{6062}\u{590d}\u{5bc6}\u{94a5}",
    "\u{41a}\u{43b}\u{44e}\u{447} ",
    "Security Key\n============\n",
    "iPhone 12, IPv6, 2024-01-05 -> ",
    "1. ",
    "key=",
];

#[test]
fn row_53_a_mistyped_key_is_told_from_its_label() {
    let accounts = [Account::default().with_key(ID, KEY), with_passphrase(256)];
    for account in accounts {
        for label in LABELS {
            for (text, error) in mistyped(&recovery_key(KEY)) {
                for after in ["", "\nkeep it safe", " (my key)", "\"", "\n```\n", " \u{1f511}"] {
                    let typed = format!("{label}{text}{after}");
                    let refused = unlock(&account, &typed).unwrap_err();
                    assert_eq!(refused.recovery_key, Some(error), "{typed:?}");
                    // One mistake alone is found as well.
                    let is_one = matches!(refused.reason, UnlockFailure::Mistyped(_));
                    assert!(
                        is_one || refused.reason == UnlockFailure::RecoveryKey(error),
                        "{typed:?}"
                    );
                }
            }
        }
    }
}

/// Mistakes of all kinds, and what is said of each.
fn mistyped(key: &str) -> Vec<(String, RecoveryKeyError)> {
    let at = |index: usize, by: &str| {
        let (before, rest) = key.split_at(index);
        format!("{before}{by}{}", &rest[1..])
    };
    let other = if &key[20..21] == "a" { "b" } else { "a" };
    let character = |position| RecoveryKeyError::Character { position };
    let invisible = |code_point| RecoveryKeyError::Invisible { position: 15, code_point };
    vec![
        (at(20, other), RecoveryKeyError::Parity),
        (at(11, "0"), character(12)),
        (at(11, "I").replacen(' ', " l", 1), character(6)),
        (at(11, "\u{e9}"), character(12)),
        (at(11, "\u{441}"), character(12)),
        (at(11, ""), RecoveryKeyError::Length { found: 47 }),
        (at(11, "xyZ"), RecoveryKeyError::Length { found: 50 }),
        (at(0, "X"), RecoveryKeyError::Prefix),
        (at(1, "S"), RecoveryKeyError::Prefix),
        (key[..key.len() - 5].to_owned(), RecoveryKeyError::Length { found: 44 }),
        (at(14, "\0"), invisible(0)),
        (at(14, "\u{7}"), invisible(7)),
        (at(14, "\u{2800}"), invisible(0x2800)),
        (at(20, other).replace(' ', "-"), RecoveryKeyError::Parity),
        (at(20, other).replace(' ', "+"), RecoveryKeyError::Parity),
        (at(20, other).replace(' ', ""), RecoveryKeyError::Parity),
    ]
}

#[test]
fn row_53_every_mark_and_every_markup_separates() {
    let key = recovery_key(KEY);
    let joined = |separator: &str| key.replace(' ', separator);
    let marks = ('!'..='~').filter(|it| it.is_ascii_punctuation()).map(String::from);
    let others = ["\u{1f511}", "\u{2764}\u{fe0f}", "\u{fffd}", "\u{2192}", "\u{20ac}", "\u{a7}"];
    for mark in marks.chain(others.map(str::to_owned)) {
        for text in [
            joined(&mark),
            joined(&format!(" {mark} ")),
            format!("{mark}{key}"),
            format!("{key}{mark}"),
            format!("{mark}{mark} {key} {mark}{mark}"),
            format!("Recovery key {mark} {key}"),
        ] {
            assert_key(&text);
        }
    }
    for markup in ["%20", "%0A", "%C2%A0", "&nbsp;", "&#160;", "&#x20;", "<br>", "<br/>\n", "\\n"] {
        assert_key(&joined(markup));
        assert_key(&format!("{markup}{key}{markup}"));
        let (first, second) = key.split_at(30);
        assert_key(&format!("{first}{markup}{second}"));
    }
    for text in [
        format!("&quot;{key}&quot;"),
        format!("<p>Key:</p><code class=\"mx_key\">{key}</code>"),
        format!("\u{1b}[1m{key}\u{1b}[0m"),
        format!("{key}\0\0\0"),
        format!("\u{feff}\0{key}\u{1a}"),
        format!("{key} is my key"),
        format!("{{\"recovery_key\":\"{}\"}}", joined("")),
    ] {
        assert_key(&text);
    }
}

#[test]
fn row_53_the_numbers_of_a_list_do_not_count() {
    let key = recovery_key(KEY);
    let list = |item: fn(usize) -> String| {
        let lines = key.split(' ').enumerate().map(|(index, group)| item(index + 1) + group);
        lines.collect::<Vec<_>>().join("\n")
    };
    for text in [
        list(|n| format!("{n}. ")),
        list(|n| format!("{n}) ")),
        list(|n| format!("({n}) ")),
        list(|n| format!("[{n}] ")),
        list(|n| format!("{n}:")),
        list(|n| format!("{n:02} ")),
        list(|n| format!("#{n}\t")),
        list(|n| format!("{n}\u{fe0f}\u{20e3} ")),
    ] {
        assert_key(&text);
        assert_key(&text.replace('\n', " / "));
    }
}

#[test]
fn row_54_words_are_never_a_recovery_key() {
    let account = with_passphrase(256);
    for text in WORDS {
        for text in [
            (*text).to_owned(),
            text.replace(' ', "-"),
            text.replace(' ', "_"),
            text.replace(' ', "."),
            text.to_lowercase(),
            text.to_uppercase(),
            format!("Es {text}"),
            format!("{text} {text} {text}"),
        ] {
            let reason = unlock(&account, &text).unwrap_err().reason;
            assert_eq!(reason, UnlockFailure::PassphraseDoesNotFit, "{text}");
        }
    }
}

/// Passphrases as people choose them.
const WORDS: &[&str] = &[
    "Es gibt viel Bier hier x",
    "Es gibt viel Bier hier und dort auch sehr viel Wein dazu",
    "Es war einmal ein K\u{f6}nig, der hatte drei sch\u{f6}ne T\u{f6}chter",
    "Es Tut Mir Leid Aber Das Geht So Nicht",
    "Esel Ente Igel Hund Wolf Maus Kuh Reh Hase Igel Huhn Gans",
    "99 Luftballons auf ihrem Weg zum Horizont 1983",
    "WLAN-Kennwort: Sommer2024! Winter2025?",
    "Der Zug nach Bonn h\u{e4}lt auch in K\u{f6}ln um halb acht",
    "Esta es mi frase secreta de seguridad",
    "Este gato come pan cada dia bajo luna",
    "Estoy muy contento con esta clave 7",
    "\u{a1}Qu\u{e9} bonito d\u{ed}a hace hoy en Espa\u{f1}a!",
    "En un lugar de la Mancha de cuyo nombre no quiero acordarme",
    "Essential Estate Esteem Establish",
    "correct horse battery staple and a few more words now",
    "Correct Horse Battery Staple 99 Balloons",
    "to be or not to be that is the question",
    "this word list with four char only here then some more text",
    "legal winner thank year wave sausage worth useful legal winner",
    "Tr0ub4dor&3",
    "P@ssw0rd!",
    "hunter2",
    "12345678",
    "IBAN DE89 3704 0044 0532 0130 00",
    "550e8400-e29b-41d4-a716-446655440000",
    "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{5bc6}\u{7801} \u{1f511}",
];

#[test]
fn row_53_mistakes_in_any_key_are_told_apart() {
    let account = Account::default().with_key(ID, KEY);
    let (mut found, mut all) = (0, 0);
    for seed in 0..=255_u8 {
        let bytes = |bytes: &mut [u8; 32]| {
            (0_u8..).zip(bytes.iter_mut()).for_each(|(index, byte)| {
                *byte = seed.wrapping_mul(31).wrapping_add(index.wrapping_mul(seed | 1)) ^ index;
            });
        };
        let key = RecoveryKey::from_bytes(SecretBytes::init_with(bytes)).to_text();
        let place = 6 + usize::from(seed) % 50;
        let key = key.expose_str();
        let place = if key[place..].starts_with(' ') { place + 1 } else { place };
        let wrong = format!("My key {}0{}", &key[..place], &key[place + 1..]);
        let short = format!("My key {}{}", &key[..place], &key[place + 1..]);
        let reason = |typed: &str| unlock(&account, typed).unwrap_err().reason;
        let position = place + 1;
        let expected = UnlockFailure::RecoveryKey(RecoveryKeyError::Character { position });
        assert_eq!(reason(&wrong), expected, "{wrong}");
        let short = reason(&short);
        assert!(matches!(short, UnlockFailure::RecoveryKey(_)), "{short}");
        let length = UnlockFailure::RecoveryKey(RecoveryKeyError::Length { found: 47 });
        found += u32::from(short == length);
        all += 1;
    }
    assert!(found * 100 >= all * 97, "{found} of {all}");
}

#[test]
fn row_54_what_is_expected_is_what_can_work() {
    let expected = |account: &Account| match unlock(account, " ").unwrap_err().reason {
        UnlockFailure::Empty { storage, .. } => storage,
        other => panic!("{other}"),
    };
    let only_passphrase = with_passphrase(512);
    assert_eq!(expected(&only_passphrase), Some(EntryKind::Passphrase));
    let sentence = unlock(&only_passphrase, "").unwrap_err().to_string();
    assert_eq!(sentence, "nothing was entered; enter the passphrase of your key storage");
    let sentence = unlock(&only_passphrase, &recovery_key(OTHER_KEY)).unwrap_err().to_string();
    assert!(
        sentence.contains("this looks like a recovery key, which does not help here"),
        "{sentence}"
    );

    // A key that was left behind has a passphrase, and nothing is encrypted with it.
    let mut left_behind = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY);
    left_behind.key_mut(OTHER_ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 1, "salt": "s"});
    let left_behind = left_behind.with_secret("m.cross_signing.master", ID, KEY, "seed");
    assert_eq!(expected(&left_behind), Some(EntryKind::RecoveryKey));
    let reason = unlock(&left_behind, "correct horse battery staple").unwrap_err().reason;
    assert_eq!(reason, UnlockFailure::RecoveryKeyExpected);
}

fn with_passphrase(bits: u32) -> Account {
    let mut account = Account::default().with_key(ID, KEY);
    account.key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 1, "salt": "s", "bits": bits});
    account
}

fn assert_key(text: &str) {
    let read = RecoveryKey::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(read.as_secret().expose_bytes(), KEY, "{text:?}");
}

fn unlock(account: &Account, typed: &str) -> Result<(), UnlockError> {
    account.storage().unlock(typed, &PublicKeys::default(), &Limits::default()).map(drop)
}
