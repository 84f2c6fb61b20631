//! No secret is left in memory that is given back: neither after success nor after any failure.
//!
//! An allocator looks through every block of memory that the test's thread frees while it is armed.
//! It sees the heap alone; SECURITY.md says what is left on stacks.

// docs/decisions.md, 9: secrets are wiped as far as this crate reaches.

#![expect(unsafe_code, reason = "an allocator is unsafe to write")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

#[path = "zeroing/damage.rs"]
mod damage;
#[path = "zeroing/key_export.rs"]
mod key_export;
#[path = "zeroing/machines.rs"]
mod machines;
#[path = "zeroing/plans.rs"]
mod plans;
#[path = "support/primitives.rs"]
mod primitives;
#[path = "zeroing/saved_states.rs"]
mod saved_states;
#[path = "zeroing/sharing.rs"]
mod sharing;
#[path = "support/vault.rs"]
mod vault;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::BTreeMap,
    hint::black_box,
    io::Write as _,
    mem, slice,
};

use primitives::{
    aes_hmac_sha2::{self, KeyCheck},
    curve25519_aes_sha2::seal_with_rng,
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl, PutRoomKeys},
    backup::{
        AuthData, BackedUpSession, BackupDecryptionKey, BackupPassphraseAttempts, BackupPublicKey,
        BackupVersionInfo, EncryptedSessionData, OpenError, SealOptions, SessionSealer,
        TrustedBackup,
    },
    crypto::{
        curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme, ed25519::Ed25519Seed,
        key_material::KeyMaterial,
    },
    encoding::{base58, base64, json_object::JsonObject, secret_base64, text_file},
    ids::{EventType, RoomId, SecretName},
    passphrase::{PassphraseParameters, candidates},
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret::{SecretBytes, SecretString, SecretVec},
    secret_storage::SecretStorage,
    secret_value::{
        CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys,
        SecretValue,
    },
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vault::{
    EPHEMERAL, FixedRng, KEY, TOKEN, UNKNOWN_MEMBER, Vault, decryption_key, recovery_key, secret,
};

/// Looks at what is freed. Memory is handed out zeroed, so that only what was written since is found;
/// `realloc` is the trait's own: allocate, copy, free.
struct Inspector;

#[global_allocator]
static INSPECTOR: Inspector = Inspector;

// SAFETY: all memory is the system allocator's, and is given back to it with its own layout.
unsafe impl GlobalAlloc for Inspector {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's last use of memory that was initialised when allocated.
        let freed = unsafe { slice::from_raw_parts(block, layout.size()) };
        let _ = WATCH.try_with(|watch| watch.inspect(black_box(freed)));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How much of a secret is looked for: of a longer piece left behind, one of these is a part.
const PIECE: usize = 8;

const MAX_PIECES: usize = 128;

/// What one thread looks for. Nothing in it allocates.
struct Watch {
    armed: Cell<bool>,
    /// With every bit turned over, since the search itself leaves them on the stack.
    pieces: [Cell<[u8; PIECE]>; MAX_PIECES],
    /// Whether a piece begins with these two bytes, since most are of no interest.
    begins: [Cell<bool>; 1 << 16],
    count: Cell<usize>,
    found: [Cell<usize>; MAX_PIECES],
}

thread_local! {
    static WATCH: Watch = const {
        Watch {
            armed: Cell::new(false),
            pieces: [const { Cell::new([0; PIECE]) }; MAX_PIECES],
            begins: [const { Cell::new(false) }; 1 << 16],
            count: Cell::new(0),
            found: [const { Cell::new(0) }; MAX_PIECES],
        }
    };
}

impl Watch {
    fn inspect(&self, freed: &[u8]) {
        if !self.armed.get() {
            return;
        }
        for window in freed.windows(PIECE) {
            if !self.begins[usize::from(u16::from_ne_bytes([window[0], window[1]]))].get() {
                continue;
            }
            for (piece, found) in self.pieces[..self.count.get()].iter().zip(&self.found) {
                let is_it = window.iter().zip(piece.get()).all(|(byte, hidden)| *byte == !hidden);
                if is_it {
                    found.set(found.get() + 1);
                }
            }
        }
    }

