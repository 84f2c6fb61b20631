//! Says what is wrong with an account, from what was saved of it, and what helps.
//!
//! ```text
//! cargo run --release --example diagnose -- tests/vectors/js-sdk/random.json
//! cargo run --release --example diagnose -- --recovery-key-file key.txt snapshot/*.json
//! ```
//!
//! Each file is the body of a response: of `GET /room_keys/version`, `GET /room_keys/keys`, `POST /keys/query` or
//! `/sync`, or the account data as `{TYPE: CONTENT}`. What it is shows in what it holds; see `strongroom::saved_files`. A
//! file may also hold several of them, as `{"account_data": …, "room_keys_version": …, "room_keys": …, "keys_query": …}`,
//! with `recovery_key` or `passphrase`. An error of the homeserver in the place of data is said, and is no evidence.
//!
//! The exit status is 0 if nothing is wrong with what was compared, 3 if something is, 4 if too little could be
//! compared, and 1 if a file cannot be read.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example has files, which the library has not"
)]

#[path = "../support/saved.rs"]
mod saved;

use std::{collections::BTreeMap, error::Error, path::PathBuf, process::ExitCode};

use clap::Parser;
use serde::Serialize;
use strongroom::{
    Limits,
    client::diagnose::{
        Comparison, Diagnosis, DiagnosisVerdict, Evidence, Finding, MissingEvidence, Remedy,
        Severity, diagnose,
    },
    ids::UserId,
    saved_files::SavedFiles,
    secret::SecretString,
};

/// Says what is wrong with an account, and what helps.
#[derive(Parser)]
struct Options {
    /// Saved responses and account data, as JSON.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A file with a recovery key.
    #[arg(long, conflicts_with = "passphrase_file")]
    recovery_key_file: Option<PathBuf>,
    /// A file with a passphrase.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// Whose account it is, if the files do not say.
    #[arg(long)]
    user_id: Option<String>,
    /// How many sessions to look at.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// A diagnosis as JSON.
#[derive(Serialize)]
struct Report {
    verdict: &'static str,
    compared: Vec<&'static str>,
    missing: Vec<&'static str>,
    findings: Vec<Line>,
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
    is_repairable: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let limits = Limits::default();
    let mut saved_files = SavedFiles::default();
    for file in &options.files {
        saved::read(&mut saved_files, file, &limits)?;
    }
    let file = options.recovery_key_file.iter().chain(&options.passphrase_file).next();
    let from_file = file.map(|file| saved::read_typed(file)).transpose()?;
    let user_id = options.user_id.as_deref().map(UserId::from);
    let user_id = user_id.or_else(|| saved_files.user_id().cloned());
    let user_id = user_id.ok_or("the files do not say whose they are: use --user-id")?;
    let evidence = saved_files.evidence(user_id, options.sessions, &limits);
    let typed: Vec<_> = match &from_file {
        Some(typed) => vec![typed],
        None => saved_files.typed().collect(),
    };
    let diagnosis = best(&evidence, &typed, &limits);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&Report::from(&diagnosis))?);
    } else {
        print(&diagnosis);
    }
    Ok(match diagnosis.verdict() {
        DiagnosisVerdict::Well => ExitCode::SUCCESS,
        DiagnosisVerdict::Unknown => ExitCode::from(4),
        _ => ExitCode::from(3),
    })
}

/// The diagnosis with the first text that is of use; with the first, if none is.
fn best(evidence: &Evidence, typed: &[&SecretString], limits: &Limits) -> Diagnosis {
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

fn print(diagnosis: &Diagnosis) {
    for finding in diagnosis.findings() {
        println!("{}: {finding}", finding.severity().code());
        if let Some(remedy) = finding.remedy() {
            println!("    {remedy}");
        }
    }
    let compared = listed(diagnosis.compared());
    match diagnosis.verdict() {
        DiagnosisVerdict::Well => println!("Nothing is wrong with what was compared: {compared}."),
        DiagnosisVerdict::Unknown => {
            println!("Too little could be compared to say that all is well.")
        }
        _ if compared.is_empty() => {}
        _ => println!("Compared: {compared}."),
    }
    let missing = listed(diagnosis.missing());
    if !missing.is_empty() {
        println!("Missing for more: {missing}.");
    }
}

fn listed<T: ToString>(items: Vec<T>) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

impl From<&Diagnosis> for Report {
    fn from(diagnosis: &Diagnosis) -> Self {
        Self {
            verdict: diagnosis.verdict().code(),
            compared: diagnosis.compared().into_iter().map(Comparison::code).collect(),
            missing: diagnosis.missing().into_iter().map(MissingEvidence::code).collect(),
            findings: diagnosis.findings().iter().map(Line::from).collect(),
        }
    }
}

impl From<&Finding> for Line {
    fn from(finding: &Finding) -> Self {
        let remedy = |remedy: Remedy| RemedyLine {
            code: remedy.code(),
            sentence: remedy.to_string(),
            is_repairable: remedy.is_repairable(),
        };
        Self {
            code: finding.code(),
            severity: finding.severity().code(),
            sentence: finding.to_string(),
            args: finding.arguments().into_iter().collect(),
            remedy: finding.remedy().map(remedy),
        }
    }
}
