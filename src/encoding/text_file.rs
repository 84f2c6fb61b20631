//! The text of a file, whichever program of whichever system saved it.
//!
//! Clients save a recovery key in a text file, and people open and save it again: some editors put a byte-order mark before
//! UTF-8, others write UTF-16. What a file holds may be a key, so the text is wiped.
//!
//! ```
//! use strongroom::encoding::text_file;
//!
//! let utf16 = [0xff, 0xfe, b'E', 0, b's', 0];
//! assert_eq!(text_file::read_text(&utf16)?.expose_str(), "Es");
//! assert_eq!(text_file::read_text(b"\xef\xbb\xbfEs")?.expose_str(), "Es");
//! # Ok::<(), text_file::NotText>(())
//! ```

use thiserror::Error;

use crate::secret::SecretString;

/// Bytes are a text neither in UTF-8 nor in UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not a text: it is neither UTF-8 nor UTF-16")]
pub struct NotText;

/// Decodes UTF-8, or UTF-16 of either byte order, with or without a byte-order mark, which is left out.
///
/// Without a mark it is UTF-16 if there are zero bytes, which no text in UTF-8 has: they are the upper halves of ASCII
/// characters, so where most of them stand tells the byte order.
///
/// # Errors
///
/// [`NotText`] if the bytes are not well-formed.
pub fn read_text(bytes: &[u8]) -> Result<SecretString, NotText> {
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => decode_utf8(text),
        [0xff, 0xfe, text @ ..] => decode_utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => decode_utf16(text, u16::from_be_bytes),
        text if !text.contains(&0) => decode_utf8(text),
        text => {
            let zeros = |byte: usize| {
                text.chunks_exact(2).filter(|pair| pair.get(byte) == Some(&0)).count()
            };
            let is_big_endian = zeros(0) > zeros(1);
            decode_utf16(text, if is_big_endian { u16::from_be_bytes } else { u16::from_le_bytes })
        }
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<SecretString, NotText> {
    str::from_utf8(bytes).map(SecretString::from).map_err(|_| NotText)
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<SecretString, NotText> {
    if !bytes.len().is_multiple_of(2) {
        return Err(NotText);
    }
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit);
    // No unit of 2 bytes takes more than 3 in UTF-8.
    let mut text = SecretString::with_capacity(bytes.len() / 2 * 3);
    for character in char::decode_utf16(units) {
        text.push_within_capacity(character.map_err(|_| NotText)?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_text_is_none() {
        for bytes in
            [b"\xff\xfeE".as_slice(), b"E\0s", b"\xc3", b"\xfe\xff\xd8\0", b"\xff\xfe\0\xdc"]
        {
            assert_eq!(read_text(bytes), Err(NotText), "{bytes:?}");
        }
        assert_eq!(read_text(b"").unwrap().expose_str(), "");
    }

    proptest! {
        #[test]
        fn text_is_read_in_each_encoding(text in "[ -~\u{e9}\u{5bc6}\u{1f511}]{0,40}") {
            let units = || text.encode_utf16();
            let le: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
            let be: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
            let mut encoded = vec![
                text.clone().into_bytes(),
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
                [b"\xff\xfe", le.as_slice()].concat(),
                [b"\xfe\xff", be.as_slice()].concat(),
            ];
            if text.starts_with(|first: char| first.is_ascii()) && text.is_ascii() {
                encoded.extend([le, be]);
            }
            for bytes in encoded {
                let read = read_text(&bytes).unwrap();
                prop_assert_eq!(read.expose_str(), &text);
            }
        }
    }
}
