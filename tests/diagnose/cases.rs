//! What is broken in each case, and everything that is found then.

use serde_json::{Value, json};
use strongroom::client::{KeyKind, diagnose::Diagnosis};

use crate::{
    account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key},
    specification,
    world::{
        BACKUP, BACKUP_KEY, DEVICE_SEED, MASTER, MASTER_SEED, OLD_BACKUP_KEY, SELF_SIGNING, USER,
        USER_SIGNING, USER_SIGNING_SEED, World, backup_key, backup_public_key, master_id,
        room_keys, session, signed, version,
    },
};

/// One case: what is found, most severe first and without what is as it should be, and how the account gets there.
pub(crate) struct Case {
    pub(crate) found: &'static [&'static str],
    pub(crate) break_it: fn(&mut World),
}

impl Case {
    pub(crate) fn diagnose(&self) -> Diagnosis {
        self.world().diagnose()
    }

    /// The broken account.
    pub(crate) fn world(&self) -> World {
        let mut world = World::well();
        (self.break_it)(&mut world);
        world.limits.pbkdf2_rounds = 100_000;
        world
    }
}

macro_rules! cases {
    ($([$($found:literal),* $(,)?] => $break_it:expr,)*) => {
        &[$(Case { found: &[$($found),*], break_it: $break_it }),*]
    };
}

pub(crate) const INPUT: &[Case] = cases! {
    [] => |_| {},
    ["input.fits_nothing", "backup.no_key", "backup.unverified_signer"] => |world| world.typed = Some(recovery_key(OTHER_KEY)),
    ["input.fits_nothing", "backup.no_key", "backup.unverified_signer"] => |world| {
        let wrong = recovery_key(KEY).replacen(char::is_alphanumeric, "X", 1);
        world.typed = Some(wrong);
    },
    // No passphrase: the account has none.
    ["input.fits_nothing", "backup.no_key", "backup.unverified_signer"] => |world| world.typed = Some("correct horse".to_owned()),
    // The backup's own key, where either will do: the backup opens, and that is all.
    ["backup.unverified_signer"] => |world| {
        world.typed = Some(text_of_backup_key(BACKUP_KEY));
    },
    ["input.backup_key_typed", "backup.unverified_signer"] => |world| {
        world.typed = Some(text_of_backup_key(BACKUP_KEY));
        world.asked = Some(KeyKind::Storage);
    },
    ["input.storage_key_typed"] => |world| world.asked = Some(KeyKind::Backup),
    ["backup.no_key", "sessions.under_other_key", "input.older_backup_key", "backup.older_versions", "backup.not_signed"] => |world| {
        world.older.push(version("1", OLD_BACKUP_KEY));
        world.typed = Some(text_of_backup_key(OLD_BACKUP_KEY));
        unsign(world);
        world.keys = None;
    },
    ["backup.not_trusted", "secret.missing", "backup.no_key", "storage.key_unverifiable", "input.not_checkable", "backup.unknown_signer"] => |world| {
        world.storage().remove_check(ID);
        for name in [BACKUP, MASTER, SELF_SIGNING, USER_SIGNING] {
            world.storage().remove(name);
        }
        (world.backup, world.keys, world.room_keys) = (Some(version("2", BACKUP_KEY)), None, None);
        world.typed = Some(recovery_key(OTHER_KEY));
    },
    ["input.fits_nothing", "backup.no_key", "input.not_tried", "storage.passphrase_unusable", "backup.unverified_signer"] => |world| {
        world.typed = Some("correct horse".to_owned());
        world.storage().key_mut(ID)["passphrase"] =
            json!({ "algorithm": "m.pbkdf2", "iterations": 4_294_967_295_u32, "salt": "s" });
    },
};

