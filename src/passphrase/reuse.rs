//! Whether a passphrase is the password that the server sees.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroize as _;

use super::candidates;

/// Whether a passphrase that is to be set is the password with which the user logs in, in any Unicode
/// normal form.
///
/// The homeserver sees that password at every login, so it could open the secret storage; MSC1946 warns
/// against it. Refuse such a passphrase. The time of the comparison depends on the lengths and the
/// number of normal forms alone.
#[must_use]
pub fn is_login_password(passphrase: &str, login_password: &str) -> bool {
    let (ours, theirs) = (candidates(passphrase), candidates(login_password));
    let mut is_same = same(passphrase, login_password);
    for (_, one) in &ours {
        for (_, other) in &theirs {
            is_same |= same(one.expose_str(), other.expose_str());
        }
    }
    is_same.into()
}

fn same(one: &str, other: &str) -> Choice {
    let (mut one, mut other) = (Sha256::digest(one), Sha256::digest(other));
    let is_same = one.as_slice().ct_eq(other.as_slice());
    one.zeroize();
    other.zeroize();
    is_same
}
