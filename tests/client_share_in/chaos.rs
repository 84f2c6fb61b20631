//! Sharing in any order of events: lost and refused requests, crashes, other backups, devices that come and go.
//!
//! `STRONGROOM_CHAOS_SEEDS` says how many seeds, 40 when unset; `STRONGROOM_CHAOS_SEED` runs one alone.
#![allow(clippy::disallowed_methods, reason = "the number of seeds comes from the environment")]

use std::{env, fmt, ops::Range};

use http::Response;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use strongroom::{
    api,
    backup::{AuthData, BackupPublicKey},
    client::{
        Operation,
        flow::{Flow as _, SavedFlow, SharedIn, Step},
    },
    secret_sharing::Decision,
    secret_value::MEGOLM_BACKUP_V1,
};

use crate::{
    Phone, flow,
    host::Result,
    household::{Household, Whose, backup_key},
    send, with_backup,
};

const OTHERS_BACKUP: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo";

#[test]
fn whatever_comes_between_the_right_key_is_taken_and_no_other() -> Result<()> {
    let (mut taken, mut excused) = (0, 0);
    for seed in seeds() {
        let mut run = Run::new(seed)?;
        for _ in 0..run.dice.random_range(5..40) {
            run.act()?;
        }
        let shared = run.end()?;
        match &shared.secrets[..] {
            [secret] => assert_eq!(secret.secret.value, backup_key()?, "{run}"),
            [] if run.has_excuse => excused += 1,
            other => panic!("{run}: {other:?}, {:?}", shared.dropped),
        }
        taken += shared.secrets.len();
    }
    println!("{taken} taken, {excused} not");
    Ok(())
}

