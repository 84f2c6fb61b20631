//! The in-memory homeserver behind a socket, with a proxy before it that does as it is told.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use http::{Method, Request, Response};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::Value;
use strongroom::homeserver::Homeserver;

/// What the proxy does with a request.
pub(crate) enum Twist {
    /// The homeserver answers.
    Nothing,
    /// The proxy answers.
    Answer(Response<Vec<u8>>),
    /// The homeserver answers, and so many bytes of the body arrive.
    Cut(usize),
    /// Nobody answers.
    Silence,
    /// The homeserver gets another request.
    Other(Request<Vec<u8>>),
}

pub(crate) type Proxy = dyn Fn(&Request<Vec<u8>>) -> Twist + Send + Sync;

/// A homeserver that listens until the test ends.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    homeserver: Arc<Mutex<Homeserver>>,
    seen: Arc<Mutex<Vec<String>>>,
    proxy: Arc<Mutex<Arc<Proxy>>>,
}

impl Server {
    pub(crate) fn start(homeserver: Homeserver) -> Self {
        Self::listen(homeserver, None)
    }

    /// With the certificate for this machine that the tests' authority has signed.
    pub(crate) fn start_encrypted(homeserver: Homeserver) -> Self {
        Self::start_as(homeserver, "server")
    }

    /// With the certificate of this name.
    pub(crate) fn start_as(homeserver: Homeserver, name: &str) -> Self {
        let [chain, key] = ["pem", "key"].map(|end| tls_file(&format!("{name}.{end}")));
        let chain = vec![CertificateDer::from_pem_file(chain).unwrap()];
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls_graviola::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::listen(homeserver, Some(Arc::new(config)))
    }

    fn listen(homeserver: Homeserver, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            homeserver: Arc::new(Mutex::new(homeserver)),
            seen: Arc::default(),
            proxy: Arc::new(Mutex::new(Arc::new(|_| Twist::Nothing))),
        };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, tls, stream) = (serving.clone(), tls.clone(), stream.unwrap());
                thread::spawn(move || match tls {
                    None => server.serve(stream),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        server.serve(StreamOwned::new(connection, stream));
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on the proxy does this.
    pub(crate) fn twist(&self, proxy: impl Fn(&Request<Vec<u8>>) -> Twist + Send + Sync + 'static) {
        *self.proxy.lock().unwrap() = Arc::new(proxy);
    }

    pub(crate) fn homeserver(&self) -> MutexGuard<'_, Homeserver> {
        self.homeserver.lock().unwrap()
    }

    /// The methods and paths of all requests since the last time.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Asks the homeserver past the proxy.
    pub(crate) fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> Value {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(format!("https://example.org/_matrix/client/v3/{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .body(body)
            .unwrap();
        let response = self.homeserver().respond(&request);
        assert!(response.status().is_success(), "{path}: {response:?}");
        serde_json::from_slice(response.body()).unwrap()
    }

    fn serve(&self, mut stream: impl Read + Write) {
        // Somebody who does not speak HTTP, or has seen enough.
        let Some(request) = read(&mut stream) else { return };
        self.seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        let proxy = Arc::clone(&self.proxy.lock().unwrap());
        let (response, length) = match proxy(&request) {
            Twist::Nothing => (self.homeserver().respond(&request), usize::MAX),
            Twist::Answer(response) => (response, usize::MAX),
            Twist::Cut(length) => (self.homeserver().respond(&request), length),
            Twist::Other(request) => (self.homeserver().respond(&request), usize::MAX),
            Twist::Silence => {
                thread::sleep(Duration::from_secs(30));
                return;
            }
        };
        let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", response.status().as_u16());
        for (name, value) in response.headers() {
            head += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        let body = response.body();
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let body = &body[..length.min(body.len())];
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let _ = stream.flush();
    }
}

/// A page, as a website or a proxy has it.
pub(crate) fn page(status: u16) -> Twist {
    let body = b"<html><body>This is a page.</body></html>".to_vec();
    Twist::Answer(Response::builder().status(status).body(body).unwrap())
}

pub(crate) fn json(status: u16, body: &Value) -> Twist {
    Twist::Answer(Response::builder().status(status).body(body.to_string().into_bytes()).unwrap())
}

pub(crate) fn tls_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/tls").join(name);
    assert!(fs::exists(&path).unwrap());
    path.to_str().unwrap().to_owned()
}

fn read(stream: &mut (impl Read + Write)) -> Option<Request<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
        if bytes.starts_with(&[22]) {
            // The beginning of TLS.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, uri) = (first.next()?, first.next()?);
    let mut request = Request::builder().method(method).uri(uri);
    let mut length = 0;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        request = request.header(name, value.trim());
    }
    while body.len() < length {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(length) => body.extend_from_slice(&piece[..length]),
        }
    }
    request.body(body).ok()
}
