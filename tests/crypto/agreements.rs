//! Many at once are the same as one by one: the same bytes, the same verdicts, the same order.

use curve25519_dalek::{EdwardsPoint, constants::EIGHT_TORSION};
use vodozemac::pk_encryption::{Message, PkDecryption};

use super::recorded_rng::RecordedRng;
use crate::crypto::{
    curve25519::{Curve25519PublicKey, Curve25519SecretKey, EphemeralSecret, NonContributory},
    curve25519_aes_sha2::{
        Batch, BatchSealer, MacScheme, MessageMac, MessageOpenError, SealedMessage, open,
        seal_with_rng,
    },
    key_material::KeyLength,
    pbkdf2::{Derivation, Rounds},
};

/// Around nothing, the lengths from which on there is a table, and the parts that threads share.
const LENGTHS: [usize; 16] = [0, 1, 2, 19, 20, 21, 27, 28, 29, 31, 32, 33, 50, 51, 52, 256];

#[test]
fn a_batch_is_byte_for_byte_what_is_sealed_one_by_one() {
    let keys = [on_the_curve(), on_the_twist(), not_canonical(), with_high_bit(on_the_curve())];
    for key in keys {
        for length in LENGTHS {
            let random = random_bytes(32 * length);
            let plaintexts = plaintexts(length);
            for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, length)] {
                for scheme in [MacScheme::EmptyString, MacScheme::Ciphertext] {
                    let batch = sealed_together(&sealer, &plaintexts, scheme, &random).unwrap();
                    let singly = sealed_singly(&key, &plaintexts, scheme, &random).unwrap();
                    assert!(batch == singly, "{length} messages to {key}");
                }
            }
        }
    }
}

#[test]
fn every_edge_of_the_coordinate_agrees_with_one_by_one() {
    let (plaintexts, mut refused) = (plaintexts(2), 0);
    let edges = edges();
    for bytes in &edges {
        let key = Curve25519PublicKey::from_bytes(*bytes);
        let random = random_bytes(64);
        let singly = sealed_singly(&key, &plaintexts, MacScheme::Ciphertext, &random);
        for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, 2)] {
            let batch = sealed_together(&sealer, &plaintexts, MacScheme::Ciphertext, &random);
            assert!(batch == singly, "{key}");
        }
        assert_eq!(singly.is_err(), key.is_low_order(), "{key}");
        refused += usize::from(singly.is_err());
    }
    // 0, 1, p - 1, p, p + 1 and the two of order 8, each with and without the high bit, at least.
    assert!(refused >= 14, "{refused} of {} keys were refused", edges.len());
}

#[test]
fn scalars_at_their_bounds_agree_with_one_by_one() {
    let mut scalars = vec![[0; 32], [0xff; 32], [0x55; 32], [0xaa; 32], [0x88; 32], [0x77; 32]];
    scalars.extend((0..256).map(single_bit));
    let random = scalars.as_flattened();
    let plaintexts = plaintexts(scalars.len());
    for key in [on_the_curve(), on_the_twist(), not_canonical()] {
        let singly = sealed_singly(&key, &plaintexts, MacScheme::default(), random).unwrap();
        for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, 2)] {
            let batch = sealed_together(&sealer, &plaintexts, MacScheme::default(), random);
            assert!(batch.unwrap() == singly, "{key}");
        }
    }
}

#[test]
fn a_key_that_everybody_could_open_seals_nothing() {
    let key = Curve25519PublicKey::from_bytes([0; 32]);
    for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, 1)] {
        let sealed = sealed_together(&sealer, &plaintexts(3), MacScheme::default(), &[7; 96]);
        assert_eq!(sealed, Err(NonContributory));
    }
}

#[test]
fn vodozemac_opens_every_message_of_a_batch() {
    let owner = PkDecryption::new();
    let key = Curve25519PublicKey::from_bytes(owner.public_key().to_bytes());
    for length in [3, 256] {
        let (sealer, plaintexts) = (BatchSealer::for_messages(&key, length), plaintexts(length));
        let random = random_bytes(32 * length);
        let batch = sealed_together(&sealer, &plaintexts, MacScheme::default(), &random).unwrap();
        for (message, plaintext) in batch.into_iter().zip(&plaintexts) {
            assert_eq!(&owner.decrypt(&to_vodozemac(message)).unwrap(), plaintext);
        }
    }
}

