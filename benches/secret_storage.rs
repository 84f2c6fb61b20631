//! Secrets of secret storage: one in, one out, the check of a key, and the key from a passphrase.
//!
//! A secret is 32 bytes in base64. `pbkdf2` and `pbkdf2_crate` both run 500,000 rounds, which is what
//! clients ask for, the second one with the crate `pbkdf2`.

#![allow(clippy::unwrap_used, reason = "a benchmark has no caller to return an error to")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sha2::Sha512;
use strongroom::crypto::{
    aes_hmac_sha2::{KeyCheck, open, seal},
    key_material::{KeyLength, KeyMaterial},
    pbkdf2::{Rounds, derive},
};

fn secrets(criterion: &mut Criterion) {
    let key = KeyMaterial::from_slice(&[7; 32]).unwrap();
    let secret = seal(&key, NAME, SECRET).unwrap();
    let check = KeyCheck::new(&key).unwrap();
    let mut group = criterion.benchmark_group("secret_storage");
    group.bench_function("encrypt", |bencher| {
        bencher.iter(|| seal(black_box(&key), NAME, black_box(SECRET)).unwrap());
    });
    group.bench_function("decrypt", |bencher| {
        bencher.iter(|| open(black_box(&key), NAME, black_box(&secret)).unwrap());
    });
    group.bench_function("key_check", |bencher| {
        bencher.iter(|| black_box(&check).fits(black_box(&key)));
    });
}

fn passphrases(criterion: &mut Criterion) {
    let rounds = Rounds::new(ROUNDS.into(), ROUNDS).unwrap();
    let mut group = criterion.benchmark_group("secret_storage");
    group.sample_size(10);
    group.bench_function("pbkdf2", |bencher| {
        bencher.iter(|| derive(black_box(PASSPHRASE), SALT, rounds, KeyLength::default()));
    });
    group.bench_function("pbkdf2_crate", |bencher| {
        bencher
            .iter(|| pbkdf2::pbkdf2_hmac_array::<Sha512, 32>(black_box(PASSPHRASE), SALT, ROUNDS));
    });
}

const NAME: &str = "m.cross_signing.master";

const SECRET: &[u8] = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

const PASSPHRASE: &[u8] = b"correct horse battery staple";

const SALT: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEF";

const ROUNDS: u32 = 500_000;

criterion_group!(benches, secrets, passphrases);
criterion_main!(benches);
