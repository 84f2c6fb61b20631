//! Encryption, and the way from a server name to a homeserver.

use serde_json::json;
use strongroom::homeserver::Homeserver;

use crate::{
    account::Account,
    kit::run,
    server::{self, Server, Twist, tls_file},
};

fn log_in(account: &Account, homeserver: &str, more: &[&str]) -> (i32, String) {
    let (password, to) = (account.file("password.txt"), account.file("new.json"));
    let arguments = [
        "login",
        "--user",
        &account.user,
        "--homeserver",
        homeserver,
        "--password-file",
        &password,
        "--to",
        &to,
    ];
    let (status, _, errors) = run(&[&arguments, more].concat(), None);
    (status, errors)
}

#[test]
fn an_authority_is_trusted_only_if_it_is_named() {
    let account = Account::new("tls");
    let encrypted = Server::start_encrypted(account.server.homeserver().clone());
    let (url, ca) = (format!("https://localhost:{}", encrypted.port), tls_file("ca.pem"));
    let (status, errors) = log_in(&account, &url, &[]);
    assert_eq!(status, 1);
    assert!(errors.contains("--ca-file") && errors.contains(&url), "{errors}");
    assert_eq!(encrypted.seen(), [""; 0]);

    let (status, errors) = log_in(&account, &url, &["--ca-file", &ca]);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(account.json("new.json")["homeserver"], json!(url));
}

#[test]
fn a_file_without_certificates_is_named() {
    let account = Account::new("tls-file");
    let (key, password) = (tls_file("server.key"), account.file("password.txt"));
    for (file, says) in
        [(key, "server.key"), (password, "password.txt"), ("no.pem".into(), "no.pem")]
    {
        let (status, errors) = log_in(&account, "https://127.0.0.1:1", &["--ca-file", &file]);
        assert_eq!((status, errors.contains(says)), (1, true), "{errors}");
    }
}

#[test]
fn plain_http_on_a_port_for_tls_is_told() {
    let account = Account::new("tls-plain");
    let encrypted = Server::start_encrypted(Homeserver::new());
    let (status, errors) = log_in(&account, &format!("http://127.0.0.1:{}", encrypted.port), &[]);
    assert_eq!(status, 1);
    assert!(errors.contains("https://"), "{errors}");
}

#[test]
fn a_server_name_leads_to_the_address_that_it_names() {
    let account = Account::new("well-known");
    let site = Server::start_encrypted(Homeserver::new());
    let name = format!("localhost:{}", site.port);
    let ca = tls_file("ca.pem");
    let more = ["--ca-file", &ca];
    let url = account.server.url();
    site.twist(move |request| {
        assert_eq!(request.uri().path(), "/.well-known/matrix/client");
        server::json(200, &json!({ "m.homeserver": { "base_url": url } }))
    });
    let (status, errors) = log_in(&account, &name, &more);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(account.json("new.json")["homeserver"], json!(account.server.url()));

    for (answer, says) in [
        (server_page as fn() -> Twist, "not JSON"),
        (|| server::json(200, &json!({})), "no base_url"),
        (|| server::json(500, &json!({})), "status 500"),
        (
            || server::json(200, &json!({ "m.homeserver": { "base_url": "http://192.0.2.1" } })),
            "not encrypted",
        ),
    ] {
        site.twist(move |_| answer());
        let (status, errors) = log_in(&account, &name, &[&more[..], &["--force"]].concat());
        assert_eq!(status, 1);
        assert!(errors.contains(says) && errors.contains("--homeserver"), "{errors}");
    }
}

fn server_page() -> Twist {
    server::page(200)
}

#[test]
fn a_server_that_names_no_address_is_the_homeserver_itself() {
    let account = Account::new("no-well-known");
    let encrypted = Server::start_encrypted(account.server.homeserver().clone());
    encrypted.twist(|request| {
        if request.uri().path().starts_with("/.well-known") {
            server::page(404)
        } else {
            Twist::Nothing
        }
    });
    let ca = tls_file("ca.pem");
    let name = format!("127.0.0.1:{}", encrypted.port);
    let (status, errors) = log_in(&account, &name, &["--ca-file", &ca]);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(account.json("new.json")["homeserver"], json!(format!("https://{name}")));
}

#[test]
fn a_server_that_is_only_a_website_leads_to_the_address_that_is_to_be_named() {
    let account = Account::new("only-a-website");
    let website = Server::start_encrypted(Homeserver::new());
    website.twist(|_| server::page(404));
    let name = format!("127.0.0.1:{}", website.port);
    let (status, errors) = log_in(&account, &name, &["--ca-file", &tls_file("ca.pem")]);
    let says = "perhaps a website: name the address of your homeserver with --homeserver";
    assert_eq!((status, errors.contains(says)), (1, true), "{errors}");
}

/// Whoever follows the advice to name it with `--ca-file` must not be given the same advice again.
#[test]
fn the_certificate_of_an_authority_is_not_asked_for_once_more() {
    let account = Account::new("tls-authority");
    let encrypted = Server::start_as(Homeserver::new(), "authority");
    let url = format!("https://localhost:{}", encrypted.port);
    for more in [&[][..], &["--ca-file", &tls_file("authority.pem")]] {
        let (status, errors) = log_in(&account, &url, more);
        assert_eq!((status, errors.contains("CA:FALSE")), (1, true), "{errors}");
    }
}

#[test]
fn what_a_server_name_leads_to_is_said_with_the_server_name() {
    let account = Account::new("well-known-source");
    let site = Server::start_encrypted(Homeserver::new());
    let name = format!("localhost:{}", site.port);
    let ca = tls_file("ca.pem");
    for (base_url, says) in [
        ("nonsense", "“nonsense”, is no address"),
        ("https://nowhere.invalid", "“https://nowhere.invalid” was not found"),
    ] {
        site.twist(move |_| {
            server::json(200, &json!({ "m.homeserver": { "base_url": base_url } }))
        });
        let (status, errors) = log_in(&account, &name, &["--ca-file", &ca]);
        assert_eq!(status, 1, "{errors}");
        assert!(errors.contains(says) && errors.contains(&name), "{errors}");
        assert!(errors.contains("--homeserver"), "{errors}");
    }
}
