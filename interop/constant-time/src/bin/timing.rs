//! Whether sealing and opening take a time of their own for special secrets: Welch's t between secrets of zeros, or ones, and
//! random ones, interleaved, after Reparaz, Balasch and Verbauwhede, *Dude, is my code constant time?* Under 4.5 nothing is seen.
//! For a quiet machine: `cargo run --release --bin timing -- 100000`.

#[path = "../sample.rs"]
mod sample;

use std::{convert::Infallible, env, hint::black_box, time::Instant};

use rand_core::{Rng as _, TryCryptoRng, TryRng, UnwrapErr};
use sample::{backup, session};
use strongroom::{
    backup::{BackedUpSession, BackupDecryptionKey, SealOptions, SessionSealer},
    ids::RoomId,
    secret::SecretBytes,
};

fn main() {
    let runs = env::args().nth(1).and_then(|runs| runs.parse().ok()).unwrap_or(20_000);
    for class in [0x00, 0xff] {
        for count in [1, 8, 64] {
            let (batch, keys) = (vec![sealed(); count], keys(class));
            let open = |index: usize, class: usize| {
                black_box(keys[class][index].open_sessions(&batch));
            };
            println!(
                "open {count:2}, secrets of {class:02x}: t = {:5.2}",
                welch(runs / count, open)
            );
            let (sealer, sessions) = (SessionSealer::for_sessions(&backup(), count), [session()]);
            let room_id = RoomId::from("!room:example.org");
            let sessions: Vec<_> =
                (0..count).map(|_| (&room_id, &sessions[0], SealOptions::default())).collect();
            let secrets = secrets(class);
            let seal = |index: usize, class: usize| {
                let rng = &mut Replay(&secrets[class][index], 0);
                black_box(sealer.seal_with_rng(&sessions, rng).unwrap());
            };
            println!(
                "seal {count:2}, secrets of {class:02x}: t = {:5.2}",
                welch(runs / count, seal)
            );
        }
    }
}

/// How many secrets there are of each class.
const SECRETS: usize = 64;

/// Welch's t between the times of class 0 and class 1, without the slowest tenth, in which others were at work.
fn welch(runs: usize, run: impl Fn(usize, usize)) -> f64 {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        let chosen = rng.next_u32();
        let (class, index) = ((chosen & 1) as usize, (chosen >> 1) as usize % SECRETS);
        let start = Instant::now();
        run(index, class);
        times[class].push(start.elapsed().as_nanos() as f64);
    }
    let mut all: Vec<_> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let most = all[all.len() * 9 / 10];
    let [first, second] = times.map(|times| {
        let kept: Vec<_> = times.into_iter().filter(|time| *time < most).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (first.0 - second.0) / (first.1 + second.1).sqrt()
}

/// Secrets of this byte, and random ones, which are as many and lie in memory alike.
fn secrets(class: u8) -> [Vec<Vec<u8>>; 2] {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let random = (0..SECRETS).map(|_| {
        let mut bytes = vec![0; 64 * 32];
        rng.fill_bytes(&mut bytes);
        bytes
    });
    [vec![vec![class; 64 * 32]; SECRETS], random.collect()]
}

fn keys(class: u8) -> [Vec<BackupDecryptionKey>; 2] {
    secrets(class).map(|secrets| {
        let key = |secret: &Vec<u8>| SecretBytes::from_slice(&secret[..32]).unwrap();
        secrets.iter().map(|secret| BackupDecryptionKey::from_bytes(key(secret))).collect()
    })
}

/// Gives bytes that were drawn before.
struct Replay<'a>(&'a [u8], usize);

impl TryRng for Replay<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0[self.1..self.1 + bytes.len()]);
        self.1 += bytes.len();
        Ok(())
    }
}

impl TryCryptoRng for Replay<'_> {}

/// A session of a backup whose key nobody else has.
fn sealed() -> BackedUpSession {
    let (room_id, session) = (RoomId::from("!room:example.org"), session());
    let sealed = backup().seal(room_id.clone(), &session, &SealOptions::default()).unwrap();
    let json = serde_json::to_vec(sealed.data()).unwrap();
    BackedUpSession { room_id, session_id: session.session_id(), json }
}
