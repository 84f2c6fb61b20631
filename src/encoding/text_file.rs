//! The text of a file, whichever program of whichever system saved it.
//!
//! Clients save a recovery key in a text file, and people open and save it again: some editors put a byte-order mark before
//! UTF-8, others write UTF-16, or fill the file up with zeros. What a file holds may be a key, so the text is wiped.
//!
//! ```
//! use strongroom::encoding::text_file;
//!
//! let utf16 = [0xff, 0xfe, b'E', 0, b's', 0];
//! assert_eq!(text_file::read_text(&utf16)?.expose_str(), "Es");
//! assert_eq!(text_file::read_text(b"\xef\xbb\xbfEs")?.expose_str(), "Es");
//! # Ok::<(), strongroom::encoding::format::FormatError>(())
//! ```

use super::format::{FormatError, FormatProblem};
use crate::secret::SecretString;

/// Decodes UTF-8, or UTF-16 or UTF-32 of either byte order, with or without a byte-order mark, which is left out, as are
/// zeros with which a text is padded.
///
/// Without a mark it is not UTF-8 if there are zero bytes before the end, which no text in UTF-8 has: they are the upper
/// parts of ASCII characters, so where most of them stand tells their length and the byte order.
///
/// # Errors
///
/// [`FormatProblem::NotText`] if the bytes are not well-formed.
pub fn read_text(bytes: &[u8]) -> Result<SecretString, FormatError> {
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => decode_utf8(text),
        [0xff, 0xfe, text @ ..] if unpadded(text, &0).is_empty() => decode_utf8(text),
        [0xff, 0xfe, 0, 0, text @ ..] => decode_utf32(text, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, text @ ..] => decode_utf32(text, u32::from_be_bytes),
        [0xff, 0xfe, text @ ..] => decode_utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => decode_utf16(text, u16::from_be_bytes),
        text if !unpadded(text, &0).contains(&0) => decode_utf8(text),
        text if is_utf32(text, |[_, _, plane, zero]| (plane, zero)) => {
            decode_utf32(text, u32::from_le_bytes)
        }
        text if is_utf32(text, |[zero, plane, _, _]| (plane, zero)) => {
            decode_utf32(text, u32::from_be_bytes)
        }
        text => {
            let zeros = |byte: usize| {
                text.chunks_exact(2).filter(|pair| pair.get(byte) == Some(&0)).count()
            };
            let is_big_endian = zeros(0) > zeros(1);
            decode_utf16(text, if is_big_endian { u16::from_be_bytes } else { u16::from_le_bytes })
        }
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<SecretString, FormatError> {
    str::from_utf8(unpadded(bytes, &0)).map(SecretString::from).map_err(|_| NOT_TEXT)
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<SecretString, FormatError> {
    let (pairs, []) = bytes.as_chunks() else { return Err(NOT_TEXT) };
    let units = unpadded(pairs, &[0; 2]).iter().copied().map(unit);
    // No unit of 2 bytes takes more than 3 in UTF-8.
    let mut text = SecretString::with_capacity(bytes.len() / 2 * 3);
    for character in char::decode_utf16(units) {
        text.push_within_capacity(character.map_err(|_| NOT_TEXT)?);
    }
    Ok(text)
}

fn decode_utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Result<SecretString, FormatError> {
    let (units, []) = bytes.as_chunks() else { return Err(NOT_TEXT) };
    let mut text = SecretString::with_capacity(bytes.len());
    for character in unpadded(units, &[0; 4]).iter().copied().map(unit) {
        text.push_within_capacity(char::from_u32(character).ok_or(NOT_TEXT)?);
    }
    Ok(text)
}

/// Whether all characters are of the planes that texts use: no text in UTF-16 has a zero or a U+0001 in every other place.
fn is_utf32(bytes: &[u8], upper: fn([u8; 4]) -> (u8, u8)) -> bool {
    let (units, rest) = bytes.as_chunks();
    rest.is_empty() && units.iter().all(|unit| matches!(upper(*unit), (0 | 1, 0)))
}

/// What stands before the padding.
fn unpadded<'a, T: PartialEq>(mut units: &'a [T], padding: &T) -> &'a [T] {
    while let [before @ .., last] = units
        && last == padding
    {
        units = before;
    }
    units
}

const NOT_TEXT: FormatError = FormatProblem::NotText.of("the file");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_text_is_none() {
        for bytes in
            [b"\xff\xfeE".as_slice(), b"E\0s", b"\xc3", b"\xfe\xff\xd8\0", b"\xff\xfe\0\xdc"]
        {
            assert_eq!(read_text(bytes), Err(NOT_TEXT), "{bytes:?}");
        }
        assert_eq!(read_text(b"").unwrap().expose_str(), "");
    }

    proptest! {
        #[test]
        fn text_is_read_in_each_encoding(text in "[ -~\u{e9}\u{5bc6}\u{1f511}]{0,40}") {
            let units = || text.encode_utf16();
            let le: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
            let be: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
            let scalars = || text.chars().map(u32::from);
            let le32: Vec<u8> = scalars().flat_map(u32::to_le_bytes).collect();
            let be32: Vec<u8> = scalars().flat_map(u32::to_be_bytes).collect();
            let mut encoded = vec![
                text.clone().into_bytes(),
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
                [b"\xff\xfe", le.as_slice()].concat(),
                [b"\xfe\xff", be.as_slice()].concat(),
                [b"\xff\xfe\0\0", le32.as_slice()].concat(),
                [b"\0\0\xfe\xff", be32.as_slice()].concat(),
            ];
            if text.chars().count() > 1 {
                encoded.extend([le32, be32]);
            }
            if text.starts_with(|first: char| first.is_ascii()) && text.is_ascii() {
                encoded.extend([le, be]);
            }
            for mut bytes in encoded {
                for _ in 0..3 {
                    let read = read_text(&bytes).unwrap();
                    prop_assert_eq!(read.expose_str(), &text);
                    bytes.extend([0; 4]);
                }
            }
        }
    }
}
