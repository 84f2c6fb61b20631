//! A naive base64 decoder, to compare the crate's with: standard alphabet, padding optional, unused
//! bits ignored.
#![allow(dead_code, reason = "each test includes it and uses a part")]

/// The bytes, or nothing if the text is no base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let significant = text.trim_end_matches('=');
    let padding = text.len() - significant.len();
    let remainder = significant.len() % 4;
    if remainder == 1 || padding > (4 - remainder) % 4 {
        return None;
    }
    let (mut bytes, mut bits, mut waiting) = (Vec::new(), 0_u32, 0);
    for character in significant.bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        waiting += 6;
        if waiting >= 8 {
            waiting -= 8;
            bytes.push(u8::try_from(bits >> waiting & 0xff).ok()?);
        }
    }
    Some(bytes)
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
