//! A week of the account's machine.

use serde_json::json;
use strongroom::{
    client::backup::{Question, Reply, Scope, Stage, TaskId},
    ids::KeyId,
};

use crate::{
    driver::Driver,
    fault::{Matches, Span, Trouble, no_trouble, tried, tried_with_jumps},
};

const MINUTE: u64 = 60 * 1_000;
const STEP: u64 = 10 * MINUTE;
const STEPS_PER_DAY: u64 = 24 * 6;

/// More than this is not sent in a week, whatever happens: a user who asks every ten minutes for a new backup, where none can be
/// made, causes most of it.
const REQUESTS: usize = 13_000;

fn slashes(name: &str) -> Option<usize> {
    name.starts_with("GET /room_keys/keys").then(|| name.matches('/').count())
}

fn reply(question: &Question) -> Option<Reply> {
    match question {
        Question::SetUp { .. }
        | Question::Unseen { .. }
        | Question::Changed { found: None, .. } => Some(Reply::Create),
        Question::Use { found, .. } | Question::Changed { found: Some(found), .. } => {
            Some(if found.problem.is_none() { Reply::Use } else { Reply::Create })
        }
        Question::SaveRecoveryKey { .. } => Some(Reply::Saved),
        _ => None,
    }
}

fn reply_to_all(phone: &mut Driver) {
    let open: Vec<(TaskId, Option<Reply>)> =
        phone.machine.open_questions().map(|(id, question)| (id, reply(question))).collect();
    for (id, reply) in open {
        // One reply may make the next question void.
        let _ = reply.map(|reply| phone.machine.reply(id, reply));
    }
    phone.run();
}

/// A week, or four days if the fault passes: a backup is made, sessions are stored and fetched, and in the end all is switched
/// off if that is what is tried. The clock jumps after twenty minutes.
fn live(mut trouble: Trouble, jump: i64, disables: bool) -> Driver {
    let mut phone = Driver::new();
    let span = trouble.span;
    let clock = trouble.clock.clone();
    phone.lie = Some(Box::new(move |request, homeserver| {
        let fault = trouble.strikes(request)?;
        if fault.acts {
            homeserver.respond(request);
        }
        Some((fault.answer)())
    }));
    let sessions: Vec<_> = (0..4).map(|_| phone.session()).collect();
    for (number, session) in sessions.iter().enumerate() {
        phone.has(session.clone(), number == 0);
    }
    let days = if span == Span::ForGood { 7 } else { 4 };
    for step in 0..days * STEPS_PER_DAY {
        if step == 2 {
            phone.clock_jumps(jump);
        }
        // The trouble is not on the clock of the host.
        clock.set(step * STEP);
        phone.live(STEP);
        if phone.machine.is_paused() && step % 6 == 0 {
            phone.machine.resume();
        }
        reply_to_all(&mut phone);
        if step == 3 {
            let session = Scope::Session("!room".into(), sessions[1].session_id());
            phone.machine.fetch(session, phone.now);
        }
        if step == STEPS_PER_DAY {
            phone.machine.fetch(Scope::Room("!room".into()), phone.now);
            phone.has_session();
        }
        if step == 2 * STEPS_PER_DAY {
            phone.machine.fetch(Scope::Everything, phone.now);
        }
        if step == 3 * STEPS_PER_DAY && disables {
            phone.machine.disable();
        }
    }
    phone
}

/// Whether everything was done that was to be done, and nothing is waited for.
fn is_done(phone: &Driver, disables: bool) -> bool {
    let stage = if disables { Stage::Off } else { Stage::Running };
    let is_known = |(token, stored): (_, bool)| {
        stored || phone.not_stored.iter().any(|(named, _)| named == token)
    };
    let mut sessions = phone.store.iter().map(|(token, (_, stored))| (token, stored.is_some()));
    // What is fetched with everything else is not fetched before.
    let is_fetched =
        |is_it: fn(&Scope) -> bool| phone.fetched.iter().any(|(scope, _)| is_it(scope));
    let has_fetched = is_fetched(|scope| matches!(scope, Scope::Session(..)))
        && is_fetched(|scope| *scope == Scope::Everything);
    phone.machine.stage() == stage
        && sessions.all(is_known)
        && has_fetched
        && phone.machine.waiting_for().is_empty()
}