    fn add(&self, piece: [u8; PIECE]) {
        let index = self.count.get();
        self.pieces[index].set(piece.map(|byte| !byte));
        self.begins[usize::from(u16::from_ne_bytes([piece[0], piece[1]]))].set(true);
        self.found[index].set(0);
        self.count.set(index + 1);
    }
}

/// Disarms the thread's watch, also when a test fails.
struct Disarm;

impl Drop for Disarm {
    fn drop(&mut self) {
        WATCH.with(|watch| watch.armed.set(false));
    }
}

/// Overwrites what the preparation left on the stack: a value with unused bytes takes what stands there to the heap.
#[inline(never)]
fn wipe_stack() {
    black_box(&mut black_box([0_u8; 128 * 1024]));
}

/// Runs a scenario, and counts the freed blocks by the secrets that stand in them.
fn freed_with(
    secrets: &[(&'static str, &[u8])],
    scenario: impl FnOnce(),
) -> BTreeMap<&'static str, usize> {
    let mut names = Vec::new();
    WATCH.with(|watch| {
        watch.begins.iter().for_each(|begins| begins.set(false));
        watch.count.set(0);
    });
    for (name, secret) in secrets {
        for piece in secret.as_chunks::<PIECE>().0 {
            WATCH.with(|watch| watch.add(*piece));
            names.push(*name);
        }
    }
    wipe_stack();
    {
        let _disarm = Disarm;
        WATCH.with(|watch| watch.armed.set(true));
        scenario();
    }
    let mut counts = BTreeMap::new();
    for (index, name) in names.into_iter().enumerate() {
        let found = WATCH.with(|watch| watch.found[index].get());
        let count: &mut usize = counts.entry(name).or_default();
        *count = found.max(*count);
    }
    counts.retain(|_, count| *count > 0);
    counts
}

/// Runs a scenario and fails if it frees memory in which any secret of the vault stands. What the
/// scenario is given must outlive it.
#[track_caller]
fn leaves_nothing(vault: &Vault, scenario: impl FnOnce()) {
    let ratchet_base64 = vault.ratchet_base64();
    let without_spaces = vault.recovery_key.replace(' ', "");
    let ephemeral = vodozemac::Curve25519SecretKey::from_slice(&EPHEMERAL);
    let public =
        vodozemac::Curve25519PublicKey::from(&vodozemac::Curve25519SecretKey::from_slice(&KEY));
    let shared = ephemeral.diffie_hellman(&public).unwrap();
    let derived = derived(1);
    // As the words of a state stand in memory.
    let derived_words: Vec<_> =
        derived.as_chunks().0.iter().flat_map(|w| u64::from_be_bytes(*w).to_ne_bytes()).collect();
    let saved = base64::encode(vault.key_base64.as_bytes());
    let secrets: [(_, &[u8]); 13] = [
        ("the decryption key", &KEY),
        ("the decryption key in base64", vault.key_base64.as_bytes()),
        ("the decryption key as a shared secret is saved", saved.as_bytes()),
        ("the recovery key", vault.recovery_key.as_bytes()),
        ("the recovery key without spaces", without_spaces.as_bytes()),
        ("the session key", vault.ratchet()),
        ("the session key in base64", ratchet_base64.as_bytes()),
        ("an unknown member", UNKNOWN_MEMBER.as_bytes()),
        ("the access token", TOKEN.as_bytes()),
        ("the ephemeral key", &EPHEMERAL),
        ("the shared secret", shared.as_bytes()),
        ("the key from the passphrase", &derived),
        ("the state of its derivation", &derived_words),
    ];
    let freed = freed_with(&secrets, scenario);
    assert!(freed.is_empty(), "freed blocks with secrets in them: {freed:?}");
}

/// A plaintext, sealed to [`KEY`].
fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let public = *decryption_key().public_key().as_curve25519();
    let mut rng = FixedRng(EPHEMERAL);
    seal_with_rng(&public, plaintext, MacScheme::EmptyString, &mut rng).to_json()
}

/// The key of 64 bytes that [`TOKEN`] gives as a passphrase.
fn derived(rounds: u32) -> Vec<u8> {
    pbkdf2::pbkdf2_hmac_array::<sha2::Sha512, 64>(TOKEN.as_bytes(), b"salt", rounds).to_vec()
}

/// The version of a backup that is sealed to [`KEY`].
fn version_info() -> BackupVersionInfo {
    let public = decryption_key().public_key().to_base64();
    let text = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{{"public_key":"{public}"}}}}"#
    );
    BackupVersionInfo::from_json(text.as_bytes(), &Limits::default()).unwrap()
}

