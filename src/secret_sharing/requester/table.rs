//! The whole table of the requester, pair by pair.

use super::{
    outcome::RequesterError,
    step::{Event, RequestState, step},
};

/// All states, the unknown one first. A new variant does not compile until it is here.
fn states() -> Vec<Option<RequestState>> {
    let mut all = vec![None];
    let mut next = Some(RequestState::Open);
    while let Some(state) = next {
        all.push(Some(state));
        next = match state {
            RequestState::Open => Some(RequestState::Received),
            RequestState::Received => Some(RequestState::Stored),
            RequestState::Stored => Some(RequestState::Cancelled),
            RequestState::Cancelled => Some(RequestState::Expired),
            RequestState::Expired => None,
        };
    }
    all
}

/// All events, in the order of the columns.
fn events() -> Vec<Event> {
    let mut all = Vec::new();
    let mut next = Some(Event::Open);
    while let Some(event) = next {
        all.push(event);
        next = match event {
            Event::Open => Some(Event::Retry),
            Event::Retry => Some(Event::Answer),
            Event::Answer => Some(Event::Accept),
            Event::Accept => Some(Event::Stored),
            Event::Stored => Some(Event::Cancel),
            Event::Cancel => Some(Event::Expire),
            Event::Expire => None,
        };
    }
    all
}

type Next = Result<Option<RequestState>, RequesterError>;

#[rustfmt::skip]
fn rows() -> Vec<(Option<RequestState>, Vec<Next>)> {
    use RequestState::{Cancelled, Expired, Open, Received, Stored};
    use RequesterError as No;
    let to = |state| Ok(Some(state));
    vec![
        //                Open                      Retry                     Answer                    Accept                    Stored                    Cancel                    Expire
        (None,            vec![to(Open),            Err(No::Unknown),         Err(No::Unknown),         Err(No::Unknown),         Err(No::Unknown),         Err(No::Unknown),         Err(No::Unknown)]),
        (Some(Open),      vec![Err(No::AlreadyOpen), to(Open),                to(Open),                 to(Received),             Err(No::NotReceived),     to(Cancelled),            to(Expired)]),
        (Some(Received),  vec![Err(No::AlreadyReceived), Err(No::AlreadyReceived), Err(No::AlreadyReceived), Err(No::AlreadyReceived), to(Stored),       Err(No::AlreadyReceived), to(Received)]),
        (Some(Stored),    vec![Err(No::AlreadyStored), Err(No::AlreadyStored), Err(No::AlreadyStored),  Err(No::AlreadyStored),   Err(No::AlreadyStored),   Err(No::AlreadyStored),   Ok(None)]),
        (Some(Cancelled), vec![Err(No::Cancelled),  Err(No::Cancelled),       Err(No::Cancelled),       Err(No::Cancelled),       Err(No::Cancelled),       Err(No::Cancelled),       Ok(None)]),
        (Some(Expired),   vec![Err(No::Expired),    Err(No::Expired),         Err(No::Expired),         Err(No::Expired),         Err(No::Expired),         Err(No::Expired),         Ok(None)]),
    ]
}

#[test]
fn every_state_meets_every_event_as_the_table_says() {
    let rows = rows();
    assert_eq!(rows.iter().map(|(state, _)| *state).collect::<Vec<_>>(), states());
    for (state, expected) in rows {
        let found: Vec<_> = events().into_iter().map(|event| step(state, event)).collect();
        assert_eq!(found, expected, "{state:?}");
    }
}
