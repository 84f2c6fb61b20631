//! How somebody logs in.

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{ApiError, ResponseError},
    ids::UserId,
    secret::{SecretString, SecretVec},
};

use super::{Connection, HEADING, Login, Network, Outcome, Trouble, server::Server, sso};
use crate::{
    failure::{Failure, shown},
    input::{self, Wanted},
    terminal,
};

/// Who somebody is, and how they prove it.
#[derive(Args)]
pub(crate) struct Credentials {
    /// The account: @me:example.org.
    #[arg(long, value_name = "@ME:EXAMPLE.ORG", value_parser = crate::diagnose::user_id, help_heading = HEADING)]
    pub(super) user: Option<UserId>,
    /// The homeserver: its server name, or its address, which begins with https://. Without it the one that the account names.
    #[arg(long, value_name = "NAME_OR_ADDRESS", help_heading = HEADING)]
    pub(super) homeserver: Option<String>,
    /// A file with the password, or `-` for standard input; without it the password is asked for.
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub(super) password_file: Option<PathBuf>,
    /// An open file descriptor from which the password is read.
    #[cfg(unix)]
    #[arg(long, value_name = "N", help_heading = HEADING)]
    password_fd: Option<u32>,
    /// Logs in with a browser, as the homeserver wants it (single sign-on).
    #[arg(long, help_heading = HEADING)]
    pub(super) sso: bool,
}

/// Logs a new device in, without a refresh token.
pub(crate) fn sign_in(
    credentials: &Credentials,
    network: &Network,
) -> Outcome<(Connection, Login)> {
    let user = credentials.whose()?;
    let of_user = user.as_ref().and_then(|user| user.as_str().split_once(':'));
    let named = credentials.homeserver.as_deref().or(of_user.map(|(_, server)| server));
    let named = named.ok_or_else(|| Failure::usage(NOBODY))?;
    // Whether it is one shows before anything is sent.
    let given = credentials.given_password()?;
    let server = Arc::new(Server::find(named, network)?);
    let flow = if credentials.sso { "m.login.sso" } else { "m.login.password" };
    require_flow(&server, flow)?;
    let body = match &user {
        _ if credentials.sso => {
            proof(&json!({ "type": "m.login.token" }), "token", &sso::token(&server)?)
        }
        Some(user) => {
            let identifier = json!({ "type": "m.id.user", "user": user.as_str() });
            let head = json!({ "type": "m.login.password", "identifier": identifier });
            proof(&head, "password", &password(user, given)?)
        }
        None => return Err(Failure::usage(NOBODY)),
    };
    let login =
        log_in(&server, &body).map_err(|trouble| refused(&server, user.as_ref(), trouble))?;
    let connection = Connection::new(server, login.access_token.clone());
    match user {
        Some(user) if user != login.user_id => {
            let _ = connection.log_out();
            Err(Failure::other(format!(
                "this is the account {}, not {}: log in as the other one, or say so with --user",
                shown(login.user_id.as_str()),
                shown(user.as_str())
            )))
        }
        _ => Ok((connection, login)),
    }
}

impl Credentials {
    /// Whether somebody is named.
    pub(super) fn is_given(&self) -> bool {
        self.user.is_some() || self.sso
    }

    /// Who was named, or else is typed at a terminal.
    fn whose(&self) -> Outcome<Option<UserId>> {
        if self.user.is_some() || (self.sso && self.homeserver.is_some()) {
            return Ok(self.user.clone());
        }
        let typed = terminal::typed_line("Account (@me:example.org):")?;
        let typed = typed.ok_or_else(|| Failure::usage(NOBODY))?;
        crate::diagnose::user_id(typed.trim()).map(Some).map_err(Failure::usage)
    }

