//! `strongroom secrets`: which keys fit the key storage of an account, and what they open.

use std::{collections::BTreeMap, io};

use clap::Args;
use serde::Serialize;
use strongroom::{
    Limits,
    ids::SecretStorageKeyId,
    passphrase::PassphraseError,
    saved_files::SavedFiles,
    secret::SecretString,
    secret_storage::{
        KeyDescription, KeyStanding, OpenedSecret, SecretOpenError, SecretOrigin, SecretStorage,
        SecretStorageFinding, SecretStorageKey, SecretVerdict, UnlockAttempt, UnlockOutcome,
    },
    secret_value::{PublicKeys, SecretRepair},
};

use crate::{
    failure::{Failure, Status, print_json, shown, tell, visible},
    input::{Extent, Key, Saved},
    output::SecretText,
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// Prints the secrets themselves: whoever reads them has them.
    #[arg(long)]
    show: bool,
    /// Prints one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Opens what opens, and says why the rest does not.
pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let limits = Limits::default();
    let saved = options.saved.read(options.key.files(), Extent::NoKeys, &limits)?.files;
    let storage = saved.secret_storage(&limits).ok_or_else(|| {
        Failure::other(
            "there is no account data in what was given, so nothing of a key storage: save everything with \u{201c}strongroom \
             fetch\u{201d}, and name its folder with --from",
        )
    })?;
    for finding in storage.findings() {
        tell(format_args!("{}{finding}", about(finding)));
    }
    let typed = options.key.typed_for_storage(&saved)?;
    if typed.is_empty() {
        return Err(Failure::usage(
            "there is neither a recovery key nor a passphrase: name a file with --recovery-key-file or --passphrase-file",
        ));
    }
    let mut found = Found::with(&storage, &typed, &public_keys(&saved), &limits);
    let verdicts = storage.open_all(&mut found.keys, &PublicKeys::default());
    let report = Report::new(&storage, &found, &verdicts, options.show);
    if options.json {
        print_json(&report)?;
    } else {
        report.print(&mut io::stdout().lock())?;
    }
    Ok(status(&found.keys, &verdicts))
}

/// Of the backup, so that its own key is not taken for one of the key storage.
fn public_keys(saved: &SavedFiles) -> PublicKeys {
    let mut public_keys = PublicKeys::default();
    let backup = saved.versions().next().and_then(|info| info.auth_data().ok());
    public_keys.backup = backup.map(|auth_data| *auth_data.public_key().as_curve25519());
    public_keys
}

/// What a finding is about, to stand before it.
fn about(finding: &SecretStorageFinding) -> String {
    match finding {
        SecretStorageFinding::Key(id, _)
        | SecretStorageFinding::KeyCheck(id, _)
        | SecretStorageFinding::DefaultKeyMissing(id)
        | SecretStorageFinding::DefaultByName(id) => format!("key {}: ", shown(id.as_str())),
        SecretStorageFinding::Secret(name, _) | SecretStorageFinding::WithoutIv(name, _) => {
            format!("{}: ", shown(name.as_str()))
        }
        _ => String::new(),
    }
}

/// The keys that were found, and what was tried for each that is described.
#[derive(Default)]
struct Found {
    keys: Vec<SecretStorageKey>,
    attempts: Vec<UnlockAttempt>,
}

impl Found {
    fn with(
        storage: &SecretStorage,
        typed: &[SecretString],
        public_keys: &PublicKeys,
        limits: &Limits,
    ) -> Self {
        let mut found = Self::default();
        for text in typed {
            match storage.unlock(text.expose_str(), public_keys, limits) {
                Ok(unlocked) => {
                    found.keys.extend(unlocked.keys);
                    found.attempts.extend(unlocked.attempts);
                }
                Err(error) => {
                    tell(&error);
                    for attempt in &error.attempts {
                        tell(format_args!(
                            "key {}: {}",
                            shown(attempt.key_id.as_str()),
                            attempt.outcome
                        ));
                    }
                    found.attempts.extend(error.attempts);
                }
            }
        }
        found
    }
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    default_key: Option<&'a str>,
    keys: Vec<KeyLine<'a>>,
    secrets: BTreeMap<&'a str, SecretLine<'a>>,
}

#[derive(Serialize)]
struct KeyLine<'a> {
    id: &'a str,
    algorithm: &'a str,
    /// `None` if nothing tells.
    fits: Option<bool>,
}

#[derive(Default, Serialize)]
struct SecretLine<'a> {
    keys: Vec<&'a str>,
    opened_with: Option<&'a str>,
    authenticated: bool,
    value: Option<SecretText>,
    #[serde(skip)]
    failure: Option<&'a SecretOpenError>,
}

