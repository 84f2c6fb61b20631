//! Secrets of secret storage: one in, one out, the check of a key, and the key from a passphrase.
//!
//! A secret is 32 bytes in base64. `pbkdf2` and `pbkdf2_crate` both run 500,000 rounds, which is what
//! clients ask for, the second one with the crate `pbkdf2`.

#![allow(clippy::unwrap_used, reason = "a benchmark has no caller to return an error to")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sha2::Sha512;
use strongroom::{
    Limits,
    crypto::key_material::KeyMaterial,
    encoding::json_object::JsonObject,
    ids::EventType,
    passphrase::PassphraseParameters,
    secret_storage::{NewKey, SecretStorage},
    secret_value::SecretValue,
};

fn secrets(criterion: &mut Criterion) {
    let new_key = NewKey::generate(None).unwrap();
    let value = SecretValue::kept_by_host(&NAME.into(), SECRET).unwrap().value;
    let nothing = storage(&[]);
    let plan = nothing
        .plan(&[], &Limits::default(), |change| {
            change.create(&new_key)?;
            change.store(&value)
        })
        .unwrap();
    let events: Vec<_> =
        plan.steps().iter().map(|step| (step.event_type.clone(), step.content.clone())).collect();
    let storage = storage(&events);
    let (keys, secret) = ([new_key.key().clone()], storage.secret(&NAME.into()).unwrap());
    let (material, description) =
        (KeyMaterial::from_slice(keys[0].expose_bytes()).unwrap(), storage.key(keys[0].id()));
    let description = description.unwrap();
    let mut group = criterion.benchmark_group("secret_storage");
    group.bench_function("encrypt", |bencher| {
        bencher.iter(|| {
            storage.plan(&keys, &Limits::default(), |change| change.store(black_box(&value)))
        });
    });
    group.bench_function("decrypt", |bencher| {
        let mut key = keys[0].clone();
        bencher.iter(|| key.open(&NAME.into(), black_box(secret)).unwrap());
    });
    group.bench_function("key_check", |bencher| {
        bencher.iter(|| description.accept(black_box(&material)).unwrap());
    });
}

fn storage(events: &[(EventType, JsonObject)]) -> SecretStorage {
    SecretStorage::from_account_data(events, &Limits::default())
}

fn passphrases(criterion: &mut Criterion) {
    let limits = Limits::default();
    let parameters = PassphraseParameters::from_parts(ROUNDS.into(), SALT, None, &limits);
    let parameters = parameters.unwrap().value;
    let mut group = criterion.benchmark_group("secret_storage");
    group.sample_size(10);
    group.bench_function("pbkdf2", |bencher| {
        bencher.iter(|| parameters.derive(black_box(PASSPHRASE)));
    });
    group.bench_function("pbkdf2_crate", |bencher| {
        let (passphrase, salt) = (PASSPHRASE.as_bytes(), SALT.as_bytes());
        bencher
            .iter(|| pbkdf2::pbkdf2_hmac_array::<Sha512, 32>(black_box(passphrase), salt, ROUNDS));
    });
}

const NAME: &str = "m.cross_signing.master";

const SECRET: &[u8] = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

const PASSPHRASE: &str = "correct horse battery staple";

const SALT: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

const ROUNDS: u32 = 500_000;

criterion_group!(benches, secrets, passphrases);
criterion_main!(benches);