struct Run {
    seed: u64,
    dice: StdRng,
    house: Option<Household>,
    phone: Phone,
    saved: Option<SavedFlow>,
    done: Option<SharedIn>,
    troubles: usize,
    /// Whether another backup was the current one when an answer could be judged, or the host has lost an answer.
    has_excuse: bool,
    has_answered: bool,
    is_foreign: bool,
    /// Whether the flow has taken an answer that it has not saved.
    is_unsaved: bool,
    log: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Result<Self> {
        let mut house = Household::new(10)?;
        let phone = Phone::new(&mut house, &[MEGOLM_BACKUP_V1], false)?;
        let mut dice = StdRng::seed_from_u64(seed);
        let troubles = dice.random_range(0..10);
        let mut run = Self {
            seed,
            dice,
            house: Some(house),
            phone,
            saved: None,
            done: None,
            troubles,
            has_excuse: false,
            has_answered: false,
            is_foreign: false,
            is_unsaved: false,
            log: Vec::new(),
        };
        match run.dice.random_range(0..3) {
            0 => run.make_backup(false)?,
            1 => run.make_backup(true)?,
            _ => {}
        }
        Ok(run)
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    fn goes_wrong(&mut self, what: &str, probability: f64) -> bool {
        let wrong = self.troubles > 0 && self.dice.random_bool(probability);
        if wrong {
            self.troubles -= 1;
            self.note(what);
        }
        wrong
    }

    fn make_backup(&mut self, is_right: bool) -> Result<()> {
        self.note(if is_right { "our backup" } else { "another backup" });
        self.is_foreign = !is_right;
        self.has_excuse |= self.has_answered && !is_right;
        let mut house = self.house.take().unwrap();
        if is_right {
            house = with_backup(house)?;
        } else {
            let token = house.phone.token().to_owned();
            let other = BackupPublicKey::from_base64(OTHERS_BACKUP).unwrap();
            house.server.send(&token, &api::create_backup_version(&AuthData::new(&other)))?;
        }
        self.house = Some(house);
        Ok(())
    }

    fn act(&mut self) -> Result<()> {
        if self.done.is_some() {
            return Ok(());
        }
        match self.dice.random_range(0..12) {
            0..=4 => {
                for _ in 0..self.dice.random_range(1..8) {
                    self.step()?;
                }
            }
            5 | 6 => self.laptop_answers()?,
            7 | 8 => self.receive()?,
            9 => {
                let jump = [1_000, 31_000, 600_000][self.dice.random_range(0..3)];
                self.phone.now += jump;
                self.note(format!("{jump} ms pass"));
            }
            10 => {
                let is_right = self.dice.random_bool(0.6);
                self.make_backup(is_right)?;
            }
            _ => self.crash()?,
        }
        Ok(())
    }

    fn crash(&mut self) -> Result<()> {
        self.has_excuse |= std::mem::take(&mut self.is_unsaved);
        let house = self.house.as_mut().unwrap();
        let devices = house.seen_by(Whose::Phone)?;
        self.phone.flow = flow(&house.user_id, devices, &self.phone.names, self.saved.as_ref());
        self.note("crash");
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        if self.done.is_some() {
            return Ok(());
        }
        match self.phone.flow.next_with_rng(self.phone.now, &mut self.phone.rng) {
            Step::Save(saved) => {
                if self.goes_wrong("crash before saving", 0.05) {
                    return self.crash();
                }
                self.saved = Some(*saved);
                self.is_unsaved = false;
                self.phone.flow.saved();
                self.note("saved");
            }
            Step::Send(operation) => self.send(&operation)?,
            Step::Wait(_) => {}
            Step::Done(shared) => {
                self.note("done");
                self.done = Some(*shared);
            }
            other => panic!("{self}: {other:?}"),
        }
        Ok(())
    }

    fn send(&mut self, operation: &Operation) -> Result<()> {
        let refusal = |status: u16, body: &str| {
            Some(Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
        };
        let token = self.house.as_ref().unwrap().phone.token().into();
        let request =
            operation.to_http(self.house.as_ref().unwrap().server.base_url(), &token).unwrap();
        let path = request.uri().path().to_owned();
        self.note(format!("{} {path}", request.method()));
        let answer = if self.goes_wrong("request lost", 0.1) {
            None
        } else if self.goes_wrong("503", 0.05) {
            refusal(503, "")
        } else if path.contains("room_keys") && self.goes_wrong("403", 0.1) {
            refusal(403, r#"{"errcode":"M_FORBIDDEN","error":"no"}"#)
        } else {
            let answer = send(self.house.as_mut().unwrap(), operation);
            // Other things happen before it is there.
            if self.goes_wrong("the answer is late", 0.15) {
                for _ in 0..self.dice.random_range(1..4) {
                    match self.dice.random_range(0..3) {
                        0 => self.laptop_answers()?,
                        1 => self.receive()?,
                        _ => {
                            let is_right = self.dice.random_bool(0.8);
                            self.make_backup(is_right)?;
                        }
                    }
                }
            }
            if self.goes_wrong("answer lost", 0.1) { None } else { Some(answer) }
        };
        self.phone.flow.answer(operation.id(), answer, self.phone.now).unwrap();
        Ok(())
    }

    fn laptop_answers(&mut self) -> Result<()> {
        let house = self.house.as_mut().unwrap();
        for decision in house.decisions(Whose::Laptop)? {
            if let Decision::AskUser(request) = decision {
                house.laptop.responder.allow(&request, 0)?;
                let secret = house.laptop_takes(&request)?;
                let content = house.laptop_encrypts(&secret)?.unwrap();
                house.laptop_sends(secret, content)?;
                self.log.push("the laptop answers".into());
                self.has_answered = true;
                self.has_excuse |= self.is_foreign;
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let receipts = self.phone.receives(self.house.as_mut().unwrap())?;
        self.is_unsaved |= !receipts.is_empty();
        self.note(format!("receives {receipts:?}"));
        Ok(())
    }

    /// Everything arrives, and the backup is ours.
    fn end(&mut self) -> Result<SharedIn> {
        self.troubles = 0;
        self.make_backup(true)?;
        for round in 0..400 {
            if let Some(shared) = self.done.take() {
                return Ok(shared);
            }
            for _ in 0..8 {
                self.step()?;
            }
            if self.done.is_none() {
                self.laptop_answers()?;
                self.receive()?;
                self.phone.now += if round < 30 { 60_000 } else { 1_200_000 };
            }
        }
        panic!("{self}: it never ends");
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "STRONGROOM_CHAOS_SEED={}", self.seed)
    }
}

fn seeds() -> Range<u64> {
    let number = |name| env::var(name).ok().map(|text| text.parse().unwrap());
    match number("STRONGROOM_CHAOS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STRONGROOM_CHAOS_SEEDS").unwrap_or(40),
    }
}
