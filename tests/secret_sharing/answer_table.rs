//! Every state of an answer meets everything that can happen to it, through the responder itself.

use strongroom::secret_sharing::{AnswerState, Decision, IncomingRequest, Responder, SharePolicy};

use crate::{
    kit::{
        DAY_MS, asked, backup_key, backup_request, cancellation, decide, olm, responder,
        seen_by_laptop,
    },
    machines::restart_responder,
    source,
    table::{Table, refusal},
};

/// What is refused is named, and changes nothing. `request` comes under a policy that asks, `shared` under
/// one that does not.
const TABLE: &str = "
              Unknown    Asking      Allowed    Answered          Refused    Cancelled
request       Asking     !Asking     Allowed    !AlreadyAnswered  !Refused   !Cancelled
shared        Allowed    !Asking     Allowed    !AlreadyAnswered  !Refused   !Cancelled
cancellation  Cancelled  Cancelled   Cancelled  !AlreadyAnswered  Cancelled  Cancelled
allow         !Unknown   Allowed     Allowed    !AlreadyAnswered  !Refused   !Cancelled
refuse        !Unknown   Refused     Refused    !AlreadyAnswered  !Refused   !Cancelled
take          !Unknown   !Asking     Allowed    !AlreadyAnswered  !Refused   !Cancelled
encrypted     !Unknown   !Asking     Answered   !AlreadyAnswered  !Refused   !Cancelled
no_session    !Unknown   !Asking     Allowed    !AlreadyAnswered  !Refused   !Cancelled
soon          Unknown    Asking      Allowed    Answered          Refused    Cancelled
day           Unknown    Unknown     Unknown    Answered          Refused    Cancelled
days          Unknown    Unknown     Unknown    Answered          Refused    Cancelled
week          Unknown    Unknown     Unknown    Unknown           Unknown    Unknown
";

const ROWS_OF: [(&str, &[&str]); 7] = [
    ("receive", &["request", "shared", "cancellation"]),
    ("allow", &["allow"]),
    ("refuse", &["refuse"]),
    ("take", &["take"]),
    ("encrypted", &["encrypted"]),
    ("no_session", &["no_session"]),
    ("expire", &["soon", "day", "days", "week"]),
];

#[test]
fn every_answer_meets_everything_as_the_table_says() {
    let table = Table::new(TABLE);
    table.assert_columns(source::variants("AnswerState"));
    table.assert_rows("Responder", &ROWS_OF);
    for is_restarted in [false, true] {
        for (state, what, expected) in table.pairs() {
            let (mut responder, incoming) = responder_in(state);
            assert_eq!(name_of(&responder), state);
            if is_restarted {
                responder = restart_responder(&responder.save(), &SharePolicy::default());
            }
            let found = match happens(&mut responder, &incoming, what) {
                Some(refusal) => {
                    assert_eq!(name_of(&responder), state, "{what}: unchanged");
                    format!("!{refusal}")
                }
                None => name_of(&responder),
            };
            assert_eq!(found, expected, "{state}, {what}, restarted: {is_restarted}");
        }
    }
}

/// A responder whose one request is in a state.
fn responder_in(state: &str) -> (Responder, IncomingRequest) {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    match state {
        "Unknown" => return (crate::kit::responder(), incoming),
        "Asking" => {}
        "Allowed" => responder.allow(&incoming, 0).unwrap(),
        "Answered" => {
            responder.allow(&incoming, 0).unwrap();
            let devices = seen_by_laptop();
            let taken = responder.take(&incoming, &backup_key(), &devices, 0).unwrap();
            let content = olm(&taken);
            responder.encrypted(taken, content, &devices, 0).unwrap();
        }
        "Refused" => responder.refuse(&incoming, 0).unwrap(),
        "Cancelled" => {
            decide(&mut responder, &cancellation("PHONE", "1"), &seen_by_laptop(), 0);
        }
        other => panic!("no way into {other}"),
    }
    (responder, incoming)
}

/// What happens to an answer; the name of the refusal, if it is one.
fn happens(responder: &mut Responder, incoming: &IncomingRequest, what: &str) -> Option<String> {
    let devices = seen_by_laptop();
    // A secret that was taken from another responder, in which the request is allowed.
    let taken = || {
        let (mut other, incoming) = responder_in("Allowed");
        other.take(&incoming, &backup_key(), &seen_by_laptop(), 0).unwrap()
    };
    match what {
        "request" | "shared" => comes(responder, what == "shared"),
        "cancellation" => is_cancelled(responder),
        "allow" => responder.allow(incoming, 0).err().and_then(|error| refusal(&error)),
        "refuse" => responder.refuse(incoming, 0).err().and_then(|error| refusal(&error)),
        "take" => {
            let taken = responder.take(incoming, &backup_key(), &devices, 0);
            taken.err().and_then(|error| refusal(&error))
        }
        "encrypted" => {
            let taken = taken();
            let content = olm(&taken);
            let done = responder.encrypted(taken, content, &devices, 0);
            done.err().and_then(|error| refusal(&error))
        }
        "no_session" => responder.no_session(taken(), 0).err().and_then(|error| refusal(&error)),
        "soon" => expires(responder, DAY_MS - 1),
        "day" => expires(responder, DAY_MS),
        "days" => expires(responder, 7 * DAY_MS - 1),
        "week" => expires(responder, 7 * DAY_MS),
        other => panic!("nothing is called {other}"),
    }
}

/// The request comes, or comes again.
fn comes(responder: &mut Responder, is_shared: bool) -> Option<String> {
    if is_shared {
        let policy = SharePolicy::without_questions();
        *responder = restart_responder(&responder.save(), &policy);
    }
    let was_known = name_of(responder) != "Unknown";
    match decide(responder, &backup_request("1"), &seen_by_laptop(), 0) {
        Decision::Ignore(reason) => refusal(&reason),
        Decision::AskUser(_) => {
            assert!(!is_shared && !was_known, "it is asked once");
            None
        }
        Decision::Share(_) => None,
        other => panic!("{other:?}"),
    }
}

fn is_cancelled(responder: &mut Responder) -> Option<String> {
    let before = name_of(responder);
    let decision = decide(responder, &cancellation("PHONE", "1"), &seen_by_laptop(), 0);
    let was_waiting = ["Asking", "Allowed"].contains(&before.as_str());
    assert_eq!(matches!(decision, Decision::Withdraw(_)), was_waiting, "{before}");
    let is_refused = before == name_of(responder) && before != "Cancelled";
    is_refused.then(|| refusal(&decision)).flatten()
}

/// What was waiting is reported when it ends, and nothing else.
fn expires(responder: &mut Responder, now: u64) -> Option<String> {
    let waiting: Vec<_> = responder.waiting().map(|(incoming, _)| incoming).collect();
    let ended = responder.expire(now);
    let is_over = now >= DAY_MS;
    assert_eq!(ended, if is_over { waiting } else { Vec::new() });
    None
}

fn name_of(responder: &Responder) -> String {
    let state: Option<AnswerState> = responder.state(&"PHONE".into(), &"1".into());
    state.map_or("Unknown".to_owned(), |state| format!("{state:?}"))
}
