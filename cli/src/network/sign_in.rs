//! How somebody logs in.

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::ApiError,
    encoding::format::FormatProblem,
    ids::UserId,
    secret::{SecretString, SecretVec},
};

use super::{Connection, HEADING, Login, Network, Outcome, Trouble, server::Server, sso};
use crate::{
    failure::{Failure, quoted, shown, tell},
    input::{self, Wanted},
    terminal::{self, TRIES},
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
    let login = credentials.log_in(&server, user.as_ref(), given)?;
    let connection = Connection::new(server, login.access_token.clone());
    match user {
        Some(user) if user != login.user_id => {
            let _ = connection.log_out();
            Err(Failure::other(format!(
                "{} is logged in there, though {} was named: log in as that one, or name the first one with --user",
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
        let typed = terminal::typed_until("Account (@me:example.org):", |line| {
            crate::diagnose::user_id(line).map_err(Failure::usage)
        });
        typed?.map(Some).ok_or_else(|| Failure::usage(NOBODY))
    }

    /// Logs in. Whoever mistypes a password at a terminal may type it again.
    fn log_in(
        &self,
        server: &Server,
        user: Option<&UserId>,
        given: Option<SecretString>,
    ) -> Outcome<Login> {
        let mut tries = if self.sso || given.is_some() { 1 } else { TRIES };
        loop {
            let body = self.proof(server, user, given.as_ref())?;
            tries -= 1;
            match log_in(server, &body) {
                Err(trouble) if tries > 0 && is_forbidden(&trouble) => {
                    tell(refused(server, user, false, trouble));
                }
                login => return login.map_err(|trouble| refused(server, user, self.sso, trouble)),
            }
        }
    }

    /// What is sent to log in.
    fn proof(
        &self,
        server: &Server,
        user: Option<&UserId>,
        given: Option<&SecretString>,
    ) -> Outcome<SecretVec> {
        if self.sso {
            let head = json!({ "type": "m.login.token" });
            return Ok(proof(&head, "token", &sso::token(server)?));
        }
        let user = user.ok_or_else(|| Failure::usage(NOBODY))?;
        let identifier = json!({ "type": "m.id.user", "user": user.as_str() });
        let head = json!({ "type": "m.login.password", "identifier": identifier });
        Ok(proof(&head, "password", &password(user, given.cloned())?))
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
            .map_err(|_| Trouble::from(FormatProblem::NotJson))
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
        "m.login.sso" if has("m.login.password") => {
            ("a browser", "log in with the password, without --sso")
        }
        "m.login.sso" => ("a browser, nor with a password", TOKEN),
        _ if has("m.login.sso") => ("a password", "log in with a browser, by --sso"),
        _ => ("a password, nor with a browser", TOKEN),
    };
    let address = quoted(server.address());
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
        .map_err(|_| Trouble::from(FormatProblem::Unusable("access_token")))?;
    Ok(Login {
        homeserver: server.address().to_owned(),
        user_id: answer.user_id.into(),
        device_id: answer.device_id.into(),
        access_token: SecretString::from(&*answer.access_token),
    })
}

/// Whether what was to prove who somebody is does not.
fn is_forbidden(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Refused(ApiError::Matrix { status: 403, errcode, .. })
        if errcode.as_str() == "M_FORBIDDEN")
}

fn refused(server: &Server, user: Option<&UserId>, sso: bool, trouble: Trouble) -> Failure {
    let address = quoted(server.address());
    match (&trouble, user) {
        (trouble, _) if sso && is_forbidden(trouble) => Failure::refused(format!(
            "{address} does not accept what the browser has brought, which may be too old: start again, and log in at once"
        )),
        (trouble, Some(user)) if is_forbidden(trouble) => Failure::refused(format!(
            "{address} does not accept this password for {}: check both, and whether the homeserver is the right one",
            shown(user.as_str())
        )),
        _ => server.failed(trouble),
    }
}

/// What is left where nobody can log in.
const TOKEN: &str = "take an access token out of your client\u{2019}s settings, and name its file with --access-token-file";

const NOBODY: &str = "nobody is named to log in: say who with --user @me:example.org";
