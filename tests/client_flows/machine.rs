//! Whatever state the account's machine is in, a flow begins and ends with it.

use crate::asserted::StoreText as _;
use crate::signing::SignAnything as _;
use serde_json::json;
use strongroom::{
    Limits,
    api::{self, BaseUrl},
    backup::{AuthData, BackupDecryptionKey, BackupPublicKey},
    client::{
        Backup, TaskId,
        backup::{Next, OfferedSession, Question, Reply, Stage},
        flow::{Flow as _, FlowError, SetUp, SetUpDone},
    },
    secret::SecretBytes,
    secret_storage::NewKey,
    secret_value::{PublicKeys, SecretValue},
    session_data::ExportedSession,
    signed_json::TrustedSigner,
};

use crate::{
    drive::{Answer, Control, End, Tear, account, change, drive, restored, run, work},
    host::{BACKUP, Host, MASTER, USER, new_key, secret},
};

const OTHERS_BACKUP: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo";

fn bootstrap(host: &mut Host, backup: Backup) -> Result<SetUpDone, FlowError> {
    let mut flow = SetUp::bootstrap(backup, new_key(), Vec::new(), Limits::default());
    run(host, &mut flow, Control::default())
}

#[test]
fn a_question_that_was_asked_before_is_answered_by_the_flow() {
    let mut host = Host::new();
    let mut backup = host.backup();
    work(&mut host, &mut backup, |_| None);
    assert_eq!(backup.stage(), Stage::Absent);
    bootstrap(&mut host, backup).unwrap();
}

#[test]
fn whoever_wanted_no_backup_may_want_one_now() {
    let mut host = Host::new();
    let mut backup = host.backup();
    work(&mut host, &mut backup, |_| Some(Reply::Stop));
    assert_eq!(backup.stage(), Stage::Off);
    let done = bootstrap(&mut host, backup).unwrap();
    assert_eq!(done.backup.stage(), Stage::Running);
}

#[test]
fn where_the_user_wanted_none_and_there_is_one_nothing_is_written() {
    let mut host = Host::new();
    let mut backup = host.backup();
    work(&mut host, &mut backup, |_| Some(Reply::Stop));
    foreign_backup(&mut host);
    host.requests.clear();
    assert_eq!(bootstrap(&mut host, backup).unwrap_err(), FlowError::HasBackup("1".into()));
    assert!(host.requests.iter().all(|request| request.starts_with("GET")), "{:?}", host.requests);
}

fn foreign_backup(host: &mut Host) {
    let body = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": OTHERS_BACKUP },
    });
    host.ask("POST", "/room_keys/version", &body);
}

/// Another device makes a backup while the host is down: the flow fails, and its key may be the default one already.
#[test]
fn whoever_has_a_new_default_key_is_shown_it_although_the_flow_fails() {
    let (mut shown, mut begun) = (0, 0);
    for number in 1..30 {
        for tear in [Tear::OldMachine, Tear::OldFlow, Tear::Nothing] {
            let (mut host, key) = (Host::new(), new_key());
            let mut flow =
                SetUp::bootstrap(host.backup(), key.clone(), Vec::new(), Limits::default());
            let control = Control { crash_after: Some((number, tear)), ..Control::default() };
            if !matches!(drive(&mut host, &mut flow, control), End::Crashed) {
                continue;
            }
            host.shown.clear();
            foreign_backup(&mut host);
            let mut flow = restored(&host);
            let outcome = run(&mut host, &mut flow, Control::default());
            let is_default = host.storage().default_key() == Some(key.id());
            begun += usize::from(outcome.is_err() && !is_default);
            shown += usize::from(outcome.is_err() && is_default && !host.shown.is_empty());
            let mut keys = [key.key().clone()];
            let opens =
                host.storage().open(&BACKUP.into(), &mut keys, &PublicKeys::default()).is_ok();
            assert!(opens || host.shown.is_empty(), "{number}: a key that opens nothing");
            assert!(
                !is_default || outcome.is_ok() || host.shown.len() == 1,
                "{number}: locked out"
            );
        }
    }
    assert!(shown > 0 && begun > 0, "{shown}, {begun}");
}

#[test]
fn a_backup_that_is_gone_makes_room_for_another() {
    let mut host = Host::new();
    let mut backup = host.backup();
    work(&mut host, &mut backup, |question| {
        matches!(question, Question::SetUp { .. }).then_some(Reply::Create)
    });
    assert_eq!(backup.stage(), Stage::Running);
    assert_eq!(host.ask("DELETE", "/room_keys/version/1", &json!({})).0, 200);
    let done = bootstrap(&mut host, backup).unwrap();
    assert_eq!(done.backup.trusted().unwrap().version().as_str(), "2");
}

