//! UTF-8 that arrives in pieces.

/// Checks text piece by piece; a character may lie across pieces.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Utf8Check {
    /// The beginning of a character whose rest has not come yet.
    begun: [u8; 4],
    length: usize,
}

impl Utf8Check {
    /// Whether the text is still UTF-8 with this piece.
    pub(super) fn go_on(&mut self, mut piece: &[u8]) -> bool {
        while self.length > 0 {
            let Some((byte, rest)) = piece.split_first() else { return true };
            if !self.push(*byte) {
                return false;
            }
            piece = rest;
        }
        match str::from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => piece.iter().skip(error.valid_up_to()).all(|byte| self.push(*byte)),
        }
    }

    /// Whether no character is half read.
    pub(super) fn is_whole(&self) -> bool {
        self.length == 0
    }

    fn push(&mut self, byte: u8) -> bool {
        if let Some(place) = self.begun.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
        match str::from_utf8(self.begun.get(..self.length).unwrap_or_default()) {
            Ok(_) => {
                self.length = 0;
                true
            }
            Err(error) => error.error_len().is_none(),
        }
    }
}