#[test]
fn the_inspector_finds_what_is_freed_and_what_is_left_behind_by_growing() {
    let secrets: [(_, &[u8]); 2] = [("key", &KEY), ("token", TOKEN.as_bytes())];
    let freed = |scenario: fn()| freed_with(&secrets, scenario);
    assert_eq!(freed(|| drop(black_box(KEY.to_vec()))), [("key", 1)].into());
    assert_eq!(freed(|| drop(black_box(Box::new(KEY)))), [("key", 1)].into());
    let grown = freed(|| {
        let mut vec = black_box(Vec::with_capacity(KEY.len()));
        vec.extend_from_slice(&KEY);
        vec.extend_from_slice(black_box(&[0]));
        black_box(&mut vec).fill(0);
    });
    assert_eq!(grown, [("key", 1)].into());
    let part = freed(|| drop(black_box(["..", &TOKEN[5..30], ".."].concat())));
    assert_eq!(part, [("token", 1)].into());
    let wiped = freed(|| black_box(&mut black_box(KEY.to_vec())).fill(0));
    assert_eq!(wiped, [].into());
    assert_eq!(freed(|| mem::forget(black_box(KEY.to_vec()))), [].into());
}

#[test]
fn containers_wipe_what_they_hold_when_they_grow_fail_or_go() {
    let vault = Vault::new();
    let owned = mem::ManuallyDrop::new(String::from(TOKEN));
    leaves_nothing(&vault, || {
        let mut grown = SecretVec::with_capacity(1);
        let mut written = SecretVec::default();
        for bytes in vault.exported.chunks(5) {
            grown.extend_from_slice(bytes);
            written.write_all(bytes).unwrap();
        }
        assert!(grown.clone() == written);
        drop(SecretVec::from(KEY.as_slice()));
        drop(secret(&KEY).clone());
        let failed = SecretBytes::<32>::try_init_with(|bytes| {
            *bytes = KEY;
            Err(())
        });
        assert!(failed.is_err());
        assert!(SecretBytes::<31>::from_slice(&KEY).is_none());
        drop(SecretString::from(TOKEN).clone());
        drop(SecretString::from((*owned).clone()));
    });
}

#[test]
fn codecs_of_secrets_leave_nothing() {
    let vault = Vault::new();
    let session_key = vault.exported_base64();
    let without_spaces = vault.recovery_key.replace(' ', "");
    let broken = [format!("{session_key}!"), format!("{}\u{e9}", &session_key[..218])];
    leaves_nothing(&vault, || {
        drop(secret_base64::encode(&vault.exported));
        drop(secret_base64::decode(&session_key).unwrap());
        drop(secret_base64::decode_array::<165>(&session_key).unwrap());
        assert!(secret_base64::decode_array::<164>(&session_key).is_err());
        for text in &broken {
            assert!(secret_base64::decode(text).is_err());
            assert!(secret_base64::decode_array::<165>(text).is_err());
        }
        drop(base58::encode_vartime(&KEY));
        drop(base58::encode_vartime(&vault.exported));
        drop(base58::decode_vartime(&without_spaces).unwrap());
        assert!(base58::decode_vartime(&vault.recovery_key).is_none());
    });
}

#[test]
fn agreements_leave_nothing() {
    let (vault, session) = (Vault::new(), Vault::new().session());
    let low_order = EncryptedSessionData::from_json(
        with_member(&sealed(b"{}"), "ephemeral", &base64::encode(&[0; 32])).as_slice(),
    );
    let low_order = low_order.unwrap();
    leaves_nothing(&vault, || {
        let (key, mut rng) = (decryption_key(), FixedRng(EPHEMERAL));
        let sealed = key.public_key().seal_with_rng(&session, MacScheme::default(), &mut rng);
        assert!(key.open(&sealed.unwrap()).is_ok());
        assert!(matches!(key.open(&low_order), Err(OpenError::NonContributory)));
        let drawn = BackupDecryptionKey::generate_with_rng(&mut FixedRng(KEY));
        assert_eq!(drawn.clone().public_key(), key.public_key());
    });
}

#[test]
fn recovery_keys_leave_nothing_however_they_fail() {
    let vault = Vault::new();
    let malformed = vault.malformed_recovery_keys();
    let spread = vault.recovery_key.replace(' ', "\t\n \u{a0}");
    let utf16: Vec<u8> = vault.recovery_key.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut kinds = [0; 5];
    leaves_nothing(&vault, || {
        drop(RecoveryKey::parse(&vault.recovery_key).unwrap().into_bytes());
        drop(RecoveryKey::parse(&spread).unwrap().clone());
        drop(RecoveryKey::parse(text_file::read_text(&utf16).unwrap().expose_str()).unwrap());
        drop(RecoveryKey::generate_with_rng(&mut FixedRng(KEY)).to_text());
        drop(recovery_key());
        for text in &malformed {
            kinds[match RecoveryKey::parse(text) {
                Err(RecoveryKeyError::Character { .. }) => 0,
                Err(RecoveryKeyError::Length { .. }) => 1,
                Err(RecoveryKeyError::Prefix) => 2,
                Err(RecoveryKeyError::Parity) => 3,
                Err(RecoveryKeyError::Invisible { .. }) => 4,
                other => panic!("{text} gives {other:?}"),
            }] += 1;
        }
    });
    assert!(!kinds.contains(&0), "every way to fail occurred: {kinds:?}");
}

