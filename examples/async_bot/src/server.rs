//! The in-memory homeserver on a free port, which fails now and then.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use http::Method;
use strongroom::{
    homeserver::{
        Homeserver,
        faults::{Exchange, Fault, FaultRule, Faults},
    },
    secret::SecretString,
};
use tokio::net::TcpListener;

use crate::{Result, host::Account};

type Shared = Arc<Mutex<(Homeserver, Faults)>>;

/// Serves for as long as the process runs.
pub(crate) async fn serve() -> Result<Account> {
    let mut homeserver = Homeserver::new();
    homeserver.add_user(USER, PASSWORD);
    let shared: Shared = Arc::new(Mutex::new((homeserver, faults())));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(answer).with_state(shared);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Account { url, user_id: USER.into(), password: SecretString::from(PASSWORD) })
}

/// What a bot has to survive.
fn faults() -> Faults {
    let limited = || Fault::RateLimit { retry_after: None, retry_after_ms: Some(300) };
    let keys = "/_matrix/client/v3/room_keys/keys";
    let mut faults = Faults::none();
    faults.add(FaultRule::new(limited()).path("/_matrix/client/v3/user").from_nth(3).times(2));
    faults.add(
        FaultRule::new(Fault::Unauthorized { soft_logout: true })
            .path("/_matrix/client/v3/user")
            .from_nth(9),
    );
    faults.add(FaultRule::new(limited()).method(Method::PUT).path(keys).from_nth(2));
    faults.add(FaultRule::new(Fault::DropAnswer).method(Method::PUT).path(keys).from_nth(4));
    faults.add(
        FaultRule::new(Fault::Unauthorized { soft_logout: false }).method(Method::GET).path(keys),
    );
    faults
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BYTES).await else { return failed() };
    let request = Request::from_parts(head, body);
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let (homeserver, faults) = &mut *shared;
    match faults.exchange(homeserver, &request) {
        Exchange::Answered { response, .. } => response.map(Body::from),
        // As from a proxy that has waited in vain.
        _ => failed(),
    }
}

fn failed() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

const USER: &str = "@bot:localhost";
const PASSWORD: &str = "a test password";
const MAX_BYTES: usize = 50 << 20;