pub(crate) const STORAGE: &[Case] = cases! {
    ["backup.no_key", "storage.absent", "backup.unverified_signer"] => |world| {
        world.storage = Some(Default::default());
        world.typed = None;
    },
    ["storage.absent", "backup.unverified_signer"] => |world| {
        world.storage = Some(Default::default());
        world.typed = Some(text_of_backup_key(BACKUP_KEY));
    },
    ["storage.no_default_key"] => |world| world.storage().remove("m.secret_storage.default_key"),
    ["storage.default_key_unreadable"] => |world| {
        world.storage().put_json("m.secret_storage.default_key", json!({ "key": 7 }));
    },
    ["storage.default_key_missing"] => |world| {
        world.storage().put_json("m.secret_storage.default_key", json!({ "key": "gone" }));
    },
    ["storage.default_by_name"] => |world| world.storage().key_mut(ID)["name"] = json!("m.default"),
    ["storage.default_by_name_alone"] => |world| {
        world.storage().remove("m.secret_storage.default_key");
        world.storage().key_mut(ID)["name"] = json!("m.default");
    },
    ["storage.key_unreadable"] => |world| {
        world.storage().put_json("m.secret_storage.key.bad", json!({ "name": "bad" }));
    },
    ["input.not_tried", "storage.key_unsupported", "backup.unverified_signer"] => |world| {
        world.storage().put_json("m.secret_storage.key.new", json!({ "algorithm": "m.new" }));
        world.typed = Some(text_of_backup_key(BACKUP_KEY));
    },
    ["storage.key_unverifiable"] => |world| world.storage().remove_check(ID),
    ["storage.key_check_wrong"] => |world| {
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        world.storage().key_mut(ID)["mac"] = json!(zeros);
    },
    ["storage.algorithm_damaged"] => |world| {
        world.storage().key_mut(ID)["algorithm"] = json!("m.secret_storage.v1.aes-hmac-sha2 ");
    },
    ["storage.key_check_unreadable"] => |world| world.storage().key_mut(ID)["mac"] = json!("!"),
    ["storage.few_rounds", "secret.unauthenticated", "secret.unauthenticated", "secret.unauthenticated", "secret.unauthenticated", "backup.not_trusted", "backup.unverified_signer"] => |world| {
        world.storage().key_mut(ID)["passphrase"] =
            json!({ "algorithm": "m.pbkdf2", "iterations": 1, "salt": "s" });
    },
    ["storage.passphrase_unusable"] => |world| {
        world.storage().key_mut(ID)["passphrase"] = json!({ "algorithm": "m.new" });
    },
    ["storage.asymmetric"] => |world| {
        let storage = world.storage.take().unwrap();
        world.storage = Some(storage.with_asymmetric_key(ASYMMETRIC_ID, OTHER_KEY));
    },
    ["storage.wrong_signature"] => |world| {
        let key = world.storage().key_mut(ID);
        *key = signed(key, MASTER_SEED, &master_id());
        key["name"] = json!("renamed");
    },
    // The description is gone, and the recovery key opens what is encrypted with the key.
    ["storage.description_gone"] => |world| {
        world.storage().remove(&format!("m.secret_storage.key.{ID}"));
    },
    ["storage.description_gone"] => |world| {
        world.storage().put_json(&format!("m.secret_storage.key.{ID}"), json!({}));
    },
    ["storage.description_unusable"] => |world| {
        world.storage().key_mut(ID).as_object_mut().unwrap().remove("algorithm");
    },
    // Another key does not open it.
    ["input.fits_nothing", "backup.no_key", "storage.description_gone", "storage.no_key_left", "secret.under_unknown_key", "secret.under_unknown_key", "secret.under_unknown_key", "secret.under_unknown_key", "backup.unverified_signer"] => |world| {
        world.storage().remove(&format!("m.secret_storage.key.{ID}"));
        world.typed = Some(recovery_key(OTHER_KEY));
    },
    // An older key, whose description was left behind.
    ["input.older_storage_key", "backup.no_key", "backup.unverified_signer"] => |world| {
        let storage = world.storage.take().unwrap();
        world.storage = Some(storage.with_key(OTHER_ID, OTHER_KEY));
        world.typed = Some(recovery_key(OTHER_KEY));
    },
    // What is left under it is nothing.
    ["input.older_storage_key", "backup.no_key", "backup.unverified_signer"] => |world| {
        let storage = world.storage.take().unwrap();
        world.storage = Some(storage.with_key(OTHER_ID, OTHER_KEY));
        world.storage().secret_mut(MASTER)["encrypted"][OTHER_ID] = json!({});
        world.storage().secret_mut(BACKUP)["encrypted"][OTHER_ID] = json!(null);
        world.typed = Some(recovery_key(OTHER_KEY));
    },
    // The older key is still the default one.
    ["input.unused_storage_key", "backup.no_key", "secret.under_other_key", "secret.under_other_key", "secret.under_other_key", "secret.under_other_key", "backup.unverified_signer"] => |world| {
        let storage = world.storage.take().unwrap();
        world.storage = Some(storage.with_key(OTHER_ID, OTHER_KEY));
        world.storage().put_json("m.secret_storage.default_key", json!({ "key": OTHER_ID }));
        world.typed = Some(recovery_key(OTHER_KEY));
    },
    // It is the key of the description, and nothing is encrypted with it.
    ["input.opens_nothing", "secret.does_not_open", "secret.does_not_open", "secret.does_not_open", "secret.does_not_open", "backup.no_key"] => |world| {
        world.pinned = Some(MASTER_SEED);
        for name in [BACKUP, MASTER, SELF_SIGNING, USER_SIGNING] {
            let other = Account::default().with_secret(name, ID, OTHER_KEY, "text");
            world.storage().put_text(name, &other.content(name));
        }
    },
    // Nothing is encrypted at all.
    ["backup.absent", "input.nothing_stored"] => |world| {
        for name in [BACKUP, MASTER, SELF_SIGNING, USER_SIGNING] {
            world.storage().remove(name);
        }
        (world.backup, world.keys, world.room_keys) = (None, None, None);
    },
    // It opens a part of what there is.
    ["backup.no_key", "input.opens_part"] => |world| {
        let storage = world.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY);
        world.storage = Some(storage);
        world.storage().add_entry(MASTER, OTHER_ID, OTHER_KEY, &text_of(MASTER_SEED));
        world.typed = Some(recovery_key(OTHER_KEY));
    },
    // The same signature, and nothing was changed.
    [] => |world| {
        let key = world.storage().key_mut(ID);
        *key = signed(key, MASTER_SEED, &master_id());
    },
};

