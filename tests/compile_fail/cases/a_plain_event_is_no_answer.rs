use strongroom::{
    Limits,
    secret_sharing::{OwnDevices, ToDeviceEvent, Requester},
    secret_value::PublicKeys,
};

fn receive(requester: &mut Requester, event: &ToDeviceEvent, devices: &OwnDevices) {
    requester.receive(event, devices, &PublicKeys::default(), &Limits::default(), 0); //~ E0308 expected `&DecryptedToDevice`, found `&ToDeviceEvent`
}
