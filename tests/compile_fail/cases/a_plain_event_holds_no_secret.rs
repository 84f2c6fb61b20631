use strongroom::{
    Limits,
    secret_sharing::{ToDeviceEvent, SecretSend},
};

fn read(event: &ToDeviceEvent) {
    let _ = SecretSend::read(event, &Limits::default()); //~ E0308 expected `&DecryptedToDevice`, found `&ToDeviceEvent`
}
