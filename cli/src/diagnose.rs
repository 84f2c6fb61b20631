//! `strongroom diagnose`: what is wrong with an account, and what helps.

use std::{collections::BTreeMap, io};

use clap::Args;
use serde::Serialize;
use strongroom::{
    Limits,
    client::diagnose::{
        Comparison, Diagnosis, DiagnosisVerdict, Evidence, Finding, MissingEvidence, Remedy,
        Severity, ShareableFinding, diagnose,
    },
    ids::UserId,
    saved_files::SavedFiles,
    secret::SecretString,
};

use crate::{
    failure::{Failure, Status, print_json},
    fetch::Extent,
    input::{Key, Saved},
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// Whose account it is, if the files do not say.
    #[arg(long, value_name = "@ME:EXAMPLE.ORG", value_parser = user_id)]
    user_id: Option<UserId>,
    /// How many sessions of the backup to look at.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    sessions: usize,
    /// Prints one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Leaves everything out that tells whose account it is, so that strangers can be asked for help.
    #[arg(long)]
    shareable: bool,
}

/// Compares everything with everything, and says what does not fit.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let saved = options.saved.read(options.key.files(), Extent::CurrentKeys, &limits)?.files;
    let user_id = whose(options.user_id.as_ref(), &saved)?;
    let typed = options.key.typed_for_storage(&saved)?;
    let evidence = saved.evidence(user_id, options.sessions, &limits);
    let diagnosis = best(&evidence, &typed, &limits);
    let report = Report::new(&diagnosis, options.shareable);
    if options.json {
        print_json(&report)?;
    } else {
        print(&mut io::stdout().lock(), &diagnosis, &report)?;
    }
    Ok(match diagnosis.verdict() {
        DiagnosisVerdict::Well => Status::Good,
        DiagnosisVerdict::Unknown => Status::TooLittle,
        _ => Status::NotAllGood,
    })
}

/// A user ID as somebody types it.
pub(crate) fn user_id(typed: &str) -> Result<UserId, String> {
    match typed.strip_prefix('@').and_then(|rest| rest.split_once(':')) {
        Some((name, server)) if !name.is_empty() && !server.is_empty() => Ok(typed.into()),
        _ => {
            Err("a user ID begins with \u{201c}@\u{201d} and names the server: @me:example.org"
                .into())
        }
    }
}

/// The user who was named, unless the files are of somebody else.
pub(crate) fn whose(named: Option<&UserId>, saved: &SavedFiles) -> Result<UserId, Failure> {
    match (named, saved.user_id()) {
        (Some(named), Some(saved)) if named != saved => Err(Failure::usage(format!(
            "the files are of {}, not of {}: leave --user-id out, or name other files",
            crate::failure::shown(saved.as_str()),
            crate::failure::shown(named.as_str())
        ))),
        (Some(user_id), _) | (None, Some(user_id)) => Ok(user_id.clone()),
        (None, None) => Err(Failure::usage(
            "the files do not say whose they are: say so with --user-id @me:example.org",
        )),
    }
}

/// The diagnosis with the first text that is of use; with the first, if none is.
fn best(evidence: &Evidence, typed: &[SecretString], limits: &Limits) -> Diagnosis {
    let mut diagnoses =
        typed.iter().map(|text| diagnose(evidence, Some(text.expose_str()), limits));
    let Some(first) = diagnoses.next() else { return diagnose(evidence, None, limits) };
    if is_of_use(&first) { first } else { diagnoses.find(is_of_use).unwrap_or(first) }
}

/// Whether nothing is wrong with what was typed.
fn is_of_use(diagnosis: &Diagnosis) -> bool {
    let is_wrong = |finding: &Finding| {
        finding.code().starts_with("input.") && finding.severity() <= Severity::Failure
    };
    !diagnosis.findings().iter().any(is_wrong)
}

fn print(out: &mut impl io::Write, diagnosis: &Diagnosis, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}: {}", finding.severity, finding.sentence)?;
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "    {}", remedy.sentence)?;
        }
    }
    let compared = listed(diagnosis.compared());
    match diagnosis.verdict() {
        DiagnosisVerdict::Well => {
            writeln!(out, "Nothing is wrong with what was compared: {compared}.")?;
        }
        DiagnosisVerdict::Unknown => {
            writeln!(out, "Too little could be compared to say that all is well.")?;
        }
        _ if compared.is_empty() => {}
        _ => writeln!(out, "Compared: {compared}.")?,
    }
    let missing = listed(diagnosis.missing());
    if !missing.is_empty() {
        writeln!(out, "Missing for more: {missing}.")?;
    }
    if let Some(note) = report.note {
        writeln!(out, "{note}")?;
    }
    Ok(())
}

fn listed<T: ToString>(items: Vec<T>) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

/// A diagnosis as JSON.
#[derive(Serialize)]
struct Report {
    verdict: &'static str,
    compared: Vec<&'static str>,
    missing: Vec<&'static str>,
    findings: Vec<Line>,
    /// What a report for strangers tells nevertheless.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

#[derive(Serialize)]
struct Line {
    code: &'static str,
    severity: &'static str,
    sentence: String,
    args: BTreeMap<&'static str, String>,
    remedy: Option<RemedyLine>,
}

#[derive(Serialize)]
struct RemedyLine {
    code: &'static str,
    sentence: String,
}

impl Report {
    fn new(diagnosis: &Diagnosis, is_shareable: bool) -> Self {
        let findings = if is_shareable {
            diagnosis.shareable().iter().map(Line::from).collect()
        } else {
            diagnosis.findings().iter().map(Line::from).collect()
        };
        Self {
            verdict: diagnosis.verdict().code(),
            compared: diagnosis.compared().into_iter().map(Comparison::code).collect(),
            missing: diagnosis.missing().into_iter().map(MissingEvidence::code).collect(),
            findings,
            note: is_shareable.then_some(NOTE),
        }
    }
}

impl From<&Finding> for Line {
    fn from(finding: &Finding) -> Self {
        let remedy =
            |remedy: Remedy| RemedyLine { code: remedy.code(), sentence: remedy.to_string() };
        Self {
            code: finding.code(),
            severity: finding.severity().code(),
            sentence: finding.to_string(),
            args: finding.arguments().into_iter().collect(),
            remedy: finding.remedy().map(remedy),
        }
    }
}

impl From<&ShareableFinding> for Line {
    fn from(finding: &ShareableFinding) -> Self {
        let remedy =
            |(code, sentence): (_, &str)| RemedyLine { code, sentence: sentence.to_owned() };
        Self {
            code: finding.code(),
            severity: finding.severity().code(),
            sentence: finding.to_string(),
            args: finding.arguments().iter().cloned().collect(),
            remedy: finding.remedy().map(remedy),
        }
    }
}

const NOTE: &str = "Nothing in this report names the account: IDs, keys, names and texts are replaced. It still tells what is wrong, which of the secrets that the specification names are concerned, and numbers: of message keys, of bytes, of rounds of computation.";
