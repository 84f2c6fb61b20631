//! What an account has beside its backup: account data and public keys.

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom::{
    api::{self, SyncResponse},
    encoding::format::FormatProblem,
};

use super::place::Place;
use crate::{
    failure::Failure,
    network::{Account, Trouble, random_name},
};

/// Asks for all account data. Synapse answers an equal first request for two minutes with what it said before, so no two are.
pub(crate) fn account_data() -> Result<api::Request<SyncResponse>, Failure> {
    let unlike = format!("strongroom.{}", random_name()?);
    Ok(api::get_sync().account_data(["*".into(), unlike.as_str().into()]))
}

/// Saves both. Of the response of `/sync` only what is account data: what was sent to the device is none of ours.
pub(super) fn fetch(account: &Account, place: &Place) -> Result<(), Failure> {
    let query = api::query_keys([(account.user_id.clone(), vec![])], None);
    let (_, keys) = account.connection.send_raw(&query).map_err(|it| account.failed(it))?;
    place.put("keys_query.json", &[keys.expose_bytes()])?;

    #[derive(Deserialize)]
    struct Sync<'a> {
        #[serde(borrow)]
        account_data: Option<&'a RawValue>,
    }
    let (_, sync) =
        account.connection.send_raw(&account_data()?).map_err(|it| account.failed(it))?;
    let Sync { account_data } = serde_json::from_slice(sync.expose_bytes())
        .map_err(|_| account.failed(Trouble::from(FormatProblem::Unusable("account_data"))))?;
    let account_data = account_data.map_or(r#"{"events":[]}"#, RawValue::get);
    place.put("account_data.json", &[br#"{"account_data":"#, account_data.as_bytes(), b"}\n"])
}
