//! What the homeserver keeps, apart from who is logged in.

use std::collections::BTreeMap;

use super::{
    account_data::AccountData,
    filters::Filters,
    keys::{DeviceKeys, Identity},
    logins::Caller,
    refusal::Refusal,
    room_keys::Backups,
    rooms::Rooms,
    to_device::{Inbox, Transactions},
};
use crate::{
    ids::{DeviceId, UserId},
    secret::SecretString,
};

/// All users, and the position of the stream that `/sync` reads.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) accounts: BTreeMap<UserId, Account>,
    /// How many changes there were that `/sync` tells of.
    pub(super) position: u64,
}

/// What is kept of one user, one field per topic.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) password: Option<SecretString>,
    pub(super) backups: Backups,
    pub(super) account_data: AccountData,
    pub(super) filters: Filters,
    pub(super) rooms: Rooms,
    pub(super) identity: Identity,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    /// When public keys of the user or of a device changed last.
    pub(super) keys_changed: u64,
}

/// What is kept of one device.
#[derive(Clone, Default)]
pub(super) struct Device {
    /// What people call it; everybody who asks for its keys sees it.
    pub(super) display_name: Option<String>,
    pub(super) inbox: Inbox,
    pub(super) keys: DeviceKeys,
    pub(super) transactions: Transactions,
}

impl State {
    /// The position of a change that happens now.
    pub(super) fn advance(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    /// The account of who makes a request.
    pub(super) fn account(&mut self, caller: &Caller) -> &mut Account {
        self.accounts.entry(caller.user.clone()).or_default()
    }

    /// Account and device of who makes a request.
    pub(super) fn device(&mut self, caller: &Caller) -> &mut Device {
        self.account(caller).devices.entry(caller.device.clone()).or_default()
    }

    /// Notes that public keys of a user changed.
    pub(super) fn keys_changed(&mut self, user: &UserId) {
        let position = self.advance();
        if let Some(account) = self.accounts.get_mut(user) {
            account.keys_changed = position;
        }
    }

    /// Refuses a request that could make an account larger than `limit` bytes: one quota, since many limits for many things are
    /// harder to know and to test.
    pub(super) fn check_room_for(
        &self,
        user: &UserId,
        more: usize,
        limit: usize,
    ) -> Result<(), Refusal> {
        let kept = self.accounts.get(user).map_or(0, Account::bytes);
        if kept.saturating_add(more) > limit { Err(Refusal::ResourceLimit) } else { Ok(()) }
    }
}

impl Account {
    /// About how many bytes are kept.
    fn bytes(&self) -> usize {
        let devices: usize = self.devices.values().map(Device::bytes).sum();
        let own = self.account_data.bytes() + self.filters.bytes() + self.identity.bytes();
        self.backups.bytes() + self.rooms.bytes() + own + devices
    }
}

impl Device {
    fn bytes(&self) -> usize {
        let name = self.display_name.as_ref().map_or(0, String::len);
        name + self.inbox.bytes() + self.keys.bytes() + self.transactions.bytes()
    }
}
