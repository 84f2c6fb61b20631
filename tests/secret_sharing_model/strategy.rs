//! How often what happens.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    action::{Action, Change, Crash, Forger, Jump, Kind, Lie, Olm, Policy, Script, Setup, Text},
    cast::{ALL, HOSTS, NAMES, Name, Who},
};

pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let known = prop_oneof![Just(vec![]), Just(NAMES.to_vec()), vec(name(), 0..3)];
    let twins = prop_oneof![5 => Just(false), 1 => Just(true)];
    (vec(policy(), HOSTS.len()), any::<bool>(), known, twins)
        .prop_map(|(policies, pinned, known, twins)| Setup { policies, pinned, known, twins })
}

pub(crate) fn script() -> impl Strategy<Value = Script> {
    vec(scene(), 1..MOST_SCENES).prop_map(|scenes| Script(scenes.concat()))
}

/// One action; or some that belong together, so that requests get somewhere.
fn scene() -> impl Strategy<Value = Vec<Action>> {
    let ask = (host(), name())
        .prop_map(|(host, name)| vec![Action::Ask { host, name, to: vec![] }, Action::DeliverAll]);
    let serve = host().prop_map(|host| vec![Action::Serve { host }, Action::DeliverAll]);
    let begin = (host(), pick()).prop_map(|(host, pick)| {
        vec![Action::Reply { host, pick, yes: true }, Action::Share { host, pick, olm: Olm::Waits }]
    });
    let look = (change(), host())
        .prop_map(|(change, host)| vec![Action::Change(change), Action::Look { host }]);
    let doubt =
        (host(), host(), name(), text(), prop_oneof![fall(), Just(Change::Pin)], any::<bool>());
    let doubt = doubt.prop_map(|(host, other, name, text, change, user)| {
        let (to, from, lie) = (host, Forger::Stolen, Lie::None);
        vec![
            Action::Ask { host, name, to: vec![] },
            Action::DeliverAll,
            Action::ForgeAnswer { from, to, pick: 0, text, lie },
            Action::Serve { host: other },
            Action::DeliverAll,
            Action::Change(change),
            Action::Look { host },
            if user {
                Action::AcceptUnproven { host, pick: 0 }
            } else {
                Action::Learn { host, name }
            },
        ]
    });
    // Another device takes the name of one that asked, and its request.
    let usurp = (host(), host(), name()).prop_map(|(host, claimed, name)| {
        vec![
            Action::Ask { host: claimed, name, to: vec![] },
            Action::DeliverAll,
            Action::Change(Change::Replace(claimed, true)),
            Action::Look { host },
            Action::ForgeRequest { to: host, claimed, pick: 0, name, kind: Kind::Request },
            Action::Reply { host, pick: 1, yes: true },
            Action::Share { host, pick: 0, olm: Olm::Works },
        ]
    });
    // Somebody loses all trust between taking and encrypting.
    let fall = (host(), pick(), fall()).prop_map(|(host, pick, change)| {
        vec![
            Action::Reply { host, pick, yes: true },
            Action::Share { host, pick, olm: Olm::Waits },
            Action::Change(change),
            Action::Look { host },
            Action::Encrypt { host, pick: 0, olm: Olm::Works },
        ]
    });
    prop_oneof![
        20 => action().prop_map(|action| vec![action]),
        2 => ask, 2 => serve, 2 => begin, 1 => look, 1 => fall, 1 => doubt, 1 => usurp,
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => asking(),
        6 => answering(),
        4 => life(),
        9 => network(),
        3 => forging(),
        2 => change().prop_map(Action::Change),
    ]
}

fn asking() -> BoxedStrategy<Action> {
    let to = prop_oneof![4 => Just(vec![]), 1 => vec(who(), 1..3)];
    prop_oneof![
        6 => (host(), name(), to).prop_map(|(host, name, to)| Action::Ask { host, name, to }),
        3 => (host(), pick()).prop_map(|(host, pick)| Action::Retry { host, pick }),
        2 => (host(), pick()).prop_map(|(host, pick)| Action::Cancel { host, pick }),
        4 => (host(), pick()).prop_map(|(host, pick)| Action::AcceptUnproven { host, pick }),
        2 => (host(), name()).prop_map(|(host, name)| Action::Learn { host, name }),
        2 => host().prop_map(|host| Action::Store { host }),
    ]
    .boxed()
}

fn answering() -> BoxedStrategy<Action> {
    let reply = (host(), pick(), prop_oneof![4 => Just(true), 1 => Just(false)]);
    prop_oneof![
        3 => reply.prop_map(|(host, pick, yes)| Action::Reply { host, pick, yes }),
        5 => (host(), pick(), olm()).prop_map(|(host, pick, olm)| Action::Share { host, pick, olm }),
        2 => (host(), pick(), olm()).prop_map(|(host, pick, olm)| Action::Encrypt { host, pick, olm }),
        2 => host().prop_map(|host| Action::Serve { host }),
    ]
    .boxed()
}

