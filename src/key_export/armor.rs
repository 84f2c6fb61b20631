//! The frame of a key file: two lines, and base64 between them, in pieces of any size.

// docs/decisions.md, 19: tolerant reader, strict writer.

/// Finds the frame and decodes what it holds. White space counts nowhere, padding may be missing, and what stands before and
/// behind the frame is passed over.
#[derive(Debug)]
pub(super) struct Armor {
    stage: Stage,
    place: Place,
    bits: u32,
    /// How many characters of the last four have come, and how much padding.
    characters: u8,
    padding: u8,
}

/// A byte of the file: how many stand before it, and its line and its place there, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// Why there is no frame, or no base64 in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArmorFault {
    /// The first line of a frame never came.
    NoFrame,
    /// The last line has not come, or not wholly.
    Truncated,
    /// This byte is not base64.
    Character(Place),
    /// The number of characters is that of no base64.
    Length,
    /// Another frame follows.
    SecondFrame,
}

/// What is read, and how many characters of the line have come.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Before(usize),
    Body,
    End(usize),
    After(usize),
    /// Nothing but white space and zeros since this place, which does not belong there: so does a file end whose rest got lost.
    Torn(Place),
}

impl Armor {
    pub(super) fn new() -> Self {
        let place = Place { offset: 0, line: 1, column: 1 };
        Self { stage: Stage::Before(0), place, bits: 0, characters: 0, padding: 0 }
    }

    /// Appends what the next bytes of the file hold.
    pub(super) fn decode(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), ArmorFault> {
        for byte in input {
            match self.stage {
                Stage::Body => self.body(*byte, output)?,
                Stage::Before(found) => {
                    let found = matched(BEGIN, found, *byte);
                    self.stage =
                        if found == BEGIN.len() { Stage::Body } else { Stage::Before(found) };
                }
                Stage::End(found) => self.end_line(found, *byte)?,
                Stage::Torn(_) if is_filling(*byte) => {}
                Stage::Torn(place) => return Err(ArmorFault::Character(place)),
                Stage::After(found) => {
                    let found = matched(BEGIN, found, *byte);
                    if found == BEGIN.len() {
                        return Err(ArmorFault::SecondFrame);
                    }
                    self.stage = Stage::After(found);
                }
            }
            self.place.pass(*byte);
        }
        Ok(())
    }

    /// Says that the file ends here.
    pub(super) fn end(&self) -> Result<(), ArmorFault> {
        match self.stage {
            Stage::Before(found) if found > DASHES => Err(ArmorFault::Truncated),
            Stage::Before(_) => Err(ArmorFault::NoFrame),
            Stage::Body | Stage::End(_) | Stage::Torn(_) => Err(ArmorFault::Truncated),
            Stage::After(_) => Ok(()),
        }
    }

    fn body(&mut self, byte: u8, output: &mut Vec<u8>) -> Result<(), ArmorFault> {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b' ' | b'\t' | b'\r' | b'\n' => return Ok(()),
            b'-' => {
                self.stage = Stage::End(1);
                return Ok(());
            }
            0 => {
                self.stage = Stage::Torn(self.place);
                return Ok(());
            }
            b'=' if self.characters >= 2 && self.characters + self.padding < QUANTUM => {
                self.padding += 1;
                return Ok(());
            }
            _ => return Err(ArmorFault::Character(self.place)),
        };
        if self.padding > 0 {
            return Err(ArmorFault::Character(self.place));
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.characters += 1;
        if self.characters == QUANTUM {
            let [_, bytes @ ..] = self.bits.to_be_bytes();
            output.extend_from_slice(&bytes);
            (self.bits, self.characters) = (0, 0);
        }
        Ok(())
    }

