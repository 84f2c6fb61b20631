//! Sessions to one key and back, one by one and in batches, against vodozemac in the same run.
//!
//! `seal` goes from a `SessionData` to the JSON bytes of its `EncryptedSessionData`, `open` from these
//! bytes back to a checked `SessionData`; in a batch, from what a server returns to a session with
//! its verdict. Both sides share the JSON types, build their keys once and draw from the operating
//! system's randomness. `batch_256_cold` computes the key's table, or the key, for each batch. A batch is reported
//! by its throughput, in sessions.
//!
//! `batch_1` to `batch_1024` are for docs/plot_speed.py, which draws them. Built for another backend (`.ci/backend/`), every
//! name but the rival's ends with it: `batch_256_avx2`, `batch_256_portable`.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark has no caller to return an error to"
)]

mod rival;
mod sample;

use std::{hint::black_box, iter};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sample::{named, session};
use strongroom::{
    Limits,
    backup::{
        BackedUpSession, BackupDecryptionKey, BackupVersionInfo, EncryptedSessionData, SealOptions,
        SealedSession, SessionSealer, TrustedBackup,
    },
    ids::RoomId,
    session_data::SessionData,
};

fn seal(criterion: &mut Criterion) {
    let session = session();
    let key = BackupDecryptionKey::generate().unwrap();
    let encryption = rival::encryption(&key);
    let mut group = criterion.benchmark_group("seal");
    group.bench_function(named("one"), |bencher| {
        bencher.iter(|| key.public_key().seal(black_box(&session)).unwrap().to_json());
    });
    group.bench_function("vodozemac", |bencher| {
        bencher.iter(|| rival::seal(&encryption, black_box(&session)));
    });
}

fn seal_batches(criterion: &mut Criterion) {
    let backup = trusted(&BackupDecryptionKey::generate().unwrap());
    let (room_id, sessions) = (room_id(), sessions());
    let batch: Vec<_> =
        sessions.iter().map(|session| (&room_id, session, SealOptions::default())).collect();
    let sealer = SessionSealer::new(&backup);
    let mut group = criterion.benchmark_group("seal");
    for (size, name) in sizes() {
        let batch = &batch[..size];
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| to_json(&sealer.seal(black_box(batch)).unwrap()));
        });
    }
    let batch = &batch[..BATCH];
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(named("batch_256_cold"), |bencher| {
        bencher.iter(|| {
            let sealer = SessionSealer::new(black_box(&backup));
            to_json(&sealer.seal(black_box(batch)).unwrap())
        });
    });
    #[cfg(feature = "parallel")]
    group.bench_function(named("batch_256_parallel"), |bencher| {
        bencher.iter(|| to_json(&sealer.seal_parallel(black_box(batch)).unwrap()));
    });
}

fn open(criterion: &mut Criterion) {
    let key = BackupDecryptionKey::generate().unwrap();
    let json = key.public_key().seal(&session()).unwrap().to_json();
    let decryption = rival::decryption(&key);
    let mut group = criterion.benchmark_group("open");
    group.bench_function(named("one"), |bencher| {
        bencher.iter(|| {
            let data = EncryptedSessionData::from_json(black_box(&json)).unwrap();
            key.open(&data).unwrap().0.value
        });
    });
    group.bench_function("vodozemac", |bencher| {
        bencher.iter(|| rival::open(&decryption, black_box(&json)));
    });
}

fn open_batches(criterion: &mut Criterion) {
    let key = BackupDecryptionKey::generate().unwrap();
    let batch: Vec<_> = sessions().iter().map(|session| returned(&key, session)).collect();
    let mut group = criterion.benchmark_group("open");
    for (size, name) in sizes() {
        let batch = &batch[..size];
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| key.open_sessions(black_box(batch)));
        });
    }
    let batch = &batch[..BATCH];
    group.throughput(Throughput::Elements(BATCH as u64));
    let secret = key.to_base64();
    group.bench_function(named("batch_256_cold"), |bencher| {
        bencher.iter(|| {
            let secret = black_box(secret.expose_str());
            let key = BackupDecryptionKey::from_base64(secret).unwrap();
            key.open_sessions(black_box(batch))
        });
    });
    #[cfg(feature = "parallel")]
    group.bench_function(named("batch_256_parallel"), |bencher| {
        bencher.iter(|| key.open_sessions_parallel(black_box(batch)));
    });
}

/// The JSON bytes that the other functions of the group end with.
fn to_json(sealed: &[SealedSession]) -> Vec<Vec<u8>> {
    sealed.iter().map(|sealed| sealed.data().session_data().to_json()).collect()
}

/// What a server returns for a session.
fn returned(key: &BackupDecryptionKey, session: &SessionData) -> BackedUpSession {
    let sealed = trusted(key).seal(room_id(), session, &SealOptions::default()).unwrap();
    BackedUpSession {
        room_id: room_id(),
        session_id: session.session_id(),
        json: serde_json::to_vec(sealed.data()).unwrap(),
    }
}

fn trusted(key: &BackupDecryptionKey) -> TrustedBackup {
    let public_key = key.public_key();
    let info = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{{"public_key":"{public_key}"}}}}"#
    );
    let info = BackupVersionInfo::from_json(info.as_bytes(), &Limits::default()).unwrap();
    TrustedBackup::by_decryption_key(&info, key, &[]).unwrap()
}

fn room_id() -> RoomId {
    RoomId::from("!OGEhHVWSdvArJzumhm:matrix.org")
}

/// As many sessions as the largest batch has.
fn sessions() -> Vec<SessionData> {
    (0..LARGEST_BATCH).map(|_| session()).collect()
}

/// The sizes of batches, and what each is called: `batch_1`, `batch_2`, and so on to `batch_1024`.
fn sizes() -> impl Iterator<Item = (usize, String)> {
    let sizes = iter::successors(Some(1), |size| Some(size * 2));
    sizes
        .take_while(|size| *size <= LARGEST_BATCH)
        .map(|size| (size, named(&format!("batch_{size}"))))
}

const BATCH: usize = 256;
const LARGEST_BATCH: usize = 1_024;

criterion_group!(benches, seal, seal_batches, open, open_batches);
criterion_main!(benches);
