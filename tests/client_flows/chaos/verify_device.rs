//! A device is made trusted on a network that fails at random, by a host that crashes.

use strongroom::{Limits, client::flow::VerifyDevice};

use super::{
    added::{Life, restored},
    seeds,
};
use crate::identity::{Identity, own_device, publish_device};

#[test]
fn whatever_happens_the_device_is_verified_in_the_end() {
    for seed in seeds() {
        let (mut life, machine) = Life::new(seed);
        let identity = Identity::new(1);
        publish_device(&mut life.host.homeserver);
        identity.publish(&mut life.host.homeserver);
        let done = life.run(|_| {
            let (backup, limits) = (restored(&machine), Limits::default());
            VerifyDevice::new(backup, own_device(), None, identity.seeds(), limits)
        });
        let done = done.unwrap_or_else(|error| panic!("{life}: {error:?}"));
        assert_eq!((done.master_key, done.refused), (identity.master_key(), None), "{life}");
        assert_eq!(identity.sees(&mut life.host.homeserver), (true, true), "{life}");
        assert!(life.host.requests.len() < 60, "{life}: too many requests");
    }
}
