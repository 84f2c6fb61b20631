//! What goes wrong on the way to a homeserver is one sentence that names the address and says what to do.

use std::{io::Write as _, net::TcpListener, thread};

use http::Response;
use serde_json::json;

use crate::{
    account::Account,
    kit::run,
    server::{self, Twist},
};

fn log_in(account: &Account, homeserver: &str) -> (i32, String) {
    let (password, to) = (account.file("password.txt"), account.file("new.json"));
    let (status, _, errors) = run(
        &[
            "login",
            "--user",
            &account.user,
            "--homeserver",
            homeserver,
            "--password-file",
            &password,
            "--to",
            &to,
            "--timeout",
            "3",
        ],
        None,
    );
    (status, errors)
}

#[test]
fn an_address_that_leads_nowhere_is_named_and_said_what_to_check() {
    let account = Account::new("addresses");
    let plain = account.server.port;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cases = [
        (format!("http://127.0.0.1:{free}"), 1, "nothing answers at"),
        (format!("https://127.0.0.1:{plain}"), 1, "does not speak TLS"),
        ("https://nowhere.invalid".to_owned(), 1, "how it is spelled"),
        ("http://192.0.2.1".to_owned(), 2, "--insecure-http"),
        ("ftp://example.org".to_owned(), 2, "https:// or http://"),
        ("not a name".to_owned(), 2, "neither the name of a server"),
        ("http://127.0.0.1:99999".to_owned(), 2, "“http://127.0.0.1:99999”"),
        ("127.0.0.1:99999".to_owned(), 2, "“https://127.0.0.1:99999”"),
        ("http://192.0.2.2".to_owned(), 2, "your password"),
        ("https://me:secret@example.org".to_owned(), 2, "must not hold a user name or password"),
    ];
    for (homeserver, expected, says) in cases {
        let (status, errors) = log_in(&account, &homeserver);
        assert_eq!(status, expected, "{homeserver}: {errors}");
        assert!(errors.contains(says), "{homeserver}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
    let (_, errors) = log_in(&account, &format!("http://127.0.0.1:{free}"));
    assert!(errors.contains(&free.to_string()), "{errors}");
}

/// The name comes out of the account, and whoever has not named an address cannot check one.
#[test]
fn where_a_name_leads_nowhere_an_address_is_asked_for() {
    let folder = crate::kit::Folder::new("names");
    let password = folder.write("password.txt", b"password");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let website = Account::new("names-website");
    website.server.twist(|_| server::page(404));
    let name_it = "name the address of your homeserver with --homeserver, as https://";
    for (name, says) in [
        (
            format!("localhost:{free}"),
            format!("nothing answers at “https://localhost:{free}”: {name_it}"),
        ),
        (format!("localhost:{}", website.server.port), format!("does not speak TLS: {name_it}")),
        (
            "nowhere.invalid".to_owned(),
            format!(
                "how it is spelled, and whether there is a connection to the internet; or {name_it}"
            ),
        ),
    ] {
        let (user, to) = (format!("@me:{name}"), format!("{}/new.json", folder.path()));
        let (status, _, errors) =
            run(&["login", "--user", &user, "--password-file", &password, "--to", &to], None);
        assert_eq!((status, errors.contains(&says)), (1, true), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn an_address_with_too_much_in_it_is_cut_with_a_hint() {
    let account = Account::new("too-much");
    let (status, errors) = log_in(&account, &format!("{}/_matrix/client/v3", account.server.url()));
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("ends before /_matrix"), "{errors}");
    assert_eq!(account.json("new.json")["homeserver"], json!(account.server.url()));
}

#[test]
fn a_website_is_not_taken_for_a_homeserver() {
    let account = Account::new("website");
    for answer in [|| server::page(200), || server::page(404), || server::json(200, &json!({}))] {
        account.server.twist(move |_| answer());
        let (status, errors) = log_in(&account, &account.server.url());
        assert_eq!(status, 1);
        assert!(errors.contains("no Matrix homeserver"), "{errors}");
        assert!(errors.contains(&account.server.url()), "{errors}");
    }
}

#[test]
fn a_page_in_the_place_of_account_data_is_told() {
    let account = Account::new("page");
    let login = account.log_in();
    account.server.twist(|request| {
        if request.uri().path().ends_with("/sync") { server::page(200) } else { Twist::Nothing }
    });
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!((status, errors.contains("no Matrix homeserver")), (1, true), "{errors}");
}

/// Whoever follows would give the token away.
#[test]
fn a_redirect_is_not_followed() {
    let account = Account::new("redirect");
    let login = account.log_in();
    let other = Account::new("redirect-to");
    let to = other.server.url();
    account.server.twist(move |_| {
        let answer = Response::builder().status(308).header("Location", &to);
        Twist::Answer(answer.body(Vec::new()).unwrap())
    });
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 1);
    assert!(errors.contains(&other.server.url()) && errors.contains("--homeserver"), "{errors}");
    assert_eq!(other.server.seen(), [""; 0]);
}

#[test]
fn a_token_that_is_not_accepted_leads_to_a_new_login() {
    let account = Account::new("token");
    let token = account.folder.write("token.txt", b"mistyped");
    let (url, to) = (account.server.url(), account.file("snapshot"));
    let arguments = ["fetch", "--homeserver", &url, "--access-token-file", &token, "--to", &to];
    let (status, _, errors) = run(&arguments, None);
    assert_eq!(status, 1);
    assert!(errors.contains("does not accept the access token"), "{errors}");
    assert!(errors.contains(&url) && errors.contains("strongroom login"), "{errors}");
    // What cannot be a token is said with the file that it is in.
    let bad = account.folder.write("bad.txt", "ein Schlüssel".as_bytes());
    let arguments = ["fetch", "--homeserver", &url, "--access-token-file", &bad, "--to", &to];
    let (status, _, errors) = run(&arguments, None);
    assert_eq!((status, errors.contains("bad.txt: the access token")), (1, true), "{errors}");
    let empty = account.folder.write("empty.txt", b"");
    let fetch = ["fetch", "--to", &to];
    for (more, says) in [
        (
            &["--homeserver", &url, "--access-token-file", &empty][..],
            "should hold the access token",
        ),
        (
            &["--homeserver", &url, "--user", &account.user, "--password-file", &empty],
            "should hold the password",
        ),
        (&["--login", &empty], "strongroom login"),
    ] {
        let (status, _, errors) = run(&[&fetch[..], more].concat(), None);
        assert_eq!((status, errors.contains(says)), (1, true), "{errors}");
        assert!(errors.contains("empty.txt: the file is empty"), "{errors}");
    }
    // The file of a token is no login.
    let (status, _, errors) = run(&["fetch", "--login", &token, "--to", &to], None);
    assert_eq!(status, 1);
    assert!(errors.contains("token.txt") && errors.contains("--access-token-file"), "{errors}");
}

#[test]
fn an_answer_that_is_too_long_ends_the_reading() {
    let account = Account::new("too-long");
    let login = account.log_in();
    account.server.twist(|request| {
        if !request.uri().path().ends_with("/room_keys/version") {
            return Twist::Nothing;
        }
        Twist::Answer(Response::new(vec![b' '; 2 << 20]))
    });
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!((status, errors.contains("more than the limit")), (1, true), "{errors}");
}

#[test]
fn what_speaks_no_http_is_told() {
    let account = Account::new("no-http");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"220 mail.example.org ESMTP\r\n");
            thread::sleep(std::time::Duration::from_millis(300));
        }
    });
    let (status, errors) = log_in(&account, &format!("http://127.0.0.1:{port}"));
    assert_eq!((status, errors.contains("does not speak HTTP")), (1, true), "{errors}");
}

