//! Base64 of secrets, in a time that depends on the length alone.
//!
//! As lenient as [`base64`](super::base64) in padding and unused bits, since clients wrote backup
//! keys and session keys either way, but without a look-up table that is indexed by the secret.
//!
//! ```
//! use strongroom::encoding::secret_base64;
//!
//! let key = secret_base64::decode_array::<3>("a2V5")?;
//! assert_eq!(secret_base64::encode(key.expose_bytes()).expose_str(), "a2V5");
//! # Ok::<(), strongroom::encoding::format::FormatError>(())
//! ```

// docs/decisions.md, 9: secrets are wiped as far as this crate reaches.

use base64ct::{Base64Unpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::{
    encoding::{
        base64::{INVALID, length},
        format::FormatError,
    },
    secret::{SecretBytes, SecretString, SecretVec},
};

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> SecretString {
    let mut text = Zeroizing::new(vec![0; encoded_len(bytes.len())]);
    encode_into(bytes, &mut text);
    // Base64 is ASCII, so what was written is moved, not copied.
    SecretString::from_utf8(text)
}

/// Decodes with or without padding; unused bits of the last character may have any value.
///
/// # Errors
///
/// [`NotBase64`](super::format::FormatProblem::NotBase64) if the text is no base64.
pub fn decode(text: &str) -> Result<SecretVec, FormatError> {
    decode_unpadded(strip_padding(text)?)
}

/// Decodes exactly `N` bytes, as leniently as [`decode`].
///
/// # Errors
///
/// [`NotBase64`](super::format::FormatProblem::NotBase64) if the text is no base64,
/// [`Length`](super::format::FormatProblem::Length) if it holds more or fewer than `N` bytes.
pub fn decode_array<const N: usize>(text: &str) -> Result<SecretBytes<N>, FormatError> {
    let text = strip_padding(text)?;
    let found = decoded_len(text);
    if found == N {
        SecretBytes::try_init_with(|bytes| decode_into(text, bytes))
    } else {
        decode_unpadded(text)?;
        Err(length(N, found))
    }
}

#[expect(clippy::expect_used, reason = "nothing but a short buffer makes it fail")]
fn encode_into(bytes: &[u8], text: &mut [u8]) {
    Base64Unpadded::encode(bytes, text).expect("the buffer has the length of the text");
}

fn decode_unpadded(text: &[u8]) -> Result<SecretVec, FormatError> {
    let mut secret = SecretVec::zeroed(decoded_len(text));
    decode_into(text, secret.expose_bytes_mut())?;
    Ok(secret)
}

/// Takes off padding that fills up the last four characters, wholly or in part.
fn strip_padding(text: &str) -> Result<&[u8], FormatError> {
    let unpadded = text.trim_end_matches('=');
    let (padding, used) = (text.len() - unpadded.len(), unpadded.len() % QUANTUM);
    if padding == 0 || (used >= 2 && used + padding <= QUANTUM) {
        Ok(unpadded.as_bytes())
    } else {
        Err(INVALID)
    }
}

/// Decodes whole quanta where they belong, and the last one, filled up with zero bits, beside it: so
/// its unused bits fall into bytes that are thrown away.
fn decode_into(text: &[u8], output: &mut [u8]) -> Result<(), FormatError> {
    let (whole, last) = text.split_at(text.len() - text.len() % QUANTUM);
    let (head, tail) = output.split_at_mut(whole.len() / QUANTUM * 3);
    Base64Unpadded::decode(whole, head).map_err(|_| INVALID)?;
    if last.is_empty() {
        return Ok(());
    }
    let mut quantum = Zeroizing::new([b'A'; QUANTUM]);
    quantum.iter_mut().zip(last).for_each(|(to, from)| *to = *from);
    let mut bytes = Zeroizing::new([0; 3]);
    Base64Unpadded::decode(quantum.as_slice(), bytes.as_mut_slice()).map_err(|_| INVALID)?;
    if tail.is_empty() {
        return Err(INVALID);
    }
    tail.iter_mut().zip(bytes.iter()).for_each(|(to, from)| *to = *from);
    Ok(())
}

/// The number of characters that `len` bytes take without padding.
const fn encoded_len(len: usize) -> usize {
    len / 3 * QUANTUM + (len % 3 * QUANTUM).div_ceil(3)
}

/// The number of bytes that an unpadded text holds.
const fn decoded_len(text: &[u8]) -> usize {
    text.len() / QUANTUM * 3 + text.len() % QUANTUM * 3 / QUANTUM
}

/// Four characters hold three bytes.
const QUANTUM: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::base64;

    #[test]
    fn padding_and_unused_bits_are_accepted() {
        for text in ["AQ", "AQ==", "AR", "Af=="] {
            assert_eq!(decode(text).unwrap().expose_bytes(), [1], "{text}");
        }
        assert_eq!(decode("AQI=").unwrap().expose_bytes(), [1, 2]);
        assert_eq!(decode("AQJ").unwrap().expose_bytes(), [1, 2]);
        assert!(decode("").unwrap().expose_bytes().is_empty());
    }

    #[test]
    fn another_length_is_named() {
        assert_eq!(decode_array::<2>("AQ"), Err(length(2, 1)));
        assert_eq!(decode_array::<1>("!Q"), Err(INVALID));
        assert_eq!(decode_array::<9>("!Q"), Err(INVALID));
    }

    proptest! {
        #[test]
        fn both_codecs_accept_and_read_the_same_texts(text in "[A-Za-z0-9+/=_ -]{0,24}") {
            let public = base64::decode(&text);
            let secret = decode(&text).map(|bytes| bytes.expose_bytes().to_vec());
            prop_assert_eq!(public, secret);
        }

        #[test]
        fn both_codecs_read_the_same_base64(text in "[A-Za-z0-9+/]{0,24}={0,3}") {
            let public = base64::decode(&text);
            let secret = decode(&text).map(|bytes| bytes.expose_bytes().to_vec());
            prop_assert_eq!(public, secret);
        }

        #[test]
        fn both_codecs_write_the_same_text(bytes: Vec<u8>) {
            let secret = encode(&bytes);
            prop_assert_eq!(secret.expose_str(), base64::encode(&bytes));
        }
    }
}
