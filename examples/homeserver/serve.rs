//! From a socket to `http` types and back.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use strongroom::homeserver::Homeserver;
use tokio::{net::TcpListener, runtime, signal};

/// The one homeserver, which answers one request after the other.
#[derive(Clone)]
struct Shared {
    homeserver: Arc<Mutex<Homeserver>>,
    max_request_bytes: usize,
}

/// Serves until Ctrl-C, and lets the requests that it has begun end first.
pub(crate) fn serve(
    homeserver: Homeserver,
    address: SocketAddr,
    max_request_bytes: usize,
    on_start: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> Result<(), Box<dyn Error>> {
    let homeserver = Arc::new(Mutex::new(homeserver));
    let router =
        Router::new().fallback(answer).with_state(Shared { homeserver, max_request_bytes });
    runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        on_start(listener.local_addr()?)?;
        let stopped = async { drop(signal::ctrl_c().await) };
        axum::serve(listener, router).with_graceful_shutdown(stopped).await?;
        Ok(())
    })
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        Response::default()
    } else {
        ask(shared, request).await
    };
    for (name, value) in CORS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn ask(shared: Shared, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, shared.max_request_bytes).await else {
        return too_large();
    };
    let request = Request::from_parts(head, body);
    let mut homeserver = shared.homeserver.lock().unwrap_or_else(PoisonError::into_inner);
    homeserver.respond(&request).map(Body::from)
}

/// What the homeserver would say, if the whole body were read for it.
fn too_large() -> Response {
    let body = r#"{"errcode":"M_TOO_LARGE","error":"The request is too large"}"#;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What lets clients in browsers read the answers
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#web-browser-clients)).
const CORS: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("access-control-allow-headers", "X-Requested-With, Content-Type, Authorization"),
];