#[test]
fn decryption_keys_leave_nothing_however_they_fail() {
    let vault = Vault::new();
    let padded = format!("{}=", vault.key_base64);
    let malformed = vault.malformed_keys();
    leaves_nothing(&vault, || {
        drop(BackupDecryptionKey::from_base64(&vault.key_base64).unwrap().to_base64());
        drop(BackupDecryptionKey::from_base64(&padded).unwrap().to_recovery_key());
        drop(BackupDecryptionKey::from_recovery_key(recovery_key()).clone());
        drop(BackupDecryptionKey::generate_with_rng(&mut FixedRng(KEY)));
        for text in &malformed {
            assert!(BackupDecryptionKey::from_base64(text).is_err(), "{text}");
        }
    });
}

#[test]
fn session_keys_and_session_json_leave_nothing() {
    let vault = Vault::new();
    let (plain, escaped) = (vault.exported_base64(), escaped_exported_base64(&vault));
    let shared = base64::encode(&vault.shared);
    let texts = [&plain, &escaped, &shared, &format!("{shared}==")]
        .map(|text| vault.json_with_session_key(text));
    let escaped_name = vault.session_json().replace("future", "\\u0066uture");
    leaves_nothing(&vault, || {
        drop(SessionKey::from_bytes(&vault.shared).unwrap().to_base64());
        drop(SessionKey::from_base64(&shared).unwrap().clone());
        for text in texts.iter().chain([&escaped_name]) {
            let read = SessionData::from_json(text.as_bytes()).unwrap();
            assert!(read.value.to_json().expose_bytes().len() > 300);
            drop(read.clone());
            let read = ExportedSession::from_json(text.as_bytes()).unwrap();
            assert!(read.value.to_json().unwrap().expose_bytes().len() > 300);
        }
    });
}

#[test]
fn sessions_that_cannot_be_read_leave_nothing() {
    let vault = Vault::new();
    let malformed = vault.malformed_sessions();
    leaves_nothing(&vault, || {
        for text in &malformed {
            assert!(SessionData::from_json(text.as_bytes()).is_err(), "{text}");
            assert!(ExportedSession::from_json(text.as_bytes()).is_err(), "{text}");
        }
    });
}

#[test]
fn a_secret_in_a_place_where_none_belongs_leaves_nothing() {
    let vault = Vault::new();
    let text = vault.session_json();
    let values = [format!("\"{UNKNOWN_MEMBER}\""), format!("\"{UNKNOWN_MEMBER}\\n\"")];
    let texts = values.iter().flat_map(|value| {
        [
            text.replace("_keys\":{}", &format!("_keys\":{value}")),
            text.replace("_chain\":[]", &format!("_chain\":{value}")),
            text.replace("_chain\":[]", &format!("_chain\":[{value}]")),
            text.replace("\"future\"", &format!("\"sender_key\":{value},\"future\"")),
            text.replace("\"future\"", &format!("\"shared_history\":{value},\"future\"")),
        ]
    });
    let texts: Vec<_> = texts.collect();
    assert!(!texts.contains(&text));
    leaves_nothing(&vault, || {
        for text in &texts {
            drop(SessionData::from_json(text.as_bytes()).unwrap().value.to_json());
        }
    });
}

#[test]
fn a_secret_in_the_name_of_a_member_leaves_nothing() {
    let vault = Vault::new();
    let text = vault.session_json();
    let plain = text.replace("\"future\"", &format!("\"{UNKNOWN_MEMBER}\""));
    let escaped = plain.replace("UNK", "\\u0055NK");
    leaves_nothing(&vault, || {
        for text in [&plain, &escaped] {
            drop(SessionData::from_json(text.as_bytes()).unwrap().value.to_json());
        }
    });
}

#[test]
fn sealing_and_uploading_leave_nothing() {
    let (vault, info) = (Vault::new(), version_info());
    let session = vault.session();
    let with_unknown = SessionData::from_json(vault.session_json().as_bytes()).unwrap().value;
    leaves_nothing(&vault, || {
        let key = decryption_key();
        let trusted = TrustedBackup::by_decryption_key(&info, &key, &[]).unwrap();
        let mut rng = FixedRng(EPHEMERAL);
        let sealed = [&session, &with_unknown].map(|session| {
            for scheme in [MacScheme::EmptyString, MacScheme::Ciphertext] {
                drop(key.public_key().seal_with_rng(session, scheme, &mut rng).unwrap().to_json());
            }
            drop(key.public_key().seal(session).unwrap());
            let (room, options) = (RoomId::from("!room"), SealOptions::default());
            trusted.seal_with_rng(room, session, &options, &mut rng).unwrap()
        });
        assert!(PutRoomKeys::new(&trusted, sealed).unwrap().request().body().len() > 500);
    });
}

