//! No secret shows in any `Debug`, `Display` or error, in whatever form bytes are printed.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

#[path = "../support/asserted.rs"]
mod asserted;
mod client;
mod diagnose;
mod flow;
#[path = "../support/identity.rs"]
mod identity;
mod key_export;
#[path = "../support/primitives.rs"]
mod primitives;
mod secret_sharing;
#[path = "../support/source.rs"]
mod source;
#[path = "../support/vault.rs"]
mod vault;

use std::{
    any::type_name,
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::{Debug, Display},
    mem,
};

use asserted::StoreText as _;
use primitives::{
    Part,
    aes_hmac_sha2::{self, KeyCheck},
    curve25519_aes_sha2::{SealedMessage, seal_with_rng},
};
use serde_json::json;
use strongroom::{
    Limits,
    api::{
        self, AccessToken, ApiError, BaseUrl, OwnKeys, PutRoomKeys, PutRoomKeysError, QueriedKeys,
        RequestError, RetryAfter, RoomKeys, SignatureFailure, StoredRoomKeys, SyncResponse,
        UserInteractiveAuth,
    },
    backup::{
        AuthData, Authenticity, BackedUpSession, BackupDecryptionKey, BackupPassphraseAttempts,
        BackupPublicKey, BackupVersionInfo, EncryptedSessionData, FailedSession, FailureCause,
        FittingPassphrase, KeyBackupData, KeyBackupMetadata, OpenError, Restore, RestoreOptions,
        RestoreProgress, RestoreReport, RoomKeysItem, RoomKeysSplitter, SealOptions, SessionSealer,
        StreamError, TrustError, TrustReason, TrustedBackup, UnsignedAuthData, Warning,
    },
    client::{
        Awaited, Notice, RequestFailure, RequestKind, Waiting,
        backup::{
            AnswerError, BackupOptions, FoundBackup, KeyFit, NotStored, Reply, Scope, Stage,
            TaskId, UploadProgress,
        },
        diagnose::{Comparison, DiagnosisVerdict, EvidenceCollector, MissingEvidence, Severity},
        rescue::{BackupKeys, KeySource, RescueTable, VersionWalk},
    },
    cross_signing::{CrossSigningError, ExpectedDevice, NewIdentity, SelfSigningKey, SignedKey},
    crypto::{
        curve25519::Curve25519PublicKey,
        curve25519_aes_sha2::MacScheme,
        ed25519::{Ed25519PublicKey, Ed25519Seed, Ed25519Signature},
        key_material::KeyMaterial,
    },
    encoding::{
        base58, base64,
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
        json_object::JsonObject,
        read::Read,
        secret_base64,
    },
    excerpt::Excerpt,
    homeserver::{
        Homeserver, HomeserverOptions,
        faults::{Exchange, Fault, FaultRule, Faults},
    },
    ids::{
        BackupVersion, DeviceId, EventType, KeyId, RequestId, RoomId, SecretName,
        SecretStorageKeyId, SessionId, UserId,
    },
    passphrase::{
        PassphraseError, PassphraseForm, PassphraseParameters, PassphraseProgress, candidates,
    },
    provenance::Provenance,
    randomness::NoRandomness,
    recovery_key::RecoveryKey,
    saved_files::{SavedFiles, SavedPart},
    saved_state::{SavedStateError, StateKey},
    secret::{SecretString, SecretVec},
    secret_sharing::{
        AnswerState, Decision, DeviceIdentity, DeviceProblem, IncomingRequest, OutgoingRequest,
        OwnDevice, OwnDevices, RequestState, Responder, SecretRequest, SharePolicy, ShareRule,
        ToDeviceEvent,
    },
    secret_storage::{
        Change, ChangeError, EncryptedSecret, EntryKind, KeyDescription, KeyStanding, NewKey,
        NotVerified, OpenedSecret, Plan, PlanStep, SecretOpenError, SecretOrigin, SecretStorage,
        SecretStorageFinding, SecretStorageKey, SecretVerdict, Unlock, UnlockAttempt, UnlockError,
        UnlockFailure, UnlockOutcome, Unlocked, VerifiedPublicKeys,
    },
    secret_value::{
        CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, PublicKeys, SecretCheckError, SecretRepair,
        SecretValue,
    },
    secrets_bundle::SecretsBundle,
    session_data::{BestCopies, ExportedSession, Repair, SessionData, SessionKey},
    signed_json::{
        BackupAuthDataToSign, CrossSigningKey, CrossSigningUsage, DeviceKeys, KeysToSign,
        SignatureReport, SignatureVerdict, SignedObject, ToSign, TrustedSigner,
    },
};
use vault::{
    EPHEMERAL, FixedRng, KEY, TOKEN, UNKNOWN_MEMBER, Vault, decryption_key, recovery_key, secret,
};

/// Looks for secrets in what is printed, and remembers the types it has looked at.
struct Witness {
    /// What must not be printed, without white space.
    needles: BTreeSet<String>,
    looked_at: BTreeSet<String>,
}

impl Witness {
    /// Knows the secrets of a vault.
    fn new(vault: &Vault) -> Self {
        let mut witness = Self { needles: BTreeSet::new(), looked_at: BTreeSet::new() };
        witness.add_bytes(&KEY);
        witness.add_bytes(&EPHEMERAL);
        witness.add_bytes(vault.ratchet());
        witness.add_text(&vault.ratchet_base64());
        witness.add_text(&vault.recovery_key);
        witness.add_text(UNKNOWN_MEMBER);
        witness.add_text(TOKEN);
        witness
    }

