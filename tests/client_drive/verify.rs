//! A bot makes itself trusted with nothing but the recovery key: the code of the guide.

use std::error::Error;

use strongroom::{
    Limits,
    client::{
        Backup, FlowHost, drive,
        flow::{DeviceVerified, Recover, SetUp, VerifyDevice},
    },
    cross_signing::ExpectedDevice,
    secret_storage::{NewKey, SecretVerdict, VerifiedPublicKeys},
};

use crate::{
    asynchronous::{Slow, to_its_end as to_its_async_end},
    blocking::to_its_end,
    host::{Failed, TestHost},
    identity::{Identity, own_device, publish_device},
};

// guide begin
/// `device` is what the bot's own Olm account says; the device has published its keys.
fn verify_itself<H: FlowHost<Error: Error + 'static>>(
    bot: &mut H,
    machine: Backup,
    device: ExpectedDevice,
) -> Result<DeviceVerified, Box<dyn Error>> {
    let (nobody, limits) = (VerifiedPublicKeys::none(device.user_id().clone()), Limits::default());
    let mut flow = Recover::new(machine, nobody, limits);
    let recovered = drive(&mut flow, bot)?.ok_or("the host has left")?;
    let secrets = recovered.secrets.iter().filter_map(SecretVerdict::value);
    let mut flow = VerifyDevice::new(recovered.backup, device, None, secrets, limits);
    Ok(drive(&mut flow, bot)?.ok_or("the host has left")??)
}
// guide end

/// An account with an identity in its secret storage, and a device of it that nobody has verified.
fn account() -> (TestHost, Identity) {
    let (mut phone, identity) = (TestHost::new(), Identity::new(1));
    publish_device(&mut phone.homeserver);
    identity.publish(&mut phone.homeserver);
    let (key, limits) = (NewKey::generate(None).unwrap(), Limits::default());
    let mut flow = SetUp::bootstrap(phone.backup(), key, identity.seeds(), limits);
    to_its_end(&mut flow, &mut phone).unwrap();
    phone.calls.clear();
    (phone, identity)
}

fn verification(phone: &TestHost, identity: &Identity) -> VerifyDevice {
    let (backup, limits) = (phone.backup(), Limits::default());
    VerifyDevice::new(backup, own_device(), None, identity.seeds(), limits)
}

#[test]
fn a_bot_that_has_its_recovery_key_verifies_itself() {
    let (mut phone, identity) = account();
    assert_eq!(identity.sees(&mut phone.homeserver), (false, false));
    let machine = phone.backup();
    let done = verify_itself(&mut phone, machine, own_device()).unwrap();
    assert_eq!(done.master_key, identity.master_key());
    assert!(done.backup.trusted().is_some());
    assert_eq!(identity.sees(&mut phone.homeserver), (true, true));
}

#[test]
fn a_host_that_fails_to_sign_is_asked_again() {
    let (mut phone, identity) = account();
    phone.failure = Some(("sign", 0));
    let mut flow = verification(&phone, &identity);
    assert_eq!(drive(&mut flow, &mut phone).unwrap_err(), Failed::OnPurpose);
    assert_eq!(identity.sees(&mut phone.homeserver), (false, false));
    assert!(drive(&mut flow, &mut phone).unwrap().unwrap().is_ok());
    let calls: Vec<_> = phone.calls.iter().filter(|call| **call == "sign").collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(identity.sees(&mut phone.homeserver), (true, true));
}

#[test]
fn a_verification_that_is_dropped_again_and_again_comes_to_the_same() {
    for patience in 1..40 {
        let (phone, identity) = account();
        let mut phone = Slow(phone);
        let mut flow = verification(&phone.0, &identity);
        let done = to_its_async_end(&mut flow, &mut phone, patience);
        assert!(done.is_ok(), "{patience}: {done:?}");
        assert_eq!(identity.sees(&mut phone.0.homeserver), (true, true), "{patience}");
    }
}