    fn end_line(&mut self, found: usize, byte: u8) -> Result<(), ArmorFault> {
        self.stage = match found + 1 {
            _ if END.get(found) != Some(&byte) => match is_filling(byte) {
                true => Stage::Torn(self.place),
                false => return Err(ArmorFault::Character(self.place)),
            },
            found if found == END.len() => Stage::After(0),
            found => Stage::End(found),
        };
        Ok(())
    }

    /// What the last two or three characters hold. Unused bits may have any value.
    pub(super) fn last_bytes(&self, output: &mut Vec<u8>) -> Result<(), ArmorFault> {
        let [_, first, second, _] =
            (self.bits << (6 * u32::from(QUANTUM.saturating_sub(self.characters)))).to_be_bytes();
        match self.characters {
            0 => {}
            2 => output.push(first),
            3 => output.extend_from_slice(&[first, second]),
            _ => return Err(ArmorFault::Length),
        }
        Ok(())
    }
}

impl Place {
    fn pass(&mut self, byte: u8) {
        self.offset += 1;
        self.column += 1;
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        }
    }
}

/// How much of the line has come with one more byte. It begins with dashes, so it can begin anew among them.
fn matched(line: &[u8], found: usize, byte: u8) -> usize {
    if line.get(found) == Some(&byte) {
        return found + 1;
    }
    match (byte, found) {
        (b'-', DASHES) => DASHES,
        (b'-', _) => 1,
        _ => 0,
    }
}

/// What stands behind the end of a file whose rest got lost: a line end that an editor added, or the zeros of a file system.
fn is_filling(byte: u8) -> bool {
    byte == 0 || byte.is_ascii_whitespace()
}

/// How a key file begins.
pub(super) const BEGIN: &[u8] = b"-----BEGIN MEGOLM SESSION DATA-----";

/// How it ends.
pub(super) const END: &[u8] = b"-----END MEGOLM SESSION DATA-----";

/// How many of them either line begins with.
pub(super) const DASHES: usize = 5;

/// Four characters hold three bytes.
const QUANTUM: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str, piece: usize) -> Result<Vec<u8>, ArmorFault> {
        let (mut armor, mut output) = (Armor::new(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            armor.decode(piece, &mut output)?;
        }
        armor.end()?;
        armor.last_bytes(&mut output)?;
        Ok(output)
    }

    #[test]
    fn the_frame_is_found_wherever_it_stands_and_however_its_text_is_broken() {
        let (begin, end) = (str::from_utf8(BEGIN).unwrap(), str::from_utf8(END).unwrap());
        for text in [
            format!("{begin}\na2V5c3M=\n{end}\n"),
            format!("{begin}a2V5c3M{end}"),
            format!("\u{feff}Hello -- world\n---{begin}\r\n\r\na2V5\r\n c3N=\t\r\n{end}\r\nBye"),
        ] {
            for piece in 1..9 {
                assert_eq!(decode(&text, piece), Ok(b"keyss".to_vec()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let (begin, end) = (str::from_utf8(BEGIN).unwrap(), str::from_utf8(END).unwrap());
        let at = |text: &str| decode(&format!("{begin}\n{text}{end}"), 7);
        let place = |column| {
            let offset = BEGIN.len() as u64 + column;
            Err(ArmorFault::Character(Place { offset, line: 2, column }))
        };
        assert_eq!(at("a2*5"), place(3));
        assert_eq!(at("a2=V"), place(4));
        assert_eq!(at("a==="), place(2));
        assert_eq!(at("a2V5=\n"), place(5));
        assert_eq!(at("a2V5c"), Err(ArmorFault::Length));
        assert_eq!(at("a2V5-"), place(10));
        assert_eq!(decode(begin, 7), Err(ArmorFault::Truncated));
        assert_eq!(decode("--\n-----BEGIN", 7), Err(ArmorFault::Truncated));
        assert_eq!(decode("--\n-----", 7), Err(ArmorFault::NoFrame));
        assert_eq!(decode(&format!("{begin}{end}{begin}"), 7), Err(ArmorFault::SecondFrame));
    }
}