#[test]
fn one_that_failed_is_taken_up_with_its_machine() {
    let (mut host, key) = (Host::new(), new_key());
    let mut flow = SetUp::bootstrap(host.backup(), key.clone(), Vec::new(), Limits::default());
    host.trouble.forbidden = Some("PUT /user/%40alice%3Aexample.org/account_data/m.secret_storage");
    let failed = run(&mut host, &mut flow, Control::default());
    assert!(matches!(failed, Err(FlowError::Refused(_))), "{failed:?}");
    host.trouble.forbidden = None;
    let backup = flow.into_backup().unwrap();
    let mut flow = SetUp::bootstrap(backup, key, Vec::new(), Limits::default());
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    assert_eq!(done.backup.trusted().unwrap().version().as_str(), "1");
    assert_eq!(host.versions(), 1);
}

#[test]
fn a_homeserver_that_refuses_to_say_which_backup_there_is_ends_it() {
    let mut host = Host::new();
    host.trouble.forbidden = Some("GET /room_keys/version");
    let backup = host.backup();
    let refused = bootstrap(&mut host, backup).unwrap_err();
    assert!(matches!(refused, FlowError::Refused(_)), "{refused:?}");
    assert!(host.requests.iter().all(|request| request.starts_with("GET")));
}

#[test]
fn disabling_ends_where_everything_is_rotated() {
    let (mut host, before) = account();
    let SetUpDone { mut backup, storage_key, .. } = before;
    backup.disable();
    let limits = Limits::default();
    let mut flow = SetUp::rotate_everything(backup, new_key(), &[storage_key], Vec::new(), limits);
    let done = run(&mut host, &mut flow, Control::default()).unwrap();
    assert_eq!(done.backup.trusted().unwrap().version().as_str(), "2");
    assert_eq!(host.versions(), 2);
}

#[test]
fn one_that_is_given_up_while_the_host_saves_gives_a_machine_that_works() {
    for number in 1.. {
        let mut host = Host::new();
        let mut flow = SetUp::bootstrap(host.backup(), new_key(), Vec::new(), Limits::default());
        let control = Control { crash_after: Some((number, Tear::Nothing)), ..Control::default() };
        if !matches!(drive(&mut host, &mut flow, control), End::Crashed) {
            assert!(number > 5, "{number}");
            return;
        }
        let mut backup = flow.into_backup().unwrap();
        let next = backup.next_with_rng(host.now, &mut host.rng);
        assert!(!matches!(next, Next::Wait(None)), "save {number}");
    }
}

#[test]
fn what_was_asked_during_a_flow_is_asked_after_it() {
    let mut host = Host::new();
    foreign_backup(&mut host);
    let mut flow = SetUp::bootstrap(host.backup(), new_key(), Vec::new(), Limits::default());
    let there = run(&mut host, &mut flow, Control::default()).unwrap_err();
    assert_eq!(there, FlowError::HasBackup("1".into()));
    let (mut backup, mut asked) = (flow.into_backup().unwrap(), 0);
    work(&mut host, &mut backup, |_| {
        asked += 1;
        None
    });
    assert_eq!(asked, 1);
}

/// A machine whose upload the homeserver has answered, and the answer.
fn uploading(host: &mut Host, backup: &mut Backup, session: ExportedSession) -> (TaskId, Answer) {
    backup.new_sessions();
    let offered =
        OfferedSession { token: 1, session, options: Default::default(), is_imported: false };
    for _ in 0..100 {
        match backup.next_with_rng(host.now, &mut host.rng) {
            Next::Save(_) => backup.saved(),
            Next::Want { .. } => {
                backup.offer_with_rng(std::slice::from_ref(&offered), &mut host.rng)
            }
            Next::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let answer = host.send(&request);
                if request.uri().path().contains("room_keys/keys") {
                    return (operation.id(), answer);
                }
                backup.answer(operation.id(), answer, host.now).unwrap();
            }
            Next::Wait(until) => host.now = until.unwrap(),
            _ => {}
        }
    }
    panic!("nothing is uploaded");
}

#[test]
fn an_upload_that_is_answered_during_a_flow_is_reported_after_it() {
    let (mut host, before) = account();
    let SetUpDone { mut backup, storage_key, .. } = before;
    let session = host.session();
    let (id, answer) = uploading(&mut host, &mut backup, session);
    let limits = Limits::default();
    let mut flow = SetUp::rotate_everything(backup, new_key(), &[storage_key], Vec::new(), limits);
    flow.answer(id, answer, host.now).unwrap();
    let mut backup = run(&mut host, &mut flow, Control::default()).unwrap().backup;
    let (mut stored, mut wanted) = (0, 0);
    for _ in 0..100 {
        match backup.next_with_rng(host.now, &mut host.rng) {
            Next::Stored(id, version, tokens) => {
                assert_eq!((version.as_str(), &tokens[..]), ("1", &[1][..]));
                backup.ack(id);
                stored += 1;
            }
            Next::Want { version, .. } => {
                assert_eq!(version.as_str(), "2");
                wanted += 1;
                break;
            }
            Next::Save(_) => backup.saved(),
            Next::Wait(until) => host.now = until.unwrap() + 1,
            Next::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let answer = host.send(&request);
                backup.answer(operation.id(), answer, host.now).unwrap();
            }
            _ => {}
        }
    }
    assert_eq!((stored, wanted), (1, 1));
}

