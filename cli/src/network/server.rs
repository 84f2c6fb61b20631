//! One homeserver, and how it is asked.

use std::{
    io::{self, Read as _},
    time::Duration,
};

use http::{
    Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION},
    request::Parts,
};
use strongroom::{
    Limits,
    api::{self, ApiError, BaseUrl},
    encoding::format::FormatProblem,
    secret::{SecretString, SecretVec},
};
use ureq::{Agent, BodyReader, Proxy, ProxyProtocol};

use super::{
    Network, Outcome,
    address::{Address, Named},
    discovery,
    patience::{Patience, Repeats},
    tls,
    trouble::Trouble,
};
use crate::failure::{Failure, quoted};

/// A homeserver.
pub(crate) struct Server {
    agent: Agent,
    address: Address,
}

impl Server {
    /// Finds what was named, and sees that it is a homeserver.
    pub(super) fn find(named: &str, network: &Network) -> Outcome<Self> {
        let address = match Named::read(named)? {
            Named::Address(address) => address,
            Named::Server(name) => return Self::of_name(&name, network),
        };
        let server = Self::at(address, network)?;
        server.versions().map_err(|trouble| server.failed(trouble))?;
        Ok(server)
    }

    /// The homeserver of a server name.
    fn of_name(name: &str, network: &Network) -> Outcome<Self> {
        let address = discovery::address_of(name, network)?;
        let is_own = address.text == format!("https://{name}");
        let server = Self::at(address, network)?;
        match server.versions() {
            Ok(()) => Ok(server),
            Err(trouble) if is_own => Err(failed_of_name(trouble, &server.agent, &server.address)),
            Err(trouble) => Err(server.failed(trouble).and(format!(
                "{} names this address as that of its homeserver: tell who runs it, or name the right one with --homeserver",
                quoted(name)
            ))),
        }
    }

    /// The one at an address that a login has led to before.
    pub(super) fn at(address: Address, network: &Network) -> Outcome<Self> {
        address.require_privacy(network.insecure_http)?;
        Ok(Self { agent: agent(&address, network, 0)?, address })
    }

    pub(crate) fn base_url(&self) -> &BaseUrl {
        &self.address.base_url
    }

    /// Where it is, to be shown and kept.
    pub(crate) fn address(&self) -> &str {
        &self.address.text
    }

    pub(crate) fn failed(&self, trouble: Trouble) -> Failure {
        failed(trouble, &self.agent, &self.address)
    }

    /// A request that the library has no type for.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
    ) -> Result<Parts, Trouble> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/_matrix/client/{path}", self.address.text))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_str()));
        }
        let (parts, ()) = request.body(()).map_err(ureq::Error::from)?.into_parts();
        Ok(parts)
    }

    /// Sends a request, and returns the body of a success.
    pub(super) fn ask(
        &self,
        head: &Parts,
        body: &[u8],
        limit: usize,
    ) -> Result<SecretVec, Trouble> {
        let repeats =
            if head.method == Method::POST { Repeats::OnlyIfAsked } else { Repeats::Everything };
        let mut again = head.method == Method::GET;
        loop {
            let read = self.open(head, body, repeats).and_then(|answer| read_all(answer, limit));
            match read {
                // Once more costs little, and most cuts are accidents.
                Err(trouble) if again && trouble.is_cut() => again = false,
                read => return read,
            }
        }
    }

    /// Sends a request, and returns the body of a success while it arrives.
    pub(super) fn open(
        &self,
        head: &Parts,
        body: &[u8],
        repeats: Repeats,
    ) -> Result<BodyReader<'static>, Trouble> {
        let mut patience = Patience::new(repeats);
        loop {
            let answer = self.agent.run(Request::from_parts(head.clone(), body))?;
            if answer.status().is_success() {
                return Ok(answer.into_body().into_reader());
            }
            let error = refusal(answer)?;
            if !patience.waits(&error, self.address()) {
                return Err(error.into());
            }
        }
    }

    /// What every homeserver answers, and hardly anything else does.
    fn versions(&self) -> Result<(), Trouble> {
        let head = self.request(Method::GET, "versions", None)?;
        let body = self.ask(&head, &[], Limits::default().response_bytes)?;
        let answer: serde_json::Value =
            serde_json::from_slice(body.expose_bytes()).map_err(|_| FormatProblem::NotJson)?;
        if answer.get("versions").is_some_and(serde_json::Value::is_array) {
            return Ok(());
        }
        Err(FormatProblem::NotAnObject.into())
    }
}

