//! Many agreements with one key: each with an ephemeral key of its own.
//!
//! ```text
//! for each ephemeral secret e:  u(e * G), which is public, and u(e * P), which is shared
//! ```
//!
//! X25519 works with u alone, by a ladder of 255 steps. If P has an Edwards form, a table of its
//! multiples gives e * P in a quarter of the time, and all points of a batch share one inversion. The
//! outcome is the same to the last bit: a clamped e is a multiple of eight, so whatever part of small
//! order P has, and whichever sign its Edwards form is given, u(e * P) does not know of it.

use curve25519_dalek::{
    EdwardsPoint, MontgomeryPoint, edwards::EdwardsBasepointTable, traits::BasepointTable as _,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{MacScheme, SealedMessage, seal::seal_under};
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, NonContributory, SharedSecret},
        lanes::portable::edwards_is_faster,
    },
    secret::SecretVec,
};

/// The key that all of them are with. Nothing in it is secret.
#[derive(Clone)]
pub(super) struct Recipient {
    key: Curve25519PublicKey,
    form: Form,
}

/// What the key is multiplied in, the fastest last.
#[derive(Clone)]
enum Form {
    Montgomery(MontgomeryPoint),
    Edwards(EdwardsPoint),
    Table(Box<EdwardsBasepointTable>),
}

/// As many ephemeral secret keys as there are messages, 32 bytes each. Agreeing consumes them.
pub(super) struct EphemeralSecrets(SecretVec);

/// What one ephemeral key agreed upon with the recipient.
pub(crate) struct Agreement {
    ephemeral: Curve25519PublicKey,
    shared_secret: SharedSecret,
}

/// The outcome of a batch, in the order of the ephemeral secrets.
pub(super) struct Agreements {
    ephemeral: Vec<MontgomeryPoint>,
    shared: Zeroizing<Vec<MontgomeryPoint>>,
}

impl Recipient {
    /// Prepares a key for about so many agreements.
    pub(super) fn new(key: &Curve25519PublicKey, expected: usize) -> Self {
        let point = MontgomeryPoint(*key.as_bytes());
        let form = if expected >= table_pays_from() {
            point
                .to_edwards(0)
                .map(|point| Form::Table(Box::new(EdwardsBasepointTable::create(&point))))
        } else if edwards_is_faster() {
            point.to_edwards(0).map(Form::Edwards)
        } else {
            None
        };
        Self { key: *key, form: form.unwrap_or(Form::Montgomery(point)) }
    }

    pub(super) fn key(&self) -> &Curve25519PublicKey {
        &self.key
    }

    pub(super) fn has_table(&self) -> bool {
        matches!(self.form, Form::Table(_))
    }

    /// Agrees once with each of the secrets.
    pub(super) fn agree(&self, secrets: EphemeralSecrets) -> Agreements {
        self.agree_with_part(secrets.as_scalars())
    }

    /// As [`Recipient::agree`] with some of the secrets, all of which somebody else consumes.
    pub(super) fn agree_with_part(&self, scalars: &[[u8; 32]]) -> Agreements {
        let public = points(scalars, EdwardsPoint::mul_base_clamped);
        let shared = match &self.form {
            Form::Montgomery(point) => exactly(scalars, |scalar| point.mul_clamped(scalar)),
            Form::Edwards(point) => EdwardsPoint::to_montgomery_batch(&points(scalars, |scalar| {
                point.mul_clamped(scalar)
            })),
            Form::Table(table) => EdwardsPoint::to_montgomery_batch(&points(scalars, |scalar| {
                table.mul_base_clamped(scalar)
            })),
        };
        Agreements {
            ephemeral: EdwardsPoint::to_montgomery_batch(&public),
            shared: Zeroizing::new(shared),
        }
    }
}