fn life() -> BoxedStrategy<Action> {
    let crash = select(vec![Crash::BeforeSaving, Crash::BeforeSending, Crash::BetweenSaving]);
    let other_policy = prop_oneof![3 => Just(None), 1 => policy().prop_map(Some)];
    let restart = (host(), crash, other_policy);
    let jump = prop_oneof![
        2 => Just(Jump::Second), 3 => Just(Jump::Window), 1 => Just(Jump::Lifetime),
        1 => Just(Jump::Memory), 1 => Just(Jump::BackADay), 1 => Just(Jump::ToZero),
    ];
    prop_oneof![
        2 => host().prop_map(|host| Action::Expire { host }),
        3 => host().prop_map(|host| Action::Hold { host }),
        1 => host().prop_map(|host| Action::Flush { host }),
        3 => restart.prop_map(|(host, crash, policy)| Action::Restart { host, crash, policy }),
        2 => (host(), jump).prop_map(|(host, jump)| Action::Clock { host, jump }),
        2 => host().prop_map(|host| Action::Look { host }),
    ]
    .boxed()
}

fn network() -> BoxedStrategy<Action> {
    prop_oneof![
        6 => pick().prop_map(|pick| Action::Deliver { pick }),
        4 => Just(Action::DeliverAll),
        1 => pick().prop_map(|pick| Action::Lose { pick }),
        2 => (pick(), who()).prop_map(|(pick, to)| Action::Replay { pick, to }),
    ]
    .boxed()
}

fn forging() -> BoxedStrategy<Action> {
    let kind = prop_oneof![
        6 => Just(Kind::Request), 2 => Just(Kind::Cancellation),
        1 => Just(Kind::CancellationOfADraft), 1 => Just(Kind::Unknown),
        1 => Just(Kind::OfMallory), 1 => Just(Kind::PlainAnswer), 1 => Just(Kind::Broken),
    ];
    let request = (host(), who(), pick(), name(), kind);
    let request = request.prop_map(|(to, claimed, pick, name, kind)| Action::ForgeRequest {
        to,
        claimed,
        pick,
        name,
        kind,
    });
    let flood = (host(), who()).prop_map(|(to, claimed)| Action::Flood { to, claimed });
    let from = prop_oneof![
        4 => Just(Forger::Stolen), 1 => Just(Forger::Rogue), 1 => Just(Forger::Mallory),
    ];
    let lie = prop_oneof![
        8 => Just(Lie::None), 1 => Just(Lie::Ed25519), 1 => Just(Lie::Recipient),
        1 => Just(Lie::Sender), 1 => Just(Lie::PayloadSender), 1 => Just(Lie::Type),
    ];
    let answer = (from, host(), pick(), text(), lie);
    let answer = answer.prop_map(|(from, to, pick, text, lie)| Action::ForgeAnswer {
        from,
        to,
        pick,
        text,
        lie,
    });
    prop_oneof![4 => request, 1 => flood, 6 => answer].boxed()
}

fn change() -> BoxedStrategy<Change> {
    let mostly = prop_oneof![3 => Just(true), 1 => Just(false)];
    prop_oneof![
        4 => (who(), mostly).prop_map(|(who, yes)| Change::Verify(who, yes)),
        2 => (who(), any::<bool>()).prop_map(|(who, yes)| Change::Block(who, yes)),
        1 => who().prop_map(Change::Delete),
        2 => (who(), any::<bool>()).prop_map(|(who, verified)| Change::Replace(who, verified)),
        1 => who().prop_map(Change::TwinOfName),
        1 => who().prop_map(Change::TwinOfKeys),
        2 => Just(Change::Pin),
        2 => Just(Change::Reset),
        3 => Just(Change::Heal),
    ]
    .boxed()
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => Just(Text::Right), 2 => Just(Text::OfAnotherName), 1 => Just(Text::OfAnotherIdentity),
        3 => (0..8_u8).prop_map(Text::Foreign), 2 => Just(Text::Garbage), 1 => Just(Text::Huge),
    ]
}

fn fall() -> impl Strategy<Value = Change> {
    prop_oneof![
        host().prop_map(|who| Change::Block(who, true)),
        host().prop_map(|who| Change::Verify(who, false)),
        host().prop_map(|who| Change::Replace(who, true)),
        host().prop_map(Change::Delete),
        Just(Change::Reset),
    ]
}

fn olm() -> impl Strategy<Value = Olm> {
    prop_oneof![
        8 => Just(Olm::Works), 3 => Just(Olm::NoSession), 7 => Just(Olm::Waits),
        1 => Just(Olm::ForRogue), 1 => Just(Olm::ForTwo), 1 => Just(Olm::FromAnotherKey),
        1 => Just(Olm::WrongSecret),
    ]
}

/// Some more than others, so that what one began is gone on with.
fn host() -> impl Strategy<Value = Who> {
    prop_oneof![
        5 => Just(Who::Phone), 4 => Just(Who::Laptop), 2 => Just(Who::Tablet), 2 => Just(Who::New),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    select(ALL.to_vec())
}

fn name() -> impl Strategy<Value = Name> {
    select(NAMES.to_vec())
}

fn policy() -> impl Strategy<Value = Policy> {
    select(vec![Policy::Asks, Policy::Shares, Policy::Tight])
}

fn pick() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0), 4 => 0..8_usize]
}

const MOST_SCENES: usize = 60;
