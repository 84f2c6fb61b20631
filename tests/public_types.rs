//! Guards what every public type promises: it may be sent to, and shared with, another thread.

#[path = "support/source.rs"]
mod source;

use std::{
    any::type_name,
    collections::{BTreeMap, BTreeSet},
};

use strongroom::{
    Limits,
    api::{
        AccessToken, ApiError, BaseUrl, OwnKeys, PutRoomKeys, PutRoomKeysError, QueriedKeys,
        Request, RequestError, RetryAfter, RoomKeys, SignatureFailure, StoredRoomKeys,
        SyncResponse, UserInteractiveAuth,
    },
    backup::{
        AuthData, Authenticity, BackedUpSession, BackupDecryptionKey, BackupPassphraseAttempts,
        BackupPublicKey, BackupVersionInfo, EncryptedSessionData, FailedSession, FailureCause,
        FittingPassphrase, KeyBackupData, KeyBackupMetadata, OpenError, Restore, RestoreOptions,
        RestoreProgress, RestoreReport, RestoredSession, RoomKeysItem, RoomKeysSplitter,
        SealOptions, SealedSession, SessionSealer, StreamError, TrustError, TrustReason,
        TrustedBackup, UnsignedAuthData, Warning,
    },
    client::{
        Awaited, KeyKind, Notice, RequestFailure, RequestKind, Waiting,
        backup::{
            AnswerError, Backup, BackupOptions, FoundBackup, KeyFit, Next, NotStored,
            OfferedSession, Operation, Question, Reply, SavedBackup, Scope, Stage, TaskId,
            UploadProgress,
        },
        diagnose::{
            Comparison, Diagnose, Diagnosis, DiagnosisVerdict, Evidence, EvidenceCollector,
            Finding, MissingEvidence, Remedy, RepairError, RepairParts, RepairPlan, Severity,
            ShareableFinding,
        },
        flow::{
            DeviceVerified, EnterError, FlowError, Recover, Recovered, SavedFlow, SetUp, SetUpDone,
            ShareIn, SharedIn, Step, TurnOff, TurnedOff, VerifyDevice,
        },
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
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
        json_object::JsonObject,
        read::Read,
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
    key_export::{
        EncryptedKeyFile, KeyFile, KeyFileAttempts, KeyFileError, KeyFileReport, KeyFileSessions,
        NewKeyFile, WrittenKeyFile,
    },
    passphrase::{PassphraseError, PassphraseForm, PassphraseParameters, PassphraseProgress},
    provenance::Provenance,
    randomness::NoRandomness,
    recovery_key::{RecoveryKey, RecoveryKeyError, TypingMistake},
    saved_files::{SavedFileError, SavedFiles, SavedPart},
    saved_state::{SavedStateError, StateKey},
    secret::{SecretBytes, SecretString, SecretVec},
    secret_sharing::{
        AcceptedSecret, AnswerState, Decision, DecryptedToDevice, DeviceIdentity, DeviceProblem,
        DroppedAnswer, EncryptedSecretSend, EndedRequest, IncomingRequest, OutgoingRequest,
        OwnDevice, OwnDevices, Receipt, RequestState, Requester, RequesterError, Responder,
        ResponderError, SecretRequest, SecretToEncrypt, SharePolicy, ShareRule, ToDeviceEvent,
    },
    secret_storage::{
        ChangeError, EncryptedSecret, EntryKind, KeyDescription, KeyStanding, NewKey, NotVerified,
        OpenedSecret, Plan, PlanNote, PlanStep, SecretOpenError, SecretOrigin, SecretStorage,
        SecretStorageFinding, SecretStorageKey, SecretVerdict, Unlock, UnlockAttempt, UnlockError,
        UnlockFailure, UnlockOutcome, Unlocked, VerifiedPublicKeys,
    },
    secret_value::{PublicKeys, SecretCheckError, SecretRepair, SecretValue},
    secrets_bundle::{SecretsBundle, SecretsBundleError},
    session_data::{
        BestCopies, ExportedSession, Repair, SessionData, SessionDataError, SessionKey,
    },
    signed_json::{
        BackupAuthDataToSign, CrossSigningKey, CrossSigningUsage, DeviceKeys, KeysToSign,
        SignatureReport, SignatureVerdict, SignedObject, ToSign, TrustedSigner,
    },
};

/// The names of types, all of which are `Send` and `Sync`: others do not compile.
macro_rules! send_and_sync {
    ($($name:ty),* $(,)?) => {
        [$(name_of::<$name>()),*]
    };
}

#[test]
fn every_public_type_is_send_and_sync() {
    let listed: BTreeSet<_> = send_and_sync![
        Limits,
        // api
        AccessToken,
        ApiError,
        BaseUrl,
        PutRoomKeys,
        PutRoomKeysError,
        Request<()>,
        RequestError,
        RoomKeys,
        StoredRoomKeys,
        CrossSigningKey,
        DeviceKeys,
        OwnKeys,
        QueriedKeys,
        SignatureFailure,
        SyncResponse,
        ToDeviceEvent,
        EventType,
        JsonObject,
        RetryAfter,
        UserInteractiveAuth,
        // backup
        AuthData,
        BackedUpSession,
        BackupDecryptionKey,
        BackupPassphraseAttempts,
        BackupPublicKey,
        BackupVersionInfo,
        EncryptedSessionData,
        FailedSession,
        Authenticity,
        FailureCause,
        FittingPassphrase,
        KeyBackupData,
        KeyBackupMetadata,
        Provenance,
        OpenError,
        Restore,
        RestoreOptions,
        RestoreProgress,
        RestoreReport,
        RoomKeysItem,
        RoomKeysSplitter,
        SealOptions,
        SealedSession,
        SessionSealer,
        StreamError,
        TrustError,
        TrustReason,
        TrustedBackup,
        RestoredSession,
        Warning,
        // client
        Backup,
        BackupOptions,
        TaskId,
        FoundBackup,
        KeyFit,
        UnsignedAuthData,
        Next,
        NotStored,
        OfferedSession,
        Operation,
        Awaited,
        RequestFailure,
        RequestKind,
        Waiting,
        AnswerError,
        Notice<'_>,
        UploadProgress,
        Question,
        Reply,
        SavedBackup,
        Scope,
        Stage,
        KeyKind,
        Comparison,
        DiagnosisVerdict,
        MissingEvidence,
        Diagnose<'_>,
        Diagnosis,
        Evidence,
        BackupKeys,
        KeySource,
        RescueTable,
        VersionWalk,
        EvidenceCollector,
        Finding,
        Remedy,
        RepairError,
        RepairPlan,
        RepairParts,
        Severity,
        ShareableFinding,
        EnterError,
        FlowError,
        Recover,
        Recovered,
        SavedFlow,
        SetUp,
        SetUpDone,
        ShareIn,
        SharedIn,
        Step<SetUp>,
        TurnOff,
        TurnedOff,
        DeviceVerified,
        VerifyDevice,
        // cross_signing
        ExpectedDevice,
        NewIdentity,
        SelfSigningKey,
        CrossSigningError,
        SignedKey,
        // crypto
        Curve25519PublicKey,
        Ed25519PublicKey,
        Ed25519Seed,
        Ed25519Signature,
        KeyMaterial,
        MacScheme,
        // encoding
        FormatError,
        FormatProblem,
        JsonValue,
        // homeserver
        Exchange,
        Fault,
        FaultRule,
        Faults,
        Homeserver,
        HomeserverOptions,
        // excerpt, ids, randomness, recovery_key, secret
        BackupVersion,
        DeviceId,
        Excerpt,
        KeyId,
        NoRandomness,
        RecoveryKey,
        TypingMistake,
        RecoveryKeyError,
        RoomId,
        SecretBytes<32>,
        SecretName,
        SecretStorageKeyId,
        SecretString,
        SecretVec,
        SessionId,
        UserId,
        // key_export
        EncryptedKeyFile<()>,
        KeyFile<()>,
        KeyFileAttempts<()>,
        KeyFileError,
        KeyFileReport,
        KeyFileSessions<()>,
        NewKeyFile,
        WrittenKeyFile,
        // passphrase
        PassphraseForm,
        PassphraseParameters,
        PassphraseError,
        PassphraseProgress,
        Read<PassphraseParameters, FormatProblem>,
        // secret_sharing
        AcceptedSecret,
        AnswerState,
        Decision,
        DecryptedToDevice,
        DeviceIdentity,
        DeviceProblem,
        DroppedAnswer,
        EncryptedSecretSend,
        EndedRequest,
        IncomingRequest,
        OutgoingRequest,
        OwnDevice,
        OwnDevices,
        Receipt,
        RequestState,
        Requester,
        RequesterError,
        ResponderError,
        Responder,
        SavedFileError,
        SavedFiles,
        SavedPart,
        SavedStateError,
        StateKey,
        SecretRequest,
        SecretToEncrypt,
        SharePolicy,
        ShareRule,
        RequestId,
        // secret_storage
        ChangeError,
        NewKey,
        NotVerified,
        Plan,
        PlanNote,
        PlanStep,
        VerifiedPublicKeys,
        EncryptedSecret,
        EntryKind,
        KeyDescription,
        KeyStanding,
        OpenedSecret,
        SecretOpenError,
        SecretOrigin,
        SecretStorage,
        SecretStorageFinding,
        SecretStorageKey,
        SecretVerdict,
        Unlock<'_>,
        UnlockAttempt,
        UnlockError,
        UnlockFailure,
        UnlockOutcome,
        Unlocked,
        // secret_value
        PublicKeys,
        SecretCheckError,
        SecretRepair,
        SecretValue,
        // secrets_bundle
        SecretsBundle,
        SecretsBundleError,
        // session_data
        BestCopies,
        ExportedSession,
        Repair,
        SessionData,
        SessionDataError,
        SessionKey,
        // signed_json
        KeysToSign,
        CrossSigningUsage,
        BackupAuthDataToSign,
        ToSign,
        SignatureReport,
        SignatureVerdict,
        SignedObject,
        TrustedSigner,
    ]
    .into();
    // It borrows the caller's generator, whatever that is, and does not leave the closure it is given to.
    let within_a_call = BTreeSet::from(["strongroom::secret_storage::change::Change".to_owned()]);
    let declared = source::public_types(&source::read_all());
    let declared = &declared - &within_a_call;
    #[cfg(feature = "zxcvbn")]
    let listed = &listed | &of_zxcvbn();
    #[cfg(feature = "unstable-msc4385")]
    let listed = &listed | &of_pushes();
    let missing: Vec<_> = declared.difference(&listed).collect();
    assert!(missing.is_empty(), "public types that the list above does not have: {missing:#?}");
    let unknown: Vec<_> = listed.difference(&declared).collect();
    assert!(unknown.is_empty(), "types that were not found in the source: {unknown:#?}");
    assert!(declared.len() <= MOST, "{} public types", declared.len());
}

/// How many public types there are, those of the features in use included, but for that of a closure's argument. One more is
/// one more to know for everybody: join it with another, or keep it private.
const MOST: usize = 222
    + if cfg!(feature = "homeserver") { 6 } else { 0 }
    + if cfg!(feature = "zxcvbn") { 2 } else { 0 }
    + if cfg!(feature = "unstable-msc4385") { 2 } else { 0 };

#[cfg(feature = "unstable-msc4385")]
fn of_pushes() -> BTreeSet<String> {
    use strongroom::secret_sharing::{PushedSecret, SecretPushes};
    send_and_sync![PushedSecret, SecretPushes].into()
}

#[cfg(feature = "zxcvbn")]
fn of_zxcvbn() -> BTreeSet<String> {
    use strongroom::passphrase::{PassphraseAdvice, PassphraseScore};
    send_and_sync![PassphraseAdvice, PassphraseScore].into()
}

/// With the wrong import of two that compile, a secret would stand where nobody looks for it.
#[test]
fn no_name_means_two_things() {
    let sources = source::read_all();
    let mut named = BTreeMap::<_, Vec<_>>::new();
    for path in source::public_types(&sources).into_iter().chain(source::public_values(&sources)) {
        let name = path.rsplit("::").next().unwrap().to_owned();
        named.entry(name).or_default().push(path);
    }
    assert!(named.len() > 200, "{}", named.len());
    named.retain(|_, paths| paths.len() > 1);
    let same = SAME.iter().map(|(name, paths)| {
        let paths = paths.iter().map(|path| format!("strongroom::{path}::{name}"));
        ((*name).to_owned(), paths.collect())
    });
    assert_eq!(named, same.collect());
}

/// The functions that share a name, since they do the same: each pair for secret and for public bytes in base64. Their types differ, so that the wrong import does not compile.
const SAME: [(&str, [&str; 2]); 3] = [
    ("decode", ["encoding::base64", "encoding::secret_base64"]),
    ("decode_array", ["encoding::base64", "encoding::secret_base64"]),
    ("encode", ["encoding::base64", "encoding::secret_base64"]),
];

#[test]
fn a_public_type_is_found_wherever_it_is_declared() {
    let text = "
        pub struct A; pub enum B<T> { X(T) } struct C; pub(crate) struct D; pub(super) enum E {}
        pub mod inner { pub struct F; }
        #[cfg(test)] mod tests { pub struct G; }
        fn f() { struct H; }
        macro_rules! id { ($(#[$doc:meta])* $name:ident) => { pub struct $name(String); }; }
        id! { /// Doc.
            I }
        not_id! { J }";
    let found = source::public_types(&[source::Source::new("src/a/b.rs", text)]);
    let expected = ["A", "B", "I", "inner::F"].map(|name| format!("strongroom::a::b::{name}"));
    assert_eq!(found, expected.into());
}

/// The name of a type without its parameters.
fn name_of<T: Send + Sync>() -> String {
    type_name::<T>().split('<').next().unwrap_or_default().to_owned()
}
