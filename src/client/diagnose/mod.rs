//! What is wrong with an account's keys, piece by piece, and what repairs it.
//!
//! "The decryption key does not match" helps nobody. [`diagnose`] takes whatever is at hand, as [`Evidence`] and
//! what the user typed, and says which piece does not fit which: every [`Finding`] is a sentence, with its
//! [`Severity`] and a [`Remedy`]. Remedies that change account data or versions are performed by
//! [`Diagnosis::repair`].
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     client::diagnose::{Evidence, diagnose},
//!     secret_storage::SecretStorage,
//! };
//!
//! let mut evidence = Evidence::new("@alice:example.org".into());
//! evidence.storage = Some(SecretStorage::default()); // from all account data
//! evidence.take_current_backup(None); // 404
//! let diagnosis = diagnose(&evidence, None, &Limits::default());
//! for finding in diagnosis.findings() {
//!     println!("{finding}");
//!     if let Some(remedy) = finding.remedy() {
//!         println!("  {remedy}");
//!     }
//! }
//! assert_eq!(diagnosis.findings()[0].code(), "backup.absent");
//! ```
//!
//! # Security
//!
//! A homeserver can show what it likes. So what it says is compared with what it cannot make: what a symmetric key
//! encrypted, what a pinned or verified key signed, what the user typed. A finding of [`Severity::Danger`] comes
//! first, and should be looked at before anything else is typed or repaired. Neither findings nor remedies hold
//! secrets; names from outside are cut and made visible.

// docs/decisions.md, 30: a diagnosis is findings, not a verdict.

mod backup;
mod cached;
mod collector;
mod compared;
mod evidence;
mod facts;
mod finding;
mod gathering;
mod input;
mod remedy;
mod repair;
mod secrets;
mod storage;

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use self::finding::{
    BackupFinding, Fitting, IdentityFinding, InputFinding, LegacyForm, SecretFinding, SessionCount,
    SessionFinding, StorageFinding, names::Names,
};
use self::{
    backup::Sampling,
    evidence::CurrentBackup,
    facts::Facts,
    gathering::{Gathering, Typing},
};
pub use self::{
    collector::EvidenceCollector,
    compared::{Comparison, DiagnosisVerdict, MissingEvidence},
    evidence::Evidence,
    finding::{Finding, Severity, ShareableFinding},
    remedy::Remedy,
    repair::{RepairError, RepairParts, RepairPlan},
};
use crate::{Limits, backup::BackupPublicKey, passphrase::PassphraseProgress};

/// Says what is wrong, and what is right. A passphrase takes as much time as the account asks for, within the
/// limits; see [`Diagnose`] for progress.
#[must_use]
pub fn diagnose(evidence: &Evidence, typed: Option<&str>, limits: &Limits) -> Diagnosis {
    Diagnose::new(evidence, typed, limits).finish()
}

/// A diagnosis in the making: what is left are the rounds of passphrases, secrets, signatures of devices and a sample of
/// sessions.
/// Dropping it gives up and wipes everything.
pub struct Diagnose<'a> {
    evidence: &'a Evidence,
    limits: Limits,
    /// What is done first, and what follows from it.
    typing: Option<Typing<'a>>,
    gathering: Option<Gathering<'a>>,
    facts: Option<Facts>,
    sampling: Sampling,
}

/// What was found. It holds the keys that were found, for [`Diagnosis::repair`]; they are not printed.
#[derive(Clone)]
pub struct Diagnosis {
    /// Without what no repair looks at.
    evidence: Evidence,
    facts: Facts,
    /// The public keys of those that open sessions of the sample.
    opening: Vec<BackupPublicKey>,
    findings: Vec<Finding>,
    /// What was compared of all the evidence, and what of it was missing.
    compared: Vec<Comparison>,
    missing: Vec<MissingEvidence>,
    limits: Limits,
}

impl<'a> Diagnose<'a> {
    /// Begins with what is cheap. `typed` is a recovery key or passphrase, if the user entered one.
    #[must_use]
    pub fn new(evidence: &'a Evidence, typed: Option<&str>, limits: &Limits) -> Self {
        let (typing, sampling) = (Typing::new(evidence, typed, limits), Sampling::default());
        let (typing, limits) = (Some(typing), *limits);
        Self { evidence, limits, typing, gathering: None, facts: None, sampling }
    }

    /// Runs about so many rounds of PBKDF2, or other work that takes as long: opening secrets, checking the signatures of
    /// devices, opening sessions of a sample. `true` if nothing is left.
    pub fn advance(&mut self, rounds: u32) -> bool {
        let others = (rounds / ROUNDS_PER_CHECK).max(1);
        if let Some(typing) = &mut self.typing {
            if typing.advance(rounds) {
                let tried = self.typing.take().and_then(Typing::finish);
                self.gathering = Some(Gathering::new(self.evidence, tried, &self.limits));
            }
            false
        } else if let Some(gathering) = &mut self.gathering {
            if gathering.advance(others) {
                self.facts = self.gathering.take().map(Gathering::finish);
            }
            false
        } else {
            let facts = self.facts.as_ref();
            facts.is_none_or(|facts| self.sampling.advance(facts, self.evidence, others))
        }
    }

