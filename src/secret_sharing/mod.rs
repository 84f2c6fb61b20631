//! Secret sharing: a new device asks the user's other devices for secrets, and gets them over Olm
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#sharing),
//! [MSC1946](https://github.com/matrix-org/matrix-spec-proposals/pull/1946)).
//!
//! [`Requester`] is the device that asks, [`Responder`] the one that is asked. Neither does I/O: events,
//! [devices](OwnDevices), time and limits go in, and what to send comes out. Olm is the host's.
//!
//! ```text
//! Requester::request ─> OutgoingRequest ─────── in clear ──────> ToDeviceEvent ─> Responder::receive
//!                                                                                   │ Decision::{Share, AskUser}
//!                                                                                   v
//!                                                                Responder::take ─> SecretToEncrypt
//!                                                                                   │ the host's Olm
//!                                                                                   v
//! Requester::receive <─ DecryptedToDevice <─ the host's Olm <─── EncryptedSecretSend <─ Responder::encrypted
//!         │
//!         └─ AcceptedSecret: store it, Requester::stored, send its cancellation
//! ```
//!
//! # What is promised, and against whom
//!
//! **Against the homeserver**, which can make up, drop, repeat, delay and reorder every plain event, and
//! add devices to the account:
//!
//! - A secret leaves the [`Responder`] as a [`SecretToEncrypt`], for one device whose ID and both keys are
//!   those of a device that the host calls verified, and becomes something to send only as an Olm message
//!   to that key. Who wrote the request does not matter: the homeserver can have a secret sent to where it
//!   belongs, and nowhere else.
//! - It cannot answer: an answer is a [`DecryptedToDevice`], and what came in clear has another type.
//! - It can keep devices from hearing of each other. Then requests expire, and nothing worse happens.
//!
//! **Against other users**: they neither ask nor answer.
//!
//! **Against devices of the same account that are not the user's**: a stolen password logs a device in,
//! with its own keys and a name of its choice. While nobody verified it, it gets nothing
//! ([`DeviceProblem::Unverified`]), and nothing is taken from it. Nor from or to one that is blocked,
//! dehydrated, deleted, another one of the same ID, or this device itself. All this is looked at when a
//! request comes, when the secret is taken, and again when it is encrypted.
//!
//! **Against a verified device that errs or was taken over**: it can send only what was asked of *it*, while
//! the request is open, and only what belongs to the public key where the host knows one. What it sends
//! is reported with a [reason](RequesterError) and does not end the request, so the right answer of another
//! device still arrives. It gets the secrets that the [`SharePolicy`] allows, so many in ten minutes: the
//! default asks the user for each.
//!
//! **Against time**: requests expire and are answered once. Both machines can be saved after every call and
//! go on after a restart; a late or second answer, a cancellation that overtook its request, and a
//! clock that jumps back do no harm.
//!
//! What is *not* promised: that [`OwnDevices`] is true. It is the host's word, to be built from
//! verified signatures and never from an answer of `keys/query` alone. Nor that a secret whose public key
//! nobody knows is the account's: such an answer is kept, and accepted on the word of its device only by
//! [`Requester::accept_unproven`], or at once if its name has no public key at all.
//!
#![cfg_attr(
    feature = "unstable-msc4385",
    doc = "**Pushed secrets** ([MSC4385](https://github.com/matrix-org/matrix-spec-proposals/pull/4385)): [`SecretPushes`] takes a secret that nobody asked for, from a verified device, only if it belongs to its public key."
)]
//!
//! # Example
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     backup::BackupDecryptionKey,
//!     crypto::ed25519::Ed25519Seed,
//!     ids::DeviceId,
//!     secret::SecretBytes,
//!     secret_sharing::{
//!         Decision, DeviceIdentity, OwnDevice, OwnDevices, ToDeviceEvent, Requester,
//!         Responder, SECRET_REQUEST, SharePolicy,
//!     },
//!     secret_value::MEGOLM_BACKUP_V1,
//! };
//!
//! # fn identity(id: &str, byte: u8) -> DeviceIdentity {
//! #     let secret = SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
//! #     DeviceIdentity {
//! #         device_id: id.into(),
//! #         curve25519: *BackupDecryptionKey::from_bytes(secret.clone()).public_key().as_curve25519(),
//! #         ed25519: Ed25519Seed::from_bytes(secret).public_key(),
//! #     }
//! # }
//! let (phone, laptop) = (identity("PHONE", 1), identity("LAPTOP", 2));
//! let verified = |identity: &DeviceIdentity| OwnDevice {
//!     identity: identity.clone(),
//!     verified: true,
//!     blocked: false,
//!     dehydrated: false,
//! };
//!
//! // The phone asks.
//! let seen = OwnDevices::new("@a:b.org".into(), phone.clone()).with_device(verified(&laptop));
//! let mut requester =
//!     Requester::new("@a:b.org".into(), "PHONE".into());
//! let request = requester.request(MEGOLM_BACKUP_V1.into(), None, &seen, 0)?;
//! assert_eq!(request.device_ids(), [DeviceId::from("LAPTOP")]);
//!
//! // The laptop asks its user.
//! let event = ToDeviceEvent {
//!     sender: "@a:b.org".into(),
//!     event_type: SECRET_REQUEST.into(),
//!     content: request.content(),
//! };
//! let seen = OwnDevices::new("@a:b.org".into(), laptop).with_device(verified(&phone));
//! let mut responder =
//!     Responder::new("@a:b.org".into(), "LAPTOP".into(), SharePolicy::default());
//! let decision = responder.receive(&event, &seen, &Limits::default(), 0);
//! let Decision::AskUser(incoming) = decision else { unreachable!("the default asks") };
//! assert_eq!(incoming.device, phone);
//! responder.allow(&incoming, 1_000)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod olm_payload;
mod outgoing;
mod own_devices;
#[cfg(feature = "unstable-msc4385")]
pub(crate) mod pushes;
mod requester;
mod responder;
mod saved;
mod secret_request;
mod secret_send;
mod to_device;

#[cfg(feature = "unstable-msc4385")]
pub use self::pushes::{PushedSecret, SECRET_PUSH, SECRET_PUSH_UNSTABLE, SecretPushes};
pub(crate) use self::secret_send::SecretSend;
pub use self::{
    outgoing::OutgoingRequest,
    own_devices::{DeviceIdentity, DeviceProblem, OwnDevice, OwnDevices},
    requester::{
        AcceptedSecret, DroppedAnswer, EndedRequest, Receipt, RequestState, Requester,
        RequesterError,
    },
    responder::{
        AnswerState, Decision, EncryptedSecretSend, IncomingRequest, Responder, ResponderError,
        SECRET_REQUEST, SecretToEncrypt, SharePolicy, ShareRule,
    },
    secret_request::SecretRequest,
    secret_send::SECRET_SEND,
    to_device::{DecryptedToDevice, ToDeviceEvent},
};