#[test]
fn batches_leave_nothing() {
    let (vault, info) = (Vault::new(), version_info());
    let (session, room_id) = (vault.session(), RoomId::from("!room"));
    let with_unknown = SessionData::from_json(vault.session_json().as_bytes()).unwrap().value;
    let mut twist = [0; 32];
    twist[0] = 2;
    let twist = BackupPublicKey::new(Curve25519PublicKey::from_bytes(twist)).unwrap();
    leaves_nothing(&vault, || {
        let trusted = TrustedBackup::by_decryption_key(&info, &decryption_key(), &[]).unwrap();
        let mut rng = FixedRng(EPHEMERAL);
        let batch = [&session, &with_unknown, &session]
            .map(|session| (&room_id, session, SealOptions::default()));
        for sealer in [SessionSealer::new(&trusted), SessionSealer::for_sessions(&trusted, 3)] {
            let sealed = sealer.seal_with_rng(&batch, &mut rng).unwrap();
            assert!(PutRoomKeys::new(&trusted, sealed).unwrap().request().body().len() > 500);
            drop(sealer.seal(&batch).unwrap());
        }
        let sealed = SessionSealer::new(&trusted).seal_with_rng(&batch, &mut rng).unwrap();
        for sealed in sealed {
            assert!(decryption_key().open(sealed.data().session_data()).is_ok());
        }
        drop(twist.seal_with_rng(&session, MacScheme::default(), &mut rng).unwrap());
    });
}

/// A thread's memory is watched by the thread itself, so the pool consists of this one.
#[test]
fn sealing_and_restoring_in_parallel_leave_nothing() {
    let (vault, info) = (Vault::new(), version_info());
    let (session, room_id) = (vault.session(), RoomId::from("!room"));
    let returned = [returned(&sealed(vault.session_json().as_bytes()))];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    let pool = pool.build().unwrap();
    leaves_nothing(&vault, || {
        let trusted = TrustedBackup::by_decryption_key(&info, &decryption_key(), &[]).unwrap();
        let batch = [(&room_id, &session, SealOptions::default()); 40];
        let sealer = SessionSealer::new(&trusted);
        pool.install(|| {
            let rng = &mut FixedRng(EPHEMERAL);
            drop(sealer.seal_parallel_with_rng(&batch, rng).unwrap());
            assert!(decryption_key().open_sessions_parallel(&returned)[0].is_ok());
        });
    });
}

#[test]
fn opening_and_restoring_leave_nothing() {
    let vault = Vault::new();
    let escaped = vault.json_with_session_key(&escaped_exported_base64(&vault));
    let sealed = [&vault.session_json(), &escaped].map(|text| sealed(text.as_bytes()));
    let returned = sealed.clone().map(|sealed| returned(&sealed));
    leaves_nothing(&vault, || {
        let key = decryption_key();
        for (sealed, returned) in sealed.iter().zip(&returned) {
            let sealed = EncryptedSessionData::from_json(sealed).unwrap();
            drop(key.open(&sealed).unwrap());
            let restored = key.open_session(returned).unwrap();
            drop(restored.clone().into_exported().to_json().unwrap());
        }
        assert!(key.open_sessions(&returned).iter().all(Result::is_ok));
    });
}

#[test]
fn sessions_that_do_not_open_leave_nothing() {
    let vault = Vault::new();
    let mut data: Vec<_> =
        vault.malformed_sessions().iter().map(|text| sealed(text.as_bytes())).collect();
    data.extend(damaged(&sealed(vault.session_json().as_bytes())));
    let returned: Vec<_> = data.iter().map(|sealed| returned(sealed)).collect();
    let whole = sealed(vault.session_json().as_bytes());
    leaves_nothing(&vault, || {
        let key = decryption_key();
        for (sealed, returned) in data.iter().zip(&returned) {
            let sealed = EncryptedSessionData::from_json(sealed).unwrap();
            assert!(key.open(&sealed).is_err());
            assert!(key.open_session(returned).is_err());
        }
        assert!(key.open_sessions(&returned).iter().all(Result::is_err));
        let other = BackupDecryptionKey::generate().unwrap();
        assert!(other.open(&EncryptedSessionData::from_json(&whole).unwrap()).is_err());
    });
}

