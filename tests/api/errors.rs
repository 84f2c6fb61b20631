//! Every form of refusal, and what a host can ask of it.

use std::time::Duration;

use http::Response;
use strongroom::{
    Limits,
    api::{self, ApiError, PutRoomKeys, UserInteractiveAuth},
    encoding::format::FormatProblem,
    excerpt::Excerpt,
};

use crate::{answer, trusted};

#[test]
fn refusals_say_what_was_refused() {
    let wrong = current(403, r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","current_version":12}"#);
    assert!(wrong.means_other_version() && !wrong.is_not_found());
    let wrong = current(403, r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION"}"#);
    assert!(wrong.means_other_version() && !wrong.is_not_found());
    let other = current(400, r#"{"errcode":"ORG.OWN","error":"because"}"#);
    assert!(!other.means_other_version());
    let ApiError::Matrix { status: 400, errcode, message, .. } = other else { panic!("{other:?}") };
    assert_eq!((errcode.as_str(), message.as_str()), ("ORG.OWN", "because"));
    let other = current(400, r#"{"errcode":"X","error":7}"#);
    assert!(matches!(other, ApiError::Matrix { message, .. } if message.as_str().is_empty()));
}

#[test]
fn codes_and_messages_are_bounded_and_printable() {
    let long = "\\u001b[2J\\u202e".to_owned() + &"x".repeat(5_000);
    let error = current(400, &format!(r#"{{"errcode":"{long}","error":"{long}"}}"#));
    let ApiError::Matrix { errcode, message, .. } = &error else { panic!("{error:?}") };
    for excerpt in [errcode, message] {
        assert!(excerpt.as_str().starts_with("\\u{1b}[2J\\u{202e}xxx"), "{excerpt}");
        assert!(excerpt.as_str().len() < 100);
    }
    assert!(error.to_string().len() < 250);
}

#[test]
fn what_is_no_matrix_error_has_its_status_and_its_beginning() {
    let page = current(502, &format!("<html>\u{1b}[2J{}", "x".repeat(5_000)));
    let ApiError::NotMatrix { status: 502, excerpt, .. } = &page else { panic!("{page:?}") };
    assert!(excerpt.as_str().starts_with("<html>\\u{1b}[2Jxxx"));
    assert!(excerpt.as_str().len() < 100);
    assert_eq!(page.status(), Some(502));
    let others = ["", "[]", "{}", r#"{"errcode":7}"#, r#"{"errcode":"\ud800"}"#, "\u{feff}{}"];
    for body in others {
        assert!(matches!(current(500, body), ApiError::NotMatrix { status: 500, .. }), "{body}");
    }
    let latin = Response::builder().status(500).body(b"<p>\xe4\xff".to_vec()).unwrap();
    let error =
        api::get_current_backup_version().read_response(&latin, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("<p>\u{fffd}\u{fffd}"), "{error}");
}

#[test]
fn nothing_stands_behind_no_colon() {
    let [page, empty] = ["<html>", ""].map(|body| current(302, body).to_string());
    assert_eq!(page, "the server answered with status 302 and no Matrix error: <html>");
    assert_eq!(empty, "the server answered with status 302 and no Matrix error");
    let said = |body| current(403, body).to_string();
    let [why, no_reason] = [r#"{"errcode":"X","error":"no"}"#, r#"{"errcode":"X"}"#].map(said);
    assert_eq!(why, "the homeserver refused with X: no");
    assert_eq!(no_reason, "the homeserver refused with X");
}

#[test]
fn a_redirect_is_no_success() {
    let error = current(302, r#"{"version":"1"}"#);
    assert!(matches!(error, ApiError::NotMatrix { status: 302, .. }));
}

#[test]
fn a_response_over_the_limit_is_refused_unread() {
    let mut limits = Limits::default();
    limits.response_bytes = 3;
    let response = Response::new("null");
    let error = api::get_current_backup_version().read_response(&response, &limits).unwrap_err();
    assert_eq!(error, ApiError::TooLarge { limit: 3, found: 4 });
    assert_eq!(error.status(), None);
}

#[test]
fn an_error_over_the_limit_keeps_its_status() {
    let mut limits = Limits::default();
    limits.response_bytes = 30;
    let body = r#"{"errcode":"M_TOO_LARGE","error":"far too long a sentence"}"#;
    let response = Response::builder().status(413).body(body).unwrap();
    let error = api::get_current_backup_version().read_response(&response, &limits).unwrap_err();
    assert!(matches!(&error, ApiError::NotMatrix { status: 413, .. }), "{error:?}");
    assert!(error.is_request_too_large());
    limits.response_bytes = body.len();
    let error = api::get_current_backup_version().read_response(&response, &limits).unwrap_err();
    assert!(matches!(&error, ApiError::Matrix { .. }), "{error:?}");
}

/// Row 26 of the malformations.
#[test]
fn row_26_another_version_and_a_deleted_one_take_the_same_path() {
    let (backup, _) = trusted("1");
    let put = PutRoomKeys::new(&backup, []).unwrap();
    let refused = |status, body| answer(&put.request(), status, body).unwrap_err();
    // What Synapse says to a write to version 1 when version 3 is current.
    let asked_for = r#"{"current_version":"1","errcode":"M_WRONG_ROOM_KEYS_VERSION","error":"Wrong room_keys version"}"#;
    assert!(refused(403, asked_for).means_other_version());
    let deleted = r#"{"errcode":"M_NOT_FOUND","error":"Version '1' not found"}"#;
    assert!(refused(404, deleted).means_other_version());
    let others = [
        (404, r#"{"errcode":"M_UNRECOGNIZED"}"#),
        (404, "<html>"),
        (403, r#"{"errcode":"M_FORBIDDEN"}"#),
        (429, r#"{"errcode":"M_LIMIT_EXCEEDED"}"#),
    ];
    for (status, body) in others {
        assert!(!refused(status, body).means_other_version(), "{status} {body}");
    }
}

/// Row 27 of the malformations.
#[test]
fn row_27_the_wait_is_understood_in_every_spelling() {
    let limited = |header: Option<&str>, body: &str| {
        let error = with_header(429, header, body);
        assert!(error.is_rate_limited(), "{header:?} {body}");
        error.retry_after().map(|retry_after| retry_after.wait(NOW_MS).as_millis())
    };
    let code = r#"{"errcode":"M_LIMIT_EXCEEDED"}"#;
    let in_body = |value: &str| {
        limited(None, &format!(r#"{{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":{value}}}"#))
    };
    assert_eq!(limited(Some("7"), code), Some(7_000));
    assert_eq!(limited(Some(" 0 "), code), Some(0));
    assert_eq!(limited(Some("Wed, 21 Oct 2015 07:28:00 GMT"), code), Some(10_000));
    assert_eq!(limited(Some("Wednesday, 21-Oct-15 07:28:00 GMT"), code), Some(10_000));
    assert_eq!(limited(Some("Wed Oct 21 07:28:00 2015"), code), Some(10_000));
    assert_eq!(limited(Some("Wed, 21 Oct 2015 07:27:49 GMT"), code), Some(0), "it has passed");
    assert_eq!(in_body("1500"), Some(1_500));
    assert_eq!(in_body("\"1500\""), Some(1_500));
    assert_eq!(in_body("1.5e3"), Some(1_500));
    for nothing in ["null", "-1", "1.5", "\"soon\"", "\"\"", "[]", "{}"] {
        assert_eq!(in_body(nothing), None, "{nothing}");
    }
    assert_eq!(limited(None, code), None);
    assert_eq!(limited(Some("soon"), code), None);
    assert_eq!(limited(Some("-5"), code), None);
    let both = r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1500}"#;
    assert_eq!(limited(Some("2"), both), Some(2_000), "the header counts");
    assert_eq!(limited(Some("soon"), both), Some(1_500), "unless it cannot be read");
    assert_eq!(limited(Some("3"), "<html>"), Some(3_000), "a proxy waits, too");
}

/// Row 27 of the malformations.
#[test]
fn row_27_the_wait_is_bounded() {
    let wait = |header: &str| {
        let error = with_header(429, Some(header), "");
        let retry_after = error.retry_after().unwrap();
        (retry_after.wait(NOW_MS), retry_after.asked_for(NOW_MS))
    };
    let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
    assert_eq!(wait("86400"), (hour, day));
    assert_eq!(wait("Thu, 22 Oct 2015 07:27:50 GMT"), (hour, day));
    assert_eq!(wait("99999999999999999999999999").0, hour);
    for many in ["99999999999999999999", "\"99999999999999999999\""] {
        let body = format!(r#"{{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":{many}}}"#);
        let retry_after = with_header(429, None, &body).retry_after().unwrap();
        assert_eq!(retry_after.wait(NOW_MS), hour, "{many}");
    }
    let mut limits = Limits::default();
    limits.retry_after_ms = 50;
    let response = Response::builder().status(429).header("retry-after", "1").body("").unwrap();
    let error = api::get_current_backup_version().read_response(&response, &limits).unwrap_err();
    assert_eq!(error.retry_after().unwrap().wait(NOW_MS), Duration::from_millis(50));
}

#[test]
fn a_rate_limit_is_one_by_its_status_or_its_code() {
    assert!(current(429, r#"{"errcode":"M_UNKNOWN"}"#).is_rate_limited());
    assert!(current(400, r#"{"errcode":"M_LIMIT_EXCEEDED"}"#).is_rate_limited());
    assert!(current(429, "<html>").is_rate_limited());
    let overloaded = with_header(503, Some("5"), "<html>");
    assert!(!overloaded.is_rate_limited());
    assert_eq!(overloaded.retry_after().unwrap().wait(0), Duration::from_secs(5));
}

/// Row 28 of the malformations.
#[test]
fn row_28_a_request_is_too_large_whoever_says_so() {
    let too_large = [
        (413, r#"{"errcode":"M_TOO_LARGE"}"#),
        (413, r#"{"errcode":"M_UNKNOWN"}"#),
        (413, "<html>413 Request Entity Too Large</html>"),
        (413, ""),
        (400, r#"{"errcode":"M_TOO_LARGE"}"#),
    ];
    for (status, body) in too_large {
        assert!(current(status, body).is_request_too_large(), "{status} {body}");
    }
    assert!(!current(400, r#"{"errcode":"M_BAD_JSON"}"#).is_request_too_large());
    assert!(!current(502, "<html>").is_request_too_large());
}

#[test]
fn a_soft_logout_keeps_the_device() {
    let soft = r#"{"errcode":"M_UNKNOWN_TOKEN","soft_logout":true}"#;
    assert!(current(401, soft).is_soft_logout());
    let hard = [
        r#"{"errcode":"M_UNKNOWN_TOKEN","soft_logout":false}"#,
        r#"{"errcode":"M_UNKNOWN_TOKEN","soft_logout":"true"}"#,
        r#"{"errcode":"M_MISSING_TOKEN"}"#,
        r#"{"errcode":"ORG.OWN"}"#,
    ];
    for body in hard {
        let error = current(401, body);
        assert!(error.is_unauthorized() && !error.is_soft_logout(), "{body}");
    }
    assert!(!current(401, "<html>").is_unauthorized());
    assert!(!current(403, r#"{"errcode":"M_FORBIDDEN"}"#).is_unauthorized());
}

#[test]
fn an_authentication_is_kept_for_the_host_to_the_last_byte() {
    let body = r#"{"errcode":"M_FORBIDDEN", "completed":["m.login.dummy"],"flows":[{"stages":["m.login.password","org.own"]},{"stages":[]},{"stages":7},7],"params":{"org.own":{"x":1.50}},"session":"xx\/yy"}"#;
    let auth = authentication(401, body);
    assert_eq!(auth.flows(), [vec!["m.login.password", "org.own"], vec![]]);
    assert_eq!(auth.completed(), ["m.login.dummy"]);
    assert_eq!(auth.expose_session(), Some("xx/yy"));
    assert_eq!(auth.errcode(), Some(&Excerpt::new("M_FORBIDDEN")));
    assert_eq!(auth.expose_json(), body.as_bytes());
    assert!(!format!("{auth:?} {auth}").contains("yy"));

    let first = authentication(401, r#"{"flows":[{"stages":["m.login.password"]}]}"#);
    assert_eq!((first.expose_session(), first.errcode()), (None, None));
    assert!(first.completed().is_empty());
    assert!(!matches!(current(401, r#"{"flows":{}}"#), ApiError::UserInteractiveAuth(_)));
    assert!(!matches!(current(400, r#"{"flows":[]}"#), ApiError::UserInteractiveAuth(_)));
}

/// Row 16 of the malformations.
#[test]
fn row_16_an_error_with_a_status_of_success_stores_nothing() {
    let (backup, _) = trusted("1");
    let put = PutRoomKeys::new(&backup, []).unwrap();
    let error = |body| answer(&put.request(), 200, body).unwrap_err();
    let code = ApiError::Errcode(Excerpt::new("M_UNKNOWN"));
    assert_eq!(error(r#"{"errcode":"M_UNKNOWN","error":"x"}"#), code);
    for (body, expected) in [
        ("", FormatProblem::NotJson),
        ("<html>", FormatProblem::NotJson),
        ("{} {}", FormatProblem::NotJson),
        ("null", FormatProblem::NotAnObject),
        ("[]", FormatProblem::NotAnObject),
    ] {
        assert_eq!(error(body), expected.into(), "{body}");
    }
}

/// Ten seconds before the dates above.
const NOW_MS: u64 = 1_445_412_470_000;

fn current(status: u16, body: &str) -> ApiError {
    answer(&api::get_current_backup_version(), status, body).unwrap_err()
}

fn authentication(status: u16, body: &str) -> UserInteractiveAuth {
    match current(status, body) {
        ApiError::UserInteractiveAuth(auth) => auth,
        other => panic!("{other:?}"),
    }
}

fn with_header(status: u16, retry_after: Option<&str>, body: &str) -> ApiError {
    let mut response = Response::builder().status(status);
    if let Some(value) = retry_after {
        response = response.header("Retry-After", value);
    }
    let response = response.body(body.to_owned()).unwrap();
    api::get_current_backup_version().read_response(&response, &Limits::default()).unwrap_err()
}
