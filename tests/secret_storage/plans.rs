//! Laws of plans: whatever the account holds and whatever is to change, a plan that ends after any of its
//! steps loses nothing, and one that was carried out leaves nothing to do.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};

use crate::account;
use crate::account::{Account, recovery_key};
use crate::specification;
use crate::support::asserted::StoreText as _;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    encoding::{base64, json_object::JsonObject},
    ids::{EventType, SecretName, SecretStorageKeyId},
    secret_storage::{
        Change, ChangeError, KeyStanding, NewKey, Plan, PlanNote, SecretOrigin, SecretStorage,
        SecretStorageKey, VerifiedPublicKeys,
    },
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, PublicKeys},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_plan_that_ends_anywhere_loses_nothing_and_can_be_made_again(
        setup in setup(),
        change in change(),
    ) {
        let start = setup.account_data();
        let new_key = NewKey::generate(Some("new")).unwrap();
        let Ok(plan) = plan(&start, &change, &new_key) else { return Ok(()) };
        let end = carry_out(&start, &plan, plan.steps().len());
        let (expected, meant) = (values(&start, &new_key), change.values(&setup));
        for steps in 0..=plan.steps().len() {
            let there = carry_out(&start, &plan, steps);
            let now = values(&there, &new_key);
            for (name, expected) in &expected {
                let now = now.get(name).cloned().unwrap_or_default();
                let allowed: BTreeSet<_> =
                    expected.iter().chain(meant.get(name).into_iter().flatten()).collect();
                prop_assert!(now.iter().all(|text| allowed.contains(text)), "{name} after {steps}");
                let may_be_gone = change.deletes(name);
                prop_assert!(!now.is_empty() || may_be_gone, "{name} is lost after {steps} steps");
            }
            let again = self::plan(&there, &change, &new_key);
            let again = again.map_err(|error| TestCaseError::fail(format!("{steps}: {error}")))?;
            let end_again = carry_out(&there, &again, again.steps().len());
            prop_assert_eq!(summary(&end_again, &new_key), summary(&end, &new_key), "{}", steps);
        }
        prop_assert!(self::plan(&end, &change, &new_key).unwrap().steps().is_empty(), "{plan}");
        for (event_type, content) in &start {
            survives(event_type, content, &end, &change)?;
        }
        is_as_specified(&end, &new_key);
    }
}

#[test]
fn the_random_changes_plan_something() {
    let setup = Setup {
        keys: vec![true, true],
        asymmetric: true,
        default: Some(0),
        secrets: vec![vec![0, 1], vec![0], vec![2], vec![]],
    };
    let start = setup.account_data();
    let new_key = NewKey::generate(None).unwrap();
    let steps = |change: RandomChange| plan(&start, &change, &new_key).unwrap().steps().len();
    assert_eq!(steps(RandomChange::Create), 4);
    assert_eq!(steps(RandomChange::Store(3, 9)), 1);
    assert_eq!(steps(RandomChange::StoreUnder(0, 9, vec![1])), 1);
    assert_eq!(steps(RandomChange::Delete(0)), 1);
    assert_eq!(steps(RandomChange::AddKey), 3);
    assert_eq!(steps(RandomChange::RemoveKey(1)), 2);
    assert_eq!(steps(RandomChange::SetDefault(1)), 1);
    assert_eq!(steps(RandomChange::Rotate(0)), 7);
    assert_eq!(steps(RandomChange::Migrate), 3);
}

