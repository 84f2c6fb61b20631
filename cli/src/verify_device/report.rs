//! What is shown before the signature, and what came of it.

use std::{
    io::{self, Write as _},
    path::Path,
};

use serde::Serialize;
use strongroom::cross_signing::ExpectedDevice;

use super::published::Checked;
use crate::failure::{Failure, Status, named, print_json, printed, shown, tell, visible};

/// What is signed, for people and for programs.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    user_id: &'a str,
    device_id: &'a str,
    fingerprint: String,
    master_key: String,
    /// The other devices that were verified before.
    verified_devices: Vec<&'a str>,
}

/// How it ended.
pub(super) enum Outcome<'a> {
    /// The homeserver shows the signature.
    Verified,
    /// It has shown one before.
    AlreadyVerified,
    /// The signature is in a file.
    Written(&'a Path),
}

impl<'a> Report<'a> {
    pub(super) fn new(device: &'a ExpectedDevice, checked: &'a Checked) -> Self {
        Self {
            user_id: device.user_id().as_str(),
            device_id: device.device_id().as_str(),
            fingerprint: device.ed25519().to_base64(),
            master_key: checked.key.master_key().to_base64(),
            verified_devices: checked.verified_devices.iter().map(|id| id.as_str()).collect(),
        }
    }

    /// What will be signed.
    pub(super) fn tell_before(&self) {
        let devices: Vec<_> = self.verified_devices.iter().map(|id| shown(id)).collect();
        let devices = if devices.is_empty() { "none".to_owned() } else { devices.join(", ") };
        tell(format_args!(
            "Account: {}\nDevice: {}\nIts fingerprint: {}\nMaster key of the account: {}\nOther devices that are verified already: \
             {devices}\nWith the signature your devices and your contacts trust this device, and it can read your messages.",
            visible(self.user_id),
            visible(self.device_id),
            self.fingerprint,
            self.master_key,
        ));
    }

    pub(super) fn finish(&self, outcome: &Outcome<'_>, json: bool) -> Result<Status, Failure> {
        if json {
            #[derive(Serialize)]
            struct Ended<'a> {
                outcome: &'static str,
                #[serde(flatten)]
                report: &'a Report<'a>,
            }
            print_json(&Ended { outcome: outcome.code(), report: self })?;
        } else {
            printed(self.print(outcome))?;
        }
        Ok(Status::Good)
    }

    fn print(&self, outcome: &Outcome<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let (device, user) = (shown(self.device_id), shown(self.user_id));
        match outcome {
            Outcome::Verified => {
                writeln!(
                    out,
                    "The device {device} of {user} is verified: the homeserver shows the signature."
                )
            }
            Outcome::AlreadyVerified => writeln!(
                out,
                "The device {device} of {user} is verified already, with this fingerprint: there is nothing to do."
            ),
            Outcome::Written(file) => writeln!(
                out,
                "Nothing was sent: {} holds the signature of the device {device}. To publish it, send the file as the body of POST \
                 /_matrix/client/v3/keys/signatures/upload with an access token of {user}; it was taken if \u{201c}failures\u{201d} \
                 in the answer is empty.",
                named(file)
            ),
        }
    }
}

impl Outcome<'_> {
    /// The name for programs.
    fn code(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::AlreadyVerified => "already_verified",
            Self::Written(_) => "written",
        }
    }
}