    /// What the flags name.
    fn given_password(&self) -> Outcome<Option<SecretString>> {
        if let Some(file) = &self.password_file {
            return input::secret_in(file, Wanted::Password).map(Some);
        }
        #[cfg(unix)]
        if let Some(number) = self.password_fd {
            let file = PathBuf::from(format!("/dev/fd/{number}"));
            return input::secret_in(&file, Wanted::Password).map(Some);
        }
        Ok(None)
    }
}

/// The password that was given, or else what is asked for.
fn password(user: &UserId, given: Option<SecretString>) -> Outcome<SecretString> {
    if let Some(given) = given {
        return Ok(given);
    }
    let asked = terminal::asked(&format!("Password of {}:", shown(user.as_str())))?;
    asked.ok_or_else(|| {
        Failure::usage(
            "there is no password: name a file with --password-file, or log in with a browser by --sso",
        )
    })
}

/// What is sent to log in, with the secret in it.
fn proof(head: &Value, name: &str, secret: &SecretString) -> SecretVec {
    let head = head.to_string();
    let secret = SecretString::from(Value::from(secret.expose_str()).to_string());
    let mut body = SecretVec::with_capacity(head.len() + secret.expose_str().len() + 128);
    for piece in [
        head.strip_suffix('}').unwrap_or_default(),
        ",\"initial_device_display_name\":\"strongroom\",\"",
        name,
        "\":",
        secret.expose_str(),
        "}",
    ] {
        body.extend_from_slice(piece.as_bytes());
    }
    body
}

/// Refuses a way that the homeserver does not offer, before anybody is asked for a secret.
fn require_flow(server: &Server, wanted: &str) -> Outcome<()> {
    let flows = || {
        let head = server.request(Method::GET, "v3/login", None)?;
        let body = server.ask(&head, &[], Limits::default().response_bytes)?;
        serde_json::from_slice::<Value>(body.expose_bytes())
            .map_err(|_| Trouble::from(ResponseError::NotJson))
    };
    let flows = flows().map_err(|trouble| server.failed(trouble))?;
    let flows = flows.get("flows").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let has = |kind: &str| {
        flows.iter().any(|flow| flow.get("type").and_then(Value::as_str) == Some(kind))
    };
    if has(wanted) {
        return Ok(());
    }
    let (is_not, instead) = match wanted {
        "m.login.sso" => ("a browser", "log in with the password, without --sso"),
        _ if has("m.login.sso") => ("a password", "log in with a browser, by --sso"),
        _ => (
            "a password",
            "take an access token out of your client\u{2019}s settings, and name its file with --access-token-file",
        ),
    };
    let address = shown(server.address());
    Err(Failure::refused(format!("{address} lets nobody log in with {is_not}: {instead}")))
}

#[derive(Deserialize)]
struct Answer<'a> {
    user_id: String,
    device_id: String,
    #[serde(borrow)]
    access_token: Cow<'a, str>,
}

fn log_in(server: &Server, body: &SecretVec) -> Result<Login, Trouble> {
    let head = server.request(Method::POST, "v3/login", None)?;
    let body = server.ask(&head, body.expose_bytes(), Limits::default().response_bytes)?;
    let answer: Answer<'_> = serde_json::from_slice(body.expose_bytes())
        .map_err(|_| Trouble::from(ResponseError::Member("access_token")))?;
    Ok(Login {
        homeserver: server.address().to_owned(),
        user_id: answer.user_id.into(),
        device_id: answer.device_id.into(),
        access_token: SecretString::from(&*answer.access_token),
    })
}

fn refused(server: &Server, user: Option<&UserId>, trouble: Trouble) -> Failure {
    match (&trouble, user) {
        (Trouble::Refused(ApiError::Matrix(error)), Some(user))
            if error.status == 403 && error.errcode.as_str() == "M_FORBIDDEN" =>
        {
            Failure::refused(format!(
                "{} does not accept this password for {}: check both, and whether the homeserver is the right one",
                shown(server.address()),
                shown(user.as_str())
            ))
        }
        _ => server.failed(trouble),
    }
}

const NOBODY: &str = "nobody is named to log in: say who with --user @me:example.org";
