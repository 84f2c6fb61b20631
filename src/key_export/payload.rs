//! One pass over a key file: its bytes without the frame, and the code at their end by itself.

use std::io::{ErrorKind, Read};

use super::{
    KeyFileError,
    armor::Armor,
    header::{HEADER_BYTES, Header},
};

/// Reads a key file from its beginning to its end.
#[derive(Debug)]
pub(super) struct Payload {
    armor: Armor,
    buffer: Vec<u8>,
    /// What was decoded and not handed out. The last 32 bytes of a file are its code, so as many are always held back.
    decoded: Vec<u8>,
    handed_out: usize,
    header: Option<Header>,
    length: u64,
    is_over: bool,
}

/// Some bytes of a key file that its code covers, and those among them that are encrypted.
pub(super) struct Covered<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) ciphertext: &'a [u8],
}

impl Payload {
    pub(super) fn new() -> Self {
        Self {
            armor: Armor::new(),
            buffer: vec![0; BUFFER_BYTES],
            decoded: Vec::with_capacity(BUFFER_BYTES),
            handed_out: 0,
            header: None,
            length: 0,
            is_over: false,
        }
    }

    /// The next bytes; `None` at the end of the file. The header comes with the first ones.
    pub(super) fn next(
        &mut self,
        input: &mut impl Read,
    ) -> Result<Option<Covered<'_>>, KeyFileError> {
        self.decoded.drain(..self.handed_out);
        self.handed_out = 0;
        // The first bytes wait until there is a whole header.
        let least = if self.header.is_none() { HEADER_BYTES } else { 1 };
        while !self.is_over && self.decoded.len() < CODE_BYTES + least {
            self.read(input)?;
        }
        let start = self.read_header()?;
        self.handed_out = self.decoded.len().saturating_sub(CODE_BYTES);
        let bytes = self.decoded.get(..self.handed_out).unwrap_or_default();
        let ciphertext = bytes.get(start..).unwrap_or_default();
        Ok((!bytes.is_empty()).then_some(Covered { bytes, ciphertext }))
    }

    /// The header, once something was handed out.
    pub(super) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The code at the end, once nothing more comes.
    pub(super) fn code(&self) -> &[u8] {
        self.decoded.get(self.handed_out..).unwrap_or_default()
    }

    fn read(&mut self, input: &mut impl Read) -> Result<(), KeyFileError> {
        let before = self.decoded.len();
        let length = match input.read(&mut self.buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result.map_err(|error| KeyFileError::Read(error.kind()))?,
        };
        let piece = self.buffer.get(..length).unwrap_or(&self.buffer);
        self.armor.decode(piece, &mut self.decoded)?;
        if length == 0 {
            self.is_over = true;
            self.armor.end()?;
            self.armor.last_bytes(&mut self.decoded)?;
        }
        self.length += self.decoded.len().saturating_sub(before) as u64;
        Ok(())
    }

    /// Reads the header unless that was done; how many bytes of what is held belong to it.
    fn read_header(&mut self) -> Result<usize, KeyFileError> {
        if self.header.is_some() {
            return Ok(0);
        }
        match self.decoded.first_chunk() {
            Some(header) if self.decoded.len() >= HEADER_BYTES + CODE_BYTES => {
                self.header = Some(Header::from_bytes(header)?);
                Ok(HEADER_BYTES)
            }
            _ => Err(KeyFileError::TooShort { found: self.length }),
        }
    }
}

/// The length of the code at the end, in bytes.
pub(super) const CODE_BYTES: usize = 32;

const BUFFER_BYTES: usize = 64 << 10;
