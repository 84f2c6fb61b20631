//! An account on a homeserver, as commands want it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use strongroom::{api, ids::UserId, secret::SecretString};

use super::{
    Connection, Credentials, HEADING, Login, Network, Outcome, address::Address, server::Server,
    sign_in,
};
use crate::{
    at_end::AtEnd,
    failure::{Failure, named, shown, tell, visible},
    input,
};

/// The account that a command is about: a login that there is, or one for this command alone.
#[derive(Args)]
pub(crate) struct Access {
    /// A login that `strongroom login` has written.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["access_token_file", "user", "sso", "homeserver"], help_heading = HEADING)]
    login: Option<PathBuf>,
    /// A file with an access token, or `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "homeserver", conflicts_with_all = ["user", "sso"], help_heading = HEADING)]
    access_token_file: Option<PathBuf>,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    network: Network,
}

/// An account that can be asked. It is logged out in the end if it was logged in for one command.
pub(crate) struct Account {
    pub(crate) connection: Connection,
    pub(crate) user_id: UserId,
    _log_out: Option<AtEnd>,
}

impl Access {
    /// Whether an account is named.
    pub(crate) fn is_given(&self) -> bool {
        self.login.is_some() || self.access_token_file.is_some() || self.credentials.is_given()
    }

    /// What is given for the network, though there is no account.
    pub(crate) fn is_idle(&self) -> bool {
        !self.is_given() && self.credentials.homeserver.is_none() && self.network.is_default()
    }

    /// The login that was named.
    pub(crate) fn login(&self) -> Option<&Path> {
        self.login.as_deref()
    }

    /// The same account, as it is named on the command line.
    pub(crate) fn named(&self) -> Option<String> {
        if let Some(file) = &self.login {
            return Some(format!("--login {}", named(file)));
        }
        let user = self.credentials.user.as_ref()?;
        let homeserver = self.credentials.homeserver.as_deref();
        let homeserver =
            homeserver.map_or_else(String::new, |it| format!(" --homeserver {}", visible(it)));
        Some(format!("--user {}{homeserver}", visible(user.as_str())))
    }

    /// The files with secrets in them.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let password = self.credentials.password_file.as_ref();
        self.login.iter().chain(&self.access_token_file).chain(password)
    }

    pub(crate) fn connect(&self) -> Outcome<Account> {
        if let Some(file) = &self.login {
            let login = Login::read(file)?;
            let connection = connect(&login, &self.network)?;
            return Ok(Account { connection, user_id: login.user_id, _log_out: None });
        }
        if let (Some(file), Some(homeserver)) =
            (&self.access_token_file, &self.credentials.homeserver)
        {
            let connection = connect_with(file, homeserver, &self.network)?;
            let (user_id, _) = connection
                .send(&api::get_who_am_i())
                .map_err(|trouble| connection.failed(trouble))?;
            return Ok(Account { connection, user_id, _log_out: None });
        }
        let (connection, login) = sign_in(&self.credentials, &self.network)?;
        let leaving = connection.clone();
        let log_out = AtEnd::new(move || {
            if let Err(trouble) = leaving.log_out() {
                tell(format_args!(
                    "The device {} could not be logged out: {}",
                    shown(login.device_id.as_str()),
                    leaving.failed(trouble)
                ));
            }
        });
        Ok(Account { connection, user_id: login.user_id, _log_out: Some(log_out) })
    }
}

/// Takes up a login again.
pub(crate) fn connect(login: &Login, network: &Network) -> Outcome<Connection> {
    let server = Arc::new(Server::at(Address::read(&login.homeserver)?, network)?);
    Ok(Connection::new(server, login.access_token.clone()))
}

/// Uses the access token in a file.
pub(crate) fn connect_with(
    file: &Path,
    homeserver: &str,
    network: &Network,
) -> Outcome<Connection> {
    let token = input::secret_in(file, input::Wanted::AccessToken)?;
    require_token(&token, file)?;
    Ok(Connection::new(Arc::new(Server::find(homeserver, network)?), token))
}

/// Refuses what no header could carry, and names the file that it is in.
pub(super) fn require_token(token: &SecretString, file: &Path) -> Outcome<()> {
    if token.expose_str().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Failure::content(
        file,
        "the access token in it has characters that none can have: it should be the token and nothing else",
    ))
}

impl Account {
    /// Sends a request, and says of a refusal what to do.
    pub(crate) fn failed(&self, trouble: super::Trouble) -> Failure {
        self.connection.failed(trouble)
    }
}