    /// Knows secret bytes: as base64 wherever they may stand in it, hexadecimal, base58, and a list.
    fn add_bytes(&mut self, bytes: &[u8]) {
        for shift in 0..3 {
            let text = base64::encode(&bytes[shift..]);
            let url_safe = text.replace('+', "-").replace('/', "_");
            for text in [text, url_safe] {
                self.needles.extend(pieces(&text[..text.len() / 4 * 4], 8));
            }
        }
        self.needles.extend(pieces(base58::encode_vartime(bytes).expose_str(), 8));
        // Fewer than eight in a list occur by chance, in the body of a request for one.
        for bytes in bytes.windows(8).step_by(4) {
            let list = |format: fn(&u8) -> String| bytes.iter().map(format).collect::<Vec<_>>();
            self.needles.insert(list(|byte| format!("{byte:02x}")).concat());
            self.needles.insert(list(|byte| format!("{byte:02X}")).concat());
            self.needles.insert(list(u8::to_string).join(","));
            self.needles.insert(list(|byte| format!("0x{byte:02x}")).join(","));
        }
    }

    /// Knows a secret text, also as bytes.
    fn add_text(&mut self, text: &str) {
        let text: String = text.split_whitespace().collect();
        self.needles.extend(pieces(&text, 8));
        self.add_bytes(text.as_bytes());
    }

    #[track_caller]
    fn debug<T: Debug>(&mut self, value: &T) {
        self.looked_at.insert(name_of::<T>());
        self.text(&format!("{value:?}"));
        self.text(&format!("{value:#?}"));
    }

    #[track_caller]
    fn display<T: Display + Debug>(&mut self, value: &T) {
        self.text(&value.to_string());
        self.debug(value);
    }

    #[track_caller]
    fn error<E: Error>(&mut self, error: E) {
        self.display(&error);
        // Its sentence says all of it, and whoever prints the sources prints nothing twice.
        assert!(error.source().is_none(), "{error}");
    }

    #[track_caller]
    fn text(&self, printed: &str) {
        let found = self.found_in(printed);
        assert!(found.is_none(), "{found:?} is part of a secret, and printed in: {printed}");
    }

    fn found_in(&self, printed: &str) -> Option<&String> {
        let printed: String = printed.split_whitespace().collect();
        self.needles.iter().find(|needle| printed.contains(needle.as_str()))
    }
}

/// The pieces of an ASCII text, at every fourth character.
fn pieces(text: &str, length: usize) -> impl Iterator<Item = String> {
    let windows = text.as_bytes().windows(length).step_by(4);
    windows.map(|piece| String::from_utf8(piece.to_vec()).unwrap())
}

/// The name of a type without its parameters.
fn name_of<T>() -> String {
    type_name::<T>().split('<').next().unwrap_or_default().to_owned()
}

/// The types that hold no secret and are not made from one. What they hold is public: sealed, or
/// known to the server in any case.
macro_rules! names_of {
    ($($name:ty),* $(,)?) => {
        [$(name_of::<$name>()),*]
    };
}

fn hold_no_secret() -> BTreeSet<String> {
    names_of![
        FormatProblem,
        // Facts about findings.
        Comparison,
        DiagnosisVerdict,
        EvidenceCollector,
        MissingEvidence,
        Severity,
        VersionWalk,
        // Input and answers of a server.
        ApiError,
        BackupVersionInfo,
        BaseUrl,
        RoomKeysItem,
        RoomKeysSplitter,
        StreamError,
        RoomKeys,
        StoredRoomKeys,
        CrossSigningKey,
        DeviceKeys,
        OwnKeys,
        QueriedKeys,
        SignatureFailure,
        EventType,
        RetryAfter,
        PassphraseParameters,
        // What a test asks of the in-memory homeserver.
        Fault,
        FaultRule,
        Faults,
        HomeserverOptions,
        // Names, flags, numbers.
        BackupVersion,
        DeviceId,
        Excerpt,
        Authenticity,
        FailureCause,
        KeyBackupMetadata,
        KeyId,
        Provenance,
        Limits,
        MacScheme,
        PassphraseForm,
        PassphraseProgress,
        Repair,
        RestoreOptions,
        RestoreProgress,
        RoomId,
        SealOptions,
        KeyStanding,
        SecretName,
        SecretOrigin,
        SecretRepair,
        SecretStorageKeyId,
        SessionId,
        UserId,
        Warning,
        // What the server knows of the secret storage, in whose account data it stands.
        EntryKind,
        KeyDescription,
        SecretStorageFinding,
        // What is written to that account data, and why.
        NotVerified,
        VerifiedPublicKeys,
        // Plain events, and what is said about devices and requests.
        AnswerState,
        Decision,
        DeviceIdentity,
        DeviceProblem,
        IncomingRequest,
        OutgoingRequest,
        OwnDevice,
        OwnDevices,
        RequestId,
        RequestState,
        Responder,
        SavedStateError,
        StateKey,
        SecretRequest,
        SharePolicy,
        ShareRule,
        // What a machine says of a backup, and is told of it.
        TaskId,
        FoundBackup,
        KeyFit,
        CrossSigningUsage,
        BackupAuthDataToSign,
        ToSign,
        UnsignedAuthData,
        NotStored,
        Awaited,
        RequestFailure,
        RequestKind,
        AnswerError,
        Notice<'_>,
        UploadProgress,
        Waiting,
        BackupOptions,
        Reply,
        Scope,
        Stage,
        // Public keys, signatures and codes.
        PublicKeys,
        Ed25519PublicKey,
        Ed25519Signature,
        SignatureReport,
        SignatureVerdict,
        TrustedSigner,
        // Signed, so public.
        ExpectedDevice,
        KeysToSign,
        CrossSigningError,
        SignedKey,
        JsonValue,
        SignedObject,
    ]
    .into()
}