#[test]
fn derivations_leave_nothing_finished_or_given_up() {
    let vault = Vault::new();
    let long = TOKEN.repeat(4);
    let typed = ["", "\u{e9}", "e\u{301}", "e\u{301}\u{e9}"].map(|end| format!("{TOKEN}{end}"));
    let limits = Limits::default();
    let in_rounds =
        |rounds| PassphraseParameters::from_parts(rounds, "salt", Some(512), &limits).unwrap();
    let (parameters, in_two_rounds) = (in_rounds(1), in_rounds(2));
    let auth_data = |rounds: u32| {
        let public_key = decryption_key().public_key().to_base64();
        let json = format!(
            r#"{{"public_key":"{public_key}","private_key_salt":"salt","private_key_iterations":{rounds}}}"#
        );
        AuthData::from_json(&json, &limits).unwrap()
    };
    let (in_one_round, in_many_rounds) = (auth_data(1), auth_data(100));
    leaves_nothing(&vault, || {
        for (auth_data, rounds) in [(&in_one_round, 0), (&in_many_rounds, 50)] {
            for typed in &typed {
                let mut given_up = BackupPassphraseAttempts::new(auth_data, typed).unwrap();
                assert!(given_up.advance(rounds).unwrap().is_none());
                drop(given_up);
            }
        }
        drop(in_two_rounds.value.derive(TOKEN).clone());
        drop(in_two_rounds.value.derive(&long));
        drop(parameters.value.derive(TOKEN));
        for typed in &typed {
            assert!(!candidates(typed).is_empty());
            drop(parameters.value.derive(typed));
        }
    });
}

#[test]
fn backups_with_a_passphrase_leave_nothing_opened_or_not() {
    let vault = Vault::new();
    let limits = Limits::default();
    let auth_data = |public_key: &BackupPublicKey| {
        let json = format!(
            r#"{{"public_key":"{public_key}","private_key_salt":"salt","private_key_iterations":1}}"#
        );
        AuthData::from_json(&json, &limits).unwrap()
    };
    let bytes = *derived(1).first_chunk().unwrap();
    let key = BackupDecryptionKey::typed_by_user(secret(&bytes));
    let (own, other) = (auth_data(key.public_key()), auth_data(decryption_key().public_key()));
    let typed = format!("{TOKEN}\u{e9}");
    leaves_nothing(&vault, || {
        assert!(BackupDecryptionKey::from_passphrase(&own, TOKEN).is_ok());
        assert!(BackupDecryptionKey::from_passphrase(&other, TOKEN).is_err());
        drop(BackupPassphraseAttempts::new(&own, &typed).unwrap());
        let mut given_up = BackupPassphraseAttempts::new(&own, &typed).unwrap();
        assert!(given_up.advance(1).unwrap().is_none());
        drop(given_up);
    });
}

#[test]
fn symmetric_secrets_leave_nothing_opened_or_not() {
    let vault = Vault::new();
    let storage = secret_storage(&vault);
    let storage = SecretStorage::from_account_data(
        storage.iter().map(|(event_type, content)| (event_type, content)),
        &Limits::default(),
    );
    let (right, wrong) = (SecretName::from("a.symmetric"), SecretName::from("a.wrong.name"));
    leaves_nothing(&vault, || {
        let key = KeyMaterial::from(&secret(&KEY));
        assert!(KeyMaterial::from_slice(&KEY).unwrap() == key.clone());
        let mut key = storage.key(&"new".into()).unwrap().accept(&key).unwrap();
        let opened = key.open(&right, storage.secret(&right).unwrap()).unwrap();
        assert_eq!(opened.text().expose_str(), TOKEN);
        let value = opened.value().unwrap().value;
        drop(opened);
        assert!(key.open(&wrong, storage.secret(&wrong).unwrap()).is_err());
        let stored = storage
            .plan(&[key], &Limits::default(), |change| change.store_under(&value, &["new".into()]));
        drop(stored.unwrap());
        assert!(Ed25519Seed::from_bytes(secret(&KEY)).public_key().to_base64().len() == 43);
    });
}

#[test]
fn stored_secrets_leave_nothing_read_or_not() {
    let vault = Vault::new();
    let names =
        [MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, CROSS_SIGNING_MASTER].map(Into::into);
    let numbers = KEY.map(|byte| byte.to_string()).join(",");
    let mut malformed = vault.malformed_keys();
    malformed.extend([format!("{numbers},1"), format!("{numbers},"), format!("{numbers}0")]);
    malformed.extend([numbers.rsplit_once(',').unwrap().0.to_owned()]);
    leaves_nothing(&vault, || {
        for name in &names {
            let read = SecretValue::read(name, vault.key_base64.as_bytes()).unwrap();
            drop(read.clone().value.to_text());
            for stored in &malformed {
                assert!(SecretValue::read(name, stored.as_bytes()).is_err(), "{stored}");
            }
        }
        let read = SecretValue::read(&names[0], numbers.as_bytes()).unwrap();
        assert!(read.value.to_text().expose_str() == vault.key_base64);
        let read = SecretValue::read(&"org.example".into(), TOKEN.as_bytes()).unwrap();
        assert!(read.value.to_text().expose_str() == TOKEN);
    });
}

