use strongroom::{
    encoding::json_object::JsonObject,
    secret_sharing::{OwnDevices, Responder, SecretToEncrypt},
};

fn twice(responder: &mut Responder, secret: SecretToEncrypt, devices: &OwnDevices) {
    let _ = responder.encrypted(secret, JsonObject::empty(), devices, 0);
    let _ = responder.encrypted(secret, JsonObject::empty(), devices, 0); //~ E0382 use of moved value: `secret`
}
