//! The account data, one remedy after the other, as if each were done already.

use std::collections::HashSet;

use getrandom::{SysRng, rand_core::UnwrapErr};
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    client::diagnose::{Diagnosis, Evidence, Remedy, RepairParts, RepairPlan, Severity, diagnose},
    encoding::json_object::JsonObject,
    ids::EventType,
    secret_storage::{NewKey, Plan, PlanNote, PlanStep},
    secret_value::MEGOLM_BACKUP_V1,
};

use crate::failure::Failure;

/// An account as it will be after the steps so far.
#[derive(Clone)]
pub(super) struct Mending {
    evidence: Evidence,
    account_data: Vec<(EventType, JsonObject)>,
    new_key: NewKey,
    /// The codes of the findings that are repaired; all, if none is named.
    only: Vec<String>,
    tried: HashSet<Remedy>,
    /// Whether there will be a new backup, so that its key has to be stored.
    has_new_backup: bool,
    pub(super) steps: Vec<PlanStep>,
    pub(super) notes: Vec<String>,
    limits: Limits,
}

impl Mending {
    pub(super) fn new(
        evidence: Evidence,
        account_data: Vec<(EventType, JsonObject)>,
        only: &[String],
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let new_key = NewKey::generate(None).map_err(|error| Failure::other(error.to_string()))?;
        Ok(Self {
            evidence,
            account_data,
            new_key,
            only: only.to_vec(),
            tried: HashSet::new(),
            has_new_backup: false,
            steps: Vec::new(),
            notes: Vec::new(),
            limits: *limits,
        })
    }

    /// From now on this is the current backup, with nothing in it, and the others are older.
    pub(super) fn replace_backup(
        &mut self,
        info: Option<BackupVersionInfo>,
        key: &BackupDecryptionKey,
    ) {
        let (evidence, Some(info)) = (&mut self.evidence, info) else { return };
        if let Some(before) = evidence.current().cloned() {
            evidence.older_versions.insert(0, before);
        }
        evidence.take_current_backup(Some(info));
        evidence.backup_key = Some(key.clone());
        evidence.take_room_keys(br#"{"rooms":{}}"#, 0, &self.limits);
        self.has_new_backup = true;
    }

    /// Whether there is a step that stores the key of the backup.
    pub(super) fn stores_backup_key(&self) -> bool {
        self.steps.iter().any(|step| step.event_type.as_str() == MEGOLM_BACKUP_V1)
    }

    /// What is wrong with it now.
    pub(super) fn diagnosis(&self) -> Diagnosis {
        diagnose(&self.evidence, None, &self.limits)
    }

    /// Does what can be done, and says what is left.
    pub(super) fn mend(&mut self) -> Diagnosis {
        loop {
            let diagnosis = self.diagnosis();
            match self.next(&diagnosis) {
                Some(plan) => self.take(&plan),
                None => return diagnosis,
            }
        }
    }

    /// The new key of the key storage, if there is a step that makes it known.
    pub(super) fn new_key(&self) -> Option<&NewKey> {
        let is_this = |step: &PlanStep| matches!(&step.reason, PlanNote::DescribeKey(id) if id == self.new_key.id());
        self.steps.iter().any(is_this).then_some(&self.new_key)
    }

    /// Whether what is wanted can be about a backup.
    pub(super) fn is_about_backup(&self) -> bool {
        let mut only = self.only.iter();
        let is_about =
            |code: &String| !code.starts_with("storage.") && !code.starts_with("identity.");
        self.only.is_empty() || only.any(is_about)
    }

    fn is_wanted(&self, code: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == code)
    }

    /// Each remedy is tried once: one may leave the finding that it was for.
    fn next(&mut self, diagnosis: &Diagnosis) -> Option<Plan> {
        let mut parts = RepairParts::default();
        parts.new_key = Some(self.new_key.clone());
        parts.keeps_all = true;
        let wanted = diagnosis.findings().iter().filter(|finding| self.is_wanted(finding.code()));
        let wanted: HashSet<_> = wanted.filter_map(|finding| finding.remedy()).collect();
        let is_its_key = |remedy: &Remedy| {
            self.has_new_backup && *remedy == Remedy::StoreSecret(MEGOLM_BACKUP_V1.into())
        };
        let mut remedies = diagnosis.remedies();
        remedies.retain(|remedy| {
            // One that follows another has no finding of its own.
            let is_wanted = self.only.is_empty() || wanted.contains(remedy) || is_its_key(remedy);
            is_performed(remedy) && is_wanted
        });
        for remedy in remedies {
            if !self.tried.insert(remedy.clone()) {
                continue;
            }
            let rng = &mut UnwrapErr(SysRng);
            if let Ok(RepairPlan::AccountData(plan)) = diagnosis.repair(&remedy, &parts, rng) {
                self.notes.extend(plan.notes().iter().map(ToString::to_string));
                if !plan.steps().is_empty() {
                    return Some(plan);
                }
            }
        }
        None
    }

    fn take(&mut self, plan: &Plan) {
        for step in plan.steps() {
            self.account_data.retain(|(event_type, _)| *event_type != step.event_type);
            self.account_data.push((step.event_type.clone(), step.content.clone()));
        }
        self.steps.extend(plan.steps().iter().cloned());
        self.evidence.take_account_data(&self.account_data, &self.limits);
        if let Some(new_key) = self.new_key()
            && !self.evidence.storage_keys.iter().any(|key| key.id() == new_key.id())
        {
            self.evidence.storage_keys.push(new_key.key().clone());
        }
    }
}

/// What is bad, and what helps, of what is left.
pub(super) fn left(diagnosis: &Diagnosis) -> impl Iterator<Item = String> {
    let is_bad =
        |severity| matches!(severity, Severity::Danger | Severity::Failure | Severity::Warning);
    let bad = diagnosis.findings().iter().filter(move |finding| is_bad(finding.severity()));
    bad.map(|finding| match finding.remedy() {
        Some(remedy) => format!("{finding} {remedy}"),
        None => finding.to_string(),
    })
}

/// What changes the account data and takes nothing away. The rest is for the user.
fn is_performed(remedy: &Remedy) -> bool {
    matches!(
        remedy,
        Remedy::SetUpStorage
            | Remedy::SetDefaultKey
            | Remedy::DescribeKey(_)
            | Remedy::Migrate
            | Remedy::StoreSecret(_)
            | Remedy::EncryptToDefaultKey(_)
    )
}