#[test]
fn each_message_has_its_own_result() {
    let (key, other) = (secret_key(), secret_key());
    let good = seal_to(&key.public_key());
    let changed = |change: &dyn Fn(&mut SealedMessage)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    let messages = [
        good.clone(),
        changed(&|message| message.ephemeral = Curve25519PublicKey::from_bytes([0; 32])),
        changed(&|message| message.mac = MessageMac::from_bytes([0; 8])),
        seal_to(&other.public_key()),
        changed(&|message| message.ciphertext.truncate(15)),
        seal_to(&key.public_key()),
    ];
    let verdicts = messages.map(|message| open(&key, &message).err());
    let expected = [
        None,
        Some(MessageOpenError::NonContributory),
        Some(MessageOpenError::WrongKey),
        Some(MessageOpenError::WrongKey),
        Some(MessageOpenError::Damaged),
        None,
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn every_message_of_a_batch_opens_to_its_own_plaintext() {
    let key = secret_key();
    let plaintexts = plaintexts(40);
    let random = random_bytes(32 * 40);
    let sealer = BatchSealer::new(&key.public_key());
    for scheme in [MacScheme::EmptyString, MacScheme::Ciphertext] {
        let messages = sealed_together(&sealer, &plaintexts, scheme, &random).unwrap();
        for (message, plaintext) in messages.iter().zip(&plaintexts) {
            let opened = open(&key, message).unwrap();
            assert_eq!(opened.plaintext.expose_bytes(), plaintext);
            assert_eq!(opened.mac_scheme, scheme);
        }
    }
}

#[test]
fn what_is_secret_is_not_printed() {
    let (key, ephemeral) =
        (secret_key(), EphemeralSecret::generate_with_rng(&mut RecordedRng::new(&[7; 32])));
    let shared = key.diffie_hellman(&key.public_key()).unwrap();
    let opened = open(&key, &seal_to(&key.public_key())).unwrap();
    let rounds = Rounds::new(3, 3).unwrap();
    let derivation = Derivation::new(b"passphrase", b"salt", rounds, KeyLength::default());
    assert_eq!(format!("{ephemeral:?} {shared:?}"), "EphemeralSecret { .. } SharedSecret { .. }");
    assert_eq!(format!("{opened:?}"), "OpenedMessage { mac_scheme: EmptyString, .. }");
    assert_eq!(
        format!("{derivation:?}"),
        "Derivation { done: 1, rounds: Rounds(3), length: KeyLength(32), .. }"
    );
}

fn sealed_together(
    sealer: &BatchSealer,
    plaintexts: &[Vec<u8>],
    scheme: MacScheme,
    random: &[u8],
) -> Result<Vec<SealedMessage>, NonContributory> {
    let mut rng = RecordedRng::new(random);
    let batch = Batch::draw(plaintexts, &mut rng);
    let sealed = batch.seal(sealer, |plaintext, agreement| agreement.seal(plaintext, scheme));
    assert!(rng.is_used_up(), "as many random bytes as one by one");
    sealed
}

fn sealed_singly(
    key: &Curve25519PublicKey,
    plaintexts: &[Vec<u8>],
    scheme: MacScheme,
    random: &[u8],
) -> Result<Vec<SealedMessage>, NonContributory> {
    let mut rng = RecordedRng::new(random);
    plaintexts.iter().map(|plaintext| seal_with_rng(key, plaintext, scheme, &mut rng)).collect()
}

fn seal_to(key: &Curve25519PublicKey) -> SealedMessage {
    let random = random_bytes(32);
    seal_with_rng(key, b"plaintext", MacScheme::default(), &mut RecordedRng::new(&random)).unwrap()
}

fn to_vodozemac(message: SealedMessage) -> Message {
    Message {
        ciphertext: message.ciphertext,
        mac: message.mac.as_bytes().to_vec(),
        ephemeral_key: vodozemac::Curve25519PublicKey::from_bytes(*message.ephemeral.as_bytes()),
    }
}

/// Of all lengths up to a few blocks, and all different.
fn plaintexts(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| index.to_le_bytes().repeat(index % 7 + 1)[index % 5..].to_vec())
        .collect()
}

/// Keys at every edge of arithmetic modulo p = 2^255 - 19, each with and without the ignored bit.
fn edges() -> Vec<[u8; 32]> {
    let low = |byte, fill, last| {
        let mut bytes = [fill; 32];
        (bytes[0], bytes[31]) = (byte, last);
        bytes
    };
    let small = (0..20).map(|byte| low(byte, 0, 0));
    let around_p = (0..=255).map(|byte| low(byte, 0xff, 0x7f));
    let bits = (0..255).map(single_bit);
    let torsion = EIGHT_TORSION.iter().map(|point| point.to_montgomery().to_bytes());
    let random = (0..100).map(|_| random_bytes(32).try_into().unwrap());
    let edges = small.chain(around_p).chain(bits).chain(torsion).chain(random);
    let edges = edges.chain((0..4).flat_map(|_| with_parts_of_small_order()));
    edges.flat_map(|bytes| [bytes, *with_high_bit(key(bytes)).as_bytes()]).collect()
}

/// A random point of the large subgroup, moved by each point of small order.
fn with_parts_of_small_order() -> [[u8; 32]; 8] {
    let point = EdwardsPoint::mul_base_clamped(random_bytes(32).try_into().unwrap());
    EIGHT_TORSION.map(|small| (point + small).to_montgomery().to_bytes())
}

fn single_bit(index: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[index / 8] = 1 << (index % 8);
    bytes
}

fn key(bytes: [u8; 32]) -> Curve25519PublicKey {
    Curve25519PublicKey::from_bytes(bytes)
}

fn on_the_curve() -> Curve25519PublicKey {
    secret_key().public_key()
}

/// 2 is the coordinate of a point of the twist.
fn on_the_twist() -> Curve25519PublicKey {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert!(curve25519_dalek::MontgomeryPoint(bytes).to_edwards(0).is_none());
    key(bytes)
}

/// p + 9, another encoding of the base point.
fn not_canonical() -> Curve25519PublicKey {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xed + 9, 0x7f);
    assert_eq!(key(bytes).canonical().as_bytes()[0], 9);
    key(bytes)
}

fn with_high_bit(key: Curve25519PublicKey) -> Curve25519PublicKey {
    let mut bytes = *key.as_bytes();
    bytes[31] |= 0x80;
    Curve25519PublicKey::from_bytes(bytes)
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn secret_key() -> Curve25519SecretKey {
    Curve25519SecretKey::generate_with_rng(&mut rand_core::UnwrapErr(getrandom::SysRng))
}
