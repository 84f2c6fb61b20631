//! What a homeserver has sent neither becomes what is to be signed nor goes back as what was.

use strongroom::{
    api::{self, Request, SignatureFailure},
    signed_json::{DeviceKeys, SignedObject, ToSign},
};

fn publish(published: SignedObject) -> Request<Vec<SignatureFailure>> {
    api::upload_signatures([published]) //~ E0271 type mismatch resolving `<[SignedObject; 1] as IntoIterator>::Item == SignedKey`
}

fn to_sign(published: DeviceKeys) -> ToSign {
    ToSign(published) //~ E0423 cannot initialize a tuple struct which contains private fields
}

fn keys(published: DeviceKeys) -> ToSign {
    ToSign::device_keys(published) //~ E0624 associated function `device_keys` is private
}