#[test]
fn a_way_to_log_in_that_is_not_offered_is_told_with_the_one_that_is() {
    let account = Account::new("flows");
    account.server.twist(|request| {
        if request.uri().path().ends_with("/login") {
            return server::json(200, &json!({ "flows": [{ "type": "m.login.sso" }] }));
        }
        Twist::Nothing
    });
    let (status, errors) = log_in(&account, &account.server.url());
    assert_eq!((status, errors.contains("--sso")), (1, true), "{errors}");
    account.server.twist(|_| Twist::Nothing);
    let (url, to) = (account.server.url(), account.file("new.json"));
    let (status, _, errors) = run(&["login", "--sso", "--homeserver", &url, "--to", &to], None);
    assert_eq!((status, errors.contains("without --sso")), (1, true), "{errors}");
    // Where neither is offered, one does not lead to the other.
    account.server.twist(|request| {
        if request.uri().path().ends_with("/login") {
            return server::json(200, &json!({ "flows": [{ "type": "org.example.other" }] }));
        }
        Twist::Nothing
    });
    let (_, with_password) = log_in(&account, &url);
    let (_, _, with_browser) = run(&["login", "--sso", "--homeserver", &url, "--to", &to], None);
    for errors in [with_password, with_browser] {
        assert!(errors.contains("--access-token-file") && !errors.contains("--sso"), "{errors}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_no_reason_to_go_without() {
    let account = Account::new("proxy");
    let (password, to) = (account.file("password.txt"), account.file("new.json"));
    let arguments = [
        "login",
        "--user",
        &account.user,
        "--homeserver",
        "https://192.0.2.1",
        "--password-file",
        &password,
        "--to",
        &to,
    ];
    let output = crate::kit::strongroom(&arguments)
        .env("HTTPS_PROXY", "socks5://127.0.0.1:1")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.contains("HTTPS_PROXY")), (Some(2), true), "{errors}");

    // One that is not there, and one that is no proxy.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mail = TcpListener::bind("127.0.0.1:0").unwrap();
    let of_mail = mail.local_addr().unwrap();
    thread::spawn(move || {
        for stream in mail.incoming() {
            let _ = stream.unwrap().write_all(b"220 mail.example.org ESMTP\r\n");
        }
    });
    for (proxy, shown) in [
        (format!("http://{free}"), free.to_string()),
        (format!("http://{of_mail}"), of_mail.to_string()),
        ("nowhere.invalid".to_owned(), "nowhere.invalid".to_owned()),
    ] {
        let mut command = crate::kit::strongroom(&arguments);
        let output = command.env("HTTPS_PROXY", &proxy).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{proxy}: {errors}");
        assert!(errors.contains(&shown) && errors.contains("HTTPS_PROXY"), "{proxy}: {errors}");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let account = Account::new("refusals");
    for (code, says) in [
        ("M_USER_DEACTIVATED", "use another one"),
        ("M_CONSENT_NOT_GIVEN", "agree to the terms"),
        ("ORG_EXAMPLE_ODD", "ask who runs the homeserver"),
    ] {
        account.server.twist(move |request| {
            if request.method() == http::Method::POST {
                return server::json(403, &json!({ "errcode": code, "error": "No" }));
            }
            Twist::Nothing
        });
        let (status, errors) = log_in(&account, &account.server.url());
        assert_eq!((status, errors.contains(says)), (1, true), "{errors}");
        assert!(errors.contains(&format!("“{}”", account.server.url())), "{errors}");
    }
}