#[test]
fn one_that_is_taken_up_later_does_not_write_old_secrets_over_newer_ones() {
    let mut changed = 0;
    for (number, tear) in (2..20).flat_map(|n| [(n, Tear::Nothing), (n, Tear::OldFlow)]) {
        let (mut host, key) = (Host::new(), new_key());
        let secrets = vec![secret(MASTER, 1)];
        let mut flow = SetUp::bootstrap(host.backup(), key.clone(), secrets, Limits::default());
        let control = Control { crash_after: Some((number, tear)), ..Control::default() };
        if !matches!(drive(&mut host, &mut flow, control), End::Crashed) {
            continue;
        }
        if master(&mut host, &key).is_none() {
            continue;
        }
        // Another device has the key by now.
        let text = secret(MASTER, 2).to_text();
        change(&mut host, &[key.key().clone()], |change| {
            change.store_text_under(&MASTER.into(), text.expose_str(), &[key.id().clone()])
        });
        let mut flow = restored(&host);
        run(&mut host, &mut flow, Control::default()).unwrap();
        assert_eq!(master(&mut host, &key), Some(secret(MASTER, 2)), "save {number}");
        changed += 1;
    }
    assert!(changed > 2, "{changed}");
}

#[test]
fn one_that_was_left_at_the_recovery_key_only_shows_it() {
    let (mut host, key) = (Host::new(), new_key());
    let secrets = vec![secret(MASTER, 1)];
    let mut flow = SetUp::bootstrap(host.backup(), key, secrets, Limits::default());
    let control = Control { stops_at_key: true, ..Control::default() };
    assert!(matches!(drive(&mut host, &mut flow, control), End::Shown));
    host.requests.clear();
    let mut flow = restored(&host);
    run(&mut host, &mut flow, Control::default()).unwrap();
    let is_of_storage = |request: &&String| request.contains("m.secret_storage");
    assert_eq!(host.requests.iter().find(is_of_storage), None);
    assert_eq!(host.shown.len(), 1);
}

fn master(host: &mut Host, key: &NewKey) -> Option<SecretValue> {
    let mut keys = [key.key().clone()];
    let opened = host.storage().open(&MASTER.into(), &mut keys, &PublicKeys::default()).ok()?;
    Some(opened.value().unwrap().value)
}

#[test]
fn a_backup_whose_key_is_stored_is_not_taken_for_an_unfinished_one() {
    let (mut host, before) = account();
    delete_storage(&mut host);
    let there = bootstrap(&mut host, before.backup).unwrap_err();
    assert_eq!(there, FlowError::HasBackup("1".into()));
}

fn delete_storage(host: &mut Host) {
    for (event_type, _) in host.account_data() {
        host.put_account_data(event_type.as_str(), &json!({}));
    }
}

