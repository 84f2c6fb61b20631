//! What a homeserver has sent neither becomes what is to be signed nor goes back as what was.

use strongroom::{
    api::{self, Request, SignatureFailure},
    signed_json::{DeviceKeys, KeysToSign, SignedObject, ToSign},
};

fn publish(published: SignedObject) -> Request<Vec<SignatureFailure>> {
    api::upload_signatures([published]) //~ E0271 type mismatch resolving `<[SignedObject; 1] as IntoIterator>::Item == SignedKey`
}

fn to_sign(published: DeviceKeys) -> ToSign {
    ToSign::DeviceKeys(published) //~ E0308 expected `KeysToSign`, found `DeviceKeys`
}

fn keys(published: &SignedObject) -> KeysToSign {
    KeysToSign::from_json(published.as_json()) //~ E0599 no function or associated item named `from_json` found for struct `KeysToSign` in the current scope
}
