//! The account's machine: what it wants of its host, its questions, its state.

use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    backup::RestoreReport,
    client::backup::{
        Backup, BackupOptions, Next, OfferedSession, Operation, Question, Reply, SavedBackup, Scope,
    },
    homeserver::Homeserver,
    session_data::ExportedSession,
};

use super::{Witness, run};
use crate::vault::{FixedRng, KEY, Vault};

const USER: &str = "@a:b.org";

#[test]
fn the_machine_prints_neither_its_keys_nor_the_sessions() {
    run(look);
}

pub(crate) fn look(witness: &mut Witness, vault: &Vault) {
    let mut homeserver = Homeserver::new();
    let token = AccessToken::from(homeserver.log_in(USER, "PHONE").as_str());
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let mut machine = Backup::new(USER.into(), "PHONE".into(), options, limits);
    let session = ExportedSession { room_id: "!room".into(), session: vault.session() };
    let mut wants = vec![OfferedSession {
        token: 1,
        session: session.clone(),
        options: Default::default(),
        is_imported: false,
    }];
    let (mut rng, mut now, mut seen) = (FixedRng(KEY), 0, Vec::new());
    while !seen.contains(&"fetched") {
        let next = machine.next_with_rng(now, &mut rng);
        witness.debug::<Next>(&next);
        witness.debug::<Backup>(&machine);
        match next {
            Next::Save(saved) => {
                witness.debug::<SavedBackup>(&saved);
                witness.text(str::from_utf8(&saved.public).unwrap());
                machine.saved();
            }
            Next::Send(operation) => {
                witness.debug::<Operation>(&operation);
                let url = BaseUrl::new("https://b.org").unwrap();
                let request = operation.to_http(&url, &token).unwrap();
                let response = homeserver.respond(&request);
                machine.answer(operation.id(), Some(response), now).unwrap();
            }
            Next::Want { .. } => {
                wants.iter().for_each(|offered| witness.debug::<OfferedSession>(offered));
                machine.offer_with_rng(&wants, &mut rng);
                wants.clear();
            }
            Next::Sign(id, _) => machine.signed(id, &[]).unwrap(),
            Next::StoreSecret(secret) => {
                machine.secret_read_back(Some(&secret)).unwrap();
                seen.push("secret");
            }
            Next::Ask(id, question) => {
                witness.debug::<Question>(&question);
                match *question {
                    Question::SetUp { .. } => machine.reply(id, Reply::Create).unwrap(),
                    Question::SaveRecoveryKey { .. } => machine.reply(id, Reply::Saved).unwrap(),
                    other => panic!("{other:?}"),
                }
            }
            Next::Stored(id, ..) => {
                machine.ack(id);
                let scope = Scope::Session("!room".into(), session.session_id());
                machine.fetch(scope, now);
            }
            Next::Import(id, ..) => {
                machine.ack(id);
                seen.push("imported");
            }
            Next::Fetched(_, outcome) => {
                witness.debug::<RestoreReport>(&outcome.unwrap());
                seen.push("fetched");
            }
            Next::Wait(_) => now += 1_000,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, ["secret", "imported", "fetched"]);
}
