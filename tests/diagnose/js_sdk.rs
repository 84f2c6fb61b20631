//! Accounts of a real client, in which nothing is wrong.

use strongroom::{
    Limits, api,
    client::diagnose::{DiagnosisVerdict, Evidence, diagnose},
    encoding::json_object::JsonObject,
    ids::EventType,
    secret_storage::SecretStorage,
};

use crate::support::js_sdk;

#[test]
fn nothing_is_wrong_with_the_accounts_of_matrix_js_sdk() {
    for account in js_sdk::accounts() {
        let limits = Limits::default();
        let bytes = |member| serde_json::to_vec(account.member(member)).unwrap();
        let mut evidence = Evidence::new(account.text("user_id").into());
        let account_data = account.member("account_data").as_object().unwrap();
        let events = account_data.iter().map(|(event_type, content)| {
            let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
            (EventType::from(event_type.as_str()), content)
        });
        let events: Vec<_> = events.collect();
        let events = events.iter().map(|(event_type, content)| (event_type, content));
        evidence.storage = Some(SecretStorage::from_account_data(events, &limits));
        evidence.take_current_backup(Some(js_sdk::version_info(&account)));
        let response = http::Response::new(bytes("keys_query"));
        evidence.keys = Some(api::query_keys([], None).read_response(&response, &limits).unwrap());
        evidence.take_room_keys(&bytes("room_keys"), 1_000, &limits);
        let count = evidence.session_count().unwrap();
        assert!(count > 0);
        let passphrase = account.get("passphrase").and_then(|passphrase| passphrase.as_str());
        let typed = [Some(account.text("recovery_key")), passphrase, None];
        for typed in typed {
            let diagnosis = diagnose(&evidence, typed, &limits);
            let well =
                if typed.is_some() { DiagnosisVerdict::Well } else { DiagnosisVerdict::Unknown };
            assert_eq!(diagnosis.verdict(), well, "{diagnosis:#?}");
            let said: Vec<_> = diagnosis.findings().iter().map(ToString::to_string).collect();
            let restored =
                format!("A restore would bring back {count} out of {count} message keys");
            assert_eq!(
                said.iter().any(|sentence| sentence.starts_with(&restored)),
                typed.is_some(),
                "{said:#?}"
            );
        }
    }
}