#[test]
fn an_access_token_stands_in_the_request_and_nowhere_else() {
    let (vault, base_url) = (Vault::new(), BaseUrl::new("https://example.org").unwrap());
    let endpoint = api::create_backup_version(&AuthData::new(decryption_key().public_key()));
    let broken = format!("{TOKEN}\n");
    leaves_nothing(&vault, || {
        let token = AccessToken::from(TOKEN);
        // Whoever sends the request has to wipe it.
        mem::forget(endpoint.to_http(&base_url, &token).unwrap());
        assert!(token.clone() == AccessToken::from(SecretString::from(TOKEN)));
        assert!(endpoint.to_http(&base_url, &AccessToken::from(broken.as_str())).is_err());
    });
}

#[test]
fn secret_storage_leaves_nothing_unlocked_or_opened_or_given_up() {
    let vault = Vault::new();
    let limits = Limits::default();
    let events = secret_storage(&vault);
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    let storage = SecretStorage::from_account_data(events, &limits);
    let public_keys = PublicKeys::default();
    let mut wrong = PublicKeys::default();
    wrong.backup = Some(Curve25519PublicKey::from_bytes([9; 32]));
    let other_form = format!("{TOKEN}\u{e9}");
    let (mut opened, mut failed) = (0, 0);
    leaves_nothing(&vault, || {
        for (typed, count) in [(vault.recovery_key.as_str(), 2), (TOKEN, 1)] {
            let mut unlocked = storage.unlock(typed, &public_keys, &limits).unwrap();
            assert_eq!(unlocked.keys.len(), count);
            drop(unlocked.keys[0].to_recovery_key());
            for public_keys in [&public_keys, &wrong] {
                for verdict in storage.open_all(&mut unlocked.keys, public_keys) {
                    let Ok(secret) = &verdict.outcome else {
                        failed += 1;
                        continue;
                    };
                    drop(secret.value().unwrap());
                    drop(verdict.clone());
                    opened += 1;
                }
            }
            drop(unlocked.clone());
        }
        assert!(storage.unlock(&other_form, &public_keys, &limits).is_err());
        drop(storage.start_unlock(&vault.recovery_key, &public_keys, &limits));
        let mut given_up = storage.start_unlock(&other_form, &public_keys, &limits);
        given_up.advance(1);
        drop(given_up);
    });
    assert!(opened > 5 && failed > 5, "{opened} opened, {failed} failed");
}

/// Two keys that are [`KEY`], one that comes from [`TOKEN`] in one round, and secrets under them that
/// open and that do not.
fn secret_storage(vault: &Vault) -> Vec<(EventType, JsonObject)> {
    let (key, derived) = (KeyMaterial::from(&secret(&KEY)), derived(1));
    let derived = KeyMaterial::from_slice(&derived).unwrap();
    let described = |key: &KeyMaterial, passphrase: Value| {
        let KeyCheck { iv, mac, .. } = KeyCheck::new(key);
        let (iv, mac) = (iv.to_base64(), mac.to_base64());
        let algorithm = "m.secret_storage.v1.aes-hmac-sha2";
        json!({"algorithm": algorithm, "iv": iv, "mac": mac, "passphrase": passphrase})
    };
    let public_key = decryption_key().public_key().to_base64();
    let asymmetric =
        json!({"algorithm": "m.secret_storage.v1.curve25519-aes-sha2", "pubkey": public_key});
    let passphrase = json!({"algorithm": "m.pbkdf2", "salt": "salt", "iterations": 1, "bits": 512});
    let symmetric = |id: &str, key: &KeyMaterial, name: &str, bytes: &[u8]| {
        let sealed = aes_hmac_sha2::seal(key, name, bytes);
        let ciphertext = base64::encode(&sealed.ciphertext);
        let (iv, mac) = (sealed.iv.to_base64(), sealed.mac.to_base64());
        json!({"encrypted": {id: {"iv": iv, "ciphertext": ciphertext, "mac": mac}}})
    };
    let under_old =
        |plaintext: &[u8]| -> Value { serde_json::from_slice(&sealed(plaintext)).unwrap() };
    let mut damaged = under_old(TOKEN.as_bytes());
    damaged["ciphertext"] = json!(base64::encode(&[7; 32]));
    let no_text = [TOKEN.as_bytes(), b"\xff"].concat();
    let backup_key = vault.key_base64.as_bytes();
    let master = symmetric("passphrase", &derived, CROSS_SIGNING_MASTER, backup_key);
    let events = [
        ("m.secret_storage.key.old", asymmetric),
        ("m.secret_storage.key.new", described(&key, Value::Null)),
        ("m.secret_storage.key.passphrase", described(&derived, passphrase)),
        (MEGOLM_BACKUP_V1, symmetric("new", &key, MEGOLM_BACKUP_V1, backup_key)),
        (MEGOLM_BACKUP_V1_RECOVERY_KEY, json!({"old": {"passthrough": true}})),
        (CROSS_SIGNING_MASTER, master),
        ("a.symmetric", symmetric("new", &key, "a.symmetric", TOKEN.as_bytes())),
        ("a.wrong.name", symmetric("new", &key, "a.symmetric", TOKEN.as_bytes())),
        ("a.no.text", symmetric("new", &key, "a.no.text", &no_text)),
        ("a.asymmetric", json!({"encrypted": {"old": under_old(TOKEN.as_bytes())}})),
        ("a.asymmetric.no.text", json!({"encrypted": {"old": under_old(&no_text)}})),
        ("a.damaged", json!({"encrypted": {"old": damaged}})),
    ];
    let events = events.into_iter().map(|(event_type, content)| {
        let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
        (EventType::from(event_type), content)
    });
    events.collect()
}

