//! Secrets that are known, so that a test can look for them where they must not be.
#![allow(dead_code, reason = "each of the tests uses a part")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use strongroom::{
    backup::BackupDecryptionKey,
    encoding::base64,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    session_data::{SessionData, SessionKey},
};
use vodozemac::megolm::GroupSession;

/// The secret bytes of a decryption key.
pub(crate) const KEY: [u8; 32] = *b"KEY:thirty-two_bytes/4/Your.Eyes";

/// The secret bytes that a [`FixedRng`] gives for an ephemeral key.
pub(crate) const EPHEMERAL: [u8; 32] = *b"EPH:one.Message?then~Gone+Wiped!";

/// What stands in a member that the crate does not know.
pub(crate) const UNKNOWN_MEMBER: &str = "UNK:what-the-Future_brings,hidden";

/// An access token.
pub(crate) const TOKEN: &str = "syt_TOK3N4al1ce_QwErTyUiOpAsDfGhJkLz_0x7Y2z";

/// A decryption key and a real Megolm session, in all the forms they take.
pub(crate) struct Vault {
    /// [`KEY`] in base64.
    pub(crate) key_base64: String,
    /// [`KEY`] as a recovery key, in groups of four characters.
    pub(crate) recovery_key: String,
    /// A session key in the export format.
    pub(crate) exported: Vec<u8>,
    /// The same in the signed sharing format.
    pub(crate) shared: Vec<u8>,
}

impl Vault {
    /// Fills the vault.
    pub(crate) fn new() -> Self {
        let shared = GroupSession::new(Default::default()).session_key().to_bytes();
        let exported = [&[1], &shared[1..SessionKey::LENGTH]].concat();
        let key = decryption_key();
        let key_base64 = key.to_base64().expose_str().to_owned();
        let recovery_key = key.to_recovery_key().to_text().expose_str().to_owned();
        Self { key_base64, recovery_key, exported, shared }
    }

    /// The secret bytes of the session key: all but its format, its index and its ID.
    pub(crate) fn ratchet(&self) -> &[u8] {
        &self.exported[5..133]
    }

    /// The session key in base64.
    pub(crate) fn exported_base64(&self) -> String {
        base64::encode(&self.exported)
    }

    /// The secret part of [`Vault::exported_base64`].
    pub(crate) fn ratchet_base64(&self) -> String {
        self.exported_base64()[8..176].to_owned()
    }

    /// The session.
    pub(crate) fn session(&self) -> SessionData {
        SessionData::of_unknown_sender(SessionKey::from_bytes(&self.exported).unwrap())
    }

    /// The JSON of the session with a secret in a member that the crate does not know.
    pub(crate) fn session_json(&self) -> String {
        self.json_with_session_key(&self.exported_base64())
    }

    /// The JSON of a session with this text for a session key.
    pub(crate) fn json_with_session_key(&self, text: &str) -> String {
        format!(
            r#"{{"algorithm":"m.megolm.v1.aes-sha2","forwarding_curve25519_key_chain":[],"sender_claimed_keys":{{}},"session_key":"{text}","future":["{UNKNOWN_MEMBER}"],"room_id":"!room"}}"#
        )
    }

    /// Texts that are no sessions, one for each way to fail, though secrets stand in them.
    pub(crate) fn malformed_sessions(&self) -> Vec<String> {
        let good = self.exported_base64();
        let with_key = |text: &str| self.json_with_session_key(text);
        let with_bytes = |bytes: &[u8]| with_key(&base64::encode(bytes));
        let changed = |bytes: &[u8], index: usize| {
            let mut bytes = bytes.to_vec();
            bytes[index] ^= 2;
            bytes
        };
        let no_point = [&self.exported[..133], &[2], &[0; 31]].concat();
        vec![
            with_key(&good).trim_end_matches('}').to_owned(),
            format!("[{}]", with_key(&good)),
            format!("\"{good}\""),
            with_key(&good).replace("v1.aes-sha2", "v9"),
            with_key(&good).replace("\"m.megolm.v1.aes-sha2\"", "7"),
            with_key(&good).replace("session_key", "session_kee"),
            with_key(&good).replace(&format!("\"{good}\""), &format!("[\"{good}\"]")),
            with_key(&good).replace("hidden", "hidden\\ud800"),
            with_key(&good)
                .replace("[\"UNK", &format!("{}[\"UNK", "[".repeat(70)))
                .replace("hidden\"]", &format!("hidden\"]{}", "]".repeat(70))),
            with_key(&format!("{good}\\ud800")),
            with_key(&format!("{}!", &good[..good.len() - 1])),
            with_key(&format!("{good}===")),
            with_key(&good[..good.len() - 3]),
            with_key(&format!("{}\\u0021", good[..good.len() - 1].replace('/', "\\/"))),
            with_key(&good.repeat(3)),
            with_bytes(&self.exported[..164]),
            with_bytes(&[&self.exported[..], &[0]].concat()),
            with_bytes(&changed(&self.exported, 0)),
            with_bytes(&no_point),
            with_bytes(&self.shared[..228]),
            with_bytes(&changed(&self.shared, 200)),
            with_bytes(&changed(&self.shared, 3)),
        ]
    }

    /// Texts that are no recovery keys, one for each way to fail, though almost the real one.
    pub(crate) fn malformed_recovery_keys(&self) -> Vec<String> {
        let good = &self.recovery_key;
        let changed = |index: usize, character: &str| {
            let mut text = good.clone();
            text.replace_range(index..=index, character);
            text
        };
        let last = good.len() - 1;
        let other = if good.ends_with('a') { "b" } else { "a" };
        let lengths =
            [good[..last].to_owned(), format!("{good}a"), format!("{good} {}", &good[..4])];
        let others = ["0", "O", "I", "l", "!", "ä", "\u{0}"].map(|other| changed(last, other));
        let positions = (0..last).filter(|at| !good[*at..].starts_with(' '));
        let typos = positions.map(|at| changed(at, if at < 2 { "2" } else { "0" }));
        let prefixes = [changed(0, "2"), changed(0, "z"), changed(1, "z")];
        lengths
            .into_iter()
            .chain(others)
            .chain(typos)
            .chain(prefixes)
            .chain([changed(last, other)])
            .collect()
    }

    /// Texts that are not base64 of a key, though almost.
    pub(crate) fn malformed_keys(&self) -> Vec<String> {
        let good = &self.key_base64;
        vec![
            format!("{good}A"),
            format!("{good}=="),
            format!("{good}!"),
            good[..42].to_owned(),
            format!("{}!", &good[..42]),
            format!("{}!{}", &good[..40], &good[41..]),
            format!("{good}{good}"),
        ]
    }
}

/// The decryption key of [`KEY`].
pub(crate) fn decryption_key() -> BackupDecryptionKey {
    BackupDecryptionKey::typed_by_user(secret(&KEY))
}

/// The recovery key of [`KEY`].
pub(crate) fn recovery_key() -> RecoveryKey {
    RecoveryKey::from_bytes(secret(&KEY))
}

/// Puts bytes into a container.
pub(crate) fn secret(bytes: &[u8; 32]) -> SecretBytes<32> {
    SecretBytes::from_slice(bytes).unwrap()
}

/// Gives the same 32 bytes again and again.
pub(crate) struct FixedRng(pub(crate) [u8; 32]);

impl TryRng for FixedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().zip(self.0.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

impl TryCryptoRng for FixedRng {}
