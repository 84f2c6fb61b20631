//! The whole table of the responder, pair by pair.

use super::{
    outcome::ResponderError,
    step::{AnswerState, Event, step},
};

/// All states, the unknown one first. A new variant does not compile until it is here.
fn states() -> Vec<Option<AnswerState>> {
    let mut all = vec![None];
    let mut next = Some(AnswerState::Asking);
    while let Some(state) = next {
        all.push(Some(state));
        next = match state {
            AnswerState::Asking => Some(AnswerState::Allowed),
            AnswerState::Allowed => Some(AnswerState::Answered),
            AnswerState::Answered => Some(AnswerState::Refused),
            AnswerState::Refused => Some(AnswerState::Cancelled),
            AnswerState::Cancelled => None,
        };
    }
    all
}

/// All events, in the order of the columns.
fn events() -> Vec<Event> {
    let mut all = Vec::new();
    let mut next = Some(Event::ComesToShare);
    while let Some(event) = next {
        all.push(event);
        next = match event {
            Event::ComesToShare => Some(Event::ComesToAsk),
            Event::ComesToAsk => Some(Event::Cancellation),
            Event::Cancellation => Some(Event::Allow),
            Event::Allow => Some(Event::Refuse),
            Event::Refuse => Some(Event::Take),
            Event::Take => Some(Event::Encrypted),
            Event::Encrypted => Some(Event::NoSession),
            Event::NoSession => Some(Event::Expire),
            Event::Expire => None,
        };
    }
    all
}

type Next = Result<Option<AnswerState>, ResponderError>;

#[rustfmt::skip]
fn rows() -> Vec<(Option<AnswerState>, Vec<Next>)> {
    use AnswerState::{Allowed, Answered, Asking, Cancelled, Refused};
    use ResponderError as No;
    let to = |state| Ok(Some(state));
    let (unknown, asking) = (Err(No::Unknown), Err(No::Asking));
    let (done, refused, back) = (Err(No::AlreadyAnswered), Err(No::Refused), Err(No::Cancelled));
    vec![
        //                ComesToShare ComesToAsk   Cancellation   Allow        Refuse       Take         Encrypted     NoSession    Expire
        (None,            vec![to(Allowed), to(Asking),  to(Cancelled), unknown,     unknown,     unknown,     unknown,      unknown,     Ok(None)]),
        (Some(Asking),    vec![asking,      asking,      to(Cancelled), to(Allowed), to(Refused), asking,      asking,       asking,      Ok(None)]),
        (Some(Allowed),   vec![to(Allowed), to(Allowed), to(Cancelled), to(Allowed), to(Refused), to(Allowed), to(Answered), to(Allowed), Ok(None)]),
        (Some(Answered),  vec![done,        done,        done,          done,        done,        done,        done,         done,        Ok(None)]),
        (Some(Refused),   vec![refused,     refused,     to(Cancelled), refused,     refused,     refused,     refused,      refused,     Ok(None)]),
        (Some(Cancelled), vec![back,        back,        to(Cancelled), back,        back,        back,        back,         back,        Ok(None)]),
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
