//! Every state of a request meets everything that can happen to it, through the requester itself.

use strongroom::{
    ids::RequestId,
    secret_sharing::{Receipt, RequestState, Requester},
    secret_value::PublicKeys,
};

use crate::{
    kit::{DAY_MS, answer, ask_with_seed, key, known, laptop, receive, requester, seen_by_phone},
    machines::restart_requester,
    source,
    table::{Table, refusal},
};

/// What is refused is named, and changes nothing.
const TABLE: &str = "
            Unknown   Open          Received          Stored          Cancelled   Expired
open        Open      !AlreadyOpen  !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
retry       !Unknown  Open          !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
fits        !Unknown  Received      !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
undecided   !Unknown  Open          !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
misfit      !Unknown  !PublicKey    !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
unproven    !Unknown  !NoCandidate  !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
believed    !Unknown  Received      !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
learn       Unknown   Open          Received          Stored          Cancelled   Expired
proven      Unknown   Received      Received          Stored          Cancelled   Expired
disproven   Unknown   Open          Received          Stored          Cancelled   Expired
stored      !Unknown  !NotReceived  Stored            !AlreadyStored  !Cancelled  !Expired
cancel      !Unknown  Cancelled     !AlreadyReceived  !AlreadyStored  !Cancelled  !Expired
soon        Unknown   Open          Received          Stored          Cancelled   Expired
day         Unknown   Expired       Received          Stored          Cancelled   Expired
days        Unknown   Expired       Received          Stored          Cancelled   Expired
week        Unknown   Expired       Received          Unknown         Unknown     Expired
longer      Unknown   Expired       Received          Unknown         Unknown     Unknown
";

const ROWS_OF: [(&str, &[&str]); 9] = [
    ("request", &["open"]),
    ("request_with_rng", &["open"]),
    ("retry", &["retry"]),
    ("receive", &["fits", "undecided", "misfit"]),
    ("accept_unproven", &["unproven", "believed"]),
    ("learn", &["learn", "proven", "disproven"]),
    ("stored", &["stored"]),
    ("cancel", &["cancel"]),
    ("expire", &["soon", "day", "days", "week", "longer"]),
];

#[test]
fn every_request_meets_everything_as_the_table_says() {
    let table = Table::new(TABLE);
    table.assert_columns(source::variants("RequestState"));
    table.assert_rows("Requester", &ROWS_OF);
    for is_restarted in [false, true] {
        for (state, what, expected) in table.pairs() {
            let (mut requester, id) = requester_in(state);
            assert_eq!(name_of(requester.state(&id)), state);
            if is_restarted {
                requester = restart_requester(&requester.save());
            }
            let found = match happens(&mut requester, &id, what) {
                Some(refusal) => {
                    assert_eq!(name_of(requester.state(&id)), state, "{what}: unchanged");
                    format!("!{refusal}")
                }
                None => name_of(requester.state(&id)),
            };
            assert_eq!(found, expected, "{state}, {what}, restarted: {is_restarted}");
        }
    }
}

/// A requester whose one request is in a state.
fn requester_in(state: &str) -> (Requester, RequestId) {
    let mut requester = requester();
    let id = ask_with_seed(&mut requester, SEED).unwrap();
    let accept = |requester: &mut Requester| {
        let event = answer(&laptop(), &id, &key(8));
        receive(requester, &event, &seen_by_phone(), &known(8), 0);
    };
    match state {
        "Unknown" => return (crate::kit::requester(), id),
        "Open" => {}
        "Received" => accept(&mut requester),
        "Stored" => {
            accept(&mut requester);
            requester.stored(&id).unwrap();
        }
        "Cancelled" => drop(requester.cancel(&id).unwrap()),
        "Expired" => drop(requester.expire(DAY_MS)),
        other => panic!("no way into {other}"),
    }
    (requester, id)
}

/// What happens to a request; the name of the refusal, if it is one.
fn happens(requester: &mut Requester, id: &RequestId, what: &str) -> Option<String> {
    let devices = seen_by_phone();
    let now = now(requester, id);
    let sent = |requester: &mut Requester, keys: &PublicKeys| {
        let event = answer(&laptop(), id, &key(8));
        match receive(requester, &event, &devices, keys, now) {
            Receipt::Dropped(dropped) => refusal(&dropped.reason),
            _ => None,
        }
    };
    let nothing = PublicKeys::default();
    match what {
        "open" => ask_with_seed(requester, SEED).err().and_then(|error| refusal(&error)),
        "retry" => requester.retry(id, &devices, now).err().and_then(|error| refusal(&error)),
        "fits" => sent(requester, &known(8)),
        "undecided" => sent(requester, &nothing),
        "misfit" => sent(requester, &known(9)),
        "unproven" | "believed" => {
            if what == "believed" {
                sent(requester, &nothing);
            }
            let accepted = requester.accept_unproven(id, &"LAPTOP".into(), &devices, now);
            accepted.err().and_then(|error| refusal(&error))
        }
        "learn" | "proven" | "disproven" => {
            if what != "learn" {
                sent(requester, &nothing);
            }
            requester.learn(&devices, &known(if what == "disproven" { 9 } else { 8 }), now);
            None
        }
        "stored" => requester.stored(id).err().and_then(|error| refusal(&error)),
        "cancel" => requester.cancel(id).err().and_then(|error| refusal(&error)),
        "soon" => expires(requester, now.max(DAY_MS - 1)),
        "day" => expires(requester, DAY_MS),
        "days" => expires(requester, 7 * DAY_MS - 1),
        "week" => expires(requester, 7 * DAY_MS),
        "longer" => expires(requester, 8 * DAY_MS),
        other => panic!("nothing is called {other}"),
    }
}

/// What was open is reported when it ends, with its cancellation, and nothing else.
fn expires(requester: &mut Requester, now: u64) -> Option<String> {
    let open = requester.requests().filter(|(_, _, state)| *state == RequestState::Open).count();
    let ended = requester.expire(now);
    assert_eq!(ended.len(), if now < DAY_MS { 0 } else { open });
    assert!(ended.iter().all(|ended| ended.cancellation.is_some()));
    None
}

/// An expired request was expired a day later than it was made.
fn now(requester: &Requester, id: &RequestId) -> u64 {
    if name_of(requester.state(id)) == "Expired" { DAY_MS } else { 0 }
}

fn name_of(state: Option<RequestState>) -> String {
    match state {
        None => "Unknown".to_owned(),
        Some(state) => format!("{state:?}"),
    }
}

/// The same seed is the same ID.
const SEED: u64 = 1;
