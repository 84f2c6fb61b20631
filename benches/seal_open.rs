//! One session to one key and back, against vodozemac in the same run.
//!
//! `seal` goes from a `SessionData` to the JSON bytes of its `EncryptedSessionData`, `open` from these
//! bytes back to a checked `SessionData`. Both sides share the JSON types, build their keys once and
//! draw from the operating system's randomness.

#![allow(clippy::unwrap_used, reason = "a benchmark has no caller to return an error to")]

mod rival;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use strongroom::{
    backup::{BackupDecryptionKey, EncryptedSessionData},
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    session_data::{SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

fn seal(criterion: &mut Criterion) {
    let session = session();
    let key = BackupDecryptionKey::generate().unwrap();
    let encryption = rival::encryption(&key);
    let mut group = criterion.benchmark_group("seal");
    group.bench_function("one", |bencher| {
        bencher.iter(|| key.public_key().seal(black_box(&session)).unwrap().to_json());
    });
    group.bench_function("vodozemac", |bencher| {
        bencher.iter(|| rival::seal(&encryption, black_box(&session)));
    });
}

fn open(criterion: &mut Criterion) {
    let key = BackupDecryptionKey::generate().unwrap();
    let json = key.public_key().seal(&session()).unwrap().to_json();
    let decryption = rival::decryption(&key);
    let mut group = criterion.benchmark_group("open");
    group.bench_function("one", |bencher| {
        bencher.iter(|| {
            let data = EncryptedSessionData::from_json(black_box(&json)).unwrap();
            key.open(&data).unwrap().read.session
        });
    });
    group.bench_function("vodozemac", |bencher| {
        bencher.iter(|| rival::open(&decryption, black_box(&json)));
    });
}

/// A real session as a device backs it up.
fn session() -> SessionData {
    let device = Account::new();
    let key = GroupSession::new(Default::default()).session_key();
    SessionData::new(SessionKey::from_bytes(&key.to_bytes()).unwrap()).with_sender(
        Curve25519PublicKey::from_bytes(device.curve25519_key().to_bytes()),
        Ed25519PublicKey::from_bytes(device.ed25519_key().as_bytes()).unwrap(),
    )
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
