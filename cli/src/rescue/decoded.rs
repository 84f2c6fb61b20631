//! A response as UTF-8, whatever it was saved in: some shells write UTF-16 to a file.

use std::io::{self, Read};

/// Without a byte-order mark. What is no text becomes U+FFFD.
pub(crate) struct Decoded<R> {
    input: R,
    /// How two bytes are a unit; `None` for UTF-8.
    unit: Option<Unit>,
    is_started: bool,
    /// What is read and not yet a character.
    raw: Vec<u8>,
    /// What can be handed out, from `used` on.
    text: Vec<u8>,
    used: usize,
}

type Unit = fn([u8; 2]) -> u16;

impl<R: Read> Decoded<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, unit: None, is_started: false, raw: Vec::new(), text: Vec::new(), used: 0 }
    }

    /// Sees by the first bytes what it is; the first character is one of ASCII.
    fn start(&mut self) -> io::Result<()> {
        let mut first = Vec::new();
        self.input.by_ref().take(4).read_to_end(&mut first)?;
        let (unit, rest): (Option<Unit>, &[u8]) = match first.as_slice() {
            [0xef, 0xbb, 0xbf, rest @ ..] => (None, rest),
            [0xff, 0xfe, rest @ ..] => (Some(u16::from_le_bytes), rest),
            [0xfe, 0xff, rest @ ..] => (Some(u16::from_be_bytes), rest),
            [0, _, ..] => (Some(u16::from_be_bytes), &first),
            [_, 0, ..] => (Some(u16::from_le_bytes), &first),
            _ => (None, &first),
        };
        self.unit = unit;
        if unit.is_some() { &mut self.raw } else { &mut self.text }.extend_from_slice(rest);
        self.is_started = true;
        Ok(())
    }

    /// Reads and decodes more; `false` at the end.
    fn fill(&mut self, unit: Unit) -> io::Result<bool> {
        let read = self.input.by_ref().take(PIECE).read_to_end(&mut self.raw)?;
        let (pairs, _) = self.raw.as_chunks();
        let mut units: Vec<_> = pairs.iter().copied().map(unit).collect();
        // The other half of a character comes with the next piece.
        if read > 0 && units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) {
            units.pop();
        }
        self.raw.drain(..2 * units.len());
        let characters =
            char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.text = characters.collect::<String>().into_bytes();
        self.used = 0;
        Ok(read > 0 || !self.text.is_empty())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_started {
            self.start()?;
        }
        while self.used == self.text.len() {
            let unit = self.unit;
            match unit {
                None => return self.input.read(buffer),
                Some(unit) if self.fill(unit)? => {}
                Some(_) => return Ok(0),
            }
        }
        let length = self.text.get(self.used..).unwrap_or_default().read(buffer)?;
        self.used += length;
        Ok(length)
    }
}

const PIECE: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> String {
        let mut text = String::new();
        Decoded::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_long_text_is_the_same_in_every_encoding() {
        // A character of two units lies across the end of each piece, in one of the two.
        for start in ["{", "{x"] {
            let text = start.to_owned() + &"\u{1f511}".repeat(30_000) + "}";
            let units: Vec<_> = text.encode_utf16().collect();
            let little: Vec<_> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<_> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for bytes in [
                text.as_bytes().to_vec(),
                ["\u{feff}".as_bytes(), text.as_bytes()].concat(),
                [&[0xff, 0xfe], &*little].concat(),
                [&[0xfe, 0xff], &*big].concat(),
                little,
                big,
            ] {
                assert_eq!(decoded(&bytes), text);
            }
        }
    }

    #[test]
    fn what_is_cut_keeps_what_came_before() {
        assert_eq!(decoded(b"{\0a\0b"), "{a");
        assert_eq!(decoded(&[b'{', 0, 0x3d, 0xd8]), "{\u{fffd}");
        assert_eq!(decoded(b""), "");
        assert_eq!(decoded(b"{"), "{");
    }
}
