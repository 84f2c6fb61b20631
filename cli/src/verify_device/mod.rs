//! `strongroom verify-device`: another device of the user becomes trusted, with nothing but the recovery key.

mod published;
mod report;
mod seeds;

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;
use strongroom::{
    Limits, api,
    cross_signing::{ExpectedDevice, SignedKey},
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, UserId},
    saved_files::SavedFiles,
    secret_storage::{SecretStorage, SecretStorageKey},
    secret_value::SecretValue,
};

use self::{
    published::{Checked, Published},
    report::{Outcome, Report},
};
use crate::{
    failure::{Failure, Status},
    fetch::{Extent, account_data},
    input::{self, Key, Saved, confirmed},
    network::Account,
    output::NewFile,
    terminal::{is_interactive, typed_until},
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    saved: Saved,
    #[command(flatten)]
    key: Key,
    /// The ID of the device to verify, as that device shows it: another device of yours, since what this program logs in as has
    /// no keys of its own.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// The fingerprint that the device itself shows, which clients also call session key: 43 characters, spaces aside. Copy it
    /// from the screen of that device, not from what another device or the homeserver shows of it.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    fingerprint: Option<Ed25519PublicKey>,
    /// The fingerprint of your master key, as a verified device of yours shows it: nothing is signed under another one. Without it
    /// the key storage has to hold the master key.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    master_key: Option<Ed25519PublicKey>,
    /// The file to write, readable by you alone: the body of POST /keys/signatures/upload.
    #[arg(long, value_name = "FILE", requires = "from")]
    out: Option<PathBuf>,
    /// Replaces a file that exists already.
    #[arg(long, requires = "from")]
    force: bool,
    /// Signs without asking.
    #[arg(long)]
    yes: bool,
    /// Prints a report for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The device that was named, before it is known whose it is.
struct Named {
    device_id: DeviceId,
    fingerprint: Ed25519PublicKey,
}

pub(crate) fn run(options: &Options) -> Result<Status, Failure> {
    let is_online = options.saved.is_of_homeserver()?;
    if !options.yes && !is_interactive() {
        return Err(Failure::usage(
            "nobody is there to be asked whether the device is to be signed: say so beforehand with --yes",
        ));
    }
    let named = options.named()?;
    if is_online { over_network(options, &named) } else { from_files(options, &named) }
}

/// Asks, signs, uploads, and sees that the homeserver shows it.
fn over_network(options: &Options, named: &Named) -> Result<Status, Failure> {
    let limits = Limits::default();
    let access = options.saved.access();
    input::check_standard_input(options.key.files().chain(access.files()))?;
    let account = access.connect()?;
    let published = Published::now(&account)?;
    let sync = account.connection.send(&account_data()?).map_err(|it| account.failed(it))?;
    let storage = SecretStorage::from_account_data(&sync.account_data, &limits);
    let device = named.of(&published.user_id)?;
    let keys = options.unlocked(&storage)?;
    let (checked, seeds) = options.check(&published, &storage, keys, &device)?;
    let report = Report::new(&device, &checked);
    if checked.is_verified {
        return report.finish(&Outcome::AlreadyVerified, options.json);
    }
    options.ask(&report)?;
    upload(&account, checked.signed.clone())?;
    let master_key = *checked.key.master_key();
    require_shown(&account, &device, master_key, &seeds)?;
    report.finish(&Outcome::Verified, options.json)
}

/// Works on what was saved, and writes what is to be sent.
fn from_files(options: &Options, named: &Named) -> Result<Status, Failure> {
    let limits = Limits::default();
    let saved = options.saved.read(options.key.files(), Extent::NoKeys, &limits)?.files;
    let published = Published::saved(&saved)?;
    let storage = saved.secret_storage(&limits).ok_or_else(|| {
        Failure::other(
            "there is no account data in what was given, so nothing of a key storage: save everything with \u{201c}strongroom \
             fetch\u{201d}, and name its folder with --from",
        )
    })?;
    let device = named.of(&published.user_id)?;
    let keys = options.unlocked(&storage)?;
    let to = input::place(options.out.as_deref(), "A file to write:", "--out")?;
    // Whether it can be written shows before anything is signed.
    let mut file = NewFile::create(&to, options.force)?;
    let (checked, _) = options.check(&published, &storage, keys, &device)?;
    let report = Report::new(&device, &checked);
    if checked.is_verified {
        return report.finish(&Outcome::AlreadyVerified, options.json);
    }
    options.ask(&report)?;
    file.put(api::upload_signatures([checked.signed.clone()]).body())?;
    file.finish()?;
    report.finish(&Outcome::Written(&to), options.json)
}

impl Options {
    /// The device and its fingerprint, as they were given or are typed.
    fn named(&self) -> Result<Named, Failure> {
        let device_id = match &self.device {
            Some(id) => Some(id.clone()),
            None => typed_until("The ID of the device to verify:", |line| Ok(line.to_owned()))?,
        };
        let device_id = device_id.ok_or_else(|| {
            Failure::usage(
                "it is not said which device is to be verified: name its ID with --device",
            )
        })?;
        let fingerprint = match self.fingerprint {
            Some(fingerprint) => Some(fingerprint),
            None => typed_until(
                "The fingerprint (session key) that the device itself shows:",
                |line| fingerprint(line).map_err(Failure::usage),
            )?,
        };
        let fingerprint = fingerprint.ok_or_else(|| {
            Failure::usage(
                "without a fingerprint nothing shows that the device is yours: name the one that the device itself shows with \
                 --fingerprint",
            )
        })?;
        Ok(Named { device_id: device_id.into(), fingerprint })
    }

    /// The keys of the key storage that are given, or typed. What a file brings is no key of the user: a homeserver whose answers
    /// were saved could have put it there.
    fn unlocked(&self, storage: &SecretStorage) -> Result<Vec<SecretStorageKey>, Failure> {
        let open = |typed: &[_]| seeds::unlocked(storage, typed, &Limits::default());
        self.key.typed_until(&SavedFiles::default(), true, open)
    }

    /// Compares everything, and signs.
    fn check(
        &self,
        published: &Published,
        storage: &SecretStorage,
        mut keys: Vec<SecretStorageKey>,
        device: &ExpectedDevice,
    ) -> Result<(Checked, Vec<SecretValue>), Failure> {
        let seeds = seeds::compared(storage, &mut keys, &published.public_keys());
        let checked = seeds.and_then(|seeds| {
            let limits = Limits::default();
            Ok((published.check(device, self.master_key, &seeds, &limits)?, seeds))
        });
        checked.map_err(|failure| failure.and("nothing was signed"))
    }

    /// Shows what will be signed, and asks.
    fn ask(&self, report: &Report<'_>) -> Result<(), Failure> {
        report.tell_before();
        if self.yes
            || confirmed("Does the device show exactly this fingerprint? Then sign it [y/N]")?
        {
            return Ok(());
        }
        Err(Failure::other("nothing was signed, since you did not say yes"))
    }
}

impl Named {
    fn of(&self, user_id: &UserId) -> Result<ExpectedDevice, Failure> {
        let typed = self.fingerprint.to_base64();
        ExpectedDevice::with_fingerprint(user_id.clone(), self.device_id.clone(), &typed)
            .map_err(|error| Failure::usage(error.to_string()))
    }
}

fn upload(account: &Account, signed: SignedKey) -> Result<(), Failure> {
    let upload = api::upload_signatures([signed]);
    let failures = account.connection.send(&upload).map_err(|it| account.failed(it))?;
    match failures.first() {
        None => Ok(()),
        Some(failure) => Err(Failure::refused(format!(
            "{failure}: the device is not verified; try again, or verify it with another device of yours"
        ))),
    }
}

/// Looks whether the device is verified now. A homeserver of several processes may lag a little.
fn require_shown(
    account: &Account,
    device: &ExpectedDevice,
    master_key: Ed25519PublicKey,
    seeds: &[SecretValue],
) -> Result<(), Failure> {
    for pause in PAUSES {
        thread::sleep(pause);
        let published = Published::now(account)?;
        let checked = published.check(device, Some(master_key), seeds, &Limits::default());
        let checked = checked.map_err(|failure| {
            failure.and("the device was signed as the homeserver showed it before, and it shows something else now: do not rely on it")
        })?;
        if checked.is_verified {
            return Ok(());
        }
    }
    Err(Failure::other(
        "the homeserver has taken the signature and does not show it, so no client sees the device as verified: try again later",
    ))
}

/// The fingerprint of a key as clients show it, in groups or not.
fn fingerprint(typed: &str) -> Result<Ed25519PublicKey, String> {
    // Of a longer text no more is kept than shows that it is none.
    let significant = typed.chars().filter(|character| !character.is_whitespace());
    let significant: String = significant.take(LONGEST_FINGERPRINT + 1).collect();
    Ed25519PublicKey::from_base64(&significant).map_err(|_| {
        "this is no fingerprint, which has 43 letters, digits, \u{201c}+\u{201d} and \u{201c}/\u{201d}: copy it whole, capital \
         letters as they are"
            .to_owned()
    })
}

/// With padding.
const LONGEST_FINGERPRINT: usize = 44;

/// Before each look.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];