/// What one kind of request has led to: what went wrong, and how many requests were sent at most.
fn try_all(name: &str, is_it: Matches, jump: i64) -> (Vec<String>, (usize, String)) {
    let (mut failures, mut worst) = (Vec::new(), (0, String::new()));
    let tried: Vec<_> =
        if jump == 0 { tried(name).collect() } else { tried_with_jumps(name).collect() };
    for (fault, span) in tried {
        let disables = name == "delete_version";
        let phone = live(Trouble::new(is_it, fault, span), jump, disables);
        let what = format!("{name}: {}, {span:?}", fault.name);
        let waiting = phone.machine.waiting_for();
        let comes_back = span != Span::ForGood && fault.name != "never";
        if !is_done(&phone, disables) && (comes_back || waiting.is_empty()) {
            let stage = phone.machine.stage();
            let fetched = &phone.fetched;
            failures.push(format!("{what}: {stage:?} {waiting:?} fetched {fetched:?}"));
        }
        worst = worst.max((phone.sent.len(), what));
    }
    (failures, worst)
}

/// It ends or says what it waits for, loses nothing, and sends no more than that.
fn check(name: &str, is_it: Matches, jump: i64) {
    let (failures, sent) = try_all(name, is_it, jump);
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(sent.0 < REQUESTS, "{sent:?}");
}

/// One test for each of the machine's requests, by method and path.
macro_rules! table {
    ($($test:ident: $is_it:expr;)*) => {
        const ROWS: &[(&str, Matches)] = &[$((stringify!($test), $is_it)),*];

        $(
            #[test]
            fn $test() {
                check(stringify!($test), $is_it, 0);
            }
        )*
    };
}

table! {
    find_version: |name| name == "GET /room_keys/version";
    create_version: |name| name == "POST /room_keys/version";
    delete_version: |name| name.starts_with("DELETE /room_keys/version/");
    read_preference: |name| name.starts_with("GET /user/");
    write_preference: |name| name.starts_with("PUT /user/");
    upload: |name| name.starts_with("PUT /room_keys/keys");
    fetch_or_compare_session: |name| slashes(name) == Some(4);
    fetch_room: |name| slashes(name) == Some(3);
    fetch_everything: |name| slashes(name) == Some(2);
}

/// A signature is withdrawn in a life of its own: the backup is not used there.
#[test]
fn update_version() {
    for (fault, span) in tried("update_version") {
        let what = format!("{}, {span:?}", fault.name);
        let mut phone = Driver::new();
        let body = json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": {
                "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo",
                "signatures": { "@alice:example.org": { "ed25519:PHONE": "mine" } },
            },
        });
        phone.ask_server("POST", "/room_keys/version", &body);
        phone.run();
        let mut trouble =
            Trouble::new(|name| name.starts_with("PUT /room_keys/version"), fault, span);
        let clock = trouble.clock.clone();
        phone.lie = Some(Box::new(move |request, homeserver| {
            let fault = trouble.strikes(request)?;
            if fault.acts {
                homeserver.respond(request);
            }
            Some((fault.answer)())
        }));
        assert!(phone.machine.withdraw_signatures(&[KeyId::new("ed25519:PHONE")]), "{what}");
        for step in 0..7 * STEPS_PER_DAY {
            clock.set(step * STEP);
            phone.live(STEP);
            if phone.machine.is_paused() && step % 6 == 0 {
                phone.machine.resume();
            }
        }
        let is_gone = phone.withdrawn == [Ok(())];
        let is_told = !phone.withdrawn.is_empty() || !phone.machine.waiting_for().is_empty();
        assert!(is_told, "{what}: it waits in silence");
        let is_refused = ["403", "404, unrecognized", "413 of a proxy"].contains(&fault.name);
        let comes_back = span != Span::ForGood && fault.name != "never" && !is_refused;
        assert!(is_gone || !comes_back, "{what}: {:?}", phone.withdrawn);
        let puts = phone.sent.iter().filter(|(line, _)| line.starts_with("PUT /room_keys/version"));
        assert!(puts.count() < 200, "{what}");
    }
}

#[test]
fn every_request() {
    check("every_request", |_| true, 0);
}

#[test]
fn every_request_while_the_clock_jumps_back_by_a_day() {
    check("every_request", |_| true, -(STEP as i64) * STEPS_PER_DAY as i64);
}

#[test]
fn every_request_while_the_clock_jumps_ahead_by_a_year() {
    check("every_request", |_| true, 365 * (STEP as i64) * STEPS_PER_DAY as i64);
}

#[test]
fn each_request_of_a_machine_has_a_row_and_each_row_a_request() {
    let phone = live(no_trouble(), 0, true);
    let sent: Vec<_> = phone.sent.iter().map(|(line, _)| line.split('?').next().unwrap()).collect();
    for line in &sent {
        assert_eq!(ROWS.iter().filter(|(_, is_it)| is_it(line)).count(), 1, "{line}");
    }
    for (name, is_it) in ROWS {
        assert!(sent.iter().any(|line| is_it(line)), "{name}");
    }
}
