//! Flags of which the others say nothing.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{
    account::Account,
    kit::strongroom,
    server::{Server, tls_file},
};

#[test]
#[cfg(unix)]
fn a_password_comes_from_an_open_file_descriptor() {
    let account = Account::new("descriptor");
    let (url, to) = (account.server.url(), account.file("new.json"));
    let program = env!("CARGO_BIN_EXE_strongroom");
    let script = format!(
        "exec '{program}' login --user '{}' --homeserver '{url}' --to '{to}' --password-fd 3 3<'{}'",
        account.user,
        account.file("password.txt")
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// It learns where to and no more: the connection is encrypted from here to there.
#[test]
fn a_proxy_is_asked_for_the_way() {
    let account = Account::new("connect");
    let encrypted = Server::start_encrypted(account.server.homeserver().clone());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let (asked, asks) = mpsc::channel();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
        asked.send(lines.next().unwrap().unwrap()).unwrap();
        while !lines.next().unwrap().unwrap().is_empty() {}
        let mut server = std::net::TcpStream::connect(("127.0.0.1", encrypted.port)).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut server, &mut client);
    });
    let (password, to) = (account.file("password.txt"), account.file("new.json"));
    let arguments = [
        "login",
        "--user",
        &account.user,
        "--homeserver",
        "https://matrix.test",
        "--password-file",
        &password,
        "--to",
        &to,
        "--ca-file",
        &tls_file("ca.pem"),
    ];
    let output = strongroom(&arguments).env("HTTPS_PROXY", proxy).output().unwrap();
    let asked = asks.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(asked, "CONNECT matrix.test:443 HTTP/1.1");
    let errors = String::from_utf8(output.stderr).unwrap();
    // Nobody but the test's own machine has such a certificate.
    assert!(
        errors.contains("https://matrix.test") && errors.contains("another server"),
        "{errors}"
    );
}