    /// How far the passphrase that is being tried has come; `None` if none is.
    #[must_use]
    pub fn progress(&self) -> Option<PassphraseProgress> {
        self.typing.as_ref()?.progress()
    }

    /// Does the work that is left, and says what was found.
    #[must_use]
    pub fn finish(mut self) -> Diagnosis {
        while !self.advance(u32::MAX) {}
        let (evidence, limits) = (self.evidence, &self.limits);
        // There are some by now.
        let facts = self.facts.unwrap_or_else(|| Gathering::new(evidence, None, limits).finish());
        let case = Case { evidence, facts: &facts, sampling: &self.sampling, limits };
        let mut findings = Findings::new(&self.limits);
        case.look_at_identity(&mut findings);
        case.look_at_input(&mut findings);
        case.look_at_storage(&mut findings);
        case.look_at_secrets(&mut findings);
        case.look_at_cached(&mut findings);
        case.look_at_backup(&mut findings);
        case.look_at_sessions(&mut findings);
        let findings = findings.sorted();
        let (opening, limits) = (self.sampling.opening(), self.limits);
        let compared = compared::comparisons(evidence, &facts);
        let missing = compared::missing(evidence, &facts);
        let evidence = evidence.of_repairs();
        Diagnosis { evidence, facts, opening, findings, compared, missing, limits }
    }
}

impl Diagnosis {
    /// What was found, what matters most first; at most [`Limits::findings`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings as they may be shown to strangers, in a public bug report say: no ID, key, name or text of the account is in
    /// them. Something that is named twice has the same name in all of them.
    #[must_use]
    pub fn shareable(&self) -> Vec<ShareableFinding> {
        let names = &mut Names::replaced();
        self.findings.iter().map(|finding| ShareableFinding::new(finding, names)).collect()
    }

    /// What follows from it as a whole: [`DiagnosisVerdict::Well`] if everything found is of [`Severity::Notice`] or
    /// [`Severity::Information`], and a key was tried on what it should open.
    #[must_use]
    pub fn verdict(&self) -> DiagnosisVerdict {
        DiagnosisVerdict::of(&self.findings, &self.compared)
    }

    /// What was compared. Of nothing else it is known that it is well.
    #[must_use]
    pub fn compared(&self) -> Vec<Comparison> {
        self.compared.clone()
    }

    /// What was not at hand, so that it could not be compared with anything.
    #[must_use]
    pub fn missing(&self) -> Vec<MissingEvidence> {
        self.missing.clone()
    }

    /// The remedies of the findings, each once, in the order of these. Where the stored backup key opens an older version,
    /// the one that restores that is followed by the one that stores the key of the current backup.
    #[must_use]
    pub fn remedies(&self) -> Vec<Remedy> {
        let (mut remedies, mut seen) = (Vec::new(), HashSet::new());
        let current = self.evidence.current().and_then(|info| info.auth_data().ok());
        let is_signable = current.is_some_and(|auth_data| auth_data.other_members().is_empty());
        let found = self.findings.iter().flat_map(|it| it.remedy().into_iter().chain(it.then()));
        for remedy in found {
            let is_refused = matches!(remedy, Remedy::SignBackup(_)) && !is_signable;
            if !is_refused && seen.insert(remedy.clone()) {
                remedies.push(remedy);
            }
        }
        remedies
    }
}

impl fmt::Debug for Diagnose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { evidence: _, limits: _, typing, gathering: _, facts: _, sampling: _ } = self;
        f.debug_struct("Diagnose").field("typing", typing).finish_non_exhaustive()
    }
}

impl fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { evidence: _, facts: _, opening: _, findings, compared, missing, limits: _ } =
            self;
        f.debug_struct("Diagnosis")
            .field("findings", findings)
            .field("compared", compared)
            .field("missing", missing)
            .finish_non_exhaustive()
    }
}

/// What the rules look at.
struct Case<'a> {
    evidence: &'a Evidence,
    facts: &'a Facts,
    sampling: &'a Sampling,
    limits: &'a Limits,
}

/// What the rules have found: of each severity no more than the limit, so that many small things hide no danger.
struct Findings {
    found: Vec<Finding>,
    /// What was found already, as `Debug` shows it: what findings hold can be compared, and not all of it hashed.
    seen: HashSet<String>,
    /// How many there are of each severity.
    counts: BTreeMap<Severity, usize>,
    limit: usize,
}

impl Findings {
    fn new(limits: &Limits) -> Self {
        let (found, seen, counts) = (Vec::new(), HashSet::new(), BTreeMap::new());
        Self { found, seen, counts, limit: limits.findings }
    }

    fn add(&mut self, finding: impl Into<Finding>) {
        let finding = finding.into();
        let alike = self.counts.entry(finding.severity()).or_default();
        if *alike < self.limit && self.seen.insert(format!("{finding:?}")) {
            *alike += 1;
            self.found.push(finding);
        }
    }

    /// What matters most first.
    fn sorted(mut self) -> Vec<Finding> {
        self.found.sort_by_key(Finding::severity);
        self.found.truncate(self.limit);
        self.found
    }
}

/// About as many rounds of PBKDF2 as it takes to check a signature, or to open a session.
const ROUNDS_PER_CHECK: u32 = 100;
