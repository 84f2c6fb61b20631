//! Guards what every public type promises: it may be sent to, and shared with, another thread.

#[path = "support/source.rs"]
mod source;

use std::{any::type_name, collections::BTreeSet};

use strongroom::{
    Limits,
    api::{
        AccessToken, AccountDataEvent, ApiError, BaseUrl, BaseUrlError, CreateBackupVersion,
        CrossSigningKey, DeleteBackupVersion, DeleteRoomKeys, DeleteRoomKeysForRoom,
        DeleteRoomKeysForSession, DeviceKeys, ErrorKind, GetAccountData, GetBackupVersion,
        GetCurrentBackupVersion, GetRoomKeys, GetRoomKeysForRoom, GetRoomKeysForSession, GetSync,
        GetWhoAmI, MatrixError, PutAccountData, PutRoomKeys, PutRoomKeysError, PutRoomKeysForRoom,
        PutRoomKeysForSession, QueriedKeyError, QueriedKeys, QueryKeys, RequestError,
        ResponseError, RetryAfter, RoomKeys, SendToDevice, SignatureFailure, StoredRoomKeys,
        SyncResponse, ToDeviceEvent, UnusableKey, UpdateBackupVersion, UploadSignatures,
        UserInteractiveAuth, WhoAmI,
    },
    backup::{
        AuthData, AuthDataError, BackedUpSession, BackupDecryptionKey, BackupPassphraseAttempts,
        BackupPassphraseError, BackupPublicKey, BackupPublicKeyError, BackupVersionInfo,
        BackupVersionInfoError, EncryptedMember, EncryptedSessionData, EncryptedSessionDataError,
        FailedSession, FailureCause, FittingPassphrase, IdProblem, KeyBackupData,
        KeyBackupDataError, KeyBackupMetadata, KeySource, MetadataMember, OpenError, Restore,
        RestoreFilter, RestoreOptions, RestoreProgress, RestoreReport, ReturnedSession,
        RoomKeysItem, RoomKeysSplitter, SealError, SealOptions, SealedSession, SessionSealer,
        SessionToSeal, StreamError, TrustError, TrustReason, TrustedBackup, UnauthenticatedSession,
        UnauthenticatedSessionData, Verdict, WarnedSession, Warning,
    },
    crypto::{
        aes_hmac_sha2::{
            Iv, KeyCheck, KeyCheckError, MacMismatch, SymmetricMac, SymmetricSecret,
            SymmetricSecretError,
        },
        curve25519::{
            Curve25519PublicKey, Curve25519SecretKey, EphemeralSecret, NonContributory,
            SharedSecret,
        },
        curve25519_aes_sha2::{
            BatchSealer, MacScheme, MessageMac, MessageOpenError, OpenedMessage, SealedMessage,
            SealedMessageError,
        },
        ed25519::{Ed25519KeyError, Ed25519PublicKey, Ed25519Seed, Ed25519Signature},
        key_material::{KeyLength, KeyLengthError, KeyMaterial},
        pbkdf2::{Derivation, DerivationProgress, Rounds, RoundsError},
    },
    encoding::{
        base64::Base64Error,
        canonical_json::{JsonError, JsonValue, NotCanonical},
        json_object::{JsonObject, JsonObjectError},
    },
    excerpt::Excerpt,
    homeserver::{
        Homeserver, HomeserverOptions,
        faults::{
            Cut, Exchange, Fault, FaultRule, Faults, OtherDevice, RetryAfter as FaultRetryAfter,
        },
    },
    ids::{
        BackupVersion, DeviceId, EventType, KeyId, RoomId, SecretName, SecretStorageKeyId,
        SessionId, SyncToken, TransactionId, UserId,
    },
    passphrase::{
        DerivedKey, PassphraseAdvice, PassphraseAttempts, PassphraseCandidate, PassphraseFinding,
        PassphraseForm, PassphraseMember, PassphraseParameters, PassphraseParametersError,
        PassphraseProgress, PassphraseScore, PassphraseStep, ReadPassphraseParameters,
        TooFewRounds,
    },
    randomness::NoRandomness,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret::{SecretBytes, SecretString, SecretVec},
    secret_storage::{
        ChangeError, EncryptedSecret, EncryptedSecretError, KeyAlgorithm, KeyDescription,
        KeyDescriptionError, KeyMismatch, KeyStanding, KeyTest, KeyTestError, LegacyPublicKey,
        NewKey, NotVerified, OpenedSecret, Plan, PlanError, PlanNote, PlanStep, SecretEntry,
        SecretEntryError, SecretFailure, SecretOpenError, SecretOrigin, SecretStorage,
        SecretStorageFinding, SecretStorageKey, SecretVerdict, StepReason, TypedAs, Unlock,
        UnlockAttempt, UnlockError, UnlockFailure, UnlockOutcome, Unlocked, VerifiedPublicKeys,
    },
    secret_value::{
        PublicKeyVerdict, PublicKeys, ReadSecretValue, SecretCheckError, SecretContent,
        SecretRepair, SecretShape, SecretValue, SecretValueError,
    },
    session_data::{
        ExportedSession, ExportedSessionError, ReadExportedSession, ReadSessionData, Repair,
        SessionData, SessionDataError, SessionKey, SessionKeyError,
    },
    signed_json::{
        CheckedSignature, SignatureReport, SignatureVerdict, SignedJsonError, SignedObject,
        TrustedSigner,
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
        BaseUrlError,
        CreateBackupVersion,
        ErrorKind,
        GetCurrentBackupVersion,
        GetRoomKeys,
        MatrixError,
        PutRoomKeys,
        PutRoomKeysError,
        RequestError,
        ResponseError,
        RoomKeys,
        StoredRoomKeys,
        AccountDataEvent,
        CrossSigningKey,
        DeviceKeys,
        GetAccountData,
        GetSync,
        GetWhoAmI,
        PutAccountData,
        QueriedKeyError,
        QueriedKeys,
        QueryKeys,
        SendToDevice,
        SignatureFailure,
        SyncResponse,
        ToDeviceEvent,
        UnusableKey,
        UploadSignatures,
        WhoAmI,
        EventType,
        SyncToken,
        TransactionId,
        JsonObject,
        JsonObjectError,
        DeleteBackupVersion,
        DeleteRoomKeys,
        DeleteRoomKeysForRoom,
        DeleteRoomKeysForSession,
        GetBackupVersion,
        GetRoomKeysForRoom,
        GetRoomKeysForSession,
        PutRoomKeysForRoom,
        PutRoomKeysForSession,
        RetryAfter,
        UpdateBackupVersion,
        UserInteractiveAuth,
        // backup
        AuthData,
        AuthDataError,
        BackedUpSession,
        BackupDecryptionKey,
        BackupPassphraseAttempts,
        BackupPassphraseError,
        BackupPublicKey,
        BackupPublicKeyError,
        BackupVersionInfo,
        BackupVersionInfoError,
        EncryptedMember,
        EncryptedSessionData,
        EncryptedSessionDataError,
        FailedSession,
        FailureCause,
        FittingPassphrase,
        IdProblem,
        KeyBackupData,
        KeyBackupDataError,
        KeyBackupMetadata,
        KeySource,
        MetadataMember,
        OpenError,
        Restore,
        RestoreFilter,
        RestoreOptions,
        RestoreProgress,
        RestoreReport,
        ReturnedSession,
        RoomKeysItem,
        RoomKeysSplitter,
        SealError,
        SealOptions,
        SealedSession,
        SessionSealer,
        SessionToSeal<'_>,
        StreamError,
        UnauthenticatedSessionData,
        TrustError,
        TrustReason,
        TrustedBackup,
        UnauthenticatedSession,
        Verdict,
        WarnedSession,
        Warning,
        // crypto
        BatchSealer,
        Curve25519PublicKey,
        Curve25519SecretKey,
        Derivation,
        DerivationProgress,
        Ed25519KeyError,
        Ed25519PublicKey,
        Ed25519Seed,
        Ed25519Signature,
        EphemeralSecret,
        Iv,
        KeyCheck,
        KeyCheckError,
        KeyLength,
        KeyLengthError,
        KeyMaterial,
        MacMismatch,
        MacScheme,
        MessageMac,
        MessageOpenError,
        NonContributory,
        OpenedMessage,
        Rounds,
        RoundsError,
        SealedMessage,
        SealedMessageError,
        SharedSecret,
        SymmetricMac,
        SymmetricSecret,
        SymmetricSecretError,
        // encoding
        Base64Error,
        JsonError,
        JsonValue,
        NotCanonical,
        // homeserver
        Cut,
        Exchange,
        Fault,
        FaultRule,
        Faults,
        Homeserver,
        HomeserverOptions,
        OtherDevice,
        FaultRetryAfter,
        // excerpt, ids, randomness, recovery_key, secret
        BackupVersion,
        DeviceId,
        Excerpt,
        KeyId,
        NoRandomness,
        RecoveryKey,
        RecoveryKeyError,
        RoomId,
        SecretBytes<32>,
        SecretName,
        SecretStorageKeyId,
        SecretString,
        SecretVec,
        SessionId,
        UserId,
        // passphrase
        DerivedKey,
        PassphraseAdvice,
        PassphraseAttempts,
        PassphraseScore,
        PassphraseCandidate,
        PassphraseFinding,
        PassphraseForm,
        PassphraseMember,
        PassphraseParameters,
        PassphraseParametersError,
        PassphraseProgress,
        PassphraseStep,
        ReadPassphraseParameters,
        TooFewRounds,
        // secret_storage
        ChangeError,
        LegacyPublicKey,
        NewKey,
        NotVerified,
        Plan,
        PlanError,
        PlanNote,
        PlanStep,
        StepReason,
        VerifiedPublicKeys,
        EncryptedSecret,
        EncryptedSecretError,
        KeyAlgorithm,
        KeyDescription,
        KeyDescriptionError,
        KeyMismatch,
        KeyStanding,
        KeyTest,
        KeyTestError,
        OpenedSecret,
        SecretEntry,
        SecretEntryError,
        SecretFailure,
        SecretOpenError,
        SecretOrigin,
        SecretStorage,
        SecretStorageFinding,
        SecretStorageKey,
        SecretVerdict,
        TypedAs,
        Unlock<'_>,
        UnlockAttempt,
        UnlockError,
        UnlockFailure,
        UnlockOutcome,
        Unlocked,
        // secret_value
        PublicKeyVerdict,
        PublicKeys,
        ReadSecretValue,
        SecretCheckError,
        SecretContent,
        SecretRepair,
        SecretShape,
        SecretValue,
        SecretValueError,
        // session_data
        ExportedSession,
        ExportedSessionError,
        ReadExportedSession,
        ReadSessionData,
        Repair,
        SessionData,
        SessionDataError,
        SessionKey,
        SessionKeyError,
        // signed_json
        CheckedSignature,
        SignatureReport,
        SignatureVerdict,
        SignedJsonError,
        SignedObject,
        TrustedSigner,
    ]
    .into();
    // It borrows the caller's generator, whatever that is, and does not leave the closure it is given to.
    let within_a_call = BTreeSet::from(["strongroom::secret_storage::change::Change".to_owned()]);
    let declared = source::public_types(&source::read_all());
    let declared = &declared - &within_a_call;
    let missing: Vec<_> = declared.difference(&listed).collect();
    assert!(missing.is_empty(), "public types that the list above does not have: {missing:#?}");
    let unknown: Vec<_> = listed.difference(&declared).collect();
    assert!(unknown.is_empty(), "types that were not found in the source: {unknown:#?}");
}

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
