//! Bytes that memcheck takes for undefined.

use std::convert::Infallible;

use crabgrind::memcheck::{MemState, mark_memory};
use rand_core::{TryCryptoRng, TryRng};
use strongroom::secret::SecretBytes;

/// Whatever depends on these bytes from now on is reported. Outside of valgrind nothing happens.
pub(crate) fn hide(bytes: &[u8]) {
    mark(bytes, MemState::Undefined);
}

/// What comes out is public.
pub(crate) fn reveal(bytes: &[u8]) {
    mark(bytes, MemState::Defined);
}

fn mark(bytes: &[u8], state: MemState) {
    let marked = mark_memory(bytes.as_ptr().cast(), bytes.len(), state);
    assert!(
        marked.is_ok() || std::env::var_os("STRONGROOM_NO_VALGRIND").is_some(),
        "this is for valgrind"
    );
}

/// 32 secret bytes.
pub(crate) fn secret(byte: u8) -> SecretBytes<32> {
    SecretBytes::init_with(|bytes| {
        for (index, to) in (0..).zip(bytes.iter_mut()) {
            *to = byte.wrapping_mul(31).wrapping_add(index) ^ 0x5a;
        }
        hide(bytes);
    })
}

/// Gives secrets, the same ones each time.
pub(crate) struct SecretRng(pub(crate) u64);

impl TryRng for SecretRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for to in bytes.iter_mut() {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *to = self.0.to_be_bytes()[0];
        }
        hide(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SecretRng {}
