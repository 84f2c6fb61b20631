//! What is said of a passphrase before it is set.

use strongroom::passphrase::{PassphraseScore, advise, is_login_password};

#[test]
fn a_weak_passphrase_is_warned_of_and_a_strong_one_is_not() {
    let weak = advise("password", &[]);
    assert_eq!(weak.score, PassphraseScore::TooGuessable);
    assert!(!weak.score.is_strong());
    assert!(weak.warning.is_some() && !weak.suggestions.is_empty());
    let strong = advise("ruhig Kelle Marabu 7 Zwielicht Gurke", &[]);
    assert_eq!(strong.score, PassphraseScore::VeryUnguessable);
    assert!(strong.score.is_strong());
    assert_eq!((strong.warning, strong.suggestions), (None, vec![]));
    assert_eq!(advise("", &[]).score, PassphraseScore::TooGuessable);
}

#[test]
fn what_an_attacker_knows_of_the_user_makes_a_passphrase_weaker() {
    let passphrase = "hildegunde42:mytenmetz.example";
    let unknown = advise(passphrase, &[]);
    let known = advise(passphrase, &["hildegunde42", "mytenmetz.example"]);
    assert!(known.score < unknown.score, "{known:?} {unknown:?}");
}

#[test]
fn a_long_passphrase_costs_no_more_than_a_hundred_characters() {
    let start = "ab1".repeat(34);
    assert_eq!(advise(&"ab1".repeat(100_000), &[]), advise(&start, &[]));
}

#[test]
fn advice_holds_no_part_of_the_passphrase() {
    let advice = format!("{:?}", advise("zwergenwerft", &["zwerg"]));
    assert!(!advice.contains("zwerg"), "{advice}");
    for score in [PassphraseScore::TooGuessable, PassphraseScore::VeryUnguessable] {
        assert!(!score.to_string().is_empty());
    }
}

#[test]
fn the_login_password_is_recognised_in_every_normal_form() {
    for (one, other) in [("geheim", "geheim"), ("caf\u{e9}", "cafe\u{301}"), ("", "")] {
        assert!(is_login_password(one, other) && is_login_password(other, one), "{one}");
    }
    for (one, other) in [("geheim", "Geheim"), ("geheim", "geheim "), ("a", ""), ("\u{fb01}", "fi")]
    {
        assert!(!is_login_password(one, other) && !is_login_password(other, one), "{one}");
    }
}
