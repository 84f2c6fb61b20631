//! Single sign-on: a browser logs in, and brings the proof to a socket of this machine
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#client-login-via-sso)).

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use strongroom::secret::{SecretString, SecretVec};

use super::{Outcome, server::Server};
use crate::failure::{Failure, tell};

/// Has somebody log in with their browser, and returns the token that it brings.
pub(super) fn token(server: &Server) -> Outcome<SecretString> {
    let failed = |error: io::Error| {
        Failure::other(format!(
            "the browser has no way back to this program: {error}; log in with the password instead"
        ))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    // Only the browser that was sent from here knows it: another page could bring the token of another account.
    let state = random_name()?;
    tell(format_args!(
        "Open this address in a browser on this machine, and log in there:\n\n  \
         {}/_matrix/client/v3/login/sso/redirect?redirectUrl=http%3A%2F%2F127.0.0.1%3A{port}%2F{state}\n\n\
         Waiting for it for {} minutes …",
        server.address(),
        PATIENCE.as_secs() / 60
    ));
    let path = format!("/{state}");
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match listener.accept() {
            Ok((stream, _)) => {
                // Browsers ask for an icon, too, and others may knock.
                if let Ok(Some(token)) = answer(stream, &path) {
                    return Ok(token);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Err(Failure::other("nobody has logged in with the browser in time: start again"))
}

/// Reads one request, and returns the token if it brings one.
fn answer(mut stream: TcpStream, path: &str) -> io::Result<Option<SecretString>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let (mut request, mut piece) = (SecretVec::default(), [0; 1_024]);
    while !request.expose_bytes().windows(4).any(|it| it == b"\r\n\r\n")
        && request.expose_bytes().len() < MAX_REQUEST_BYTES
    {
        match stream.read(&mut piece)? {
            0 => break,
            read => request.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    }
    let token = token_in(request.expose_bytes(), path);
    let (status, text) = match token {
        Some(_) => ("200 OK", "You are logged in. You can close this page."),
        None => ("404 Not Found", "There is nothing here."),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\
         Referrer-Policy: no-referrer\r\n\r\n{text}",
        text.len()
    )?;
    Ok(token)
}

/// The `loginToken` of `GET /STATE?loginToken=…`.
fn token_in(request: &[u8], path: &str) -> Option<SecretString> {
    let line = request.split(|byte| *byte == b'\r').next()?;
    let target = std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.split(' ').next()?;
    let (asked, query) = target.split_once('?')?;
    let token = query.split('&').find_map(|part| part.strip_prefix("loginToken="))?;
    let token = percent_encoding::percent_decode_str(token).decode_utf8().ok()?;
    (asked == path && !token.is_empty()).then(|| SecretString::from(&*token))
}

/// 128 random bits in hexadecimal.
pub(crate) fn random_name() -> Outcome<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::other(format!("the system has no randomness: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

const PATIENCE: Duration = Duration::from_secs(5 * 60);
const MAX_REQUEST_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_was_sent_brings_a_token() {
        let token = |target: &str| {
            let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            token_in(request.as_bytes(), "/state").map(|it| it.expose_str().to_owned())
        };
        assert_eq!(token("/state?loginToken=a%2Bb").as_deref(), Some("a+b"));
        assert_eq!(token("/state?x=1&loginToken=ab").as_deref(), Some("ab"));
        assert_eq!(token("/other?loginToken=ab"), None);
        assert_eq!(token("/state?loginToken="), None);
        assert_eq!(token("/state"), None);
    }
}