pub(crate) const SECRETS: &[Case] = cases! {
    ["secret.missing", "backup.no_key"] => |world| {
        world.storage().remove(BACKUP);
        world.room_keys = None;
    },
    ["secret.missing", "backup.unverified_signer"] => |world| world.storage().remove(MASTER),
    // There, and nothing in it.
    ["secret.missing"] => |world| {
        world.storage().put_json(USER_SIGNING, json!({ "encrypted": {} }));
    },
    ["secret.missing"] => |world| {
        world.storage().put_json(USER_SIGNING, json!({ "encrypted": null }));
        world.keys = None;
        world.has_verified_device = true;
    },
    ["secret.missing", "backup.no_key"] => |world| {
        world.storage().secret_mut(BACKUP)["encrypted"][ID] = json!({});
        world.room_keys = None;
    },
    ["secret.missing", "identity.not_published", "identity.key_missing"] => |world| {
        world.storage().secret_mut(USER_SIGNING)["encrypted"][ID] = json!(null);
        for member in ["self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
        world.storage().secret_mut(USER_SIGNING)["encrypted"]["other"] = json!({});
    },
    ["secret.missing", "secret.missing", "secret.missing", "identity.no_cross_signing", "backup.unknown_signer"] => |world| {
        for name in [MASTER, SELF_SIGNING, USER_SIGNING] {
            world.storage().secret_mut(name)["encrypted"] = json!({});
        }
        for member in ["master_keys", "self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
    },
    ["secret.unreadable", "backup.no_key"] => |world| {
        world.storage().put_json(BACKUP, json!({ "encrypted": ["x"] }));
        world.room_keys = None;
    },
    ["secret.under_other_key"] => |world| {
        let storage = world.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY);
        world.storage = Some(storage.with_secret(
            USER_SIGNING, OTHER_ID, OTHER_KEY, &text_of(3),
        ));
    },
    ["secret.entries_unreadable"] => |world| {
        world.storage().put_json(USER_SIGNING, json!({ "encrypted": { ID: { "iv": 1 } } }));
    },
    ["secret.under_other_key"] => |world| {
        world.held = Some((OTHER_ID, OTHER_KEY));
        let storage = world.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY);
        world.storage = Some(storage.with_secret(
            USER_SIGNING, OTHER_ID, OTHER_KEY, &text_of(3),
        ));
    },
    ["storage.description_gone", "secret.under_unknown_key"] => |world| {
        let storage = world.storage.take().unwrap();
        let text = text_of(3);
        world.storage = Some(storage.with_secret(USER_SIGNING, "gone", OTHER_KEY, &text));
    },
    ["secret.does_not_open"] => |world| {
        let entry = &mut world.storage().secret_mut(USER_SIGNING)["encrypted"][ID];
        entry["mac"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    },
    ["secret.malformed"] => |world| world.storage().put_bytes(USER_SIGNING, ID, KEY, b"no key"),
    ["secret.legacy"] => |world| {
        let numbers = [BACKUP_KEY; 32].map(|byte| byte.to_string()).join(",");
        world.storage().put_bytes(BACKUP, ID, KEY, numbers.as_bytes());
    },
    ["secret.legacy"] => |world| {
        world.storage().remove(BACKUP);
        let name = "m.megolm_backup.v1.recovery_key";
        world.storage().put_bytes(name, ID, KEY, text_of(BACKUP_KEY).as_bytes());
    },
    ["secret.two_backup_keys"] => |world| {
        let name = "m.megolm_backup.v1.recovery_key";
        world.storage().put_bytes(name, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    },
    // Nobody vouches for it, unless a master key that the host has pinned signed the backup.
    ["secret.unauthenticated", "backup.not_trusted", "storage.asymmetric", "secret.legacy", "backup.unknown_signer"] => |world| asymmetric(world, false),
    ["storage.asymmetric", "secret.legacy"] => |world| {
        asymmetric(world, false);
        world.pinned = Some(MASTER_SEED);
    },
    // Who typed the key knows that it is theirs.
    ["storage.asymmetric", "secret.legacy", "backup.unknown_signer"] => |world| asymmetric(world, true),
    ["secret.without_iv"] => |world| {
        let entry = specification::entry(KEY, USER_SIGNING, &[0; 16], &text_of(USER_SIGNING_SEED));
        world.storage().secret_mut(USER_SIGNING)["encrypted"][ID] = entry;
    },
    ["secret.cross_signing_key_differs"] => |world| {
        world.storage().put_bytes(USER_SIGNING, ID, KEY, text_of(33).as_bytes());
    },
    // What this device has as well is well, and another name of it is not compared.
    [] => |world| world.cache(USER_SIGNING, &text_of(USER_SIGNING_SEED)),
    [] => |world| world.cache("org.example", "a text"),
    ["secret.cached_differs"] => |world| world.cache(USER_SIGNING, &text_of(33)),
    ["secret.cached_differs"] => |world| world.cache(BACKUP, &text_of(OLD_BACKUP_KEY)),
    ["secret.cross_signing_key_differs", "secret.cached_differs"] => |world| {
        world.storage().put_bytes(USER_SIGNING, ID, KEY, text_of(33).as_bytes());
        world.cache(USER_SIGNING, &text_of(USER_SIGNING_SEED));
    },
    // Of another shape: nobody can use it, and the others are as they were.
    ["secret.malformed"] => |world| {
        let storage = std::mem::take(&mut world.storage).unwrap();
        world.storage = Some(storage.with_secret("m.dehydrated_device", ID, KEY, "no key"));
        world.cache("m.dehydrated_device", &text_of(33));
    },
    ["secret.cached_differs"] => |world| {
        let storage = std::mem::take(&mut world.storage).unwrap();
        world.storage = Some(storage.with_secret("m.dehydrated_device", ID, KEY, &text_of(34)));
        world.cache("m.dehydrated_device", &text_of(33));
    },
};

pub(crate) const BACKUPS: &[Case] = cases! {
    ["backup.absent"] => |world| (world.backup, world.room_keys) = (None, None),
    ["backup.unusable"] => |world| {
        world.change_auth_data(|auth_data| auth_data["public_key"] = json!("short"));
        world.room_keys = None;
    },
    // Whoever planted this key would open everything.
    ["backup.unusable"] => |world| {
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        world.change_auth_data(|auth_data| auth_data["public_key"] = json!(zeros));
        world.room_keys = None;
    },
    ["backup.unusable"] => |world| world.backup()["algorithm"] = json!("m.new"),
    ["backup.key_differs", "backup.no_key", "sessions.under_other_key"] => |world| {
        world.storage().put_bytes(BACKUP, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    },
    // The stored key is that of the version before: somebody made a new one and did not store its key.
    ["backup.not_trusted", "backup.key_differs", "backup.no_key", "sessions.under_other_key", "backup.older_versions", "backup.not_signed"] => |world| {
        world.storage().put_bytes(BACKUP, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
        world.older.push(version("1", OLD_BACKUP_KEY));
        unsign(world);
    },
    ["backup.retired"] => |world| world.retired = vec![BACKUP_KEY],
    ["backup.not_signed"] => unsign,
    ["backup.unknown_signer"] => |world| {
        unsign(world);
        let auth_data = &mut world.backup()["auth_data"];
        *auth_data = signed(auth_data, 99, "ed25519:GONE");
    },
    ["backup.unverified_signer"] => |world| {
        let device = signed(&world.backup()["auth_data"], DEVICE_SEED, "ed25519:DEVICE");
        world.backup()["auth_data"] = device;
        forget_who_signed_the_device(world);
    },
    // The device is vouched for by the master key.
    [] => |world| {
        unsign(world);
        sign_by_the_device(world);
    },
    // So it is by the host, which knows nothing else.
    [] => |world| {
        unsign(world);
        sign_by_the_device(world);
        world.has_verified_device = true;
        (world.storage, world.keys, world.typed) = (None, None, None);
    },
    ["backup.wrong_signature", "backup.other_members"] => |world| {
        world.backup()["auth_data"]["added"] = json!("later");
    },
    ["backup.other_members"] => |world| {
        world.change_auth_data(|auth_data| auth_data["added"] = json!("later"));
    },
    ["backup.unusable_signature"] => |world| {
        world.backup()["auth_data"]["signatures"][USER]["ed25519:BAD"] = json!("!");
    },
    ["backup.own_passphrase"] => |world| {
        own_passphrase(world, json!(20_000));
    },
    ["backup.few_rounds", "backup.own_passphrase"] => |world| own_passphrase(world, json!(1)),
    ["input.fits_nothing", "backup.no_key", "input.not_tried_on_backup", "backup.unverified_signer", "backup.own_passphrase"] => |world| {
        own_passphrase(world, json!(20_000));
        world.typed = Some("correct horse".to_owned());
        world.limits.unlock_rounds = 19_999;
    },
    ["backup.passphrase_unusable"] => |world| own_passphrase(world, json!(4_294_967_295_u32)),
    ["backup.older_versions"] => |world| world.older.push(version("1", OLD_BACKUP_KEY)),
    // What is under the old name is what opens the backup.
    ["backup.key_differs", "secret.two_backup_keys"] => |world| {
        world.storage().put_bytes(BACKUP, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
        let name = "m.megolm_backup.v1.recovery_key";
        world.storage().put_bytes(name, ID, KEY, text_of(BACKUP_KEY).as_bytes());
    },
    // It was switched off on purpose, in either event; the standard one counts.
    ["backup.switched_off"] => |world| {
        (world.backup, world.room_keys) = (None, None);
        world.storage().put_json("m.key_backup", json!({ "enabled": false }));
        let old = "m.org.matrix.custom.backup_disabled";
        world.storage().put_json(old, json!({ "disabled": false }));
    },
    // With the key storage that clients take away then: its key may be left behind.
    ["backup.switched_off"] => |world| {
        (world.backup, world.room_keys, world.typed) = (None, None, None);
        for name in [BACKUP, MASTER, SELF_SIGNING, USER_SIGNING, "m.secret_storage.default_key"] {
            world.storage().put_json(name, json!({}));
        }
        world.storage().put_json("m.key_backup", json!({ "enabled": false }));
    },
    ["backup.switched_off"] => |world| {
        (world.backup, world.room_keys, world.typed) = (None, None, None);
        world.storage = Some(Default::default());
        world.storage().put_json("m.key_backup", json!({ "enabled": false }));
    },
    ["backup.switched_off"] => |world| {
        (world.backup, world.room_keys) = (None, None);
        let old = "m.org.matrix.custom.backup_disabled";
        world.storage().put_json(old, json!({ "disabled": true }));
        world.storage().put_json("m.key_backup", json!({ "enabled": "no" }));
    },
    ["backup.absent"] => |world| {
        (world.backup, world.room_keys) = (None, None);
        world.storage().put_json("m.key_backup", json!({ "enabled": true }));
    },
    // The homeserver answers with something that is hardly a version.
    ["backup.unusable"] => |world| {
        (world.backup, world.room_keys) = (Some(json!({})), None);
    },
    ["backup.unusable"] => |world| {
        world.backup().as_object_mut().unwrap().remove("algorithm");
        world.room_keys = None;
    },
};

pub(crate) const SESSIONS: &[Case] = cases! {
    ["sessions.under_other_key"] => |world| {
        world.room_keys = Some(room_keys(&[BACKUP_KEY, OLD_BACKUP_KEY, OLD_BACKUP_KEY]));
    },
    // A repair has kept the key that they are sealed to.
    [] => |world| {
        world.room_keys = Some(room_keys(&[BACKUP_KEY, OLD_BACKUP_KEY, OLD_BACKUP_KEY]));
        let name = "strongroom.former_backup_key.0001020304050607";
        world.storage().put_bytes(name, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    },
    ["sessions.damaged"] => |world| {
        change_session(world, |session| session["ciphertext"] = json!("AAAAAAAAAAAAAAAAAAAAAA"));
    },
    ["sessions.malformed"] => |world| change_session(world, |session| *session = json!(null)),
    ["sessions.malformed"] => |world| {
        let long = "x".repeat(10_000);
        let (_, entry) = session(1, BACKUP_KEY);
        world.backup()["count"] = json!(1);
        let rooms = json!({ "!1:example.org": { "sessions": { long: entry } } });
        world.room_keys = Some(json!({ "rooms": rooms }).to_string());
    },
    ["sessions.unsupported"] => |world| {
        let sealed = sealed_text(r#"{"algorithm":"m.megolm.v9","session_key":"?"}"#);
        change_session(world, |session| *session = sealed);
    },
    ["sessions.with_warnings"] => |world| {
        let (_, entry) = session(1, BACKUP_KEY);
        let (other_id, _) = session(2, BACKUP_KEY);
        world.backup()["count"] = json!(1);
        let rooms = json!({ "!1:example.org": { "sessions": { other_id: entry } } });
        world.room_keys = Some(json!({ "rooms": rooms }).to_string());
    },
    ["sessions.broken_rooms"] => |world| {
        let mut response: Value =
            serde_json::from_str(world.room_keys.as_ref().unwrap()).unwrap();
        response["rooms"]["!2:example.org"] = json!([]);
        world.room_keys = Some(response.to_string());
    },
    ["sessions.response_broken"] => |world| {
        let response = world.room_keys.as_ref().unwrap();
        world.room_keys = Some(response[..response.len() - 2].to_owned());
    },
    ["sessions.fewer"] => |world| world.backup()["count"] = json!(1_000),
    // One that may have been uploaded in between.
    ["sessions.fewer"] => |world| world.backup()["count"] = json!(4),
    // A sample is not said to be broken for being one.
    [] => |world| world.at_most = 2,
};

pub(crate) const IDENTITY: &[Case] = cases! {
    ["identity.no_cross_signing", "backup.unverified_signer"] => |world| {
        for name in [MASTER, SELF_SIGNING, USER_SIGNING] {
            world.storage().remove(name);
        }
        for member in ["master_keys", "self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
        unsign(world);
        sign_by_the_device(world);
    },
    ["identity.master_key_differs", "backup.unverified_signer"] => |world| world.pinned = Some(55),
    ["identity.not_signed_by_master"] => |world| {
        let key = &mut world.keys()["user_signing_keys"][USER];
        key.as_object_mut().unwrap().remove("signatures");
    },
    ["identity.key_unusable"] => |world| {
        world.keys()["device_keys"][USER]["OTHER"] = json!({ "user_id": USER });
    },
    ["identity.devices_unreadable"] => |world| world.keys()["device_keys"][USER] = json!("gone"),
    ["identity.key_unusable", "identity.not_published"] => |world| {
        world.keys()["user_signing_keys"][USER]["usage"] = json!(["master"]);
    },
    // Nothing is published that is stored.
    ["identity.not_published", "identity.not_published", "identity.not_published", "backup.unknown_signer"] => |world| {
        for member in ["master_keys", "self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
        unsign(world);
        sign_by(world, 99, "ed25519:GONE");
    },
    ["identity.not_published", "identity.not_published"] => |world| {
        for member in ["self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
    },
    ["identity.not_published"] => |world| world.keys()["self_signing_keys"] = json!({}),
    ["identity.not_published", "identity.key_missing"] => |world| {
        for member in ["self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
        world.storage().remove(USER_SIGNING);
    },
    ["identity.key_missing"] => |world| {
        world.keys()["user_signing_keys"] = json!({});
        world.storage().remove(USER_SIGNING);
    },
    // The seed is stored in no way that helps, and it is not known what is.
    ["secret.does_not_open", "identity.not_published"] => |world| {
        world.keys()["user_signing_keys"] = json!({});
        let entry = &mut world.storage().secret_mut(USER_SIGNING)["encrypted"][ID];
        entry["mac"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    },
    ["input.fits_nothing", "backup.no_key", "identity.none_published", "backup.unknown_signer"] => |world| {
        world.storage = None;
        for member in ["master_keys", "self_signing_keys", "user_signing_keys"] {
            world.keys()[member] = json!({});
        }
    },
    // Enough for the cross-signing keys, not for the devices.
    ["identity.signatures_not_checked"] => |world| world.limits.signature_checks = 5,
};

fn sign_by_the_device(world: &mut World) {
    let auth_data = &mut world.backup()["auth_data"];
    *auth_data = signed(auth_data, DEVICE_SEED, "ed25519:DEVICE");
}

fn sign_by(world: &mut World, seed: u8, label: &str) {
    let auth_data = &mut world.backup()["auth_data"];
    *auth_data = signed(auth_data, seed, label);
}

fn unsign(world: &mut World) {
    world.backup()["auth_data"].as_object_mut().unwrap().remove("signatures");
}

/// The device's keys without what the self-signing key says of them.
fn forget_who_signed_the_device(world: &mut World) {
    let device = &mut world.keys()["device_keys"][USER]["DEVICE"];
    device.as_object_mut().unwrap().remove("signatures");
    *device = signed(device, DEVICE_SEED, "ed25519:DEVICE");
}

fn own_passphrase(world: &mut World, iterations: Value) {
    world.change_auth_data(|auth_data| {
        auth_data["private_key_salt"] = json!("salt");
        auth_data["private_key_iterations"] = iterations;
    });
}

/// The backup key, where anybody may have put it.
fn asymmetric(world: &mut World, is_passthrough: bool) {
    let key = if is_passthrough { &[BACKUP_KEY; 32] } else { OTHER_KEY };
    let storage = world.storage.take().unwrap().with_asymmetric_key(ASYMMETRIC_ID, key);
    let text = text_of(BACKUP_KEY);
    let mut storage = storage.with_asymmetric_secret(BACKUP, ASYMMETRIC_ID, key, &text);
    if is_passthrough {
        storage
            .put_json(BACKUP, json!({ "encrypted": { ASYMMETRIC_ID: { "passthrough": true } } }));
    }
    storage.put_json("m.secret_storage.default_key", json!({ "key": ASYMMETRIC_ID }));
    for name in [MASTER, SELF_SIGNING, USER_SIGNING] {
        storage.remove(name);
    }
    (world.storage, world.keys) = (Some(storage), None);
    world.typed = Some(recovery_key(key));
}

fn change_session(world: &mut World, change: impl FnOnce(&mut Value)) {
    let mut response: Value = serde_json::from_str(world.room_keys.as_ref().unwrap()).unwrap();
    let sessions = response["rooms"]["!1:example.org"]["sessions"].as_object_mut().unwrap();
    let session = sessions.values_mut().next().unwrap();
    change(&mut session["session_data"]);
    world.room_keys = Some(response.to_string());
}

/// A text as session data, sealed to the backup.
fn sealed_text(text: &str) -> Value {
    use strongroom::crypto::curve25519_aes_sha2::MacScheme;

    use crate::primitives::curve25519_aes_sha2::seal_with_rng;
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let key = *backup_public_key(BACKUP_KEY).as_curve25519();
    seal_with_rng(&key, text.as_bytes(), MacScheme::EmptyString, rng).to_value()
}

fn text_of_backup_key(byte: u8) -> String {
    backup_key(byte).to_recovery_key().to_text().expose_str().to_owned()
}

/// A key of this byte, as it is stored.
fn text_of(byte: u8) -> String {
    strongroom::encoding::base64::encode(&[byte; 32])
}