impl<'a> Report<'a> {
    fn new(
        storage: &'a SecretStorage,
        found: &'a Found,
        verdicts: &'a [SecretVerdict],
        show: bool,
    ) -> Self {
        let mut fits = BTreeMap::new();
        for finding in storage.findings() {
            if let SecretStorageFinding::Key(id, _) = finding {
                fits.insert(id.as_str(), None);
            }
        }
        for key in storage.keys() {
            fits.entry(key.id().as_str()).or_insert(None);
        }
        for attempt in &found.attempts {
            let best = fits.entry(attempt.key_id.as_str()).or_insert(None);
            *best = (*best).max(key_fits(storage, attempt));
        }
        let algorithm = |id: &str| {
            let key = storage.key(&id.into()).filter(|key| key.is_supported());
            key.map_or("unknown", KeyDescription::algorithm)
        };
        let keys =
            fits.into_iter().map(|(id, fits)| KeyLine { id, algorithm: algorithm(id), fits });
        let mut secrets: BTreeMap<_, SecretLine<'a>> = BTreeMap::new();
        for finding in storage.findings() {
            if let SecretStorageFinding::Secret(name, _) = finding {
                secrets.entry(name.as_str()).or_default();
            }
        }
        for verdict in verdicts {
            secrets.insert(verdict.name.as_str(), SecretLine::new(storage, verdict, show));
        }
        let default_key = storage.default_key().map(SecretStorageKeyId::as_str);
        Self { default_key, keys: keys.collect(), secrets }
    }

    fn print(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(out, "Keys of the key storage:")?;
        for key in &self.keys {
            let fits = match key.fits {
                Some(true) => "what was entered is this key",
                Some(false) => "what was entered is not this key",
                None => "nothing tells whether what was entered is this key",
            };
            let is_default =
                if self.default_key == Some(key.id) { ", the default one" } else { "" };
            writeln!(out, "  {}: {fits}{is_default}", shown(key.id))?;
        }
        const UNPROVEN: &str = ", but the homeserver could have put it there";
        writeln!(out, "Secrets:")?;
        for (name, secret) in &self.secrets {
            let name = shown(name);
            match (secret.opened_with, secret.failure) {
                (Some(id), _) => {
                    let source = if secret.authenticated { "" } else { UNPROVEN };
                    writeln!(out, "  {name}: opened with the key {}{source}", shown(id))?;
                }
                (None, Some(SecretOpenError::OtherKeys)) => {
                    writeln!(out, "  {name}: not opened, since its key was not entered")?;
                }
                (None, Some(failure)) => writeln!(out, "  {name}: {failure}")?,
                (None, None) => writeln!(out, "  {name}: it cannot be read")?,
            }
            if let Some(value) = &secret.value {
                writeln!(out, "    {}", visible(value.expose_str()))?;
            }
        }
        Ok(())
    }
}

impl<'a> SecretLine<'a> {
    fn new(storage: &'a SecretStorage, verdict: &'a SecretVerdict, show: bool) -> Self {
        let stored = storage.secret(&verdict.name);
        let keys = stored.into_iter().flat_map(|secret| secret.key_ids());
        let keys = keys.map(SecretStorageKeyId::as_str).collect();
        match &verdict.outcome {
            Ok(opened) => Self {
                keys,
                opened_with: Some(opened.key_id().as_str()),
                authenticated: opened.is_authenticated(),
                value: show.then(|| printed(opened)),
                failure: None,
            },
            Err(failure) => Self { keys, failure: Some(failure), ..Self::default() },
        }
    }
}

/// Whether what was typed is this key, if anything tells.
fn key_fits(storage: &SecretStorage, attempt: &UnlockAttempt) -> Option<bool> {
    let is_right = matches!(attempt.outcome, UnlockOutcome::Fits(..));
    let Some(key) = storage.key(&attempt.key_id) else {
        // Nothing describes it: it is the key if it opens what is encrypted with it.
        return Some(is_right);
    };
    match &attempt.outcome {
        UnlockOutcome::Passphrase(PassphraseError::UnsupportedAlgorithm(_)) => None,
        _ => key.can_be_checked().then_some(is_right),
    }
}

/// The secret as stored, or in base64 where it was no text.
fn printed(secret: &OpenedSecret) -> SecretText {
    let is_list = |repairs: &[SecretRepair]| repairs.contains(&SecretRepair::NumberList);
    SecretText::new(match secret.value() {
        Ok(read) if secret.origin() == SecretOrigin::Passthrough || is_list(&read.repairs) => {
            read.value.to_text()
        }
        _ => secret.text().clone(),
    })
}

fn status(keys: &[SecretStorageKey], verdicts: &[SecretVerdict]) -> Status {
    let fits = |id: &SecretStorageKeyId| {
        let sure = |key: &&SecretStorageKey| key.standing() != KeyStanding::Unverifiable;
        keys.iter().filter(sure).any(|key| key.id() == id)
    };
    let has_failed = |verdict: &SecretVerdict| match &verdict.outcome {
        Err(SecretOpenError::Keys(reasons)) => reasons.iter().any(|(id, _)| fits(id)),
        _ => false,
    };
    let has_opened = verdicts.iter().any(|verdict| verdict.outcome.is_ok());
    if keys.is_empty() || !(has_opened || verdicts.is_empty()) {
        Status::Failed
    } else if verdicts.iter().any(has_failed) {
        Status::NotAllGood
    } else {
        Status::Good
    }
}
