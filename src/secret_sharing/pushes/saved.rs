//! What was pushed and what was held, as bytes. All of it is secret: who could write it could plant a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Held, SecretPushes, send::Sending};
use crate::{
    clock::Clock,
    encoding::json,
    ids::{DeviceId, SecretName, UserId},
    saved_state::{Header, SavedStateError},
    secret::{SecretString, SecretVec},
    secret_sharing::{
        responder::SharePolicy,
        saved::{SavedDevice, ed25519},
    },
    secret_value::{SavedSecret, SecretValue},
};

#[derive(Serialize)]
struct Part<'a> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    saved: Saved<'a>,
}

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    clock: Clock,
    #[serde(borrow)]
    held: Vec<SavedHeld<'a>>,
    sending: Vec<SavedSending>,
}

#[derive(Serialize, Deserialize)]
struct SavedHeld<'a> {
    #[serde(borrow)]
    secret: SavedSecret<'a>,
    from: SavedDevice,
    master_key: Option<String>,
    since_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct SavedSending {
    name: SecretName,
    public_key: String,
    sent: Vec<SavedDevice>,
}

impl SecretPushes {
    /// The whole state, to be saved where keys are kept: it holds secrets that came and are not
    /// [stored](Self::stored) yet, and says which devices have which secret. It can be
    /// [sealed](crate::saved_state::StateKey). What is held takes 600 bytes each, and 200 each device that got something.
    #[must_use]
    pub fn save(&self) -> SecretVec {
        let texts: Vec<_> = self.held.iter().map(|held| held.secret.to_base64()).collect();
        let part = Part {
            header: Header::new(PART, &self.user_id, &self.device_id),
            saved: Saved {
                clock: self.clock,
                held: self.held.iter().zip(&texts).map(SavedHeld::new).collect(),
                sending: self.sending.iter().map(SavedSending::new).collect(),
            },
        };
        json::to_secret_bytes(&part, USUAL_LENGTH * (1 + texts.len()))
    }

    /// Goes on from saved state, under a policy that may be another one. What was encrypted and not
    /// [sent](Self::sent) is pushed once more.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if it is damaged, of another format, or of another user or device.
    pub fn from_saved(
        saved: &SecretVec,
        user_id: UserId,
        device_id: DeviceId,
        policy: SharePolicy,
    ) -> Result<Self, SavedStateError> {
        let Saved { clock, held, sending } =
            Header::read(saved.expose_bytes(), PART, &user_id, &device_id)?;
        let held = held.into_iter().map(SavedHeld::read).collect::<Result<Vec<_>, _>>()?;
        let sending = sending.into_iter().map(SavedSending::read).collect::<Result<_, _>>()?;
        let mut pushes = Self { clock, sending, ..Self::new(user_id, device_id, policy) };
        pushes.held = held.into_iter().filter(|it| pushes.is_wanted(it.secret.name())).collect();
        Ok(pushes)
    }
}

impl<'a> SavedHeld<'a> {
    fn new((held, text): (&Held, &'a SecretString)) -> Self {
        let Held { secret, from, master_key, since_ms } = held;
        Self {
            secret: SavedSecret::new(secret, text),
            from: SavedDevice::new(from),
            master_key: master_key.map(|key| key.to_base64()),
            since_ms: *since_ms,
        }
    }

    fn read(self) -> Result<Held, SavedStateError> {
        let secret: Option<SecretValue> = self.secret.read();
        Ok(Held {
            secret: secret.ok_or(SavedStateError::Damaged)?,
            from: self.from.read()?,
            master_key: self.master_key.as_deref().map(ed25519).transpose()?,
            since_ms: self.since_ms,
        })
    }
}

impl SavedSending {
    fn new((name, sending): (&SecretName, &Sending)) -> Self {
        Self {
            name: name.clone(),
            public_key: sending.public_key.clone(),
            sent: sending.sent.values().map(SavedDevice::new).collect(),
        }
    }

    fn read(self) -> Result<(SecretName, Sending), SavedStateError> {
        let sent = self.sent.into_iter().map(|saved| {
            let device = saved.read()?;
            Ok((device.device_id.clone(), device))
        });
        let sent = sent.collect::<Result<BTreeMap<_, _>, SavedStateError>>()?;
        Ok((self.name, Sending { public_key: self.public_key, sent }))
    }
}

const PART: &str = "secret pushes";

/// Room for one secret, and for a few devices.
const USUAL_LENGTH: usize = 1024;