#[test]
fn every_public_type_is_looked_at_or_holds_no_secret() {
    let vault = Vault::new();
    let mut witness = Witness::new(&vault);
    for look in [
        look_at_containers,
        look_at_keys,
        look_at_recovery_keys,
        look_at_sessions,
        look_at_sealed_sessions,
        look_at_opened_sessions,
        look_at_requests,
        look_at_symmetric_secrets,
        look_at_attempts,
        look_at_secret_values,
        look_at_cross_signing,
        look_at_secret_storage,
        look_at_unlocking,
        look_at_plans,
        look_at_saved_files,
        secret_sharing::look,
        client::look,
        diagnose::look,
        flow::look,
        key_export::look,
    ] {
        look(&mut witness, &vault);
    }
    let public = source::public_types(&source::read_all());
    let listed = &witness.looked_at | &hold_no_secret();
    #[cfg(feature = "zxcvbn")]
    let listed = &listed | &["strongroom::passphrase::advice::PassphraseScore".to_owned()].into();
    let forgotten: Vec<_> = public.difference(&listed).collect();
    assert!(forgotten.is_empty(), "neither looked at nor without secrets: {forgotten:#?}");
    let both: Vec<_> = hold_no_secret().intersection(&witness.looked_at).cloned().collect();
    assert!(both.is_empty(), "looked at, so not to be listed as without secrets: {both:#?}");
}

#[test]
fn the_witness_finds_a_secret_in_every_form() {
    let vault = Vault::new();
    let witness = Witness::new(&vault);
    for printed in [
        String::from_utf8_lossy(TOKEN.as_bytes()).into_owned(),
        format!("{KEY:?}"),
        format!("{KEY:#?}"),
        format!("{KEY:02x?}").replace(", ", ""),
        format!("{:?}", &vault.exported[20..60]),
        format!("..{}..", vault.key_base64),
        base64::encode(&vault.exported),
        base64::encode(&vault.exported[1..]),
        base64::encode(&vault.exported[2..]),
        vault.recovery_key.clone(),
        format!("{:#?}", vault.recovery_key.replace(' ', "")),
        base58::encode_vartime(&KEY).expose_str().to_owned(),
        format!("{:?}", Some(UNKNOWN_MEMBER)),
        vault.session_json(),
    ] {
        assert!(witness.found_in(&printed).is_some(), "{printed}");
    }
    assert_eq!(witness.found_in("nothing at all"), None);
}

#[test]
fn containers_do_not_print_what_they_hold() {
    run(look_at_containers);
}

fn look_at_containers(witness: &mut Witness, vault: &Vault) {
    witness.debug(&secret(&KEY));
    witness.debug(&SecretVec::from(vault.exported.as_slice()));
    witness.debug(&SecretString::from(vault.recovery_key.as_str()));
    witness.debug(&secret_base64::encode(&KEY));
    witness.debug(&AccessToken::from(TOKEN));
    for text in vault.malformed_keys() {
        if let Err(error) = secret_base64::decode(&text) {
            witness.error(error);
        }
        witness.error(secret_base64::decode_array::<32>(&text).unwrap_err());
    }
}

#[test]
fn keys_do_not_print_their_secret_half() {
    run(look_at_keys);
}

fn look_at_keys(witness: &mut Witness, vault: &Vault) {
    let key = BackupDecryptionKey::from_bytes(secret(&KEY));
    witness.debug(&key);
    witness.display(key.public_key().as_curve25519());
    let low_order = Curve25519PublicKey::from_bytes([0; 32]);
    witness.error::<FormatError>(BackupPublicKey::new(low_order).unwrap_err());

    witness.debug(&decryption_key());
    witness.debug::<BackupPublicKey>(decryption_key().public_key());
    for text in vault.malformed_keys() {
        let read = BackupDecryptionKey::from_base64(&text);
        witness.error(read.unwrap_err());
    }
}

#[test]
fn recovery_keys_and_their_errors_hold_no_piece_of_what_was_typed() {
    run(look_at_recovery_keys);
}

fn look_at_recovery_keys(witness: &mut Witness, vault: &Vault) {
    witness.debug(&recovery_key());
    let typed = vault.recovery_key.get(1..).unwrap();
    for (key, mistake) in RecoveryKey::repair_typed(typed, |key| *key == recovery_key()) {
        witness.debug(&key);
        witness.text(&mistake.to_string());
        witness.debug(&mistake);
    }
    let mut messages = BTreeSet::new();
    for text in vault.malformed_recovery_keys() {
        let error = RecoveryKey::parse(&text).unwrap_err();
        witness.error(error);
        let printed = format!("{error} {error:?} {error:#?}");
        let typed: Vec<_> = text.chars().filter(|character| !character.is_whitespace()).collect();
        for piece in typed.windows(4) {
            let piece: String = piece.iter().collect();
            assert!(!printed.contains(&piece), "{piece} was typed and is printed in: {printed}");
        }
        messages.insert(error.to_string());
    }
    assert!(messages.len() > 4, "{messages:?}");
}

#[test]
fn sessions_and_their_errors_do_not_print_the_session_key() {
    run(look_at_sessions);
}

fn look_at_sessions(witness: &mut Witness, vault: &Vault) {
    witness.debug(vault.session().session_key());
    witness.debug(&vault.session());
    let json = vault.session_json();
    witness.debug(&SessionData::from_json(json.as_bytes()).unwrap());
    let read = ExportedSession::from_json(json.as_bytes()).unwrap();
    witness.debug(&read);
    witness.debug(&read.value);

    for text in vault.malformed_sessions() {
        witness.error(SessionData::from_json(text.as_bytes()).unwrap_err());
        witness.error(ExportedSession::from_json(text.as_bytes()).unwrap_err());
    }
    for length in 0..vault.shared.len() {
        witness.error(SessionKey::from_bytes(&vault.shared[..length]).unwrap_err());
        witness
            .error(SessionKey::from_base64(&base64::encode(&vault.shared[..length])).unwrap_err());
    }
    for index in 0..vault.exported_base64().len() {
        let mut text = vault.exported_base64();
        text.replace_range(index..=index, "!");
        witness.error(SessionKey::from_base64(&text).unwrap_err());
    }
}

