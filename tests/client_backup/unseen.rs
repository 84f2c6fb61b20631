//! A homeserver that does not show which backup there is.

use http::Response;
use strongroom::client::{
    backup::{Question, Reply, Stage},
    flow::FlowError,
};

use crate::driver::{Driver, Lied, lie_about, response};

const HOUR: u64 = 60 * 60 * 1_000;

/// What `GET /room_keys/version` answers, and after how long the user is asked.
fn shapes() -> Vec<(fn() -> Lied, u64)> {
    vec![
        (|| response(200, "[]"), HOUR / 60),
        (|| response(200, r#"{"count":1}"#), HOUR / 60),
        (|| response(200, "<html>a portal</html>"), 2 * HOUR),
        (|| response(502, "<html>bad gateway</html>"), 2 * HOUR),
        (|| response(404, "<html>not here</html>"), 2 * HOUR),
        (|| response(500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#), 2 * HOUR),
        (|| response(403, r#"{"errcode":"M_FORBIDDEN","error":"?"}"#), 2 * HOUR),
        (
            || {
                let moved = Response::builder().status(301).header("Location", "/elsewhere");
                Lied::Answer(moved.body(Vec::new()).unwrap())
            },
            2 * HOUR,
        ),
    ]
}

fn posts(phone: &Driver) -> usize {
    phone.sent.iter().filter(|(line, _)| line.starts_with("POST")).count()
}

/// How many backups were created and not shown.
fn not_shown(phone: &Driver) -> usize {
    let is_not_shown = |reason: &&FlowError| matches!(reason, FlowError::NotShown);
    phone.not_created.iter().filter(is_not_shown).count()
}

/// A week in which the user wants a backup whenever they are asked.
fn live_for_a_week(phone: &mut Driver) {
    for _ in 0..7 * 24 * 6 {
        phone.live(HOUR / 6);
        let open = phone.machine.open_questions();
        let open: Vec<_> = open.map(|(id, question)| (id, question.takes_create())).collect();
        for (id, _) in open.into_iter().filter(|(_, takes)| *takes) {
            phone.machine.reply(id, Reply::Create).unwrap();
            phone.run();
        }
    }
}

trait TakesCreate {
    fn takes_create(&self) -> bool;
}

impl TakesCreate for Question {
    fn takes_create(&self) -> bool {
        match self {
            // One without a key cannot be used.
            Self::Use { found, .. } => found.public_key.is_none(),
            Self::SetUp { .. } | Self::Unseen { .. } | Self::Changed { .. } => true,
            _ => false,
        }
    }
}

#[test]
fn whatever_is_said_of_the_backup_the_user_can_have_a_new_one() {
    for (shape, patience) in shapes() {
        let mut phone = Driver::new();
        phone.lie = lie_about("GET /room_keys/version", usize::MAX, shape);
        // Whoever makes a new one loses sight of a good one, so that nobody is asked too soon.
        phone.live(if patience > HOUR { HOUR } else { 10_000 });
        assert_eq!(phone.asked.len(), 0, "{:?}", phone.asked);
        assert_ne!(phone.machine.waiting_for(), []);
        phone.live(patience);
        assert!(matches!(phone.question(), Question::Unseen { .. }));
        phone.lie = None;
        phone.reply(Reply::Create);
        phone.live(HOUR);
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}

#[test]
fn a_backup_that_nobody_can_see_is_made_once_and_used_when_it_shows() {
    for (shape, _) in shapes() {
        let mut phone = Driver::new();
        phone.lie = lie_about("GET /room_keys/version", usize::MAX, shape);
        live_for_a_week(&mut phone);
        assert_eq!((posts(&phone), not_shown(&phone).min(1)), (1, 1));
        assert!(phone.sent.len() < 4_000, "{}", phone.sent.len());
        phone.lie = None;
        phone.live(HOUR);
        assert_eq!(phone.machine.stage(), Stage::Running, "its key was kept");
    }
}

#[test]
fn a_server_that_is_down_for_some_minutes_is_no_reason_to_ask() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.restart();
    phone.lie = lie_about("GET /room_keys/version", 10, || response(502, "bad gateway"));
    phone.live(HOUR);
    assert_eq!((phone.machine.stage(), phone.asked.len()), (Stage::Running, 0));
}

/// A homeserver that does not show what it has made, and what it shows instead.
fn instead() -> [fn() -> Lied; 3] {
    [
        || response(404, r#"{"errcode":"M_NOT_FOUND","error":"none"}"#),
        || response(200, "{}"),
        || response(200, r#"{"version":"1","auth_data":{}}"#),
    ]
}

#[test]
fn a_version_that_is_never_shown_is_told_and_made_a_few_times_a_week() {
    for shown in instead() {
        let mut phone = Driver::new();
        phone.lie = lie_about("GET /room_keys/version", usize::MAX, shown);
        live_for_a_week(&mut phone);
        let posts = posts(&phone);
        assert!((2..12).contains(&posts) && not_shown(&phone) >= posts - 1, "{posts}");
        phone.lie = None;
        phone.live(48 * HOUR);
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}
