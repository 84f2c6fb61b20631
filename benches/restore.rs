//! A whole response from its bytes to checked sessions, against the usual way in the same run.
//!
//! `stream_20000` feeds the response to a `Restore` in pieces of 64 KiB, as a socket would, on one
//! thread; `stream_20000_parallel` opens its batches on all cores. `whole_20000_vodozemac` parses the whole
//! response with `serde_json` into owned structs, opens each session with vodozemac and parses what comes out.
//! All three are shown to restore every session before they are timed. With `--test` they get 200
//! sessions, so that one pass takes no time.
//!
//! Built for another backend (`.ci/backend/`), the names of the first two end with it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark has no caller to return an error to, and looks at its arguments"
)]

mod rival;
mod sample;

use std::{env, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rival::whole::restore_whole;
use sample::{named, session};
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, EncryptedSessionData, Restore, RestoreOptions},
};

fn restore(criterion: &mut Criterion) {
    let is_test = env::args().any(|argument| argument == "--test");
    let count = if is_test { 200 } else { 20_000 };
    let key = BackupDecryptionKey::generate().unwrap();
    let response = response(&key, count);
    let decryption = rival::decryption(&key);
    assert_eq!(stream(&key, &response, RestoreOptions::default()), count);
    assert_eq!(restore_whole(&decryption, &response).len(), count);

    let mut group = criterion.benchmark_group("restore");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    group.bench_function(named("stream_20000"), |bencher| {
        bencher.iter(|| stream(&key, black_box(&response), RestoreOptions::default()));
    });
    #[cfg(feature = "parallel")]
    {
        let mut options = RestoreOptions::default();
        options.parallel = true;
        assert_eq!(stream(&key, &response, options.clone()), count);
        group.bench_function(named("stream_20000_parallel"), |bencher| {
            bencher.iter(|| stream(&key, black_box(&response), options.clone()));
        });
    }
    group.bench_function("whole_20000_vodozemac", |bencher| {
        bencher.iter(|| restore_whole(&decryption, black_box(&response)).len());
    });
}

/// How many sessions are restored.
fn stream(key: &BackupDecryptionKey, response: &[u8], options: RestoreOptions) -> usize {
    let mut restore = Restore::new(key.clone(), options, &Limits::default());
    for mut piece in response.chunks(PIECE_BYTES) {
        while let Some(verdicts) = restore.next_batch(&mut piece) {
            black_box(verdicts);
        }
    }
    let (verdicts, report) = restore.finish();
    black_box(verdicts);
    assert!(report.is_complete() && report.failed() == 0);
    usize::try_from(report.restored()).unwrap()
}

/// A response as a server sends it, with as many sessions as asked for.
fn response(key: &BackupDecryptionKey, count: usize) -> Vec<u8> {
    let rooms = (0..count).step_by(ROOM_SESSIONS).map(|first| {
        let sessions = (first..count.min(first + ROOM_SESSIONS)).map(|_| member(key));
        let sessions = sessions.collect::<Vec<_>>().join(",");
        format!(r#""!{first:018}:example.org":{{"sessions":{{{sessions}}}}}"#)
    });
    let rooms = rooms.collect::<Vec<_>>().join(",");
    format!(r#"{{"rooms":{{{rooms}}}}}"#).into_bytes()
}

/// A session as a member of its room.
fn member(key: &BackupDecryptionKey) -> String {
    let session = session();
    let data: EncryptedSessionData = key.public_key().seal(&session).unwrap();
    let data = String::from_utf8(data.to_json()).unwrap();
    let id = session.session_id();
    let numbers = r#""first_message_index":0,"forwarded_count":0,"is_verified":true"#;
    format!(r#""{id}":{{{numbers},"session_data":{data}}}"#)
}

/// What is read from a socket at once.
const PIECE_BYTES: usize = 64 << 10;

/// How many sessions a room has.
const ROOM_SESSIONS: usize = 40;

criterion_group!(benches, restore);
criterion_main!(benches);