/// What opens connections. With redirects none is followed with a token.
pub(super) fn agent(address: &Address, network: &Network, redirects: u32) -> Outcome<Agent> {
    let patience = Some(Duration::from_secs(network.timeout));
    let connecting = Some(Duration::from_secs(network.timeout.min(30)));
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(redirects)
        .https_only(redirects > 0)
        .proxy(proxy(address)?)
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(connecting)
        .timeout_connect(connecting)
        .timeout_send_request(patience)
        .timeout_send_body(Some(LONGEST))
        .timeout_recv_response(patience)
        .timeout_recv_body(Some(LONGEST))
        .timeout_per_read(patience)
        .timeout_per_write(patience);
    if address.is_encrypted() {
        config = config.tls_config(tls::config(network.ca_file.as_deref())?);
    }
    Ok(config.build().new_agent())
}

/// What is said of trouble, which may be that of the proxy in between.
fn failed(trouble: Trouble, agent: &Agent, address: &Address) -> Failure {
    by_proxy(&trouble, agent, address).unwrap_or_else(|| trouble.into_failure(&address.text))
}

/// The same, where nobody has named an address.
pub(super) fn failed_of_name(trouble: Trouble, agent: &Agent, address: &Address) -> Failure {
    by_proxy(&trouble, agent, address)
        .unwrap_or_else(|| trouble.into_failure_of_name(&address.text))
}

fn by_proxy(trouble: &Trouble, agent: &Agent, address: &Address) -> Option<Failure> {
    let proxy = agent.config().proxy().filter(|proxy| !proxy.is_no_proxy(&address.uri));
    proxy.filter(|_| trouble.may_be_of_proxy()).map(|proxy| {
        Failure::network(format!(
            "{} cannot be reached through the proxy {}, which {} names: check it, or unset it",
            quoted(&address.text),
            quoted(&format!("{}:{}", proxy.host(), proxy.port())),
            proxy_variable().unwrap_or("HTTPS_PROXY")
        ))
    })
}

/// The variable that names a proxy.
fn proxy_variable() -> Option<&'static str> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    PROXIES.into_iter().find(|name| is_set(name))
}

/// The proxy of the environment. One that cannot be used is no reason to go without it.
fn proxy(address: &Address) -> Outcome<Option<Proxy>> {
    let Some(name) = proxy_variable() else { return Ok(None) };
    if address.is_loopback() {
        return Ok(None);
    }
    match Proxy::try_from_env() {
        Some(proxy) if matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) => {
            Ok(Some(proxy))
        }
        _ => Err(Failure::usage(format!(
            "the proxy in {name} is none that can be used: it should look like http://proxy.example.org:3128"
        ))),
    }
}

fn read_all(answer: BodyReader<'static>, limit: usize) -> Result<SecretVec, Trouble> {
    let mut bytes = SecretVec::default();
    io::copy(&mut answer.take(limit as u64 + 1), &mut bytes).map_err(ureq::Error::from)?;
    let found = bytes.expose_bytes().len();
    if found > limit {
        return Err(ApiError::TooLarge { limit, found }.into());
    }
    Ok(bytes)
}

/// What the server says in the place of a success.
fn refusal(answer: Response<ureq::Body>) -> Result<ApiError, Trouble> {
    let (head, body) = answer.into_parts();
    if head.status.is_redirection() {
        let to = head.headers.get(LOCATION).and_then(|to| to.to_str().ok());
        return Err(Trouble::Redirected(to.unwrap_or("another address").to_owned()));
    }
    let mut bytes = Vec::new();
    // What has come of it will do.
    let _ = body.into_reader().take(MAX_REFUSAL_BYTES).read_to_end(&mut bytes);
    // Any endpoint reads a refusal alike.
    match api::get_who_am_i().read_response(&Response::from_parts(head, bytes), &Limits::default())
    {
        Ok(_) => Err(FormatProblem::NotAnObject.into()),
        Err(error) => Ok(error),
    }
}

const MAX_REFUSAL_BYTES: u64 = 64 << 10;

/// However slowly it comes: nothing waits for ever.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// In the order in which `ureq` looks for them.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
