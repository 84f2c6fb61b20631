//! Base58 with the Bitcoin alphabet, as recovery keys use it.
//!
//! # Security
//!
//! The codec looks characters up in a table, so it is not constant-time. It runs when a person types
//! or is shown a recovery key on their own device, not where others can repeat and time it.
//!
//! ```
//! use strongroom::encoding::base58;
//!
//! let text = base58::encode_vartime(&[0, 1, 255]);
//! let bytes = base58::decode_vartime(text.expose_str()).unwrap();
//! assert_eq!(bytes.expose_bytes(), [0, 1, 255]);
//! ```

use crate::secret::{SecretString, SecretVec};

/// Whether the character can occur in base58: a letter or digit other than `0`, `O`, `I` and `l`.
#[must_use]
pub fn is_base58(character: char) -> bool {
    character.is_ascii_alphanumeric() && !matches!(character, '0' | 'O' | 'I' | 'l')
}

/// Encodes a secret.
#[must_use]
pub fn encode_vartime(bytes: &[u8]) -> SecretString {
    // 138 characters for 100 bytes, since log(256) / log(58) is 1.3658.
    let mut text = SecretVec::zeroed(bytes.len() * 138 / 100 + 1);
    let written = encode_into(bytes, text.expose_bytes_mut());
    let mut secret = SecretString::with_capacity(written);
    let characters = text.expose_bytes().iter().take(written);
    characters.for_each(|byte| secret.push_within_capacity(char::from(*byte)));
    secret
}

/// Decodes a text without white space; `None` if a character is not [base58](is_base58).
///
/// The work grows with the square of the length: the caller bounds it.
#[must_use]
pub fn decode_vartime(text: &str) -> Option<SecretVec> {
    let mut bytes = SecretVec::zeroed(text.len());
    let written = bs58::decode(text).onto(bytes.expose_bytes_mut()).ok()?;
    bytes.truncate(written);
    Some(bytes)
}

#[expect(clippy::expect_used, reason = "nothing but a short buffer makes it fail")]
fn encode_into(bytes: &[u8], text: &mut [u8]) -> usize {
    bs58::encode(bytes).onto(text).expect("the buffer has room for the text")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_alphabet_is_the_codecs() {
        for character in (0..=0x2_ffff).filter_map(char::from_u32) {
            let decodes = decode_vartime(&character.to_string()).is_some();
            assert_eq!(is_base58(character), decodes, "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let text = encode_vartime(&bytes);
            let decoded = decode_vartime(text.expose_str()).unwrap();
            prop_assert_eq!(decoded.expose_bytes(), bytes);
        }
    }
}
