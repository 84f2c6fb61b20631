use strongroom::{
    Limits,
    secret_sharing::{PlainToDevice, SecretSend},
};

fn read(event: &PlainToDevice) {
    let _ = SecretSend::read(event, &Limits::default()); //~ E0308 expected `&DecryptedToDevice`, found `&PlainToDevice`
}