#[test]
fn a_key_that_nothing_confirms_encrypts_nothing() {
    let mut account = Account::default().with_key("a", &bytes(0)).with_key("b", &bytes(1));
    account.remove_check("a");
    account.put_text("m.secret_storage.default_key", r#"{"key":"a"}"#);
    let storage = account.storage();
    let keys = unlock(&storage, 0);
    assert_eq!(keys[0].standing(), KeyStanding::Unverifiable);
    let error =
        storage.plan(&keys, &Limits::default(), |change| change.store_text(&name(0), "text"));
    assert_eq!(error.unwrap_err(), ChangeError::Unverifiable("a".into()));
    let error = storage.plan(&keys, &Limits::default(), |change| change.set_default(&"a".into()));
    assert_eq!(error.unwrap_err(), ChangeError::Unverifiable("a".into()));
    let new_key = NewKey::generate(None).unwrap();
    let add = storage.plan(&keys, &Limits::default(), |change| change.add_key(&new_key)).unwrap();
    assert_eq!(add.steps().len(), 1, "there is nothing to encrypt");
    let proven = account.with_secret("org.example.0", "a", &bytes(0), "text").storage();
    let keys = unlock(&proven, 0);
    assert_eq!(keys[0].standing(), KeyStanding::Proven);
    let store = |change: &mut Change<'_>| change.store_text(&name(1), "text");
    assert_eq!(proven.plan(&keys, &Limits::default(), store).unwrap().steps().len(), 1);
}

#[test]
fn of_two_keys_with_one_id_the_proven_one_encrypts_in_whatever_order_they_come() {
    let mut account = Account::default().with_key("a", &bytes(0));
    account.remove_check("a");
    account.put_text("m.secret_storage.default_key", r#"{"key":"a"}"#);
    let other = unlock(&account.storage(), 1);
    assert_eq!(other[0].standing(), KeyStanding::Unverifiable);
    let storage = account.with_secret("org.example.0", "a", &bytes(0), "text").storage();
    let proven = unlock(&storage, 0);
    let store = |change: &mut Change<'_>| change.store_text(&name(1), "text");
    for keys in [[&other[..], &proven].concat(), [&proven[..], &other].concat()] {
        let plan = storage.plan(&keys, &Limits::default(), store).unwrap();
        assert_eq!(plan.steps().len(), 1);
    }
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_planned() {
    let account = Account::default()
        .with_key("a", &bytes(0))
        .with_key("b", &bytes(1))
        .with_asymmetric_key("old", &bytes(2))
        .with_secret("org.example.0", "b", &bytes(1), "text");
    let mut account = account;
    account.put_text("m.secret_storage.default_key", r#"{"key":"a"}"#);
    account.put_text("m.direct", r#"{"@b:c":["!d"]}"#);
    let storage = account.storage();
    let keys = [unlock(&storage, 0), unlock(&storage, 2)].concat();
    let refused = |change: &dyn Fn(&mut Change<'_>) -> Result<(), ChangeError>| {
        storage.plan(&keys, &Limits::default(), change).unwrap_err()
    };
    let (a, b, old) = ("a".into(), "b".into(), SecretStorageKeyId::from("old"));
    assert_eq!(refused(&|c| c.remove_key(&a)), ChangeError::IsDefault("a".into()));
    assert_eq!(refused(&|c| c.remove_key(&b)), ChangeError::WouldLose(vec![name(0)]));
    assert_eq!(refused(&|c| c.set_default(&b)), ChangeError::NoSuchKey("b".into()));
    assert_eq!(refused(&|c| c.set_default(&old)), ChangeError::Asymmetric("old".into()));
    let under = |id: &SecretStorageKeyId| {
        refused(&|c: &mut Change<'_>| c.store_text_under(&name(1), "x", std::slice::from_ref(id)))
    };
    assert_eq!(under(&old), ChangeError::Asymmetric("old".into()));
    assert_eq!(under(&b), ChangeError::NoSuchKey("b".into()));
    let direct = SecretName::from("m.direct");
    assert_eq!(refused(&|c| c.store_text(&direct, "x")), ChangeError::OtherData(direct.clone()));
    assert_eq!(refused(&|c| c.delete(&direct)), ChangeError::OtherData(direct.clone()));
    let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
    for reserved in ["m.secret_storage.default_key", "m.secret_storage.key.a", "", algorithm] {
        let reserved = SecretName::from(reserved);
        assert_eq!(
            refused(&|c| c.store_text(&reserved, &text(1))),
            ChangeError::Name(reserved.clone())
        );
    }
    let backup = MEGOLM_BACKUP_V1.into();
    assert!(matches!(refused(&|c| c.store_text(&backup, "no key")), ChangeError::Value(_)));
    let nothing = SecretStorage::default();
    let error = nothing.plan(&keys, &Limits::default(), |c| c.store_text(&name(0), "x"));
    assert_eq!(error.unwrap_err(), ChangeError::NoDefaultKey);
}

#[test]
fn what_a_removed_key_alone_opened_moves_to_the_default_key_first() {
    let mut account = Account::default()
        .with_key("a", &bytes(0))
        .with_key("b", &bytes(1))
        .with_secret("org.example.0", "b", &bytes(1), "only b")
        .with_secret("org.example.1", "a", &bytes(0), "both");
    account.add_entry("org.example.1", "b", &bytes(1), "both");
    account.put_text("m.secret_storage.default_key", r#"{"key":"a"}"#);
    let storage = account.storage();
    let keys = [unlock(&storage, 0), unlock(&storage, 1)].concat();
    let remove = |change: &mut Change<'_>| change.remove_key(&"b".into());
    let plan = storage.plan(&keys, &Limits::default(), remove).unwrap();
    let shown = "1. Encrypt the secret org.example.0 to the key a as well.\n\
                 2. Take the secret org.example.0 from what these keys open: b.\n\
                 3. Take the secret org.example.1 from what these keys open: b.\n\
                 4. Remove the key b, which opens nothing.\n";
    assert_eq!(plan.to_string(), shown);
}

#[test]
fn a_rotation_that_cannot_take_everything_keeps_the_old_key_and_says_so() {
    let mut account = Account::default()
        .with_key("a", &bytes(0))
        .with_secret("org.example.0", "a", &bytes(0), "good")
        .with_secret("org.example.1", "a", &bytes(1), "of another key");
    account.put_text("m.secret_storage.default_key", r#"{"key":"a"}"#);
    let storage = account.storage();
    let new_key = NewKey::generate(None).unwrap();
    let rotate = |change: &mut Change<'_>| change.rotate(&"a".into(), &new_key);
    let plan = storage.plan(&unlock(&storage, 0), &Limits::default(), rotate).unwrap();
    assert_eq!(plan.notes(), [PlanNote::NotOpened(name(1)), PlanNote::KeyStays("a".into())]);
    assert!(plan.steps().iter().all(|step| !matches!(step.reason, PlanNote::RemoveKey(_))));
    assert_eq!(plan.steps().len(), 4);
}

#[test]
fn a_replaced_secret_opens_with_no_key_to_its_old_value() {
    let mut account = Account::default()
        .with_key("a", &bytes(0))
        .with_key("b", &bytes(1))
        .with_secret("org.example.0", "a", &bytes(0), "old");
    account.add_entry("org.example.0", "b", &bytes(1), "old");
    account.secret_mut("org.example.0")["org.example.beside"] = json!({"kept": 1.50});
    account.put_text("m.secret_storage.default_key", r#"{"key":"a"}"#);
    let storage = account.storage();
    let store = |change: &mut Change<'_>| change.store_text(&name(0), "new");
    let plan = storage.plan(&unlock(&storage, 0), &Limits::default(), store).unwrap();
    let [step] = plan.steps() else { panic!("{plan}") };
    assert_eq!(step.reason, PlanNote::Replace(name(0), vec!["b".into()]));
    assert_eq!(
        plan.to_string(),
        "1. Replace the secret org.example.0; these keys open it no more: b.\n"
    );
    let content: Value = serde_json::from_str(step.content.as_str()).unwrap();
    assert_eq!(content["org.example.beside"], json!({"kept": 1.50}));
    assert!(content["encrypted"].get("b").is_none());
}

#[test]
fn a_server_that_writes_json_its_own_way_changes_nothing() {
    let new_key = NewKey::generate(Some("\u{e4} name")).unwrap();
    let create = |change: &mut Change<'_>| {
        change.create(&new_key)?;
        change.store_text(&name(0), "text")
    };
    let storage = SecretStorage::default();
    let mut plan = storage.plan(&[], &Limits::default(), create).unwrap();
    let mut events = Vec::new();
    while let Some(step) = plan.next().cloned() {
        assert_eq!(plan.check_before(Some(&JsonObject::empty())), Ok(()), "deleted is not there");
        let value: Value = serde_json::from_str(step.content.as_str()).unwrap();
        let members: BTreeMap<_, _> = value.as_object().unwrap().iter().collect();
        let pretty = serde_json::to_string_pretty(&members).unwrap().replace('\u{e4}', "\\u00E4");
        let rewritten = account::object(&pretty);
        plan.read_back(Some(&rewritten)).unwrap();
        events.push((step.event_type, rewritten));
    }
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    let storage = SecretStorage::from_account_data(events, &Limits::default());
    assert_eq!(storage.plan(&[], &Limits::default(), create).unwrap().steps().len(), 0);
}

#[test]
fn a_secret_is_deleted_under_some_of_its_keys_or_all() {
    let mut account = Account::default()
        .with_key("a", &bytes(0))
        .with_key("b", &bytes(1))
        .with_secret("org.example.0", "a", &bytes(0), "text");
    account.add_entry("org.example.0", "b", &bytes(1), "text");
    let storage = account.storage();
    let plan = |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(|id| SecretStorageKeyId::from(*id)).collect();
        let delete = |change: &mut Change<'_>| change.delete_under(&name(0), &ids);
        storage.plan(&[], &Limits::default(), delete).unwrap()
    };
    assert_eq!(plan(&["c"]).steps().len(), 0);
    let some = plan(&["b", "c"]);
    assert_eq!(some.steps()[0].reason, PlanNote::RemoveEntries(name(0), vec!["b".into()]));
    let mut account = account.clone();
    account.put_text("org.example.0", some.steps()[0].content.as_str());
    let left = account.storage();
    let left = left.secret(&name(0)).unwrap().key_ids().cloned();
    assert!(left.eq(["a".into()]));
    assert_eq!(plan(&["a", "b"]).steps()[0].reason, PlanNote::Delete(name(0)));
}

#[test]
fn what_is_created_with_a_passphrase_opens_as_the_specification_says() {
    let key = NewKey::from_passphrase("caf\u{e9} au lait", Some("\u{1f511} \"mine\"")).unwrap();
    let create = |change: &mut Change<'_>| {
        change.create(&key)?;
        change.store_text(&name(0), "gr\u{fc}\u{df}e \u{2713}")?;
        change.store_text(&name(2), &text(2))
    };
    let plan = SecretStorage::default().plan(&[], &Limits::default(), create).unwrap();
    let steps = plan.steps().iter();
    let account: specification::AccountData = steps
        .map(|step| {
            let content = serde_json::from_str(step.content.as_str()).unwrap();
            (step.event_type.as_str().to_owned(), content)
        })
        .collect();
    let id = specification::default_key(&account);
    let description = &account[&format!("m.secret_storage.key.{id}")];
    assert_eq!(description["name"], "\u{1f511} \"mine\"");
    assert_eq!(description["passphrase"]["iterations"], 500_000);
    let derived = specification::passphrase_key(description, "caf\u{e9} au lait");
    assert_eq!(derived, specification::recovery_key(&new_recovery_key(&key)));
    let opened = specification::open(&account, &id, &derived);
    let expected =
        [("org.example.0", "gr\u{fc}\u{df}e \u{2713}".to_owned()), (MEGOLM_BACKUP_V1, text(2))];
    assert_eq!(opened, expected.map(|(name, text)| (name.to_owned(), text)).into());
}

#[test]
fn every_sentence_reads_as_one_and_shows_no_control_character() {
    let (id, name) = (SecretStorageKeyId::from("a\u{7}"), SecretName::from("org.example\n"));
    let (ids, names) = (vec![id.clone(), "b".into()], vec![name.clone()]);
    let reasons = [
        PlanNote::DescribeKey(id.clone()),
        PlanNote::Store(name.clone()),
        PlanNote::Replace(name.clone(), vec![]),
        PlanNote::Replace(name.clone(), ids.clone()),
        PlanNote::AddEntries(name.clone(), ids.clone()),
        PlanNote::RemoveEntries(name.clone(), ids),
        PlanNote::Delete(name.clone()),
        PlanNote::DeleteOldName(name.clone()),
        PlanNote::SetDefault(id.clone()),
        PlanNote::RemoveKey(id.clone()),
    ];
    let notes = [
        PlanNote::NeedsAcceptance(name.clone(), SecretOrigin::Passthrough),
        PlanNote::Contradicted(name.clone()),
        PlanNote::NotOpened(name.clone()),
        PlanNote::TwoValues(name.clone()),
        PlanNote::KeyStays(id.clone()),
    ];
    let errors = [
        ChangeError::NoDefaultKey,
        ChangeError::NoSuchKey(id.clone()),
        ChangeError::Unverifiable(id.clone()),
        ChangeError::Asymmetric(id.clone()),
        ChangeError::KeyExists(id.clone()),
        ChangeError::IsDefault(id),
        ChangeError::WouldLose(names),
        ChangeError::OtherData(name.clone()),
        ChangeError::Name(name),
    ];
    let sentences = reasons.iter().map(ToString::to_string);
    let sentences = sentences.chain(notes.iter().map(ToString::to_string));
    let sentences: Vec<_> = sentences.chain(errors.iter().map(ToString::to_string)).collect();
    for sentence in &sentences {
        assert!(sentence.split(' ').count() >= 4, "{sentence}");
        assert!(!sentence.contains(char::is_control), "{sentence}");
    }
    let different: BTreeSet<_> = sentences.iter().collect();
    assert_eq!(different.len(), sentences.len());
    assert_eq!(sentences[0], "Make the new key a\\u{7} known.");
    assert_eq!(errors[6].to_string(), "1 of the secrets would be lost with the key");
}

/// A random account: keys with or without a check, and under which of them each secret stands.
#[derive(Debug, Clone)]
struct Setup {
    keys: Vec<bool>,
    asymmetric: bool,
    default: Option<usize>,
    secrets: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
enum RandomChange {
    Create,
    Store(usize, u8),
    StoreUnder(usize, u8, Vec<usize>),
    Delete(usize),
    AddKey,
    RemoveKey(usize),
    SetDefault(usize),
    Rotate(usize),
    Migrate,
}

fn setup() -> impl Strategy<Value = Setup> {
    let keys = vec(prop::bool::weighted(0.8), 1..4);
    (keys, any::<bool>(), prop::option::weighted(0.8, 0_usize..4), vec(vec(0_usize..4, 0..4), 0..5))
        .prop_map(|(keys, asymmetric, default, secrets)| Setup {
            keys,
            asymmetric,
            default,
            secrets,
        })
}

fn change() -> impl Strategy<Value = RandomChange> {
    let (secret, key) = (0_usize..5, 0_usize..4);
    prop_oneof![
        Just(RandomChange::Create),
        (secret.clone(), 10_u8..13).prop_map(|(secret, text)| RandomChange::Store(secret, text)),
        (secret.clone(), 10_u8..13, vec(key.clone(), 1..3))
            .prop_map(|(secret, text, keys)| RandomChange::StoreUnder(secret, text, keys)),
        secret.prop_map(RandomChange::Delete),
        Just(RandomChange::AddKey),
        key.clone().prop_map(RandomChange::RemoveKey),
        key.clone().prop_map(RandomChange::SetDefault),
        key.prop_map(RandomChange::Rotate),
        Just(RandomChange::Migrate),
    ]
}

impl Setup {
    fn account_data(&self) -> BTreeMap<EventType, JsonObject> {
        let mut account = Account::default();
        for (index, has_check) in self.keys.iter().enumerate() {
            account = account.with_key(&id(index), &bytes(index));
            if !has_check {
                account.remove_check(&id(index));
            }
        }
        if self.asymmetric {
            account = account.with_asymmetric_key(&id(self.keys.len()), &bytes(self.keys.len()));
        }
        for (index, keys) in self.secrets.iter().enumerate() {
            let name = name(index);
            account.put_json(name.as_str(), json!({"encrypted": {}, "org.example.beside": index}));
            for key in keys.iter().map(|key| key % (self.keys.len() + usize::from(self.asymmetric)))
            {
                let key = &key;
                if *key < self.keys.len() {
                    account.add_entry(name.as_str(), &id(*key), &bytes(*key), &text(index));
                } else if self.asymmetric {
                    let key = self.keys.len();
                    account.add_asymmetric_entry(
                        name.as_str(),
                        &id(key),
                        &bytes(key),
                        &text(index),
                    );
                }
            }
        }
        if let Some(default) = self.default.map(|key| key % self.keys.len()) {
            let event = json!({"key": id(default), "org.example.beside": true});
            account.put_text("m.secret_storage.default_key", &event.to_string());
        }
        account.put_text("m.direct", r#"{"@alice:example.org": ["!room"]}"#);
        account.events().into_iter().collect()
    }
}

impl RandomChange {
    fn apply(&self, change: &mut Change<'_>, new_key: &NewKey) -> Result<(), ChangeError> {
        match self {
            Self::Create => change.create(new_key),
            Self::Store(secret, value) => change.store_text(&name(*secret), &text((*value).into())),
            Self::StoreUnder(secret, value, keys) => {
                let keys: Vec<_> = keys.iter().map(|key| id(*key).as_str().into()).collect();
                change.store_text_under(&name(*secret), &text((*value).into()), &keys)
            }
            Self::Delete(secret) => change.delete(&name(*secret)),
            Self::AddKey => change.add_key(new_key),
            Self::RemoveKey(key) => change.remove_key(&id(*key).as_str().into()),
            Self::SetDefault(key) => change.set_default(&id(*key).as_str().into()),
            Self::Rotate(key) => change.rotate(&id(*key).as_str().into(), new_key),
            Self::Migrate => {
                let accepted: Vec<_> = (0..5).map(name).collect();
                let nobody = VerifiedPublicKeys::none("@alice:example.org".into());
                change.migrate(new_key, &nobody, &accepted)
            }
        }
    }

    /// The values that the change gives to secrets.
    fn values(&self, _: &Setup) -> BTreeMap<SecretName, Vec<String>> {
        match self {
            Self::Store(secret, value) | Self::StoreUnder(secret, value, _) => {
                BTreeMap::from([(name(*secret), vec![text((*value).into())])])
            }
            _ => BTreeMap::new(),
        }
    }

    fn deletes(&self, deleted: &SecretName) -> bool {
        matches!(self, Self::Delete(secret) if name(*secret) == *deleted)
    }
}

fn plan(
    account_data: &BTreeMap<EventType, JsonObject>,
    change: &RandomChange,
    new_key: &NewKey,
) -> Result<Plan, ChangeError> {
    let storage = SecretStorage::from_account_data(account_data, &Limits::default());
    let mut keys: Vec<_> = (0..4).flat_map(|index| unlock(&storage, index)).collect();
    // Whoever begins again has no more than what opens the storage, the new recovery key included.
    keys.extend(unlock_with(&storage, &new_recovery_key(new_key)));
    storage.plan(&keys, &Limits::default(), |draft| change.apply(draft, new_key))
}

fn carry_out(
    account_data: &BTreeMap<EventType, JsonObject>,
    plan: &Plan,
    steps: usize,
) -> BTreeMap<EventType, JsonObject> {
    let (mut there, mut plan) = (account_data.clone(), plan.clone());
    for _ in 0..steps {
        let step = plan.next().unwrap().clone();
        plan.check_before(there.get(&step.event_type)).unwrap();
        there.insert(step.event_type.clone(), step.content);
        plan.read_back(there.get(&step.event_type)).unwrap();
    }
    there
}

/// Every value that any key opens, by the name of the secret; those that are authenticated if there are any.
fn values(
    account_data: &BTreeMap<EventType, JsonObject>,
    new_key: &NewKey,
) -> BTreeMap<SecretName, BTreeSet<String>> {
    let storage = SecretStorage::from_account_data(account_data, &Limits::default());
    let mut typed: Vec<_> = (0..4).map(|index| recovery_key(&bytes(index))).collect();
    typed.push(new_recovery_key(new_key));
    let mut values: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for key in typed.iter().flat_map(|typed| unlock_with(&storage, typed)) {
        for verdict in storage.open_all(&mut [key], &PublicKeys::default()) {
            if let Ok(opened) = verdict.outcome {
                let text = opened.text().expose_str().to_owned();
                values.entry(verdict.name).or_default().insert(text);
            }
        }
    }
    values
}

/// What is the same for two accounts that differ in nothing but IVs: keys, default key, and each secret's
/// keys and values.
fn summary(account_data: &BTreeMap<EventType, JsonObject>, new_key: &NewKey) -> String {
    let storage = SecretStorage::from_account_data(account_data, &Limits::default());
    let keys: Vec<_> = storage.keys().map(|key| key.id().clone()).collect();
    let secrets: Vec<_> = storage
        .secrets()
        .map(|(name, secret)| (name.clone(), secret.key_ids().cloned().collect::<Vec<_>>()))
        .collect();
    format!("{keys:?} {:?} {secrets:?} {:?}", storage.default_key(), values(account_data, new_key))
}

/// What is not changed stays as it is, members that are not known everywhere.
fn survives(
    event_type: &EventType,
    content: &JsonObject,
    end: &BTreeMap<EventType, JsonObject>,
    change: &RandomChange,
) -> Result<(), TestCaseError> {
    let now = &end[event_type];
    let name = SecretName::from(event_type.as_str());
    let member = |content: &JsonObject| {
        let value: Value = serde_json::from_str(content.as_str()).unwrap();
        value.get("org.example.beside").cloned()
    };
    if event_type.as_str() == "m.direct" {
        prop_assert_eq!(now, content);
    } else if !change.deletes(&name) && !event_type.as_str().starts_with("m.secret_storage.key.") {
        prop_assert_eq!(member(now), member(content), "{}", event_type);
    }
    Ok(())
}

/// Whether what was encrypted to the new key opens as the specification says.
fn is_as_specified(account_data: &BTreeMap<EventType, JsonObject>, new_key: &NewKey) {
    let account: specification::AccountData = account_data
        .iter()
        .map(|(event_type, content)| {
            (event_type.as_str().to_owned(), serde_json::from_str(content.as_str()).unwrap())
        })
        .collect();
    let described = account.get(&format!("m.secret_storage.key.{}", new_key.id()));
    if described.is_some_and(|content| content != &json!({})) {
        let key = specification::recovery_key(&new_recovery_key(new_key));
        let opened = specification::open(&account, new_key.id().as_str(), &key);
        let values = values(account_data, new_key);
        for (name, text) in opened {
            assert!(values[&SecretName::from(name.as_str())].contains(&text));
        }
    }
}

fn unlock(storage: &SecretStorage, index: usize) -> Vec<SecretStorageKey> {
    unlock_with(storage, &recovery_key(&bytes(index)))
}

fn unlock_with(storage: &SecretStorage, typed: &str) -> Vec<SecretStorageKey> {
    let unlocked = storage.unlock(typed, &PublicKeys::default(), &Limits::default());
    let is_sure = |key: &SecretStorageKey| key.standing() != KeyStanding::Unverifiable;
    let keys = match unlocked {
        Ok(unlocked) => unlocked.keys,
        // A plan that was interrupted may have taken all secrets from it, or not have got to any.
        Err(_) => {
            let material = strongroom::crypto::key_material::KeyMaterial::from(
                strongroom::recovery_key::RecoveryKey::parse(typed).unwrap().as_secret(),
            );
            storage.keys().filter_map(|key| key.accept(&material).ok()).collect()
        }
    };
    // A key that nothing describes takes every text for its own.
    let all_unsure = !keys.iter().any(is_sure);
    keys.into_iter().filter(|key| all_unsure || is_sure(key)).collect()
}

fn new_recovery_key(key: &NewKey) -> String {
    key.to_recovery_key().unwrap().to_text().expose_str().to_owned()
}

fn id(index: usize) -> String {
    ["a", "b", "c", "d"][index % 4].to_owned()
}

fn bytes(index: usize) -> [u8; 32] {
    [u8::try_from(index).unwrap() + 1; 32]
}

fn name(index: usize) -> SecretName {
    let names = [
        "org.example.0",
        "org.example.1",
        MEGOLM_BACKUP_V1,
        CROSS_SIGNING_MASTER,
        "org.example.\u{e4}",
    ];
    names[index].into()
}

/// A text that is good for every name.
fn text(index: usize) -> String {
    base64::encode(&[u8::try_from(index).unwrap() + 100; 32])
}