impl EphemeralSecrets {
    /// Draws all keys at once, the first one first.
    pub(super) fn draw(count: usize, rng: &mut impl CryptoRng) -> Self {
        let mut secrets = SecretVec::zeroed(count.saturating_mul(32));
        rng.fill_bytes(secrets.expose_bytes_mut());
        Self(secrets)
    }

    pub(super) fn as_scalars(&self) -> &[[u8; 32]] {
        let (scalars, _) = self.0.expose_bytes().as_chunks();
        scalars
    }
}

impl Agreements {
    /// The outcomes, each on its own.
    pub(super) fn iter(&self) -> impl Iterator<Item = Result<Agreement, NonContributory>> {
        self.ephemeral.iter().zip(self.shared.iter()).map(|(ephemeral, shared)| {
            let ephemeral = Curve25519PublicKey::from_bytes(ephemeral.to_bytes());
            let shared_secret = SharedSecret::from_coordinate(shared)?;
            Ok(Agreement { ephemeral, shared_secret })
        })
    }
}

impl Agreement {
    /// The one message of this agreement.
    pub(crate) fn seal(self, plaintext: &[u8], scheme: MacScheme) -> SealedMessage {
        seal_under(&self.shared_secret, self.ephemeral, plaintext, scheme)
    }
}

fn points(
    scalars: &[[u8; 32]],
    multiply: impl Fn([u8; 32]) -> EdwardsPoint,
) -> Zeroizing<Vec<EdwardsPoint>> {
    Zeroizing::new(exactly(scalars, multiply))
}

/// From how many agreements on the table pays for itself, as measured: it takes 720 us to compute, and
/// then 9 us each, against 23 us in Edwards form or 35 us by the ladder.
fn table_pays_from() -> usize {
    if edwards_is_faster() { 51 } else { 28 }
}

/// Allocates once, since a vector that grows leaves unwiped copies behind.
fn exactly<T>(scalars: &[[u8; 32]], multiply: impl Fn([u8; 32]) -> T) -> Vec<T> {
    let mut products = Vec::with_capacity(scalars.len());
    products.extend(scalars.iter().map(|scalar| multiply(*scalar)));
    products
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_forms(key: [u8; 32]) -> Vec<Form> {
        let point = MontgomeryPoint(key);
        let edwards = point.to_edwards(0);
        let table = edwards.map(|point| Box::new(EdwardsBasepointTable::create(&point)));
        [edwards.map(Form::Edwards), table.map(Form::Table), Some(Form::Montgomery(point))]
            .into_iter()
            .flatten()
            .collect()
    }

    fn all_agree_with_the_ladder(key: [u8; 32], scalars: &[[u8; 32]]) {
        let ladder: Vec<_> =
            scalars.iter().map(|s| MontgomeryPoint(key).mul_clamped(*s).0).collect();
        for form in all_forms(key) {
            let recipient = Recipient { key: Curve25519PublicKey::from_bytes(key), form };
            let agreements = recipient.agree_with_part(scalars);
            let shared: Vec<_> = agreements.shared.iter().map(MontgomeryPoint::to_bytes).collect();
            assert_eq!(shared, ladder, "{}", recipient.key);
        }
    }

    #[test]
    fn every_form_agrees_with_the_ladder_at_the_edges() {
        let scalars = [[0; 32], [0xff; 32], [0x88; 32], [0x77; 32]];
        for low in 0..=255 {
            let (mut near_p, mut small) = ([0xff; 32], [0; 32]);
            (near_p[0], near_p[31], small[0]) = (low, 0x7f, low);
            all_agree_with_the_ladder(near_p, &scalars);
            all_agree_with_the_ladder(small, &scalars);
            near_p[31] = 0xff;
            all_agree_with_the_ladder(near_p, &scalars);
        }
    }

    proptest! {
        #[test]
        fn every_form_agrees_with_the_ladder(key: [u8; 32], scalars: [[u8; 32]; 3]) {
            all_agree_with_the_ladder(key, &scalars);
        }
    }
}
