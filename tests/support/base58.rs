//! A naive base58 codec, to compare the crate's with: long division, digit by digit.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "it is naive")]

/// Whether base58 has the character.
pub(crate) fn has(character: char) -> bool {
    ALPHABET.chars().any(|known| known == character)
}

/// The bytes, or nothing if there is a character that base58 does not have.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| ALPHABET.chars().position(|known| known == c));
    let digits: Vec<_> = digits.map(|digit| digit.map(|d| d as u8)).collect::<Option<_>>()?;
    Some(convert(&digits, 58, 256))
}

/// The text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let digits = convert(bytes, 256, 58);
    digits.iter().map(|digit| char::from(ALPHABET.as_bytes()[usize::from(*digit)])).collect()
}

/// A number from one base to another, the highest digit first; zeros in front stay as many.
fn convert(digits: &[u8], from: u32, to: u32) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let mut number: Vec<u8> = digits.to_vec();
    let mut converted = Vec::new();
    while number.iter().any(|digit| *digit != 0) {
        let mut remainder = 0;
        for digit in &mut number {
            let value = remainder * from + u32::from(*digit);
            *digit = (value / to) as u8;
            remainder = value % to;
        }
        converted.push(remainder as u8);
    }
    converted.resize(converted.len() + zeros, 0);
    converted.reverse();
    converted
}

const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
