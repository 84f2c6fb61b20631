//! From a socket to `http` types and back.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use strongroom::homeserver::Homeserver;
use tokio::{net::TcpListener, runtime, signal, sync::watch, time::timeout};

/// The one homeserver, which answers one request after the other.
#[derive(Clone)]
struct Shared {
    homeserver: Arc<Mutex<Homeserver>>,
    /// Told after each request, and when the server stops.
    stage: watch::Sender<Stage>,
    max_request_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    Stopping,
}

impl Shared {
    fn homeserver(&self) -> MutexGuard<'_, Homeserver> {
        self.homeserver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn patience(&self, request: &Request<impl AsRef<[u8]>>) -> Duration {
        self.homeserver().patience(request)
    }

    /// Waits as long as the request asks for, or until there is something to tell.
    async fn wait(&self, request: &Request<impl AsRef<[u8]>>) {
        let mut stage = self.stage.subscribe();
        let patience = self.patience(request);
        if patience.is_zero() || *stage.borrow() == Stage::Stopping {
            return;
        }
        let news = async {
            while stage.changed().await.is_ok() {
                if *stage.borrow() == Stage::Stopping || self.patience(request).is_zero() {
                    break;
                }
            }
        };
        // Whether it came or the time is over: the homeserver says what there is.
        let _ = timeout(patience, news).await;
    }
}

/// Serves until Ctrl-C, and lets the requests that it has begun end first.
pub(crate) fn serve(
    homeserver: Homeserver,
    address: SocketAddr,
    max_request_bytes: usize,
    on_start: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> Result<(), Box<dyn Error>> {
    let homeserver = Arc::new(Mutex::new(homeserver));
    let shared =
        Shared { homeserver, stage: watch::Sender::new(Stage::Serving), max_request_bytes };
    let router = Router::new().fallback(answer).with_state(shared.clone());
    runtime::Builder::new_current_thread().enable_io().enable_time().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        on_start(listener.local_addr()?)?;
        let stopped = async move {
            let _ = signal::ctrl_c().await;
            shared.stage.send_replace(Stage::Stopping);
        };
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
    shared.wait(&request).await;
    let response = shared.homeserver().respond(&request).map(Body::from);
    shared.stage.send_modify(|_| ());
    response
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
