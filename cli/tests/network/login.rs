//! `login` and `logout`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::Stdio,
};

use http::Request;
use serde_json::{Value, json};

use crate::{
    account::{Account, PASSWORD},
    kit::{run, strongroom},
    server::{self, Twist},
};

#[test]
fn a_login_is_kept_in_a_file_that_nobody_else_can_read() {
    let account = Account::new("login");
    let file = account.log_in();
    let login = account.json("login.json");
    assert_eq!(login["user_id"], json!(account.user));
    assert_eq!(login["homeserver"], json!(account.server.url()));
    let me = account.server.send(
        http::Method::GET,
        "account/whoami",
        login["access_token"].as_str().unwrap(),
        &Value::Null,
    );
    assert_eq!(me["device_id"], login["device_id"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let (status, out, errors) = run(&["logout", "--login", &file], None);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(!fs::exists(&file).unwrap());
    assert_eq!(devices(&account), 1);
}

#[test]
fn a_password_comes_from_a_file_or_from_standard_input() {
    let account = Account::new("password");
    let to = account.file("new.json");
    let url = account.server.url();
    let arguments = [
        "login",
        "--user",
        &account.user,
        "--homeserver",
        &url,
        "--to",
        &to,
        "--password-file",
        "-",
    ];
    let (status, _, errors) = run(&arguments, Some(format!("{PASSWORD}\n").as_bytes()));
    assert_eq!(status, 0, "{errors}");
    fs::remove_file(&to).unwrap();
    // Nobody is there to be asked.
    let (status, _, errors) = run(&arguments[..7], None);
    assert_eq!(status, 2);
    assert!(errors.contains("--password-file"), "{errors}");
}

#[test]
fn a_wrong_password_is_named_with_account_and_address() {
    let account = Account::new("wrong-password");
    let password = account.folder.write("wrong.txt", b"wrong");
    let (to, url) = (account.file("new.json"), account.server.url());
    let (status, _, errors) = run(
        &[
            "login",
            "--user",
            &account.user,
            "--homeserver",
            &url,
            "--password-file",
            &password,
            "--to",
            &to,
        ],
        None,
    );
    assert_eq!(status, 1);
    assert!(errors.contains("does not accept this password"), "{errors}");
    assert!(errors.contains(&account.user) && errors.contains(&url), "{errors}");
    assert!(!fs::exists(&to).unwrap());
}

#[test]
fn that_a_file_cannot_be_written_shows_before_anybody_logs_in() {
    let account = Account::new("login-file");
    let (there, url) = (account.file("password.txt"), account.server.url());
    let nowhere = account.file("nowhere/login.json");
    for (to, says) in [(&there, "exists already"), (&nowhere, "its folder does not exist")] {
        let arguments = [
            "login",
            "--user",
            &account.user,
            "--homeserver",
            &url,
            "--password-file",
            &there,
            "--to",
            to,
        ];
        let (status, _, errors) = run(&arguments, None);
        assert_eq!(status, 1);
        assert!(errors.contains(says), "{errors}");
    }
    assert_eq!(account.server.seen(), [""; 0]);
}

#[test]
#[cfg(unix)]
fn a_login_that_cannot_be_written_is_logged_out_again() {
    let account = Account::new("login-unwritten");
    let (url, password) = (account.server.url(), account.file("password.txt"));
    fs::create_dir(account.file("gone")).unwrap();
    let (to, gone) = (account.file("gone/login.json"), account.file("gone"));
    account.server.twist(move |request| {
        if request.method() == http::Method::POST && request.uri().path().ends_with("/login") {
            fs::remove_dir_all(&gone).unwrap();
        }
        Twist::Nothing
    });
    let (status, _, errors) = run(
        &[
            "login",
            "--user",
            &account.user,
            "--homeserver",
            &url,
            "--password-file",
            &password,
            "--to",
            &to,
        ],
        None,
    );
    assert_eq!(status, 1);
    assert!(errors.contains("could not be written"), "{errors}");
    assert!(account.server.seen().contains(&"POST /_matrix/client/v3/logout".to_owned()));
    assert_eq!(devices(&account), 1);
}

#[test]
fn a_login_that_has_ended_is_removed_and_one_that_cannot_be_ended_is_kept() {
    let account = Account::new("logout");
    let file = account.log_in();
    account.server.twist(|_| server::page(502));
    let (status, _, errors) = run(&["logout", "--login", &file], None);
    assert_eq!(status, 1);
    assert!(errors.contains("out of order") && errors.contains("kept"), "{errors}");

    account.server.twist(|_| Twist::Nothing);
    let token = account.json("login.json")["access_token"].as_str().unwrap().to_owned();
    account.server.homeserver().log_out(&token);
    let (status, out, _) = run(&["logout", "--login", &file], None);
    assert_eq!(status, 0);
    assert!(out.contains("had ended before"), "{out}");
    assert!(!fs::exists(&file).unwrap());
}

#[test]
fn an_access_token_alone_is_logged_out_and_its_file_stays() {
    let account = Account::new("logout-token");
    account.log_in();
    let token = account.json("login.json")["access_token"].as_str().unwrap().to_owned();
    let file = account.folder.write("token.txt", token.as_bytes());
    let url = account.server.url();
    let arguments = ["logout", "--homeserver", &url, "--access-token-file", &file];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!((status, out.contains("Logged out")), (0, true), "{out}{errors}");
    assert!(fs::exists(&file).unwrap());
    assert_eq!(devices(&account), 1);
}

/// The browser is this test.
#[test]
fn a_browser_logs_in_and_brings_the_token_to_a_socket_of_this_machine() {
    let account = Account::new("sso");
    let user = account.user.clone();
    account.server.twist(move |request| {
        if !request.uri().path().ends_with("/v3/login") {
            return Twist::Nothing;
        }
        if request.method() == http::Method::GET {
            return server::json(200, &json!({ "flows": [{ "type": "m.login.sso" }] }));
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["type"], "m.login.token");
        if body["token"] != "one time" {
            return server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "No" }));
        }
        let body = json!({ "type": "m.login.password", "user": user, "password": PASSWORD });
        let (head, _) = request.clone().into_parts();
        Twist::Other(Request::from_parts(head, body.to_string().into_bytes()))
    });
    let (url, to) = (account.server.url(), account.file("new.json"));
    let mut program = strongroom(&["login", "--sso", "--homeserver", &url, "--to", &to])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let address =
        lines.find_map(|line| line.ok().filter(|line| line.contains("redirectUrl="))).unwrap();
    assert!(address.trim().starts_with(&format!("{url}/_matrix/client/v3/login/sso/redirect")));
    let back = address.split("redirectUrl=").nth(1).unwrap();
    let back = percent_encoding::percent_decode_str(back).decode_utf8().unwrap().into_owned();
    let (host, path) = back.strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert_eq!(visit(host, "/favicon.ico"), "404");
    assert_eq!(visit(host, "/other?loginToken=of%20somebody%20else"), "404");
    assert_eq!(visit(host, &format!("/{path}?loginToken=one%20time")), "200");
    assert!(program.wait().unwrap().success());
    assert_eq!(account.json("new.json")["user_id"], json!(account.user));
}