#[test]
fn saved_files_do_not_print_what_they_hold() {
    run(look_at_saved_files);
}

fn look_at_saved_files(witness: &mut Witness, vault: &Vault) {
    let (key, session, limits) = (&vault.recovery_key, vault.session_json(), Limits::default());
    let everything = format!(
        r#"{{"account_data":{{"a":{{"b":"{TOKEN}"}}}},"exported_room_keys":[{session},{{"session_key":"{TOKEN}"}}],
            "recovery_key":"{key}","passphrase":"{TOKEN}","room_keys":{{"rooms":{{"{TOKEN}":{{}}}}}}}}"#
    );
    let seed = &vault.key_base64;
    let bundle = format!(
        r#"{{"cross_signing":{{"master_key":"{seed}","self_signing_key":"{seed}","user_signing_key":"{seed}"}},
            "backup":{{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","key":"{seed}","backup_version":"{TOKEN}"}}}}"#
    );
    let mut saved = SavedFiles::default();
    for file in [&everything, &bundle, &format!("-----BEGIN MEGOLM SESSION DATA-----{TOKEN}")] {
        saved.read(file.as_bytes(), &limits).unwrap();
    }
    saved.parts().iter().for_each(|part| witness.debug(part));
    witness.debug(&saved);
    let read = SecretsBundle::read(bundle.as_bytes(), &limits).unwrap();
    witness.debug(&read);
    let user_id = UserId::from("@a:b.org");
    witness.error(read.verify(&VerifiedPublicKeys::none(user_id)).unwrap_err());
    for member in ["master_key", "algorithm", "key", "backup_version"] {
        for other in [format!("\"{TOKEN}\""), format!("[\"{TOKEN}\"]")] {
            let broken =
                bundle.replace(&format!("\"{member}\":"), &format!("\"{member}\":{other},\"x\":"));
            if let Err(error) = SecretsBundle::read(broken.as_bytes(), &limits) {
                witness.error(error);
            }
        }
    }
    let refused = SavedPart::read_all(br#"{"errcode":"M_UNKNOWN"}"#, &limits).unwrap();
    let [SavedPart::Refused(refusal)] = refused.as_slice() else { panic!("{refused:?}") };
    witness.debug(refusal);
    let version = format!(r#"{{"backup_info":{{"auth_data":"{TOKEN}"}}}}"#);
    let list = format!(r#"["{TOKEN}"]"#);
    for file in [key, &everything[..everything.len() - 1], &list, &version, &format!("{key}\0")] {
        witness.error(SavedPart::read_all(file.as_bytes(), &limits).unwrap_err());
    }
}

#[test]
fn sealed_sessions_do_not_print_what_was_sealed() {
    run(look_at_sealed_sessions);
}

fn look_at_sealed_sessions(witness: &mut Witness, vault: &Vault) {
    let backup = trusted_backup();
    let mut rng = FixedRng(EPHEMERAL);
    let (room, options) = (RoomId::from("!room"), SealOptions::default());
    let sealed = backup.seal_with_rng(room, &vault.session(), &options, &mut rng).unwrap();
    witness.debug(&sealed);
    witness.debug(&SessionSealer::new(&backup));
    witness.debug::<KeyBackupData>(sealed.data());
    witness.debug::<EncryptedSessionData>(sealed.data().session_data());
    witness.debug(&backup);
    witness.debug::<TrustReason>(backup.reason());
    witness.debug(&AuthData::new(backup.public_key()));
    witness.error(NoRandomness);

    let other = BackupDecryptionKey::generate().unwrap();
    let error: TrustError =
        TrustedBackup::by_decryption_key(&version_info(), &other, &[]).unwrap_err();
    witness.error(error);
    let info = version_info_of(other.public_key());
    let error = TrustedBackup::by_decryption_key(&info, &decryption_key(), &[]).unwrap_err();
    witness.error(error);
    let other = TrustedBackup::by_decryption_key(&info, &other, &[]).unwrap();
    let error: PutRoomKeysError = PutRoomKeys::new(&other, [sealed]).unwrap_err();
    witness.error(error);
}

#[test]
fn opened_sessions_and_their_errors_do_not_print_what_was_sealed() {
    run(look_at_opened_sessions);
}

fn look_at_opened_sessions(witness: &mut Witness, vault: &Vault) {
    let key = decryption_key();
    let sealed = seal(vault.session_json().as_bytes());
    witness.debug(&key.open(&encrypted(&sealed)).unwrap());
    witness.debug(&returned(&sealed));
    witness.debug(&key.open_session(&returned(&sealed)).unwrap());

    look_at_restore(witness, &sealed);
    look_at_rescue(witness, vault);

    let mut causes = BTreeSet::new();
    let mut errors = |sealed: &SealedMessage| {
        let error: OpenError = key.open(&encrypted(sealed)).unwrap_err();
        causes.insert(error.cause());
        witness.error(error);
        witness.error(key.open_session(&returned(sealed)).unwrap_err());
    };
    for text in vault.malformed_sessions() {
        errors(&seal(text.as_bytes()));
    }
    for at in (0..sealed.ciphertext.0.len()).step_by(15) {
        let mut damaged = sealed.clone();
        damaged.ciphertext.0.truncate(at);
        errors(&damaged);
    }
    errors(&SealedMessage { mac: Part(vec![0; 8]), ..sealed.clone() });
    errors(&SealedMessage { ephemeral: Part(vec![0; 32]), ..sealed });
    assert_eq!(causes.len(), 4, "{causes:?}");
}

/// All keys at hand, and what comes of them.
fn look_at_rescue(witness: &mut Witness, vault: &Vault) {
    let mut keys = BackupKeys::new(&Limits::default());
    let storage = SecretStorage::default();
    keys.add_typed(&vault.recovery_key, &storage, &[&version_info()]).unwrap();
    witness.debug::<BackupKeys>(&keys);
    for (_, source) in keys.iter() {
        witness.display::<KeySource>(source);
    }
    let restore = keys.restore(None, RestoreOptions::default()).unwrap();
    witness.debug(&restore);
    let mut table = RescueTable::new(&keys);
    table.add(Some(&version_info()), &restore.finish().1, 0);
    witness.display::<RescueTable>(&table);
    witness.text(&serde_json::to_string(&table).unwrap());
    let mut best = BestCopies::default();
    best.see(0, &ExportedSession { room_id: "!room".into(), session: vault.session() });
    witness.debug::<BestCopies>(&best);
}

/// A session that is restored with a warning, and one that fails.
fn look_at_restore(witness: &mut Witness, sealed: &SealedMessage) {
    let json = String::from_utf8(returned(sealed).json).unwrap();
    let mut body =
        &*format!(r#"{{"rooms":{{"!room":{{"sessions":{{"good":{json},"bad":null}}}}}}}}"#)
            .into_bytes();
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let mut restore = Restore::new(decryption_key(), options, &limits);
    assert!(restore.next_batch(&mut body).is_none());
    witness.debug(&restore);
    let (verdicts, report) = restore.finish();
    assert_eq!((report.restored(), report.failed()), (1, 1));
    for verdict in &verdicts {
        witness.debug(verdict);
    }
    witness.display::<RestoreReport>(&report);
    witness.text(&serde_json::to_string(&report).unwrap());
    witness.debug(&report.warnings()[0]);
    witness.debug::<FailedSession>(&report.failures()[0]);
}

#[test]
fn requests_do_not_print_the_access_token() {
    run(look_at_requests);
}

fn look_at_requests(witness: &mut Witness, vault: &Vault) {
    let backup = trusted_backup();
    let create = api::create_backup_version(&AuthData::new(backup.public_key()));
    look_at_request(witness, &create);
    let options = SealOptions::default();
    let sealed = backup.seal("!room".into(), &vault.session(), &options).unwrap();
    let put = PutRoomKeys::new(&backup, [sealed]).unwrap();
    look_at_request(witness, &put.request());
    let sealed = put.clone().into_sessions().remove(0);
    let put_one = PutRoomKeys::for_session(&backup, sealed.clone()).unwrap();
    look_at_request(witness, &put_one.request());
    witness.debug(&put_one);
    let put_room = PutRoomKeys::for_room(&backup, "!room".into(), [sealed.clone()]).unwrap();
    look_at_request(witness, &put_room.request());
    witness.debug(&put_room);
    let error = PutRoomKeys::for_room(&backup, "!other".into(), [sealed]).unwrap_err();
    witness.error(error);
    let update = api::update_backup_version(&"1".into(), &AuthData::new(backup.public_key()));
    look_at_request(witness, &update);
    witness.debug(&update);
    look_at_user_interactive_auth(witness);
    look_at_contents(witness);
    look_at_request(witness, &api::get_current_backup_version());
    look_at_request(witness, &api::get_room_keys(&"1".into()));
    witness.debug(&create);
    witness.debug(&put);

    let mut homeserver = Homeserver::new();
    homeserver.log_in_with_token("@alice:example.org", "PHONE", TOKEN);
    homeserver.add_user("@alice:example.org", TOKEN);
    witness.debug(&homeserver);
    // The response to a login holds a token.
    let response = http::Response::new(format!(r#"{{"access_token":"{TOKEN}"}}"#).into_bytes());
    witness.debug(&Exchange::Answered { response, delay_ms: 0 });
}

/// What events hold is not printed, whatever it is: nobody knows what a client put there.
fn look_at_contents(witness: &mut Witness) {
    let content = JsonObject::from_json(format!(r#"{{"x":"{TOKEN}"}}"#).as_bytes()).unwrap();
    witness.debug(&content);
    let put = api::put_account_data(&"@a".into(), &"m.a".into(), &content);
    witness.debug(&put);
    look_at_request(witness, &api::delete_account_data(&"@a".into(), &"m.a".into()));
    let get = api::get_account_data(&"@a".into(), &"m.a".into());
    look_at_request(witness, &get);
    witness.debug(&get);
    let send = api::send_encrypted("1", [("@a".into(), "*".into(), content)]);
    witness.debug(&send);
    look_at_request(witness, &api::send_encrypted("1", []));
    let event =
        format!(r#"{{"type":"m.a","sender":"@a","content":{{"x":"{TOKEN}"}},"y":"{TOKEN}"}}"#);
    let body = format!(
        r#"{{"next_batch":"1","account_data":{{"events":[{event}]}},"to_device":{{"events":[{event}]}}}}"#
    );
    let sync = api::get_sync().read_response(&http::Response::new(body), &Limits::default());
    let sync: SyncResponse = sync.unwrap();
    witness.debug(&sync);
    witness.debug(&sync.account_data[0]);
    witness.debug::<ToDeviceEvent>(&sync.to_device[0]);
}

/// The session of an authentication is as good as the user's password.
fn look_at_user_interactive_auth(witness: &mut Witness) {
    let body = format!(
        r#"{{"flows":[{{"stages":["m.login.password"]}}],"session":"{TOKEN}","params":{{"x":"{TOKEN}"}}}}"#
    );
    let response = http::Response::builder().status(401).body(body).unwrap();
    let error =
        api::get_current_backup_version().read_response(&response, &Limits::default()).unwrap_err();
    let ApiError::UserInteractiveAuth(auth) = &error else { panic!("{error:?}") };
    assert_eq!(auth.expose_session(), Some(TOKEN));
    witness.debug::<UserInteractiveAuth>(auth);
    witness.text(&format!("{error} {error:?} {error:#?}"));
}

#[track_caller]
fn look_at_request(witness: &mut Witness, endpoint: &api::Request<impl Sized>) {
    let base_url = BaseUrl::new("https://example.org").unwrap();
    let request = endpoint.to_http(&base_url, &AccessToken::from(TOKEN)).unwrap();
    assert_eq!(request.headers()["authorization"], format!("Bearer {TOKEN}"));
    witness.debug(&request);
    let broken = AccessToken::from(format!("{TOKEN}\n").as_str());
    let error: RequestError = endpoint.to_http(&base_url, &broken).unwrap_err();
    witness.error(error);
}

#[test]
fn symmetric_secrets_and_derived_keys_are_not_printed() {
    run(look_at_symmetric_secrets);
}

fn look_at_symmetric_secrets(witness: &mut Witness, _vault: &Vault) {
    let key = KeyMaterial::from(&secret(&KEY));
    witness.debug(&key);
    witness.debug(&Ed25519Seed::from_bytes(secret(&KEY)));

    let parameters = PassphraseParameters::from_parts(3, "salt", None, &Limits::default());
    let derived = parameters.unwrap().value.derive(TOKEN);
    witness.add_bytes(derived.expose_bytes());
    witness.debug(&derived);
    for candidate in candidates(&format!("{TOKEN}\u{e9}")) {
        witness.debug(&candidate.1);
    }
}

#[test]
fn attempts_with_a_passphrase_print_neither_it_nor_the_keys() {
    run(look_at_attempts);
}

fn look_at_attempts(witness: &mut Witness, _vault: &Vault) {
    let (typed, limits) = (format!("{TOKEN}\u{e9}"), Limits::default());
    let parameters = PassphraseParameters::from_parts(3, "salt", None, &limits).unwrap().value;
    let forms = candidates(&typed).into_iter();
    let mut keys: Vec<_> = forms.map(|(_, text)| parameters.derive(text.expose_str())).collect();
    for key in &keys {
        witness.add_bytes(key.expose_bytes());
        witness.debug(key);
    }

    let last = keys.pop().unwrap().expose_bytes().try_into().unwrap();
    let key = BackupDecryptionKey::typed_by_user(secret(&last));
    let public_key = key.public_key();
    let json = format!(
        r#"{{"public_key":"{public_key}","private_key_salt":"salt","private_key_iterations":3}}"#
    );
    let auth_data = AuthData::from_json(&json, &limits).unwrap();
    let mut attempts = BackupPassphraseAttempts::new(&auth_data, &typed).unwrap();
    let fitting: FittingPassphrase = loop {
        witness.debug(&attempts);
        if let Some(fitting) = attempts.advance(1).unwrap() {
            break fitting;
        }
    };
    witness.debug(&fitting);
    let error: PassphraseError =
        BackupDecryptionKey::from_passphrase(&auth_data, TOKEN).unwrap_err();
    witness.error(error);
}

#[test]
fn stored_secrets_and_their_errors_do_not_print_what_was_stored() {
    run(look_at_secret_values);
}

fn look_at_secret_values(witness: &mut Witness, vault: &Vault) {
    let numbers = KEY.map(|byte| byte.to_string()).join(",");
    for (name, stored) in [
        (MEGOLM_BACKUP_V1, vault.key_base64.as_str()),
        (MEGOLM_BACKUP_V1, numbers.as_str()),
        (CROSS_SIGNING_MASTER, vault.key_base64.as_str()),
        ("m.dehydrated_device", vault.key_base64.as_str()),
        ("org.example", TOKEN),
    ] {
        let read = SecretValue::read(&name.into(), stored.as_bytes()).unwrap();
        witness.debug::<Read<SecretValue, SecretRepair>>(&read);
        witness.debug::<SecretValue>(&read.value);
        let other = Curve25519PublicKey::from_bytes([9; 32]);
        let error: SecretCheckError = read.value.check_backup_key(&other).unwrap_err();
        witness.error(error);
    }
    let broken_numbers = [numbers.replace(',', ", "), format!("{numbers},1")];
    for text in vault.malformed_keys().iter().chain(&broken_numbers) {
        for name in [MEGOLM_BACKUP_V1, CROSS_SIGNING_MASTER] {
            for stored in [text.as_bytes(), &[text.as_bytes(), b"\xff"].concat()] {
                let error: FormatError = SecretValue::read(&name.into(), stored).unwrap_err();
                witness.error(error);
            }
        }
    }
}

#[test]
fn no_cross_signing_key_prints_its_seed() {
    run(look_at_cross_signing);
}

fn look_at_cross_signing(witness: &mut Witness, _: &Vault) {
    let identity = NewIdentity::replacing_old_identity("@a:b".into()).unwrap();
    for secret in identity.secrets() {
        let seed = secret.cross_signing_seed().unwrap();
        witness.add_bytes(seed.as_secret().expose_bytes());
    }
    witness.debug::<NewIdentity>(&identity);
    witness.debug::<SelfSigningKey>(&identity.self_signing_key());
    let upload = api::upload_signing_keys(&identity);
    assert!(witness.found_in(str::from_utf8(upload.body()).unwrap()).is_none());
    let upload = api::upload_signing_keys_with_password(&identity, &TOKEN.into(), None);
    witness.debug(&upload);
    let auth = SecretString::from(format!(r#"{{"token":"{TOKEN}"}}"#).as_str());
    witness.debug(&api::upload_signing_keys_with_auth(&identity, &auth).unwrap());
}

#[test]
fn secret_storage_and_its_errors_do_not_print_what_is_stored() {
    run(look_at_secret_storage);
}

fn look_at_secret_storage(witness: &mut Witness, vault: &Vault) {
    let storage = secret_storage(vault);
    witness.debug::<SecretStorage>(&storage);
    let (mut failures, mut opened) = (BTreeSet::new(), 0);
    for (_, secret) in storage.secrets() {
        witness.debug::<EncryptedSecret>(secret);
    }
    let mut public_keys = PublicKeys::default();
    for other in [None, Some(Curve25519PublicKey::from_bytes([9; 32]))] {
        public_keys.backup = other;
        for bytes in [KEY, EPHEMERAL] {
            let material = KeyMaterial::from(&secret(&bytes));
            let accepted = storage.keys().map(|key| key.accept(&material));
            let (keys, errors): (Vec<_>, Vec<_>) = accepted.partition(Result::is_ok);
            for error in errors {
                witness.error(error.unwrap_err());
            }
            let mut keys: Vec<SecretStorageKey> = keys.into_iter().map(Result::unwrap).collect();
            for verdict in storage.open_all(&mut keys, &public_keys) {
                witness.debug::<SecretVerdict>(&verdict);
                match verdict.outcome {
                    Ok(secret) => {
                        witness.debug::<OpenedSecret>(&secret);
                        opened += 1;
                    }
                    Err(SecretOpenError::Keys(reasons)) => {
                        for (_, reason) in &reasons {
                            witness.error::<SecretOpenError>(reason.clone());
                            failures.insert(reason.to_string());
                        }
                        witness.error(SecretOpenError::Keys(reasons));
                    }
                    Err(other) => witness.error(other),
                }
            }
            keys.iter().for_each(|key| witness.debug(key));
        }
    }
    assert!(opened > 3, "{opened}");
    assert!(failures.len() > 4, "{failures:?}");
}

#[test]
fn unlocking_prints_neither_what_was_typed_nor_the_keys() {
    run(look_at_unlocking);
}

fn look_at_unlocking(witness: &mut Witness, vault: &Vault) {
    let (storage, empty, limits) = (secret_storage(vault), storage_of(&[]), Limits::default());
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(decryption_key().public_key().as_curve25519().canonical());
    let long = format!("{TOKEN}\u{e9}");
    // One for each kind of error.
    let malformed = vault.malformed_recovery_keys().into_iter();
    let by_kind: BTreeMap<_, _> = malformed
        .map(|text| (mem::discriminant(&RecoveryKey::parse(&text).unwrap_err()), text))
        .map(|(kind, text)| (format!("{kind:?}"), text))
        .collect();
    let mut typed: Vec<_> = by_kind.into_values().collect();
    typed.extend([vault.recovery_key.clone(), TOKEN.to_owned(), long]);
    let (mut fitted, mut reasons) = (0, BTreeSet::new());
    for (typed, storage) in typed.iter().flat_map(|typed| [(typed, &storage), (typed, &empty)]) {
        let mut unlock = storage.start_unlock(typed, &public_keys, &limits);
        let mut is_finished = false;
        while !is_finished {
            witness.debug::<Unlock<'_>>(&unlock);
            is_finished = unlock.advance(1);
        }
        let attempts = match unlock.finish() {
            Ok(unlocked) => {
                witness.debug::<Unlocked>(&unlocked);
                fitted += 1;
                unlocked.attempts
            }
            Err(error) => {
                reasons.insert(error.to_string());
                // Nothing is encrypted with the passphrase's key.
                fitted += u32::from(matches!(error.reason, UnlockFailure::OlderKey { .. }));
                witness.error::<UnlockFailure>(error.reason.clone());
                witness.error::<UnlockError>(error.clone());
                witness.error(strongroom::client::flow::EnterError::NotUnlocked(Box::new(
                    error.clone(),
                )));
                error.attempts
            }
        };
        for attempt in attempts {
            witness.debug::<UnlockAttempt>(&attempt);
            witness.error::<UnlockOutcome>(attempt.outcome);
        }
    }
    assert_eq!(fitted, 2, "the recovery key and the passphrase");
    assert!(reasons.len() > 4, "{reasons:?}");
}

/// Keys of all kinds that are [`KEY`], one that comes from [`TOKEN`], and secrets of all kinds under
/// them, the broken ones included.
#[test]
fn plans_print_neither_the_keys_nor_what_is_stored() {
    run(look_at_plans);
}

fn look_at_plans(witness: &mut Witness, vault: &Vault) {
    let new_key = NewKey::generate_with_rng(Some("mine"), &mut FixedRng(KEY));
    witness.debug::<NewKey>(&new_key);
    #[cfg(feature = "zxcvbn")]
    {
        let advice = strongroom::passphrase::advise(&vault.recovery_key, &[]);
        witness.debug::<strongroom::passphrase::PassphraseAdvice>(&advice);
    }
    let storage = secret_storage(vault);
    let material = KeyMaterial::from(&secret(&EPHEMERAL));
    let mut keys: Vec<_> = storage.keys().filter_map(|key| key.accept(&material).ok()).collect();
    keys.extend(
        storage.keys().filter_map(|key| key.accept(&KeyMaterial::from(&secret(&KEY))).ok()),
    );
    let mut rng = FixedRng(EPHEMERAL);
    let plan = storage.plan_with_rng(&keys, &Limits::default(), &mut rng, |change| {
        change.create(&new_key)?;
        change.store_text(&"org.example.new".into(), UNKNOWN_MEMBER)?;
        let text = vault.key_base64.as_str();
        change.store_text_under(&MEGOLM_BACKUP_V1.into(), text, &[new_key.id().clone()])?;
        witness.debug::<Change<'_>>(change);
        Ok(())
    });
    let plan = plan.unwrap();
    witness.debug::<Plan>(&plan);
    witness.display(&plan);
    assert!(plan.steps().len() > 3);
    for step in plan.steps() {
        witness.debug::<PlanStep>(step);
        witness.display(&step.reason);
    }
    let refused = [
        storage.plan(&keys, &Limits::default(), |c| {
            c.store_text(&MEGOLM_BACKUP_V1.into(), UNKNOWN_MEMBER)
        }),
        storage.plan(&keys, &Limits::default(), |c| c.remove_key(&"nobody's".into())),
        storage.plan(&[], &Limits::default(), |c| c.rotate(&"old".into(), &new_key)),
    ];
    for error in refused.into_iter().filter_map(Result::err) {
        witness.error::<ChangeError>(error);
    }
}

fn secret_storage(vault: &Vault) -> SecretStorage {
    let key = KeyMaterial::from(&secret(&KEY));
    let parameters = json!({"algorithm": "m.pbkdf2", "salt": "salt", "iterations": 3});
    let read = PassphraseParameters::from_parts(3, "salt", None, &Limits::default());
    let derived = read.unwrap().value.derive(TOKEN);
    let described = |key: &KeyMaterial| {
        let KeyCheck { iv, mac, .. } = KeyCheck::new(key);
        let (iv, mac) = (iv.to_base64(), mac.to_base64());
        json!({"algorithm": "m.secret_storage.v1.aes-hmac-sha2", "iv": iv, "mac": mac})
    };
    let mut with_passphrase = described(&derived);
    with_passphrase["passphrase"] = parameters;
    let public_key = decryption_key().public_key().to_base64();
    let asymmetric =
        json!({"algorithm": "m.secret_storage.v1.curve25519-aes-sha2", "pubkey": public_key});
    let symmetric = |name: &str, bytes: &[u8]| {
        let secret = aes_hmac_sha2::seal(&key, name, bytes);
        let ciphertext = base64::encode(&secret.ciphertext);
        json!({"iv": secret.iv.to_base64(), "ciphertext": ciphertext, "mac": secret.mac.to_base64()})
    };
    let sealed = seal(TOKEN.as_bytes());
    let sealed = sealed.to_value();
    let no_text = [TOKEN.as_bytes(), b"\xff"].concat();
    let mut damaged = sealed.clone();
    damaged["ciphertext"] = json!(base64::encode(&[7; 32]));
    let under = |id: &str, entry: serde_json::Value| json!({"encrypted": {id: entry}});
    let backup_key = vault.key_base64.as_bytes();
    storage_of(&[
        ("m.secret_storage.key.old", asymmetric),
        ("m.secret_storage.key.new", described(&key)),
        ("m.secret_storage.key.passphrase", with_passphrase),
        ("m.secret_storage.key.unknown", json!({"algorithm": "m.future"})),
        (MEGOLM_BACKUP_V1, under("new", symmetric(MEGOLM_BACKUP_V1, backup_key))),
        (CROSS_SIGNING_MASTER, under("old", json!({"passthrough": true}))),
        ("m.megolm_backup.v1.recovery_key", under("old", json!({"passthrough": true}))),
        ("org.example.asymmetric", under("old", sealed.clone())),
        (
            "org.example.symmetric",
            under("new", symmetric("org.example.symmetric", TOKEN.as_bytes())),
        ),
        ("org.example.other_name", under("new", symmetric("org.example", TOKEN.as_bytes()))),
        ("org.example.no_text", under("new", symmetric("org.example.no_text", &no_text))),
        ("org.example.other_algorithm", under("new", sealed)),
        ("org.example.damaged", under("old", damaged)),
    ])
}

fn storage_of(events: &[(&str, serde_json::Value)]) -> SecretStorage {
    let events = events.iter().map(|(event_type, content)| {
        let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
        (EventType::from(*event_type), content)
    });
    let events: Vec<_> = events.collect();
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    SecretStorage::from_account_data(events, &Limits::default())
}

fn run(look: fn(&mut Witness, &Vault)) {
    let vault = Vault::new();
    let mut witness = Witness::new(&vault);
    look(&mut witness, &vault);
    assert!(!witness.looked_at.is_empty());
}

/// Seals a plaintext to [`KEY`].
fn seal(plaintext: &[u8]) -> SealedMessage {
    let public = *decryption_key().public_key().as_curve25519();
    seal_with_rng(&public, plaintext, MacScheme::EmptyString, &mut FixedRng(EPHEMERAL))
}

fn encrypted(sealed: &SealedMessage) -> EncryptedSessionData {
    EncryptedSessionData::from_json(&sealed.to_json()).unwrap()
}

/// What a server returns for an encrypted session.
fn returned(sealed: &SealedMessage) -> BackedUpSession {
    let sealed = sealed.to_json();
    let json = format!(r#"{{"session_data":{}}}"#, str::from_utf8(&sealed).unwrap());
    let json = json.into_bytes();
    BackedUpSession { room_id: "!room".into(), session_id: "session".into(), json }
}

/// The backup of [`KEY`].
fn trusted_backup() -> TrustedBackup {
    TrustedBackup::by_decryption_key(&version_info(), &decryption_key(), &[]).unwrap()
}

fn version_info() -> BackupVersionInfo {
    version_info_of(decryption_key().public_key())
}

fn version_info_of(public_key: &BackupPublicKey) -> BackupVersionInfo {
    let text = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{{"public_key":"{public_key}"}}}}"#
    );
    BackupVersionInfo::from_json(text.as_bytes(), &Limits::default()).unwrap()
}