/// The session key in base64 with an escape near its end, at least, so that it is unescaped.
fn escaped_exported_base64(vault: &Vault) -> String {
    let text = vault.exported_base64();
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{}\\u{:04x}", rest.replace('/', "\\/"), u32::from(last.as_bytes()[0]))
}

/// What a server returns for an encrypted session.
fn returned(sealed: &[u8]) -> BackedUpSession {
    let sealed = str::from_utf8(sealed).unwrap();
    let json = format!(
        r#"{{"first_message_index":0,"forwarded_count":0,"is_verified":false,"session_data":{sealed}}}"#
    );
    let json = json.into_bytes();
    BackedUpSession { room_id: "!room".into(), session_id: "session".into(), json }
}

fn with_member(json: &[u8], name: &str, text: &str) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(json).unwrap();
    json[name] = text.into();
    json.to_string().into_bytes()
}

/// An encrypted session with its ciphertext or its code damaged in several ways.
fn damaged(sealed: &[u8]) -> Vec<Vec<u8>> {
    let message: Value = serde_json::from_slice(sealed).unwrap();
    let ciphertext = base64::decode(message["ciphertext"].as_str().unwrap()).unwrap();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut ciphertext = ciphertext.clone();
        change(&mut ciphertext);
        with_member(sealed, "ciphertext", &base64::encode(&ciphertext))
    };
    let last = ciphertext.len() - 1;
    vec![
        changed(&|ciphertext| ciphertext[0] ^= 1),
        changed(&|ciphertext| ciphertext[last] ^= 1),
        changed(&|ciphertext| ciphertext[last - 16] ^= 0x80),
        changed(&|ciphertext| ciphertext.truncate(last)),
        changed(&|ciphertext| ciphertext.truncate(last - 15)),
        changed(&Vec::clear),
        with_member(sealed, "mac", &base64::encode(&[0; 8])),
    ]
}

/// A letter with many accents does not fit into what `unicode-normalization` keeps on the stack.
#[test]
fn a_passphrase_with_many_accents_on_a_letter_leaves_nothing() {
    let accents =
        ["\u{323}", "\u{301}", "\u{302}", "\u{303}", "\u{304}", "\u{306}", "\u{307}", "\u{308}"];
    let typed = format!("a{0}{0}{0}", accents.concat());
    // As two characters stand beside each other, and as one stands before its combining class.
    let word = |character: &str| u32::from(character.chars().next().unwrap()).to_ne_bytes();
    let pairs: Vec<u8> =
        accents.windows(2).flat_map(|pair| [word(pair[0]), word(pair[1])].concat()).collect();
    let classed: Vec<u8> =
        accents[1..].iter().flat_map(|accent| [word(accent), [230, 0, 0, 0]].concat()).collect();
    let secrets: [(_, &[u8]); 3] =
        [("text", typed.as_bytes()), ("characters", &pairs), ("characters with classes", &classed)];
    let freed = freed_with(&secrets, || assert_eq!(candidates(black_box(&typed)).len(), 3));
    assert!(freed.is_empty(), "freed blocks with accents in them: {freed:?}");
}
