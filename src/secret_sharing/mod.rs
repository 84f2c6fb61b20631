//! Secret sharing: a new device asks the user's other devices for secrets, and gets them over Olm.

mod clock;
mod olm_payload;
mod outgoing;
mod own_devices;
mod requester;
mod responder;
mod saved;
mod secret_request;
mod secret_send;
mod to_device;

pub use self::{
    olm_payload::OlmPayloadError,
    outgoing::OutgoingRequest,
    own_devices::{DeviceIdentity, DeviceProblem, OwnDevice, OwnDevices},
    requester::{
        AcceptedSecret, ClosedBy, DropReason, DroppedAnswer, EndedRequest, Receipt, Recipients,
        RequestState, RequestStateError, Requester, RequesterError, RequesterOptions,
        SavedRequester,
    },
    responder::{
        AnswerState, AnswerStateError, Decision, EncryptedSecretSend, IgnoreReason,
        IncomingRequest, Responder, SECRET_REQUEST, SecretToEncrypt, ShareError, SharePolicy,
        ShareRule,
    },
    saved::RestoreError,
    secret_request::{
        ReadSecretRequest, SecretRequest, SecretRequestAction, SecretRequestError,
        SecretRequestRepair, UnknownAction,
    },
    secret_send::{SECRET_SEND, SecretSend, SecretSendError},
    to_device::{DecryptedToDevice, PlainToDevice},
};
