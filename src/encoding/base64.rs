//! Base64 of public data: read with and without padding, written without.
//!
//! Unpadded base64 as in the
//! [appendices](https://spec.matrix.org/v1.16/appendices/#unpadded-base64) of the specification.
//! Secrets go through [`secret_base64`](super::secret_base64) instead.
//!
//! ```
//! use strongroom::encoding::base64;
//!
//! assert_eq!(base64::encode(b"key"), "a2V5");
//! assert_eq!(base64::decode("a2V5cw=="), base64::decode("a2V5cw"));
//! ```

use std::{borrow::Cow, sync::LazyLock};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurposeConfig},
};
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::{alphabet::STANDARD, engine::GeneralPurpose};

use super::format::{FormatError, FormatProblem};

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Encodes without padding, behind what the text holds already.
pub(crate) fn encode_onto(bytes: &[u8], text: &mut String) {
    ENGINE.encode_string(bytes, text);
}

/// Decodes with or without padding; unused bits of the last character may have any value.
///
/// libolm wrote texts whose unused bits are not zero, and the JavaScript client pads some fields.
///
/// # Errors
///
/// [`FormatProblem::NotBase64`] if the text is no base64, white space and the URL-safe alphabet included.
pub fn decode(text: &str) -> Result<Vec<u8>, FormatError> {
    ENGINE.decode(text).map_err(|_| INVALID)
}

/// Decodes exactly `N` bytes, as leniently as [`decode`].
///
/// # Errors
///
/// [`FormatProblem::NotBase64`] if the text is no base64, [`FormatProblem::Length`] if it holds more or
/// fewer than `N` bytes.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], FormatError> {
    let mut bytes = [0; N];
    match ENGINE.decode_slice(text, &mut bytes) {
        Ok(found) if found == N => Ok(bytes),
        Ok(found) => Err(length(N, found)),
        Err(base64::DecodeSliceError::OutputSliceTooSmall) => Err(length(N, decode(text)?.len())),
        Err(base64::DecodeSliceError::DecodeError(_)) => Err(INVALID),
    }
}

/// Decodes as [`decode`] does, and takes the URL-safe alphabet and ASCII white space as well.
///
/// What the JavaScript client accepts in its secret storage; browsers call it forgiving.
///
/// # Errors
///
/// [`FormatProblem::NotBase64`] if the text is no base64 even so.
pub fn decode_forgiving(text: &str) -> Result<Vec<u8>, FormatError> {
    decode(&forgive(text))
}

/// Decodes exactly `N` bytes, as [`decode_forgiving`].
///
/// # Errors
///
/// As [`decode_array`], if the text is no base64 even so.
pub fn decode_array_forgiving<const N: usize>(text: &str) -> Result<[u8; N], FormatError> {
    decode_array(&forgive(text))
}

fn forgive(text: &str) -> Cow<'_, str> {
    let differs = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'-' | b'_');
    if !text.bytes().any(differs) {
        return Cow::Borrowed(text);
    }
    let significant = text.chars().filter(|character| !character.is_ascii_whitespace());
    let standard = significant.map(|character| match character {
        '-' => '+',
        '_' => '/',
        other => other,
    });
    Cow::Owned(standard.collect())
}

pub(super) const INVALID: FormatError = FormatProblem::NotBase64.of("it");

pub(crate) const fn length(expected: usize, found: usize) -> FormatError {
    FormatProblem::Length { expected, found }.of("it")
}

/// It takes vector instructions where the processor has them. Its ends and its refusals go through tables that are indexed by the
/// text: it is not for secrets.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::standard(CONFIG));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<GeneralPurpose> = LazyLock::new(|| GeneralPurpose::new(&STANDARD, CONFIG));

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_unused_bits_are_accepted_and_not_written() {
        for text in ["AQ", "AQ==", "AR", "Af=="] {
            assert_eq!(decode(text), Ok(vec![1]), "{text}");
        }
        assert_eq!(encode(&[1]), "AQ");
    }

    #[test]
    fn white_space_and_the_url_safe_alphabet_are_refused() {
        for text in ["AQ\n", " AQ", "-_8", "A", "AQ=A"] {
            assert_eq!(decode(text), Err(INVALID), "{text}");
        }
    }

    #[test]
    fn white_space_and_the_url_safe_alphabet_can_be_forgiven() {
        for text in ["+/8", "-_8=", " -\n/8\r\t", "+_8\n"] {
            assert_eq!(decode_forgiving(text), Ok(vec![0xfb, 0xff]), "{text}");
            assert_eq!(decode_array_forgiving(text), Ok([0xfb, 0xff]), "{text}");
        }
        for text in ["A", "AQ=A", "AQ\u{a0}", "AQ\u{b}", "AQ.", "\u{ff0b}/8"] {
            assert_eq!(decode_forgiving(text), Err(INVALID), "{text}");
        }
        let short = Err(length(2, 1));
        assert_eq!(decode_array_forgiving::<2>("AQ\n"), short);
    }

    #[test]
    fn an_array_takes_its_own_length_alone() {
        assert_eq!(decode_array::<1>("AQ=="), Ok([1]));
        assert_eq!(decode_array::<2>("AQ"), Err(length(2, 1)));
        assert_eq!(decode_array::<2>("AQIDBAUG"), Err(length(2, 6)));
        assert_eq!(decode_array::<2>("!!!!!!!!"), Err(INVALID));
        assert_eq!(decode_array::<2>(""), Err(length(2, 0)));
    }
}