#[test]
fn a_signature_that_was_asked_for_before_is_asked_for_again() {
    let mut host = Host::new();
    let mut backup = host.backup();
    for _ in 0..100 {
        match backup.next_with_rng(host.now, &mut host.rng) {
            Next::Save(_) => backup.saved(),
            Next::Ask(id, _) => backup.reply(id, Reply::Create).unwrap(),
            Next::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let answer = host.send(&request);
                backup.answer(operation.id(), answer, host.now).unwrap();
            }
            Next::Sign(..) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(backup.stage(), Stage::Signing);
    bootstrap(&mut host, backup).unwrap();
}

#[test]
fn sessions_are_wanted_again_after_a_flow_that_wanted_none() {
    let (mut host, before) = account();
    delete_storage(&mut host);
    let mut flow = SetUp::bootstrap(before.backup, new_key(), Vec::new(), Limits::default());
    let there = run(&mut host, &mut flow, Control::default()).unwrap_err();
    assert_eq!(there, FlowError::HasBackup("1".into()));
    let (mut backup, mut wanted) = (flow.into_backup().unwrap(), false);
    for _ in 0..100 {
        match backup.next_with_rng(host.now, &mut host.rng) {
            Next::Save(_) => backup.saved(),
            Next::Want { .. } => {
                wanted = true;
                break;
            }
            Next::Wait(until) => host.now = until.unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert!(wanted);
}

#[test]
fn a_trusted_backup_of_another_device_is_not_taken_for_ours() {
    let mut host = Host::new();
    bootstrap_with_signer(&mut host).unwrap();
    let (mut taken, requests) = (0, host.requests.len());
    for number in 1..requests {
        let mut host = Host::new();
        host.trouble.meddle = Some((number, signed_backup));
        match bootstrap_with_signer(&mut host) {
            Err(FlowError::HasBackup(_) | FlowError::OtherDevice) => taken += 1,
            Err(error) => panic!("{number}: {error:?}"),
            // They were later, or in the moment between the last look and the request.
            Ok(done) => {
                let ours = done.backup.trusted().unwrap().public_key();
                assert_ne!(ours.to_base64(), OTHERS_BACKUP, "{number}");
                assert!(done.backup.has_key());
            }
        }
    }
    assert!(taken > 5, "{taken}");
}

fn bootstrap_with_signer(host: &mut Host) -> Result<SetUpDone, FlowError> {
    let mut backup = host.backup();
    backup.set_signers(vec![TrustedSigner::new("ed25519:PHONE".into(), host.public_key())]);
    bootstrap(host, backup)
}

/// Another device makes a backup that the user's own device has signed.
fn signed_backup(host: &mut Host) {
    let public_key = BackupPublicKey::from_base64(OTHERS_BACKUP);
    let auth_data = AuthData::new(&public_key.unwrap());
    let (key_id, signature) = host.sign(&auth_data.bytes_to_sign().unwrap());
    let auth_data = auth_data.with_signature(&USER.into(), &key_id, &signature);
    let url = BaseUrl::new("https://example.org").unwrap();
    let request = api::create_backup_version(&auth_data).to_http(&url, &host.token).unwrap();
    assert!(host.homeserver.respond(&request).status().is_success());
}

/// A backup whose key a device has shared before, and which that device makes while the flow is on its way, is not the
/// flow's: what a device vouches for is not stored, and a storage without the key of its backup is not finished.
#[test]
fn a_set_up_is_not_finished_with_a_backup_whose_key_is_not_in_its_storage() {
    let bytes = || SecretBytes::init_with(|bytes| bytes.fill(77));
    let bootstrap = |number| {
        let (mut host, key) = (Host::new(), new_key());
        host.trouble.meddle = Some((number, shared_backup));
        let mut backup = host.backup();
        backup.set_signers(vec![TrustedSigner::new("ed25519:PHONE".into(), host.public_key())]);
        let shared = BackupDecryptionKey::shared_by_verified_device(bytes(), host.public_key());
        backup.give_key(shared);
        let mut flow = SetUp::bootstrap(backup, key.clone(), Vec::new(), Limits::default());
        let done = run(&mut host, &mut flow, Control::default());
        (host, key, done)
    };
    let mut taken = 0;
    for number in 1..30 {
        let (mut host, key, done) = bootstrap(number);
        match done {
            Err(FlowError::HasBackup(_) | FlowError::OtherDevice) => taken += 1,
            Err(error) => panic!("{number}: {error:?}"),
            Ok(done) => {
                let mut keys = [key.key().clone()];
                let stored = host.storage().open(&BACKUP.into(), &mut keys, &PublicKeys::default());
                let stored = stored.unwrap_or_else(|error| panic!("{number}: {error:?}"));
                let trusted = done.backup.trusted().unwrap().public_key();
                let value = stored.value().unwrap().value;
                value.check_backup_key(trusted.as_curve25519()).unwrap();
            }
        }
    }
    assert!(taken > 3, "{taken}");
}

/// Another device makes a backup with a key that it has shared.
fn shared_backup(host: &mut Host) {
    let key = BackupDecryptionKey::from_bytes(SecretBytes::init_with(|bytes| bytes.fill(77)));
    let body = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": key.public_key().to_base64() },
    });
    host.ask("POST", "/room_keys/version", &body);
}

/// It was made here, and its key is stored nowhere, whatever the user wanted in between.
#[test]
fn a_backup_of_ones_own_that_was_switched_off_unfinished_is_taken() {
    let mut host = Host::new();
    let mut backup = host.backup();
    work(&mut host, &mut backup, |question| {
        matches!(question, Question::SetUp { .. }).then_some(Reply::Create)
    });
    assert_eq!(backup.stage(), Stage::Running);
    let own = *backup.trusted().unwrap().public_key();
    foreign_backup(&mut host);
    backup.look_again();
    work(&mut host, &mut backup, |question| {
        matches!(question, Question::Changed { .. }).then_some(Reply::Stop)
    });
    assert_eq!(backup.stage(), Stage::Off);
    assert_eq!(host.ask("DELETE", "/room_keys/version/2", &json!({})).0, 200);
    let done = bootstrap(&mut host, backup).unwrap();
    assert_eq!(*done.backup.trusted().unwrap().public_key(), own);
    assert!(!done.backup.secret_is_due(), "its key is stored");
}
