//! Secret sharing: both machines pair by pair, hostile and unlucky input, restarts, and every sentence.
#![allow(
    clippy::duplicate_mod,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic, and some run in two ways"
)]

mod answer_table;
mod events;
#[path = "../../examples/support/host/mod.rs"]
mod host;
#[path = "../support/household.rs"]
mod household;
mod kit;
mod machines;
mod olm;
mod produced;
#[cfg(feature = "unstable-msc4385")]
mod pushes;
mod request_table;
mod restart;
mod sentences;
#[path = "../support/source.rs"]
mod source;
mod table;

/// What may happen to machines that live on.
#[path = "."]
mod plainly {
    mod answers;
    mod asking;
    mod cancelling;
    mod holding_off;
    mod receipts;
    mod requests;
    mod sharing;
    mod waiting;

    use strongroom::secret_sharing::SharePolicy;

    use crate::machines::{Laptop, Phone};

    fn requester() -> Phone {
        Phone::plain()
    }

    fn responder() -> Laptop {
        Laptop::plain(SharePolicy::default())
    }

    fn responder_with(policy: SharePolicy) -> Laptop {
        Laptop::plain(policy)
    }
}

/// The same, where they are saved and read back before each call.
#[path = "."]
mod restarted {
    mod answers;
    mod asking;
    mod cancelling;
    mod holding_off;
    mod receipts;
    mod requests;
    mod sharing;
    mod waiting;

    use strongroom::secret_sharing::SharePolicy;

    use crate::machines::{Laptop, Phone};

    fn requester() -> Phone {
        Phone::restarted()
    }

    fn responder() -> Laptop {
        Laptop::restarted(SharePolicy::default())
    }

    fn responder_with(policy: SharePolicy) -> Laptop {
        Laptop::restarted(policy)
    }
}
