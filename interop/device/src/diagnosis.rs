//! What the crate says of the account.

use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    client::{
        Backup,
        diagnose::{DiagnosisVerdict, Evidence, diagnose},
    },
};

use crate::{host::Result, ours::Ours};

impl Ours {
    pub(crate) fn diagnose(&mut self, typed: Option<&str>) -> Result<Value> {
        let limits = Limits::default();
        let mut evidence = Evidence::new(self.user_id.clone());
        self.read_account_data()?;
        evidence.take_account_data(&self.account_data, &limits);
        let current = self.server.send(self.device.token(), &api::get_current_backup_version())?;
        if let Some(info) = &current {
            let get = api::get_room_keys(info.version());
            let token = self.device.token().into();
            let response = self.server.exchange(&get.to_http(self.server.base_url(), &token)?);
            evidence.take_room_keys(response.body(), SAMPLE, &limits);
        }
        evidence.take_current_backup(current);
        let query = api::query_keys([(self.user_id.clone(), vec![])], None);
        evidence.keys = Some(self.server.send(self.device.token(), &query)?);
        evidence.master_key = self.pinned;
        evidence.signers = self.signers()?;
        evidence.retired = self.machine.as_ref().map(Backup::retired).unwrap_or_default().to_vec();
        let diagnosis = diagnose(&evidence, typed, &limits);
        let findings = diagnosis.findings().iter().map(|finding| {
            json!({
                "code": finding.code(),
                "severity": finding.severity().code(),
                "text": finding.to_string(),
            })
        });
        Ok(json!({
            "is_well": diagnosis.verdict() == DiagnosisVerdict::Well,
            "verdict": diagnosis.verdict().code(),
            "findings": findings.collect::<Vec<_>>(),
        }))
    }
}

/// How many sessions are opened.
const SAMPLE: usize = 1_000;
