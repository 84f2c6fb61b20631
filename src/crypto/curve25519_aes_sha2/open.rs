//! Opening one message.

use std::fmt;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{MacScheme, SealedMessage, message_keys::MessageKeys};
use crate::{
    crypto::curve25519::{Curve25519SecretKey, NonContributory, SharedSecret},
    secret::SecretVec,
};

/// What a sealed message held, and what its MAC turned out to cover.
pub(crate) struct OpenedMessage {
    /// The plaintext.
    pub(crate) plaintext: SecretVec,
    /// The scheme under which the MAC was right.
    pub(crate) mac_scheme: MacScheme,
}

impl fmt::Debug for OpenedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plaintext: _, mac_scheme } = self;
        f.debug_struct("OpenedMessage").field("mac_scheme", mac_scheme).finish_non_exhaustive()
    }
}

/// Why a sealed message does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum MessageOpenError {
    /// The ephemeral key gives everybody the same secret.
    #[error("the ephemeral key of the message is not a usable one")]
    NonContributory,
    /// The MAC fits under neither scheme: the message was sealed to another key.
    #[error("the message was sealed to another key")]
    WrongKey,
    /// The MAC fits, but what was decrypted is not a padded plaintext.
    #[error("the message is damaged")]
    Damaged,
}

impl From<NonContributory> for MessageOpenError {
    fn from(NonContributory: NonContributory) -> Self {
        Self::NonContributory
    }
}

/// Opens a message with the secret key it was sealed to.
///
/// The MAC comes first and is compared in constant time; whatever is wrong behind it is one error.
///
/// # Errors
///
/// In this order: [`MessageOpenError::NonContributory`], [`MessageOpenError::WrongKey`],
/// [`MessageOpenError::Damaged`].
pub(crate) fn open(
    secret_key: &Curve25519SecretKey,
    message: &SealedMessage,
) -> Result<OpenedMessage, MessageOpenError> {
    open_under(&secret_key.diffie_hellman(&message.ephemeral)?, message)
}

/// Opens messages with the secret key they were sealed to, each as [`open`] does: a result for each, in their order, as it is asked for.
pub(crate) fn open_each<'a>(
    secret_key: &Curve25519SecretKey,
    messages: &'a [&'a SealedMessage],
) -> impl Iterator<Item = Result<OpenedMessage, MessageOpenError>> + use<'a> {
    let ephemeral: Vec<_> = messages.iter().map(|message| message.ephemeral).collect();
    let agreements = secret_key.diffie_hellman_with_each(&ephemeral);
    agreements.zip(messages).map(|(shared, message)| open_under(&shared?, message))
}

fn open_under(
    shared_secret: &SharedSecret,
    message: &SealedMessage,
) -> Result<OpenedMessage, MessageOpenError> {
    let keys = MessageKeys::derive(shared_secret);
    let mac_scheme = [MacScheme::EmptyString, MacScheme::Ciphertext]
        .into_iter()
        .find(|scheme| keys.mac(*scheme, &message.ciphertext).ct_eq(&message.mac).into())
        .ok_or(MessageOpenError::WrongKey)?;
    // A ciphertext that is not whole blocks is found here, too: a message for another key is named as such, cut or not.
    let plaintext = decrypt(&keys, &message.ciphertext).ok_or(MessageOpenError::Damaged)?;
    Ok(OpenedMessage { plaintext, mac_scheme })
}

fn decrypt(keys: &MessageKeys, ciphertext: &[u8]) -> Option<SecretVec> {
    let mut plaintext = SecretVec::zeroed(ciphertext.len());
    let length = cbc::Decryptor::<Aes256>::new(keys.aes_key().into(), keys.iv().into())
        .decrypt_padded_b2b::<Pkcs7>(ciphertext, plaintext.expose_bytes_mut())
        .ok()?
        .len();
    plaintext.truncate(length);
    Some(plaintext)
}