/// What the browser brings is no password.
#[test]
fn a_token_of_the_browser_that_is_refused_is_no_password() {
    let account = Account::new("sso-refused");
    account.server.twist(|request| {
        if !request.uri().path().ends_with("/v3/login") {
            return Twist::Nothing;
        }
        if request.method() == http::Method::GET {
            return server::json(200, &json!({ "flows": [{ "type": "m.login.sso" }] }));
        }
        server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "Invalid login token" }))
    });
    let (url, to) = (account.server.url(), account.file("new.json"));
    let arguments = ["login", "--sso", "--user", &account.user, "--homeserver", &url, "--to", &to];
    let mut program = strongroom(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let address =
        lines.find_map(|line| line.ok().filter(|line| line.contains("redirectUrl="))).unwrap();
    let back = address.split("redirectUrl=").nth(1).unwrap();
    let back = percent_encoding::percent_decode_str(back).decode_utf8().unwrap().into_owned();
    let (host, path) = back.strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert_eq!(visit(host, &format!("/{path}?loginToken=old")), "200");
    assert_eq!(program.wait().unwrap().code(), Some(1));
    let errors = lines.map_while(Result::ok).collect::<Vec<_>>().join("\n");
    assert!(errors.contains("the browser has brought"), "{errors}");
    assert!(!errors.contains("password"), "{errors}");
}

fn visit(host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// How many devices are logged in.
pub(crate) fn devices(account: &Account) -> usize {
    let path = "devices";
    let devices = account.server.send(http::Method::GET, path, &account.token, &Value::Null);
    devices["devices"].as_array().unwrap().len()
}
